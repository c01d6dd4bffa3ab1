#include "appliance/operator/image_fetch.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <sstream>

#include <stratolet/error.hpp>

#include "appliance/operator/local_cloud.hpp"
#include "appliance/operator/table.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/temporary_folder.hpp"
#include "platform/resources.hpp"
#include "platform/text/text.hpp"
#include "platform/web/web.hpp"

namespace stratolet {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::int64_t imageBytesMax = std::int64_t(64) << 30, checksumBytesMax = 1 << 20;

std::vector<KnownImage> tableFrom(const std::optional<fs::path>& file) {
    if (!file) return knownImagesIn(embedded("config/images.json"));
    std::ifstream in(*file);
    if (!in) throw Error(Failure::Invalid, file->string(), " cannot be read");
    std::ostringstream text;
    text << in.rdbuf();
    return knownImagesIn(text.str());
}

KnownImage imageCalled(const std::vector<KnownImage>& all, const std::string& name) {
    std::string names;
    for (const auto& each : all) {
        if (each.name == name) return each;
        names += (names.empty() ? "" : ", ") + each.name;
    }
    throw Error(Failure::Invalid, "no image \"", name, "\" is known; these are: ", names);
}

/// A file of a stranger's. Offline one is told how to do without.
void download(const std::string& url, std::int64_t bytesMax,
              const std::function<void(std::span<const std::byte>)>& take,
              const std::function<void(std::int64_t, std::int64_t)>& progress = {}) {
    try {
        web::fetch(
            {.url = url, .bytesMax = bytesMax, .pace = web::Pace{.bytesPerSecondMin = 1 << 10}, .progress = progress},
            take);
    } catch (const Error& problem) {
        throw Error(Failure::Invalid, url, ": ", problem.what(),
                    " Without a way there, take the file elsewhere, look at its checksum, bring it here, and say: "
                    "openstack image create --public --disk-format qcow2 --file FILE NAME");
    }
}

/// One line that is written over itself, on a terminal alone.
std::function<void(std::int64_t, std::int64_t)> progressOf(const std::string& doing) {
    if (!::isatty(STDERR_FILENO)) return {};
    return [doing, told = std::chrono::steady_clock::time_point()](std::int64_t done, std::int64_t total) mutable {
        const auto now = std::chrono::steady_clock::now();
        if (done < total && now - told < 200ms) return;
        told = now;
        std::cerr << '\r' << doing << ' ' << sizeText(done) << (total > 0 ? " of " + sizeText(total) : "") << "   "
                  << (total > 0 && done >= total ? "\n" : "") << std::flush;
    };
}

std::string nameIn(const std::string& url) { return url.substr(url.rfind('/') + 1); }

std::string published(const KnownImage& image) {
    std::string text;
    download(image.checksums, checksumBytesMax, [&](std::span<const std::byte> bytes) {
        text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    });
    const auto found = checksumOf(text, nameIn(image.url));
    if (!found)
        throw Error(Failure::Invalid, image.checksums, " says nothing of ", nameIn(image.url),
                    ": without a checksum nothing is taken");
    return *found;
}

void downloadVerified(const KnownImage& image, const fs::path& file) {
    const auto wanted = published(image);
    {
        const Fd out(static_cast<int>(
            check(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "write " + file.string())));
        download(
            image.url, imageBytesMax,
            [&](std::span<const std::byte> bytes) { writeAll(out.get(), bytes, "write " + file.string()); },
            progressOf("download"));
    }
    const auto found = digestOf(file, image.digest);
    if (found != wanted)
        throw Error(Failure::Invalid, image.url, " is not what its publisher says: its ", image.digest, " is ", found,
                    ", ", image.checksums, " says ", wanted, ". Nothing was kept");
}

/// As an image of the cloud, or not at all.
std::string imported(LocalCloud& cloud, const KnownImage& image, const fs::path& file) {
    cloud.becomesAdministrator();
    const auto id = cloud
                        .asks("POST", "/image/v2/images",
                              R"({"name":)" + jsonText(image.name) + R"(,"disk_format":)" + jsonText(image.diskFormat) +
                                  R"(,"container_format":"bare","visibility":"public","min_disk":)" +
                                  std::to_string(image.minDisk) + R"(,"os_admin_user":)" + jsonText(image.user) + "}")
                        .text("id");
    try {
        cloud.sends("/image/v2/images/" + id + "/file", file, progressOf("upload"));
    } catch (const Error&) {
        cloud.asks("DELETE", "/image/v2/images/" + id);
        throw;
    }
    return id;
}

}

