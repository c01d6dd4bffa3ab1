#include "image/data/inspection.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include <stratolet/error.hpp>

#include "platform/json/json.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/process.hpp"
#include "platform/text/text.hpp"

namespace stratolet::image {
namespace {

using namespace std::string_view_literals;

[[noreturn]] void refuse(const std::string& why) {
    throw Error(Failure::Invalid, "Image content is refused: ", why, ".");
}

/// Bounded reads of one file; what lies beyond its end is a refusal, not a zero.
class Source {
public:
    explicit Source(const std::filesystem::path& file)
        : fd_(static_cast<int>(check(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW), "open image data"))) {
        struct stat about {};
        check(::fstat(fd_.get(), &about), "look at image data");
        size_ = static_cast<std::uint64_t>(about.st_size);
    }

    std::uint64_t size() const { return size_; }

    /// As many of `count` bytes as there are at `offset`.
    std::string some(std::uint64_t offset, std::size_t count) const {
        std::string bytes(offset < size_ ? std::min<std::uint64_t>(count, size_ - offset) : 0, '\0');
        for (std::size_t have = 0; have < bytes.size();) {
            const auto got =
                check(::pread(fd_.get(), bytes.data() + have, bytes.size() - have, static_cast<off_t>(offset + have)),
                      "read image data");
            if (got == 0) throw Error(Failure::Broken, "image data became shorter while it was read");
            have += static_cast<std::size_t>(got);
        }
        return bytes;
    }

