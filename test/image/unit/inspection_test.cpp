#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <random>

#include <stratolet/error.hpp>

#include "hostile_images.hpp"
#include "image/data/conversion.hpp"
#include "image/data/inspection.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/process.hpp"

using namespace stratolet;
using namespace stratolet::test;
using image::inspect;
using image::inspectAs;

namespace {

std::string refusalOf(std::string_view bytes, std::string_view declared) {
    const TemporaryFile file(bytes);
    try {
        inspectAs(file.path(), declared);
    } catch (const Error& error) {
        CHECK(error.failure() == Failure::Invalid);
        return error.what();
    }
    return "";
}

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}

TEST_CASE("A sound qcow2 image is taken, with the size of its disk", "[image][inspection]") {
    const TemporaryFile file(Qcow2{.virtualBytes = 5 << 20}.bytes());
    const auto inspected = inspectAs(file.path(), "qcow2");
    CHECK(inspected.format == "qcow2");
    CHECK(inspected.virtualSize == Bytes{5 << 20});
    CHECK_NOTHROW(image::confirmWithQemu(file.path(), inspected));
}

TEST_CASE("An image that qemu-img makes is taken", "[image][inspection]") {
    const auto [format, options] = GENERATE(table<std::string, std::string>({{"qcow2", "compat=0.10"},
                                                                             {"qcow2", "compat=1.1,lazy_refcounts=on"},
                                                                             {"qcow2", "extended_l2=on"},
                                                                             {"qcow2", "compression_type=zstd"},
                                                                             {"vmdk", "subformat=monolithicSparse"},
                                                                             {"vmdk", "subformat=streamOptimized"},
                                                                             {"vdi", ""},
                                                                             {"vpc", ""},
                                                                             {"vhdx", ""},
                                                                             {"raw", ""}}));
    const TemporaryFile file("");
    std::vector<std::string> argv{"qemu-img", "create", "-q", "-f", format};
    if (!options.empty()) argv.insert(argv.end(), {"-o", options});
    argv.insert(argv.end(), {file.path().string(), "8M"});
    const auto made = process::run({.argv = argv});
    if (made.exitCode == 127) {
        WARN("skipped: there is no qemu-img");
        return;
    }
    made.expectSuccess();
    INFO(format << " " << options);
    const auto inspected = inspectAs(file.path(), format == "vpc" ? "vhd" : format);
    CHECK(inspected.virtualSize.count >= 8 << 20);
    CHECK(inspected.virtualSize.count <= 9 << 20); // vpc rounds to cylinders
    image::confirmWithQemu(file.path(), inspected);
}

TEST_CASE("S1: a qcow2 image with a backing file is refused (OSSA-2024-001)", "[image][inspection][security]") {
    CHECK(says(refusalOf(Qcow2{.backingFile = "/etc/passwd"}.bytes(), "qcow2"), "backing file"));
    CHECK(says(
        refusalOf(Qcow2{.backingFile = "json:{\"driver\":\"file\",\"filename\":\"/etc/passwd\"}"}.bytes(), "qcow2"),
        "backing file"));
    auto onlyOffset = Qcow2{}.bytes();
    putBig(onlyOffset, 8, 8, 512);
    CHECK(says(refusalOf(onlyOffset, "qcow2"), "backing file"));
    auto version2 = Qcow2{.backingFile = "/etc/passwd", .version = 2}.bytes();
    CHECK(says(refusalOf(version2, "qcow2"), "backing file"));
}

TEST_CASE("S1: a qcow2 image with an external data file is refused (CVE-2024-32498)", "[image][inspection][security]") {
    CHECK(says(refusalOf(Qcow2{.dataFile = "/etc/passwd"}.bytes(), "qcow2"), "data file"));
    auto flagOnly = Qcow2{.incompatible = 4}.bytes();
    CHECK(says(refusalOf(flagOnly, "qcow2"), "data file"));
    auto nameOnly = Qcow2{.dataFile = "/etc/passwd"}.bytes();
    putBig(nameOnly, 72, 8, 0);
    CHECK(says(refusalOf(nameOnly, "qcow2"), "data file"));
}

TEST_CASE("S1: a qcow2 image that needs unknown features is refused", "[image][inspection][security]") {
    for (const std::uint64_t bit : {5, 6, 17, 63})
        CHECK(says(refusalOf(Qcow2{.incompatible = std::uint64_t{1} << bit}.bytes(), "qcow2"), "unknown features"));
    CHECK(says(refusalOf(Qcow2{.version = 4}.bytes(), "qcow2"), "version 4"));
}

