#include <catch2/catch.hpp>

#include <stratolet/error.hpp>

#include "block/backends.hpp"
#include "block/block.hpp"

using namespace stratolet;
using namespace stratolet::block;
using Catch::Contains;

namespace {

/// A back end that has nothing but a name and so much room.
class Room : public VolumeDriver {
public:
    Room(std::string name, GiB free) : name_(std::move(name)), free_(free) {}
    std::string_view name() const override { return name_; }
    std::string_view protocol() const override { return "none"; }
    VolumeCapabilities capabilities() const override { return {}; }
    void ensure(const VolumeId&, GiB, Layout, LiveDisk*) override {}
    void fill(const VolumeId&, GiB, const DiskSource&, const Cancelled&) override {}
    void restore(const VolumeId&, GiB, const SnapshotId&, const Cancelled&) override {}
    void clone(const VolumeId&, GiB, const VolumeId&, const Cancelled&, LiveDisk*) override {}
    void discard(const VolumeId&) override {}
    void snapshot(const SnapshotId&, const VolumeId&, const Cancelled&, LiveDisk*) override {}
    void discard(const SnapshotId&, const VolumeId&, const Cancelled&, LiveDisk*) override {}
    void revert(const VolumeId&, GiB, const SnapshotId&, const Cancelled&) override {}
    DiskSource connect(const VolumeId&, const Connector&) override { return {}; }
    void disconnect(const VolumeId&, const Connector&) override {}
    DiskSource source(const VolumeId&) override { return {}; }
    DiskSource source(const SnapshotId&) override { return {}; }
    std::vector<Manageable> manageable() override { return {}; }
    GiB adopt(const VolumeId&, const std::string&) override { return {}; }
    void release(const VolumeId&) override {}
    std::vector<VolumeId> present() override { return {}; }
    std::vector<SnapshotId> presentSnapshots() override { return {}; }
    Bytes capacity() override { return GiB{1000}.bytes(); }
    Bytes free() override { return free_.bytes(); }

private:
    std::string name_;
    GiB free_;
};

std::vector<std::unique_ptr<VolumeDriver>> rooms(std::initializer_list<std::pair<std::string, GiB>> all) {
    std::vector<std::unique_ptr<VolumeDriver>> made;
    for (const auto& [name, free] : all) made.push_back(std::make_unique<Room>(name, free));
    return made;
}

Volume in(const std::string& place) {
    Volume volume;
    volume.host = place;
    return volume;
}

}

TEST_CASE("A volume's back end is the one that its host names, and none where the configuration names it no more",
          "[block][back-ends]") {
    const auto drivers = rooms({{"fast", GiB{10}}, {"slow", GiB{100}}});
    const Backends backends(drivers, "host");
    CHECK(backends.of(in("host@slow#slow")).name() == "slow");
    CHECK(backends.of(in("renamed@fast#pool")).name() == "fast");
    for (const auto* each : {"host@gone#gone", "host", "", "host@slo#slow"})
        CHECK_THROWS_WITH(backends.of(in(each)), Contains("[block] backends does not name"));
}

TEST_CASE("Back ends are named in the configuration, each with a section", "[block][back-ends]") {
    Config config(configOptions());
    CHECK(backendsIn(config).size() == 1);
    CHECK(backendsIn(config)[0].name == "file");
    config.set("block", "backends", "fast, slow", "test");
    config.set("backend fast", "folder", "/srv/fast", "test");
    const auto both = backendsIn(config);
    REQUIRE(both.size() == 2);
    CHECK(both[0].folder == "/srv/fast");
    CHECK(both[1].folder.empty());
    CHECK(both[1].driver == "file");
    config.set("backend slow", "folder", "/srv/slow/../fast", "test");
    CHECK_THROWS_WITH(backendsIn(config), Contains("same folder"));
    CHECK_THROWS_WITH(config.set("block", "backends", "one, one", "line 1"), Contains("twice"));
    CHECK_THROWS_WITH(config.set("block", "backends", "a#b", "line 1"), Contains("line 1"));
    CHECK_THROWS_WITH(config.set("backend fast", "driver", "tape", "line 1"), Contains("driver = tape"));
    CHECK_THROWS_WITH(config.set("backend", "driver", "file", "line 1"), Contains("there is no option"));
}