    std::string exactly(std::uint64_t offset, std::size_t count) const {
        if (count > size_ || offset > size_ - count) refuse("its headers point beyond its end");
        return some(offset, count);
    }

private:
    Fd fd_;
    std::uint64_t size_ = 0;
};

std::uint64_t big(std::string_view bytes, std::size_t at, std::size_t count) {
    std::uint64_t number = 0;
    for (std::size_t each = 0; each < count; ++each)
        number = number << 8 | static_cast<unsigned char>(bytes.at(at + each));
    return number;
}

std::uint64_t little(std::string_view bytes, std::size_t at, std::size_t count) {
    std::uint64_t number = 0;
    for (std::size_t each = count; each-- > 0;) number = number << 8 | static_cast<unsigned char>(bytes.at(at + each));
    return number;
}

bool holds(std::string_view bytes, std::size_t at, std::string_view mark) {
    return bytes.size() >= at + mark.size() && bytes.substr(at, mark.size()) == mark;
}

Bytes sizeOf(std::uint64_t bytes) {
    if (bytes > std::uint64_t{1} << 62) refuse("it describes a disk of impossible size");
    return {static_cast<std::int64_t>(bytes)};
}

/// QEMU takes a text for a VMDK descriptor when the first line that is neither a comment nor blank is "version=1", 2
/// or 3.
bool looksLikeDescriptor(std::string_view head) {
    if (head.starts_with("# Disk DescriptorFile")) return true;
    while (!head.empty()) {
        const auto end = head.find('\n');
        auto line = head.substr(0, end);
        head = end == std::string_view::npos ? std::string_view() : head.substr(end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || line.starts_with('#') || line.find_first_not_of(' ') == std::string_view::npos) continue;
        return line == "version=1" || line == "version=2" || line == "version=3";
    }
    return false;
}

// --- qcow2 (docs/interop/qcow2.txt of QEMU)

Inspected inspectQcow2(const Source& source) {
    const auto header = source.exactly(0, 72);
    const auto version = big(header, 4, 4);
    if (version != 2 && version != 3) refuse("qcow version " + std::to_string(version) + " is not supported");
    if (big(header, 8, 8) != 0 || big(header, 16, 4) != 0) refuse("a qcow2 image must not have a backing file");
    const auto clusterBits = big(header, 20, 4);
    if (clusterBits < 9 || clusterBits > 21) refuse("its qcow2 cluster size is invalid");
    if (big(header, 32, 4) != 0) refuse("an encrypted qcow2 image is not supported");
    const auto virtualSize = sizeOf(big(header, 24, 8));

    std::uint64_t headerBytes = 72, incompatible = 0;
    if (version == 3) {
        const auto more = source.exactly(72, 32);
        incompatible = big(more, 0, 8);
        headerBytes = big(more, 28, 4);
        if (headerBytes < 104 || headerBytes > std::uint64_t{1} << clusterBits || headerBytes % 8 != 0)
            refuse("its qcow2 header length is invalid");
        constexpr std::uint64_t corrupt = 1U << 1, dataFile = 1U << 2, known = 0b11111;
        if (incompatible & dataFile) refuse("a qcow2 image must not have an external data file");
        if (incompatible & corrupt) refuse("the qcow2 image is marked corrupt");
        if (incompatible & ~known) refuse("the qcow2 image needs unknown features");
    }

    const auto extended = (incompatible & 1U << 4) != 0;
    const std::uint64_t l2Entries = (std::uint64_t{1} << clusterBits) / (extended ? 16 : 8);
    const auto l1Entries = big(header, 36, 4), l1Offset = big(header, 40, 8);
    const auto perL1 = l2Entries << clusterBits;
    if (l1Entries > (32U << 20) / 8 || l1Entries < (static_cast<std::uint64_t>(virtualSize.count) + perL1 - 1) / perL1)
        refuse("its qcow2 table is of the wrong size");
    if (l1Entries > 0) source.exactly(l1Offset + l1Entries * 8 - 1, 1); // the whole table is within the file
    if (l1Offset > source.size()) refuse("its headers point beyond its end");
    if (big(header, 56, 4) > (8U << 20 >> clusterBits) + 1) refuse("its qcow2 reference count table is too large");
    if (const auto tables = big(header, 56, 4); tables > 0) source.exactly(big(header, 48, 8), 1);
    const auto snapshots = big(header, 60, 4);
    constexpr std::uint64_t snapshotBytesMin = 40;
    if (snapshots > 65536) refuse("it has too many internal snapshots");
    if (snapshots > 0) source.exactly(big(header, 64, 8), snapshots * snapshotBytesMin);

    // Header extensions: bounded by the first cluster.
    constexpr std::uint64_t end = 0, backingFormat = 0xE2792ACA, dataFileName = 0x44415441,
                            fullDiskEncryption = 0x0537BE77;
    for (std::uint64_t at = headerBytes; at + 8 <= std::uint64_t{1} << clusterBits;) {
        const auto extension = source.some(at, 8);
        if (extension.size() < 8) break;
        const auto type = big(extension, 0, 4), length = big(extension, 4, 4);
        if (type == end) break;
        if (type == dataFileName) refuse("a qcow2 image must not have an external data file");
        if (type == backingFormat) refuse("a qcow2 image must not have a backing file");
        if (type == fullDiskEncryption) refuse("an encrypted qcow2 image is not supported");
        if (length > std::uint64_t{1} << clusterBits) refuse("its qcow2 header extensions are invalid");
        at += 8 + (length + 7) / 8 * 8;
    }
    return {"qcow2", virtualSize};
}

// --- vmdk (VMware Virtual Disk Format 5.0)

constexpr std::uint64_t sector = 512;

/// "RW 2048 SPARSE "disk.vmdk"": only an extent inside this very file.
void checkExtent(std::string_view line) {
    const auto quote = line.find('"');
    const auto closing = quote == std::string_view::npos ? quote : line.find('"', quote + 1);
    if (closing == std::string_view::npos) refuse("a VMDK extent is invalid");
    const auto words = line.substr(0, quote);
    const auto name = line.substr(quote + 1, closing - quote - 1);
    if (words.find(" SPARSE ") == std::string_view::npos || !trimmed(line.substr(closing + 1)).empty())
        refuse("a VMDK extent must be SPARSE and inside the image");
    if (name.empty() || name.find('/') != std::string_view::npos || name.find('\\') != std::string_view::npos ||
        name.find(':') != std::string_view::npos)
        refuse("a VMDK extent must not name another file");
}

void checkDescriptor(std::string_view text) {
    text = text.substr(0, text.find('\0'));
    std::optional<std::string> type;
    int extents = 0;
    for (const auto each : split(text, '\n')) {
        const auto line = trimmed(each);
        if (line.empty() || line.starts_with('#')) continue;
        const auto lower = lowered(line);
        if (const auto equals = line.find('='); equals != std::string::npos && lower.find('"') > equals) {
            const auto key = trimmed(std::string_view(lower).substr(0, equals));
            auto value = trimmed(std::string_view(line).substr(equals + 1));
            if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"'))
                value = value.substr(1, value.size() - 2);
            if (key == "createtype") {
                if (type) refuse("its VMDK descriptor says its type twice");
                type = value;
            } else if (key.starts_with("parentfilename")) {
                refuse("a VMDK image must not have a parent");
            } else if (key == "parentcid" && value != "ffffffff" && value != "FFFFFFFF") {
                refuse("a VMDK image must not have a parent");
            }
        } else if (lower.starts_with("rw ") || lower.starts_with("rdonly ") || lower.starts_with("noaccess ")) {
            checkExtent(line);
            ++extents;
        } else {
            refuse("its VMDK descriptor has a line that is not understood");
        }
    }
    if (!type || (*type != "monolithicSparse" && *type != "streamOptimized"))
        refuse("a VMDK image must be monolithicSparse or streamOptimized");
    if (extents != 1) refuse("a VMDK image must have one extent");
}

Inspected inspectVmdk(const Source& source, std::string_view head) {
    if (!head.starts_with("KDMV")) refuse("a VMDK image must be monolithicSparse or streamOptimized");
    const auto readHeader = [&](std::uint64_t offset) {
        const auto header = source.exactly(offset, sector);
        const auto descriptorAt = little(header, 28, 8), descriptorSectors = little(header, 36, 8);
        if (descriptorAt == 0 || descriptorSectors == 0 || descriptorSectors > 2048 ||
            descriptorAt > source.size() / sector)
            refuse("a VMDK image must carry its descriptor");
        checkDescriptor(source.exactly(descriptorAt * sector, descriptorSectors * sector));
        return header;
    };
    auto header = readHeader(0);
    const auto version = little(header, 4, 4);
    if (version < 1 || version > 3) refuse("VMDK version " + std::to_string(version) + " is not supported");
    // A stream has its real header at its end; readers use that one, so it is held to the same rules.
    if (little(header, 56, 8) == ~std::uint64_t{0}) {
        if (source.size() < 3 * sector) refuse("its headers point beyond its end");
        if (!source.exactly(source.size() - 2 * sector, 4).starts_with("KDMV"))
            refuse("a streamOptimized VMDK image must have a footer");
        const auto footer = source.exactly(source.size() - 2 * sector, sector);
        if (little(footer, 28, 8) != 0) readHeader(source.size() - 2 * sector);
    }
    const auto sectors = little(header, 12, 8);
    if (sectors > std::uint64_t{1} << 53) refuse("it describes a disk of impossible size");
    return {"vmdk", sizeOf(sectors * sector)};
}

// --- vdi, vhd, vhdx

Inspected inspectVdi(const Source& source) {
    const auto header = source.exactly(0, 512);
    const auto type = little(header, 0x4c, 4);
    if (type != 1 && type != 2) refuse("a VDI image must not depend on another");
    return {"vdi", sizeOf(little(header, 0x170, 8))};
}

Inspected inspectVhd(const Source& source, bool footerFirst) {
    const auto footer = footerFirst ? source.exactly(0, 512) : source.exactly(source.size() - 512, 512);
    const auto type = big(footer, 60, 4);
    if (type != 2 && type != 3) refuse("a VHD image must not depend on another");
    return {"vhd", sizeOf(big(footer, 48, 8))};
}

constexpr std::string_view metadataRegion = "\x06\xA2\x7C\x8B\x90\x47\x9A\x4B\xB8\xFE\x57\x5F\x05\x0F\x88\x6E"sv;
constexpr std::string_view fileParameters = "\x37\x67\xA1\xCA\x36\xFA\x43\x4D\xB3\xB6\x33\xF0\xAA\x44\xE7\x6B"sv;
constexpr std::string_view virtualDiskSize = "\x24\x42\xA5\x2F\x1B\xCD\x76\x48\xB2\x11\x5D\xBE\xD8\x3B\xF4\xB8"sv;

Inspected inspectVhdx(const Source& source) {
    const auto regions = source.exactly(192 << 10, 64 << 10);
    if (!regions.starts_with("regi")) refuse("its VHDX region table is missing");
    std::uint64_t metadataAt = 0;
    const auto regionCount = little(regions, 8, 4);
    if (regionCount > 2047) refuse("its VHDX region table is invalid");
    for (std::size_t each = 0; each < regionCount; ++each)
        if (holds(regions, 16 + each * 32, metadataRegion)) metadataAt = little(regions, 16 + each * 32 + 16, 8);
    if (metadataAt == 0) refuse("its VHDX metadata is missing");

    const auto table = source.exactly(metadataAt, 64 << 10);
    const auto entries = little(table, 10, 2);
    if (!table.starts_with("metadata") || entries > 2046) refuse("its VHDX metadata is invalid");
    std::optional<std::uint64_t> size;
    for (std::size_t each = 0; each < entries; ++each) {
        const auto entry = 32 + each * 32;
        const auto offset = metadataAt + little(table, entry + 16, 4);
        if (holds(table, entry, fileParameters) && (little(source.exactly(offset, 8), 4, 4) & 2) != 0)
            refuse("a VHDX image must not depend on another");
        if (holds(table, entry, virtualDiskSize)) size = little(source.exactly(offset, 8), 0, 8);
    }
    if (!size) refuse("its VHDX metadata is invalid");
    return {"vhdx", sizeOf(*size)};
}

}