TEST_CASE("S2: an image that is not what it is declared to be is refused (OSSA-2024-002)",
          "[image][inspection][security]") {
    const std::string plain(4096, 'x');
    CHECK(says(refusalOf(Qcow2{}.bytes(), "raw"), "is qcow2"));
    CHECK(says(refusalOf(Qcow2{}.bytes(), "ami"), "is qcow2"));
    CHECK(says(refusalOf(Vmdk{}.bytes(), "raw"), "is vmdk"));
    CHECK(says(refusalOf(Vmdk{}.bytes(), "qcow2"), "is vmdk"));
    CHECK(says(refusalOf(plain, "qcow2"), "is raw"));
    CHECK(says(refusalOf(plain, "vmdk"), "is raw"));
    CHECK(says(refusalOf(plain, "iso"), "is raw"));
    CHECK(says(refusalOf(std::string("QED\0", 4) + plain, "raw"), "is qed"));
    CHECK(says(refusalOf("LUKS\xba\xbe" + plain, "raw"), "is luks"));
    CHECK(says(refusalOf(plain + "koly" + std::string(508, '\0'), "raw"), "is dmg"));
    CHECK(says(refusalOf("QFI\xfb" + std::string("\0\0\0\1", 4) + plain, "raw"), "is qcow"));
    CHECK(refusalOf(plain, "raw").empty());
    CHECK(refusalOf("", "raw").empty());
}

TEST_CASE("S2: a VMDK descriptor without any magic number is not raw either", "[image][inspection][security]") {
    const std::string descriptor =
        "# anything\n\n  \nversion=1\ncreateType=\"monolithicFlat\"\nRW 1 FLAT \"/etc/passwd\" 0\n";
    CHECK_FALSE(refusalOf(descriptor, "raw").empty());
    CHECK_FALSE(refusalOf(descriptor, "vmdk").empty());
    CHECK(refusalOf("# a shell script\necho version=1\n", "raw").empty());
}

TEST_CASE("S3: a VMDK image may only have one extent, inside itself (OSSA-2023-002)", "[image][inspection][security]") {
    CHECK(refusalOf(Vmdk{}.bytes(), "vmdk").empty());
    CHECK(refusalOf(Vmdk{.type = "streamOptimized"}.bytes(), "vmdk").empty());
    for (const std::string type : {"monolithicFlat", "twoGbMaxExtentSparse", "fullDevice", "vmfsRaw", "custom", ""})
        CHECK_FALSE(refusalOf(Vmdk{.type = type}.bytes(), "vmdk").empty());
    for (const std::string extent : {"RW 2048 FLAT \"/etc/passwd\" 0", "RW 2048 SPARSE \"/etc/passwd\"",
                                     "RW 2048 SPARSE \"../x\"", "RW 2048 SPARSE \"a\" 0", "RW 2048 VMFS \"x\"",
                                     "RW 2048 SPARSE \"nbd:host\"", "RW 2048 SPARSE \"a\"\nRW 2048 SPARSE \"b\"", ""})
        CHECK_FALSE(refusalOf(Vmdk{.extent = extent}.bytes(), "vmdk").empty());
    CHECK_FALSE(refusalOf(Vmdk{.more = "parentFileNameHint=\"/etc/passwd\""}.bytes(), "vmdk").empty());
    CHECK_FALSE(refusalOf(Vmdk{.more = "createType=\"monolithicFlat\""}.bytes(), "vmdk").empty());
    auto noDescriptor = Vmdk{}.bytes();
    putLittle(noDescriptor, 28, 8, 0);
    CHECK_FALSE(refusalOf(noDescriptor, "vmdk").empty());
}

TEST_CASE("S3: ten thousand mutated headers are refused or understood, and nothing else happens",
          "[image][inspection][security][fuzz]") {
    std::mt19937 random(20240701);
    const std::string seeds[] = {Qcow2{}.bytes().substr(0, 4 * 65536), Vmdk{}.bytes(),
                                 Qcow2{.dataFile = "/etc/passwd"}.bytes()};
    const TemporaryFile file("");
    for (int round = 0; round < 10000; ++round) {
        std::string bytes = seeds[random() % 3].substr(0, 2048 + random() % 63000);
        for (std::size_t flips = 1 + random() % 8; flips > 0; --flips)
            bytes[random() % std::min<std::size_t>(bytes.size(), 1536)] = static_cast<char>(random());
        std::ofstream(file.path(), std::ios::binary | std::ios::trunc)
            .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        try {
            const auto inspected = inspect(file.path());
            CHECK(inspected.virtualSize.count >= 0);
        } catch (const Error& error) {
            CHECK(error.failure() == Failure::Invalid);
        }
    }
}