std::vector<KnownImage> knownImagesIn(std::string_view json) {
    std::vector<KnownImage> all;
    for (const auto& each : Json::parse(json).array("images").items()) {
        each.onlyKnows({"name", "description", "url", "checksums", "digest", "disk_format", "user", "min_disk"});
        KnownImage image{each.text("name"),   each.text("description"),
                         each.text("url"),    each.text("checksums"),
                         each.text("digest"), each.text("disk_format"),
                         each.text("user"),   static_cast<int>(each.integer("min_disk", 0))};
        for (const auto* name : {"url", "checksums"})
            if (!web::parsed(each.text(name))) each.at(name).refuse("It is no http or https address.");
        all.push_back(std::move(image));
    }
    return all;
}

std::optional<std::string> checksumOf(std::string_view checksums, std::string_view file) {
    const auto isHex = [](std::string_view text) {
        return text.size() >= 32 && text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    };
    std::vector<std::string_view> lone;
    for (const auto line : split(checksums, '\n')) {
        const auto text = trimmed(line);
        if (const auto open = text.find(" ("), close = text.find(") = ");
            open != std::string_view::npos && close != std::string_view::npos && open < close) {
            if (text.substr(open + 2, close - open - 2) == file && isHex(text.substr(close + 4)))
                return lowered(text.substr(close + 4));
            continue;
        }
        const auto blank = text.find_first_of(" \t");
        const auto hex = text.substr(0, blank);
        if (!isHex(hex)) continue;
        if (blank == std::string_view::npos) {
            lone.push_back(hex);
            continue;
        }
        auto name = trimmed(text.substr(blank));
        if (name.starts_with('*')) name.remove_prefix(1);
        if (name.starts_with("./")) name.remove_prefix(2);
        if (name == file) return lowered(hex);
    }
    return lone.size() == 1 ? std::optional(lowered(lone.front())) : std::nullopt;
}

std::string digestOf(const fs::path& file, const std::string& digest) {
    const auto* kind = digest == "md5"      ? EVP_md5()
                       : digest == "sha256" ? EVP_sha256()
                       : digest == "sha512" ? EVP_sha512()
                                            : nullptr;
    if (!kind) throw Error(Failure::Invalid, "\"", digest, "\" is no digest; md5, sha256 and sha512 are");
    const Handle<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    const auto doing = "read " + file.string();
    const Fd in(static_cast<int>(check(::open(file.c_str(), O_RDONLY | O_CLOEXEC), doing)));
    std::string piece(1 << 20, '\0');
    bool going = EVP_DigestInit_ex(context.get(), kind, nullptr) == 1;
    for (long got = 1; going && got > 0;) {
        got = check(::read(in.get(), piece.data(), piece.size()), doing);
        going = EVP_DigestUpdate(context.get(), piece.data(), static_cast<std::size_t>(got)) == 1;
    }
    std::array<char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    if (!going || EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(bytes.data()), &size) != 1)
        throw Error(Failure::Broken, "could not hash ", file.string());
    return hexOf(std::string_view(bytes.data(), size));
}

int fetchImage(const Asked& asked, const std::string& name, const std::optional<fs::path>& table) {
    const auto image = imageCalled(tableFrom(table), name);
    LocalCloud cloud(asked.stateDir);                                // before anything comes from far away
    const TemporaryFolder folder("stratolet-image", asked.stateDir); // which has room for images
    const auto file = folder.path() / "image";
    downloadVerified(image, file);
    const auto id = imported(cloud, image, file);
    const auto bytes = static_cast<std::int64_t>(fs::file_size(file));
    const auto told = written([&](JsonWriter& out) {
        const auto body = out.object();
        out.field("id", id);
        out.field("name", image.name);
        out.field("bytes", bytes);
    });
    if (printed(asked, told)) return 0;
    asked.out << "image " << image.name << " (" << id << ") is there: " << image.description << ", " << sizeText(bytes)
              << ", its user is " << image.user << '\n';
    return 0;
}

int listImages(const Asked& asked, const std::optional<fs::path>& table) {
    const auto all = tableFrom(table);
    const auto told = written([&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("images");
        for (const auto& each : all) {
            const auto item = out.object();
            out.field("name", each.name);
            out.field("description", each.description);
            out.field("url", each.url);
            out.field("checksums", each.checksums);
            out.field("user", each.user);
        }
    });
    if (printed(asked, told)) return 0;
    Table shown({"NAME", "WHAT", "USER", "FROM"});
    for (const auto& each : all) shown.add({each.name, each.description, each.user, each.url});
    shown.print(asked.out);
    return 0;
}

}
