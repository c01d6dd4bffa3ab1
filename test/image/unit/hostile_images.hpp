#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <unistd.h>

// Images as an attacker builds them, byte by byte, so that no tool has to agree to make them.

namespace stratolet::test {

inline void putBig(std::string& bytes, std::size_t at, std::size_t count, std::uint64_t number) {
    if (bytes.size() < at + count) bytes.resize(at + count);
    for (std::size_t each = 0; each < count; ++each)
        bytes[at + each] = static_cast<char>(number >> (8 * (count - 1 - each)));
}

inline void putLittle(std::string& bytes, std::size_t at, std::size_t count, std::uint64_t number) {
    if (bytes.size() < at + count) bytes.resize(at + count);
    for (std::size_t each = 0; each < count; ++each) bytes[at + each] = static_cast<char>(number >> (8 * each));
}

inline void putText(std::string& bytes, std::size_t at, std::string_view text) {
    if (bytes.size() < at + text.size()) bytes.resize(at + text.size());
    bytes.replace(at, text.size(), text);
}

struct Qcow2 {
    std::string backingFile = {};
    std::string dataFile = {};
    std::uint64_t incompatible = 0;
    std::uint64_t virtualBytes = 1 << 20;
    std::uint64_t version = 3;

    /// A sound, empty image where nothing is changed: header, refcount table, refcount block, L1 table in clusters of
    /// 64 KiB.
    std::string bytes() const {
        constexpr std::uint64_t cluster = 65536;
        std::string image(4 * cluster, '\0');
        putText(image, 0, "QFI\xfb");
        putBig(image, 4, 4, version);
        putBig(image, 20, 4, 16);
        putBig(image, 24, 8, virtualBytes);
        putBig(image, 36, 4, (virtualBytes + (std::uint64_t{1} << 29) - 1) >> 29);
        putBig(image, 40, 8, 3 * cluster);
        putBig(image, 48, 8, cluster);
        putBig(image, 56, 4, 1);
        putBig(image, 72, 8, incompatible | (dataFile.empty() ? 0 : 4));
        putBig(image, 96, 4, 4);
        putBig(image, 100, 4, 104);
        if (!dataFile.empty()) {
            putBig(image, 104, 4, 0x44415441);
            putBig(image, 108, 4, dataFile.size());
            putText(image, 112, dataFile);
        }
        if (!backingFile.empty()) {
            putBig(image, 8, 8, 1024);
            putBig(image, 16, 4, backingFile.size());
            putText(image, 1024, backingFile);
        }
        putBig(image, cluster, 8, 2 * cluster);
        for (std::size_t each = 0; each < 4; ++each) putBig(image, 2 * cluster + 2 * each, 2, 1);
        return image;
    }
};

struct Vmdk {
    std::string type = "monolithicSparse";
    std::string extent = "RW 2048 SPARSE \"disk.vmdk\"";
    std::string more = {};

    std::string bytes() const {
        std::string image(64 * 512, '\0');
        putText(image, 0, "KDMV");
        putLittle(image, 4, 4, 1);
        putLittle(image, 12, 8, 2048);
        putLittle(image, 28, 8, 1);
        putLittle(image, 36, 8, 20);
        putText(image, 512,
                "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType=\"" + type +
                    "\"\n\n# Extent description\n" + extent + "\n" + more +
                    "\n# The Disk Data Base\nddb.adapterType = \"ide\"\n");
        return image;
    }
};

/// A file with these bytes, gone at the end of the scope.
class TemporaryFile {
public:
    explicit TemporaryFile(std::string_view bytes) {
        std::string name = (std::filesystem::temp_directory_path() / "stratolet-image-XXXXXX").string();
        ::close(::mkstemp(name.data()));
        path_ = name;
        std::filesystem::permissions(path_, std::filesystem::perms::group_read | std::filesystem::perms::others_read,
                                     std::filesystem::perm_options::add); // as a store keeps it, for a confined program
        std::ofstream(path_, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
    ~TemporaryFile() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    TemporaryFile(const TemporaryFile&) = delete;
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}