TEST_CASE("S5: qemu-img gets its limits, and an image that it can't read is refused", "[image][inspection][security]") {
    auto broken = Qcow2{}.bytes();
    putBig(broken, 56, 4, 0); // no reference counts at all
    const TemporaryFile file(broken);
    if (process::run({.argv = {"qemu-img", "--version"}}).exitCode == 127) {
        WARN("skipped: there is no qemu-img");
        return;
    }
    CHECK_THROWS_AS(image::confirmWithQemu(file.path(), {"qcow2", {1 << 20}}), Error);
}

TEST_CASE("S5: a confined program sees no network but a loopback that is down, and of the host's files nothing that is "
          "the host's alone",
          "[image][inspection][security]") {
    const auto links = process::run({.argv = {"ip", "-o", "link"}, .confined = true});
    INFO(links.err);
    REQUIRE(links.succeeded());
    CHECK(says(links.out, "1: lo: <LOOPBACK> "));
    CHECK(std::count(links.out.begin(), links.out.end(), '\n') == 1);
    const TemporaryFile file("kept");
    for (const auto& each :
         {file.path().string(), std::string("/etc/passwd"), std::string("/var"), std::string("/dev/null")})
        CHECK_FALSE(process::run({.argv = {"ls", each}, .confined = true}).succeeded());
    for (const auto* each : {"/new", "/usr/new", "/proc/sys/kernel/hostname"})
        CHECK_FALSE(
            process::run({.argv = {"sh", "-c", std::string("echo x > ") + each}, .confined = true}).succeeded());
}

TEST_CASE("S5: a confined program is somebody else, has no capability and gains none, and writes only the file that it "
          "was given",
          "[image][inspection][security]") {
    if (::geteuid() != 0) {
        WARN("skipped: only root can become somebody else");
        return;
    }
    const auto status = process::run({.argv = {"cat", "/proc/self/status"}, .confined = true}).out;
    INFO(status);
    CHECK(says(status, "CapEff:\t0000000000000000"));
    CHECK(says(status, "CapPrm:\t0000000000000000"));
    CHECK(says(status, "NoNewPrivs:\t1"));
    CHECK(says(status, "Groups:\t \n"));
    const auto first = process::run({.argv = {"id", "-u"}, .confined = true}).out,
               second = process::run({.argv = {"id", "-u"}, .confined = true}).out;
    CHECK(std::stoul(first) > 65535);
    CHECK(first != second);
    const TemporaryFile given("secret"), other("secret");
    const Fd lent(::open(given.path().c_str(), O_RDWR | O_CLOEXEC));
    std::filesystem::permissions(other.path(), std::filesystem::perms::owner_all);
    const auto script =
        "cat " + other.path().string() + "; cat " + process::pathOf(lent) + "; echo written > " + process::pathOf(lent);
    const auto used = process::run({.argv = {"sh", "-c", script}, .confined = true, .writes = {lent.get()}});
    CHECK(used.out == "secret");
    CHECK(says(used.err, "No such file"));
    CHECK(std::filesystem::file_size(given.path()) == 8);
    struct stat about {};
    REQUIRE(::fstat(lent.get(), &about) == 0);
    CHECK(about.st_uid == 0);
}

TEST_CASE("S5: what the inspector might overlook, qemu-img still can't read: a backing file that is root's alone",
          "[image][inspection][security]") {
    if (::geteuid() != 0 || process::run({.argv = {"qemu-img", "--version"}}).exitCode == 127) {
        WARN("skipped: it takes root and qemu-img");
        return;
    }
    const TemporaryFile secret(std::string(1 << 20, 'S'));
    std::filesystem::permissions(secret.path(), std::filesystem::perms::owner_read);
    const TemporaryFile hostile(Qcow2{.backingFile = secret.path().string()}.bytes()), out("");
    // As root and not confined it works: so it is the confinement that keeps the file from it.
    REQUIRE(process::run({.argv = {"qemu-img", "convert", "-f", "qcow2", "-O", "raw", hostile.path().string(),
                                   out.path().string()}})
                .succeeded());
    std::ifstream leaked(out.path());
    REQUIRE(leaked.get() == 'S');
    std::filesystem::resize_file(out.path(), 0);
    CHECK_THROWS_AS(image::convert(hostile.path(), {"qcow2", {1 << 20}}, out.path(), "raw", 1 << 30), Error);
    CHECK(std::filesystem::file_size(out.path()) == 0);
    CHECK_THROWS_AS(image::confirmWithQemu(hostile.path(), {"qcow2", {1 << 20}}), Error);
}

