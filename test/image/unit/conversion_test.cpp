#include <catch2/catch.hpp>

#include <fstream>

#include "image/data/conversion.hpp"
#include "platform/os/process.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using namespace stratolet::image;

// qemu-img reads and writes by many threads, each with address space of its own: how many there are is chance.
TEST_CASE("A disk with much in it is converted each time that it is asked for", "[image][conversion]") {
    if (process::run({.argv = {"qemu-img", "--version"}}).exitCode == 127) {
        WARN("skipped: there is no qemu-img");
        return;
    }
    const test::Folder folder;
    const auto disk = folder.path() / "disk";
    {
        const std::string piece(256 << 10, 'x');
        std::ofstream out(disk, std::ios::binary);
        for (int each = 0; each < 128; ++each) out.seekp(std::streamoff{each} << 22) << piece;
    }
    std::filesystem::resize_file(disk, std::uintmax_t{1} << 30);
    for (int each = 0; each < 12; ++each) CHECK_NOTHROW(converted(disk, "qcow2"));
}
