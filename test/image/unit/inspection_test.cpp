#include <catch2/catch.hpp>

#include <random>

#include <stratolet/error.hpp>

#include "hostile_images.hpp"
#include "image/inspection.hpp"
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
    CHECK(
        says(refusalOf(Qcow2{.backingFile = "json:{\"driver\":\"file\",\"filename\":\"/etc/passwd\"}"}.bytes(), "qcow2"), "backing file"));
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

TEST_CASE("S2: an image that is not what it is declared to be is refused (OSSA-2024-002)", "[image][inspection][security]") {
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
    const std::string descriptor = "# anything\n\n  \nversion=1\ncreateType=\"monolithicFlat\"\nRW 1 FLAT \"/etc/passwd\" 0\n";
    CHECK_FALSE(refusalOf(descriptor, "raw").empty());
    CHECK_FALSE(refusalOf(descriptor, "vmdk").empty());
    CHECK(refusalOf("# a shell script\necho version=1\n", "raw").empty());
}

TEST_CASE("S3: a VMDK image may only have one extent, inside itself (OSSA-2023-002)", "[image][inspection][security]") {
    CHECK(refusalOf(Vmdk{}.bytes(), "vmdk").empty());
    CHECK(refusalOf(Vmdk{.type = "streamOptimized"}.bytes(), "vmdk").empty());
    for (const std::string type : {"monolithicFlat", "twoGbMaxExtentSparse", "fullDevice", "vmfsRaw", "custom", ""})
        CHECK_FALSE(refusalOf(Vmdk{.type = type}.bytes(), "vmdk").empty());
    for (const std::string extent :
         {"RW 2048 FLAT \"/etc/passwd\" 0", "RW 2048 SPARSE \"/etc/passwd\"", "RW 2048 SPARSE \"../x\"", "RW 2048 SPARSE \"a\" 0",
          "RW 2048 VMFS \"x\"", "RW 2048 SPARSE \"nbd:host\"", "RW 2048 SPARSE \"a\"\nRW 2048 SPARSE \"b\"", ""})
        CHECK_FALSE(refusalOf(Vmdk{.extent = extent}.bytes(), "vmdk").empty());
    CHECK_FALSE(refusalOf(Vmdk{.more = "parentFileNameHint=\"/etc/passwd\""}.bytes(), "vmdk").empty());
    CHECK_FALSE(refusalOf(Vmdk{.more = "createType=\"monolithicFlat\""}.bytes(), "vmdk").empty());
    auto noDescriptor = Vmdk{}.bytes();
    putLittle(noDescriptor, 28, 8, 0);
    CHECK_FALSE(refusalOf(noDescriptor, "vmdk").empty());
}

TEST_CASE("S3: ten thousand mutated headers are refused or understood, and nothing else happens", "[image][inspection][security][fuzz]") {
    std::mt19937 random(20240701);
    const std::string seeds[] = {Qcow2{}.bytes().substr(0, 4 * 65536), Vmdk{}.bytes(), Qcow2{.dataFile = "/etc/passwd"}.bytes()};
    const TemporaryFile file("");
    for (int round = 0; round < 10000; ++round) {
        std::string bytes = seeds[random() % 3].substr(0, 2048 + random() % 63000);
        for (std::size_t flips = 1 + random() % 8; flips > 0; --flips)
            bytes[random() % std::min<std::size_t>(bytes.size(), 1536)] = static_cast<char>(random());
        std::ofstream(file.path(), std::ios::binary | std::ios::trunc).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
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

TEST_CASE("A differencing VHD or VDI is refused", "[image][inspection][security]") {
    std::string vdi(1024, '\0');
    putText(vdi, 0x40, "\x7f\x10\xda\xbe");
    putLittle(vdi, 0x170, 8, 1 << 20);
    for (const auto& [type, taken] : {std::pair{1, true}, std::pair{2, true}, std::pair{3, false}, std::pair{4, false}}) {
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