TEST_CASE("A differencing VHD or VDI is refused", "[image][inspection][security]") {
    std::string vdi(1024, '\0');
    putText(vdi, 0x40, "\x7f\x10\xda\xbe");
    putLittle(vdi, 0x170, 8, 1 << 20);
    for (const auto& [type, taken] :
         {std::pair{1, true}, std::pair{2, true}, std::pair{3, false}, std::pair{4, false}}) {
        putLittle(vdi, 0x4c, 4, static_cast<std::uint64_t>(type));
        CHECK(refusalOf(vdi, "vdi").empty() == taken);
    }
    std::string vhd(4096, '\0');
    putText(vhd, 3584, "conectix");
    putBig(vhd, 3584 + 48, 8, 1 << 20);
    for (const auto& [type, taken] : {std::pair{2, true}, std::pair{3, true}, std::pair{4, false}}) {
        putBig(vhd, 3584 + 60, 4, static_cast<std::uint64_t>(type));
        CHECK(refusalOf(vhd, "vhd").empty() == taken);
    }
}

TEST_CASE("CVE-2015-5163: a backing file is refused before anything converts the image, whatever the declared format",
          "[image][inspection][security]") {
    const auto hostile = Qcow2{.backingFile = "/etc/shadow"}.bytes();
    for (const auto* declared : {"qcow2", "raw", "vmdk", "vdi", "vhd", "vhdx", "iso", "ploop", "ami", "aki", "ari"})
        CHECK_FALSE(refusalOf(hostile, declared).empty());
}

TEST_CASE("CVE-2022-47951: a VMDK descriptor that stands alone reaches for nothing", "[image][inspection][security]") {
    for (const std::string type :
         {"monolithicFlat", "monolithicSparse", "streamOptimized", "vmfs", "twoGbMaxExtentFlat"}) {
        const auto descriptor = "# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType=\"" + type +
                                "\"\nRW 2048 FLAT \"/etc/passwd\" 0\n";
        for (const auto* declared : {"vmdk", "raw", "qcow2"}) CHECK_FALSE(refusalOf(descriptor, declared).empty());
    }
    // A stream's real header is at its end: a second descriptor hides there.
    auto footer = Vmdk{.type = "streamOptimized"}.bytes();
    putLittle(footer, 56, 8, ~std::uint64_t{0});
    CHECK_FALSE(refusalOf(footer, "vmdk").empty());
}

TEST_CASE("OSSA-2024-001: what is inside a version 3 header counts, wherever it stands",
          "[image][inspection][security]") {
    auto late = Qcow2{}.bytes(); // an unknown extension first, the name of a data file behind it
    putBig(late, 104, 4, 0x12345678);
    putBig(late, 108, 4, 8);
    putBig(late, 120, 4, 0x44415441);
    putBig(late, 124, 4, 11);
    putText(late, 128, "/etc/passwd");
    CHECK(says(refusalOf(late, "qcow2"), "data file"));
    auto encrypted = Qcow2{}.bytes();
    putBig(encrypted, 32, 4, 2);
    CHECK(says(refusalOf(encrypted, "qcow2"), "encrypted"));
}

TEST_CASE("OSSA-2024-002: a file of two formats is taken for the one that QEMU would see",
          "[image][inspection][security]") {
    auto qcow2AndIso = Qcow2{}.bytes();
    putText(qcow2AndIso, 32769, "CD001");
    CHECK(says(refusalOf(qcow2AndIso, "iso"), "is qcow2"));
    CHECK(says(refusalOf(qcow2AndIso, "raw"), "is qcow2"));
    std::string isoAndVhd(65536, '\0');
    putText(isoAndVhd, 32769, "CD001");
    putText(isoAndVhd, 65024, "conectix");
    putBig(isoAndVhd, 65024 + 60, 4, 2);
    CHECK(says(refusalOf(isoAndVhd, "iso"), "is vhd"));
    CHECK(says(refusalOf(isoAndVhd, "raw"), "is vhd"));
}