Inspected inspect(const std::filesystem::path& file) {
    const Source source(file);
    const auto head = source.some(0, 4096);
    const auto own = sizeOf(source.size());

    if (head.starts_with("QFI\xfb"))
        return holds(head, 4, "\0\0\0\1"sv) ? Inspected{"qcow", own} : inspectQcow2(source);
    if (head.starts_with("KDMV") || head.starts_with("COWD") || looksLikeDescriptor(head))
        return inspectVmdk(source, head);
    if (holds(head, 0x40, "\x7f\x10\xda\xbe"sv)) return inspectVdi(source);
    if (head.starts_with("vhdxfile")) return inspectVhdx(source);
    if (head.starts_with("conectix")) return inspectVhd(source, true);
    for (const auto& [mark, name] :
         {std::pair{"QED\0"sv, "qed"}, std::pair{"LUKS\xba\xbe"sv, "luks"},
          std::pair{"Bochs Virtual HD Image"sv, "bochs"}, std::pair{"#!/bin/sh\n#V2.0 Format\n"sv, "cloop"},
          std::pair{"WithoutFreeSpace"sv, "ploop"}, std::pair{"WithouFreSpacExt"sv, "ploop"}})
        if (head.starts_with(mark)) return {name, own};
    if (source.size() >= 512) {
        const auto tail = source.exactly(source.size() - 512, 512);
        if (tail.starts_with("koly")) return {"dmg", own};
        if (tail.starts_with("conectix")) return inspectVhd(source, false);
    }
    if (source.some(32769, 5) == "CD001") return {"iso", own};
    return {"raw", own};
}

