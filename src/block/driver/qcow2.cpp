#include "block/driver/qcow2.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string_view>

#include <stratolet/error.hpp>

namespace stratolet::block::qcow2 {
namespace {

constexpr std::uint32_t magic = 0x514649fb, clusterBits = 16, headerLength = 104;
constexpr std::uint32_t backingFormat = 0xe2792aca; // the extension that says it
constexpr std::int64_t cluster = std::int64_t{1} << clusterBits;
constexpr std::int64_t underOneEntry = cluster * (cluster / 8); // of the guest's disk, by an entry of the first table
constexpr std::uint64_t dataFile = std::uint64_t{1} << 2;       // of the features that a reader must know
constexpr std::size_t nameMax = 1023;                           // the format's own bound

/// Numbers are written with the highest byte first.
template <class Number> void append(std::string& to, Number number) {
    for (int shift = 8 * (sizeof(Number) - 1); shift >= 0; shift -= 8)
        to += static_cast<char>(static_cast<std::uint64_t>(number) >> shift & 0xff);
}

template <class Number> Number numberAt(std::string_view bytes, std::size_t at) {
    std::uint64_t number = 0;
    for (const char each : bytes.substr(at, sizeof(Number))) number = number << 8 | static_cast<unsigned char>(each);
    return static_cast<Number>(number);
}

void writeAt(const Fd& to, const std::string& bytes, std::int64_t at) {
    if (check(::pwrite(to.get(), bytes.data(), bytes.size(), at), "write a layer of a volume") !=
        static_cast<ssize_t>(bytes.size()))
        throw Error(Failure::Full, "could not write a layer of a volume");
}

std::string readAt(const Fd& from, std::size_t length, std::int64_t at) {
    std::string bytes(length, '\0');
    bytes.resize(static_cast<std::size_t>(
        check(::pread(from.get(), bytes.data(), length, at), "read the header of a layer of a volume")));
    return bytes;
}

std::string padded(std::string_view text) {
    std::string all(text);
    all.resize((text.size() + 7) / 8 * 8);
    return all;
}

}

// Cluster 0: header; 1: table of reference counts; 2: their only block; from 3 on: the first table of the guest's disk,
// all holes.
void writeOverlay(const Fd& to, Bytes size, const std::string& below, DiskFormat format) {
    if (below.size() > nameMax) throw Error(Failure::Broken, "the name of a layer is too long");
    const std::int64_t entries = (size.count + underOneEntry - 1) / underOneEntry;
    const std::int64_t clusters = 3 + (entries * 8 + cluster - 1) / cluster;

    std::string extensions;
    append(extensions, backingFormat);
    append(extensions, static_cast<std::uint32_t>(nameOf(format).size()));
    extensions += padded(nameOf(format));
    append(extensions, std::uint64_t{0}); // no further ones

    std::string header;
    append(header, magic);
    append(header, std::uint32_t{3});
    append(header, std::uint64_t{headerLength + extensions.size()}); // where the name below is
    append(header, static_cast<std::uint32_t>(below.size()));
    append(header, clusterBits);
    append(header, size.count);
    append(header, std::uint32_t{0}); // not encrypted
    append(header, static_cast<std::uint32_t>(entries));
    append(header, std::uint64_t{3} * cluster);
    append(header, std::uint64_t{1} * cluster);
    append(header, std::uint32_t{1}); // cluster of the table of reference counts
    append(header, std::uint32_t{0}); // no snapshots inside
    append(header, std::uint64_t{0});
    for (int features = 0; features < 3; ++features) append(header, std::uint64_t{0});
    append(header, std::uint32_t{4}); // reference counts have 2^4 bits
    append(header, headerLength);

    std::string counts;
    for (std::int64_t each = 0; each < clusters; ++each) append(counts, std::uint16_t{1});
    std::string table;
    append(table, std::uint64_t{2} * cluster);

    check(::ftruncate(to.get(), clusters * cluster), "size a layer of a volume");
    writeAt(to, header + extensions + below, 0);
    writeAt(to, table, 1 * cluster);
    writeAt(to, counts, 2 * cluster);
}

Header headerOf(const std::filesystem::path& file) {
    const Fd from(static_cast<int>(check(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW), "open a layer")));
    const auto header = readAt(from, headerLength, 0);
    const auto version = header.size() < 72 ? 0 : numberAt<std::uint32_t>(header, 4);
    if (numberAt<std::uint32_t>(header, 0) != magic || version < 2 || version > 3)
        throw Error(Failure::Broken, file.filename().string(), " is no qcow2 file");
    Header found;
    found.size = {numberAt<std::int64_t>(header, 24)};
    const auto at = numberAt<std::int64_t>(header, 8);
    if (at != 0) {
        const auto length = numberAt<std::uint32_t>(header, 16);
        found.below = length <= nameMax ? readAt(from, length, at) : "";
    }
    const auto features = version == 3 ? numberAt<std::uint64_t>(header, 72) : 0;
    found.alone = at == 0 && (features & dataFile) == 0;
    return found;
}

}
