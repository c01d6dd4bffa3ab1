#include "block/driver/backup_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include <stratolet/error.hpp>

#include "platform/os/fd.hpp"
#include "platform/os/folder.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view prefix = "backup-";

class BackupFolder : public BackupStore {
public:
    explicit BackupFolder(fs::path folder) : folder_(std::move(folder)) {}

    std::string_view name() const override { return "backups"; }

    void put(const BackupId& backup, int object, std::span<const std::byte> bytes) override {
        const auto folder = folderOf(backup);
        if (!fs::exists(folder)) {
            ensureFolder(folder, Lets::Nobody);
            syncFolder(folder_);
        }
        const auto file = fileOf(backup, object);
        const auto part = fs::path(file) += ".part";
        {
            const Fd open(static_cast<int>(
                check(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600),
                      "make a file of a backup")));
            writeAll(open.get(), bytes, "write a backup");
            check(::fsync(open.get()), "flush a backup");
        }
        fs::rename(part, file);
        syncFolder(folder);
    }

    std::optional<std::int64_t> lengthOf(const BackupId& backup, int object) override {
        struct stat about {};
        if (::stat(fileOf(backup, object).c_str(), &about) == 0) return about.st_size;
        if (errno == ENOENT) return std::nullopt;
        check(-1, "look at a backup");
        return std::nullopt;
    }

    void get(const BackupId& backup, int object, std::int64_t at, std::span<std::byte> into) override {
        const Fd open(static_cast<int>(
            check(::open(fileOf(backup, object).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW), "open a backup")));
        while (!into.empty()) {
            const auto got = check(::pread(open.get(), into.data(), into.size(), at), "read a backup");
            if (got == 0) throw Error(Failure::Broken, "object ", object, " of backup ", backup, " is too short");
            into = into.subspan(static_cast<std::size_t>(got));
            at += got;
        }
    }

    void discard(const BackupId& backup) override {
        const auto folder = folderOf(backup);
        if (!fs::exists(folder)) return;
        fs::remove_all(folder);
        syncFolder(folder_);
    }

    std::vector<BackupId> present() override {
        std::vector<BackupId> found;
        if (!fs::exists(folder_)) return found;
        for (const auto& entry : fs::directory_iterator(folder_)) {
            const auto name = entry.path().filename().string();
            if (name.starts_with(prefix) && isUuid(name.substr(prefix.size())))
                found.push_back({name.substr(prefix.size())});
        }
        return found;
    }

private:
    fs::path folderOf(const BackupId& backup) const {
        if (!isUuid(backup.text)) throw Error(Failure::Broken, "a backup id cannot be a file name: ", backup);
        return folder_ / (std::string(prefix) + backup.text);
    }
    fs::path fileOf(const BackupId& backup, int object) const {
        char name[16];
        std::snprintf(name, sizeof name, "%06d", object);
        return folderOf(backup) / name;
    }

    fs::path folder_;
};

}

std::unique_ptr<BackupStore> backupFolder(const fs::path& folder) { return std::make_unique<BackupFolder>(folder); }

}
