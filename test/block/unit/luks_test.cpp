#include <catch2/catch.hpp>

#include <fstream>

#include <stratolet/error.hpp>

#include "block/driver/luks.hpp"
#include "platform/os/process.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using namespace stratolet::block;

TEST_CASE("A sealed disk says nothing of what is in it, and everything to whom has the passphrase", "[block][luks]") {
    const test::Folder folder;
    const auto path = folder.path() / "volume", image = folder.path() / "image";
    std::ofstream(path).close();
    std::filesystem::resize_file(path, 64 << 20);
    std::ofstream(image) << std::string(1 << 20, 'm');
    const DiskSource disk{FileDisk{path}, DiskFormat::Raw};
    RealAmbient ambient;
    luks::format(disk, "first", ambient);
    CHECK(std::filesystem::file_size(path) == 64 << 20);
    luks::fill(disk, "first", {FileDisk{image}, DiskFormat::Raw}, {});

    std::ifstream in(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    CHECK(bytes.size() == 64 << 20);
    CHECK(bytes.find("mmmmmmmm") == std::string::npos);
    const auto read = [&](const std::string& passphrase) {
        return process::run(
            {.argv = {"qemu-io", "-c", "read -P 109 0 1M", "--object", "secret,id=key,file=/proc/self/fd/0",
                      "--image-opts", "driver=luks,key-secret=key,file.filename=" + path.string()},
             .input = passphrase});
    };
    CHECK(read("first").out.find("read 1048576/1048576") != std::string::npos);
    CHECK(read("other").out.find("read 1048576/1048576") == std::string::npos);
}
