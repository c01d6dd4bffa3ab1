#include "compute/device/config_drive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <vector>

#include <stratolet/error.hpp>

#include "platform/os/fd.hpp"
#include "platform/os/process.hpp"
#include "platform/os/temporary_folder.hpp"

namespace stratolet::compute {
namespace {

constexpr const char* label = "config-2"; // by which guests find it

void freeArchive(archive* it) { archive_write_free(it); }
void freeEntry(archive_entry* it) { archive_entry_free(it); }

void require(archive* disc, int status) {
    if (status >= ARCHIVE_WARN) return;
    const char* why = archive_error_string(disc);
    throw Error(Failure::Broken, "could not make a config drive: ", why ? why : "no reason given");
}

/// "openstack", "openstack/latest" of "openstack/latest/user_data".
std::set<std::string> foldersOf(const std::map<std::string, std::string>& files) {
    std::set<std::string> folders;
    for (const auto& [path, content] : files)
        for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
            folders.insert(path.substr(0, slash));
    return folders;
}

std::string iso(const std::map<std::string, std::string>& files) {
    const Handle<archive, freeArchive> disc(archive_write_new());
    require(disc.get(), archive_write_set_format_iso9660(disc.get()));
    require(disc.get(), archive_write_set_options(
                            disc.get(), (std::string("volume-id=") + label + ",joliet,rockridge=useful").c_str()));
    std::string bytes;
    const auto append = [](archive*, void* to, const void* from, std::size_t size) -> la_ssize_t {
        static_cast<std::string*>(to)->append(static_cast<const char*>(from), size);
        return static_cast<la_ssize_t>(size);
    };
    require(disc.get(), archive_write_open2(disc.get(), &bytes, nullptr, append, nullptr, nullptr));
    const auto add = [&](const std::string& path, unsigned type, const std::string& content) {
        const Handle<archive_entry, freeEntry> entry(archive_entry_new());
        archive_entry_set_pathname(entry.get(), path.c_str());
        archive_entry_set_filetype(entry.get(), type);
        archive_entry_set_perm(entry.get(), type == AE_IFDIR ? 0755 : 0644);
        archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
        require(disc.get(), archive_write_header(disc.get(), entry.get()));
        if (!content.empty() && archive_write_data(disc.get(), content.data(), content.size()) < 0)
            require(disc.get(), ARCHIVE_FATAL);
    };
    for (const auto& folder : foldersOf(files)) add(folder, AE_IFDIR, "");
    for (const auto& [path, content] : files) add(path, AE_IFREG, content);
    require(disc.get(), archive_write_close(disc.get()));
    return bytes;
}

std::string vfat(const std::map<std::string, std::string>& files) {
    namespace fs = std::filesystem;
    constexpr std::int64_t least = 1 << 20, block = 1 << 10;
    const TemporaryFolder folder("stratolet-config-drive");
    const auto root = folder.path() / "root", disc = folder.path() / "disc";
    fs::create_directory(root);
    std::int64_t bytes = least;
    for (const auto& [path, content] : files) {
        fs::create_directories((root / path).parent_path());
        std::ofstream(root / path, std::ios::binary) << content;
        bytes += (static_cast<std::int64_t>(content.size()) / block + 8) * block;
    }
    process::run({.argv = {"mkfs.vfat", "-C", "-n", label, disc.string(), std::to_string(bytes / block)}})
        .expectSuccess();
    std::vector<std::string> copy{"mcopy", "-s", "-Q", "-i", disc.string()};
    for (const auto& entry : fs::directory_iterator(root)) copy.push_back(entry.path().string());
    copy.emplace_back("::");
    process::run({.argv = copy}).expectSuccess();
    std::ifstream file(disc, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

}

std::string configDriveOf(const std::map<std::string, std::string>& files, ConfigDriveFormat format) {
    return format == ConfigDriveFormat::Iso9660 ? iso(files) : vfat(files);
}

}
