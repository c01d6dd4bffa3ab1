#include "compute/driver/instance_files.hpp"

#include <catch2/catch.hpp>

#include <stratolet/driver/local_path.hpp>
#include <stratolet/error.hpp>

#include <atomic>
#include <fstream>
#include <sys/stat.h>
#include <thread>

#include "support/folder.hpp"

using namespace stratolet;
using namespace stratolet::compute;
namespace fs = std::filesystem;

namespace {

const ServerId server{"0d1c4b5e-7d5e-4c7f-9d43-3a0f1b1c2d3e"}, other{"0d1c4b5e-7d5e-4c7f-9d43-3a0f1b1c2d3f"};

struct Files {
    test::Folder folder;
    fs::path place = folder.path() / "instances";
    std::unique_ptr<InstanceDisks> disks = instanceFiles(place);
    int asked = 0;

    Files() { std::ofstream(folder / "image") << std::string(5000, 'i'); }

    Bytes copies(const std::string& base) {
        return disks->ensureBase(base,
                                 [&] {
                                     return ++asked, DiskSource{FileDisk{folder / "image"}, DiskFormat::Raw};
                                 },
                                 {});
    }
};

mode_t rightsOf(const fs::path& file) {
    struct stat about {};
    REQUIRE(::stat(file.c_str(), &about) == 0);
    return about.st_mode & 0777;
}

}

TEST_CASE("A root disk stands on the copy of its image, which is made once", "[compute][disks]") {
    Files files;
    CHECK_THROWS_AS(files.disks->have(server, {}), Error);
    for (int time = 0; time < 2; ++time) CHECK(files.copies("base") == Bytes{5120}); // whole sectors
    CHECK(files.asked == 1);
    CHECK(rightsOf(files.place / "_base" / "base") == 0444);
    DiskSource made;
    for (int time = 0; time < 2; ++time) made = files.disks->ensureLayer(server, {}, "base", GiB{1}.bytes());
    CHECK(made == DiskSource{FileDisk{files.place / (server.text + "_disk")}, DiskFormat::Qcow2});
    CHECK(files.disks->have(server, {}) == made);
    CHECK(files.disks->present() == std::vector<ServerId>{server});
    for (int time = 0; time < 2; ++time) files.disks->discard(server);
    CHECK(files.disks->present().empty());
    CHECK(fs::exists(files.place / "_base" / "base"));
}

TEST_CASE("A disk that an earlier version made is used where it is, and goes with its server", "[compute][disks]") {
    Files files;
    files.copies("base");
    fs::create_directory(files.place / server.text);
    std::ofstream(files.place / server.text / "disk") << "what the guest wrote";
    const DiskSource earlier{FileDisk{files.place / server.text / "disk"}, DiskFormat::Qcow2};
    CHECK(files.disks->have(server, {}) == earlier);
    CHECK(files.disks->ensureLayer(server, {}, "base", GiB{1}.bytes()) == earlier);
    CHECK(fs::file_size(files.place / server.text / "disk") == 20);
    CHECK(files.disks->present() == std::vector<ServerId>{server});
    files.disks->discard(other);
    CHECK(files.disks->have(server, {}) == earlier);
    files.disks->discard(server);
    CHECK_FALSE(fs::exists(files.place / server.text));
}

TEST_CASE("Several who want the copy of one image wait for one of them, or no longer than they may",
          "[compute][disks]") {
    test::Folder folder;
    std::atomic<int> copies = 0;
    std::atomic<bool> go = false;
    const auto disks =
        instanceFiles(folder / "instances", {.copy =
                                                 [&](const DiskSource&, const fs::path& base, const Cancelled&) {
                                                     ++copies;
                                                     while (!go) std::this_thread::yield();
                                                     std::ofstream(base) << "copy";
                                                 },
                                             .layer = {},
                                             .blank = {},
                                             .grow = {},
                                             .fold = {},
                                             .duplicate = {},
                                             .flatten = {},
                                             .capacity = {}});
    const auto ensure = [&](const Cancelled& cancelled) {
        disks->ensureBase(
            "base", [] { return DiskSource(); }, cancelled);
    };
    std::thread first([&] { ensure({}); });
    while (copies == 0) std::this_thread::yield();
    CHECK_THROWS_AS(ensure([] { return true; }), Error);
    CHECK(disks->removeBases([](const std::string&) { return false; }).empty()); // nobody takes it away from under them
    std::thread second([&] { ensure({}); });
    go = true;
    first.join();
    second.join();
    CHECK(copies == 1);
    CHECK(disks->removeBases([](const std::string& base) { return base == "base"; }).empty());
    CHECK(disks->removeBases([](const std::string&) { return false; }) == std::vector<std::string>{"base"});
}

TEST_CASE("What a crash left half made is removed at the next start, and never taken for a disk", "[compute][disks]") {
    Files files;
    std::ofstream(files.place / "_base" / "base.part-1-1") << "half";
    std::ofstream(files.place / (server.text + "_disk.part-1-1")) << "half";
    CHECK_THROWS_AS(files.disks->have(server, {}), Error);
    files.disks = instanceFiles(files.place);
    CHECK(fs::is_empty(files.place / "_base"));
    CHECK(files.disks->present().empty());
}

TEST_CASE("Nothing that comes from elsewhere names a file outside", "[compute][disks]") {
    Files files;
    for (const auto* base : {"", ".", "..", "../base", "a/b"}) CHECK_THROWS_AS(files.copies(base), Error);
    for (const auto* id : {"", "..", "_base", "0d1c4b5e-7d5e-4c7f-9d43-3a0f1b1c2d3e/.."}) {
        CHECK_THROWS_AS(files.disks->discard({id}), Error);
        CHECK_THROWS_AS(files.disks->find({id}, {}), Error);
    }
}