TEST_CASE("OSSA-2024-003: headers that point beyond the file are refused before qemu-img reads them",
          "[image][inspection][security]") {
    const auto changed = [](std::size_t at, std::size_t count, std::uint64_t number) {
        auto bytes = Qcow2{}.bytes();
        putBig(bytes, at, count, number);
        return refusalOf(bytes, "qcow2");
    };
    CHECK_FALSE(changed(40, 8, std::uint64_t{1} << 40).empty()); // L1 table
    CHECK_FALSE(changed(40, 8, ~std::uint64_t{0}).empty());      // its end overflows
    CHECK_FALSE(changed(36, 4, 0xffffffff).empty());             // as large as can be
    CHECK_FALSE(changed(48, 8, std::uint64_t{1} << 50).empty()); // reference counts
    CHECK_FALSE(changed(24, 8, ~std::uint64_t{0}).empty());      // the disk
    CHECK_FALSE(changed(20, 4, 63).empty());                     // cluster bits
    CHECK_FALSE(changed(60, 4, 100000).empty());                 // snapshots without end
    CHECK_FALSE(changed(60, 4, 60000).empty());                  // more than the file can hold
    CHECK_FALSE(changed(100, 4, 4).empty());                     // length of the header
}

TEST_CASE("What is encrypted or a container of its own is known by its beginning, and is nothing else",
          "[image][inspection]") {
    const std::string plain(4096, 'x');
    for (const auto& [mark, format] :
         {std::pair{std::string("LUKS\xba\xbe"), "luks"}, std::pair{std::string("WithoutFreeSpace"), "ploop"},
          std::pair{std::string("WithouFreSpacExt"), "ploop"}}) {
        CHECK(refusalOf(mark + plain, format).empty());
        for (const auto* declared : {"raw", "qcow2", "iso"})
            CHECK(says(refusalOf(mark + plain, declared), std::string("is ") + format));
    }
}

TEST_CASE("A disk with partitions is raw, and an image that holds a snapshot of itself is sound",
          "[image][inspection]") {
    std::string mbr(1 << 20, '\0');
    putText(mbr, 510, "\x55\xaa");
    CHECK(refusalOf(mbr, "raw").empty());
    putText(mbr, 512, "EFI PART");
    CHECK(refusalOf(mbr, "raw").empty());
    CHECK_FALSE(refusalOf(mbr, "qcow2").empty());
    auto snapshot = Qcow2{}.bytes();
    putBig(snapshot, 60, 4, 1);
    putBig(snapshot, 64, 8, 200000);
    CHECK(refusalOf(snapshot, "qcow2").empty());
}

TEST_CASE("A VHDX image with a parent, without its size, or with a table outside is refused",
          "[image][inspection][security]") {
    using namespace std::string_view_literals;
    std::string vhdx(1 << 20, '\0');
    putText(vhdx, 0, "vhdxfile");
    CHECK_FALSE(refusalOf(vhdx, "vhdx").empty());
    putText(vhdx, 192 << 10, "regi");
    putLittle(vhdx, (192 << 10) + 8, 4, 1);
    putText(vhdx, (192 << 10) + 16, "\x06\xA2\x7C\x8B\x90\x47\x9A\x4B\xB8\xFE\x57\x5F\x05\x0F\x88\x6E"sv);
    putLittle(vhdx, (192 << 10) + 32, 8, std::uint64_t{1} << 60);
    CHECK_FALSE(refusalOf(vhdx, "vhdx").empty());
    constexpr std::size_t table = 512 << 10;
    putLittle(vhdx, (192 << 10) + 32, 8, table);
    putText(vhdx, table, "metadata");
    putLittle(vhdx, table + 10, 2, 2);
    putText(vhdx, table + 32, "\x37\x67\xA1\xCA\x36\xFA\x43\x4D\xB3\xB6\x33\xF0\xAA\x44\xE7\x6B"sv);
    putLittle(vhdx, table + 32 + 16, 4, 65536);
    CHECK_FALSE(refusalOf(vhdx, "vhdx").empty()); // no size
    putText(vhdx, table + 64, "\x24\x42\xA5\x2F\x1B\xCD\x76\x48\xB2\x11\x5D\xBE\xD8\x3B\xF4\xB8"sv);
    putLittle(vhdx, table + 64 + 16, 4, 65544);
    putLittle(vhdx, table + 65544, 8, 1 << 20);
    CHECK(refusalOf(vhdx, "vhdx").empty());
    putLittle(vhdx, table + 65536 + 4, 4, 2);
    CHECK(says(refusalOf(vhdx, "vhdx"), "depend on another"));
}