Inspected inspectAs(const std::filesystem::path& file, std::string_view declared, Content content) {
    auto inspected = inspect(file);
    if (content == Content::Sealed && (declared != "raw" || inspected.format != "luks"))
        refuse("it is no sealed disk but " + inspected.format);
    if (content == Content::Sealed) inspected.format = "raw";
    const bool plain = declared == "raw" || declared == "ami" || declared == "ari" || declared == "aki";
    if (plain && inspected.format == "iso")
        inspected.format = "raw"; // a disk may begin as an ISO file system: it is still read byte by byte
    if (inspected.format != (plain ? "raw" : declared))
        refuse("it is declared as " + std::string(declared) + " but is " + inspected.format);
    return inspected;
}

void confirmWithQemu(const std::filesystem::path& file, const Inspected& inspected) {
    if (inspected.format != "qcow2") return;
    const Fd lent(static_cast<int>(check(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW), "open image data")));
    const auto told =
        process::run({.argv = {"qemu-img", "info", "-f", "qcow2", "--output=json", process::pathOf(lent)},
                      .timeout = std::chrono::seconds(30),
                      .limits = {.memoryBytesMax = std::int64_t{1} << 30, .cpuSecondsMax = 20, .fileBytesMax = 1 << 20},
                      .confined = true,
                      .reads = {lent.get()}});
    constexpr int notThere = 127;
    if (told.exitCode == notThere) return;
    if (!told.succeeded()) refuse("it is not a sound qcow2 image");
    const auto info = Json::parse(told.out);
    if (info.text("format", "") != "qcow2" || info.has("backing-filename") || info.has("full-backing-filename"))
        refuse("a qcow2 image must not have a backing file");
    if (info.integer("virtual-size", -1) != inspected.virtualSize.count)
        refuse("its headers are read in different ways");
    if (const auto specific = info.find("format-specific"))
        if (const auto data = specific->find("data"); data && data->has("data-file"))
            refuse("a qcow2 image must not have an external data file");
}

}
