#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "appliance/doctor.hpp"
#include "compute/cloud.hpp"
#include "platform/cloud/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;

namespace {

std::string doctorOn(const TestAppliance& cloud) {
    std::ostringstream out;
    examine({}, cloud.folder(), out);
    return out.str();
}

std::set<std::string> filesIn(const std::filesystem::path& folder) {
    std::set<std::string> names;
    for (const auto& each : std::filesystem::directory_iterator(folder)) names.insert(each.path().filename().string());
    return names;
}

/// All that a cloud has on its host.
struct OnHost {
    std::set<std::string> guests, volumes, images, staged, bases;

    explicit OnHost(TestAppliance& cloud)
        : volumes(filesIn(cloud.folder() / "volumes")),
          images(filesIn(cloud.folder() / "images")),
          staged(filesIn(cloud.folder() / "staging" / "sent")),
          bases(filesIn(cloud.folder() / "instances" / "_base")) {
        for (const auto& each : cloud.hypervisor().guests()) guests.insert(each.text);
    }
    bool operator==(const OnHost&) const = default;
};

std::string madeImage(const Member& member) {
    return member.posts("/image/v2/images", R"({"name":"new","disk_format":"raw","container_format":"bare"})")
        .json()
        .text("id");
}

void deletes(Cloud& cloud, const std::string& path) {
    REQUIRE(cloud.alice.deletes(path).status < 300);
    cloud.appliance.settle();
}

std::int64_t strays(TestAppliance& cloud) {
    return cloud.appliance().store().reader().query("SELECT count(*) FROM strays").integer();
}

}

TEST_CASE(
    "Yesterday's store beside today's host: nothing of what was made since is destroyed, and doctor lists all of it",
    "[appliance][restore]") {
    Cloud cloud;
    auto& appliance = cloud.appliance;
    const auto old = cloud.boots(cloud.alice, "old");
    cloud.image = Cloud::upload(
        cloud.alice); // of which yesterday's only server was deleted: its base may go, if nothing else is on it
    deletes(cloud, "/compute/v2.1/servers/" + cloud.boots(cloud.alice, "short"));
    appliance.appliance().store().backupTo(appliance.folder() / "yesterday");

    const auto guest = cloud.boots(cloud.alice, "new"), volume = cloud.createsVolume(cloud.alice),
               image = Cloud::upload(cloud.alice);
    cloud.image = Cloud::upload(cloud.alice);
    const auto ofOther = cloud.boots(cloud.alice, "of a new base");
    const auto staged = madeImage(cloud.alice);
    REQUIRE(cloud.alice
                .puts("/image/v2/images/" + staged + "/stage", "half", {{"Content-Type", "application/octet-stream"}})
                .status == 204);
    const OnHost before(appliance);
    REQUIRE(before.guests == std::set{old, guest, ofOther});
    REQUIRE(before.volumes.size() == 1);
    REQUIRE(before.images.size() == 4);
    REQUIRE(before.staged.size() == 1);
    REQUIRE(before.bases.size() == 3);

    appliance.restart([&] {
        for (const auto* each : {"stratolet.db", "stratolet.db-wal", "stratolet.db-shm"})
            std::filesystem::remove(appliance.folder() / each);
        std::filesystem::rename(appliance.folder() / "yesterday", appliance.folder() / "stratolet.db");
    });
    appliance.settle();
    REQUIRE(cloud.alice.gets("/volume/v3/{project}/volumes/" + volume).status == 404); // it is yesterday
    CHECK(OnHost(appliance) == before);
    const auto said = doctorOn(appliance);
    for (const auto& each : {guest, ofOther}) {
        CHECK_THAT(said, Contains("guest, it is kept") && Contains("stratolet-" + each + " on "));
        CHECK_THAT(said, Contains("the server of this disk") && Contains(": " + each + " on "));
    }
    CHECK_THAT(said, Contains("volume, it is kept") && Contains("volume-" + volume + " in back end file"));
    CHECK_THAT(said, Contains("the data of this image, it is kept") && Contains(image + " in store file"));
    CHECK_THAT(said, Contains("sent for this image, it is kept") && Contains(staged));
    CHECK_THAT(said, !Contains(old));
    CHECK_THAT(appliance.asks(http::Method::Get, "/metrics", "").body, Contains("stratolet_strays 8\n"));

    // A week later, and after another start, it is as it was; what the store knows goes on.
    appliance.passes(std::chrono::hours(8 * 24));
    appliance.restart();
    appliance.settle();
    CHECK(OnHost(appliance) == before);
    const auto admin = appliance.admin();
    CHECK(cloud.status(admin, old) == "ACTIVE");
    // Nobody takes the place of what nobody knows.
    const auto asked = admin.posts(
        "/image/v2/images", R"({"id":")" + image + R"(","name":"x","disk_format":"raw","container_format":"bare"})");
    CHECK(asked.status == 409);

    // An administrator has looked at it and taken it away.
    std::filesystem::remove(appliance.folder() / "volumes" / ("volume-" + volume));
    std::filesystem::remove(appliance.folder() / "images" / image);
    appliance.restart();
    CHECK_THAT(doctorOn(appliance), !Contains(volume) && !Contains(image));
    CHECK(strays(appliance) == 6);
}

TEST_CASE("What was deleted, and is there again, goes: a week long it is remembered", "[appliance][restore]") {
    Cloud cloud;
    auto& appliance = cloud.appliance;
    const auto volume = cloud.createsVolume(cloud.alice);
    const auto server = cloud.boots(cloud.alice, "short");
    deletes(cloud, "/compute/v2.1/servers/" + server);
    deletes(cloud, "/volume/v3/{project}/volumes/" + volume);
    deletes(cloud, "/image/v2/images/" + cloud.image);
    const auto comesBack = [&] { // as a back end that could not be reached shows what is to go
        std::ofstream(appliance.folder() / "volumes" / ("volume-" + volume)) << "again";
        std::ofstream(appliance.folder() / "images" / cloud.image) << "again";
    };
    GuestSpec guest;
    guest.server = {server};
    appliance.hypervisor().ensureDefined(guest);
    appliance.restart(comesBack);
    CHECK(OnHost(appliance).guests.empty());
    CHECK(OnHost(appliance).volumes.empty());
    CHECK(OnHost(appliance).images.empty());
    CHECK(strays(appliance) == 0);

    appliance.passes(std::chrono::hours(8 * 24));
    const auto bob = appliance.member("bob");
    REQUIRE(bob.deletes("/volume/v3/{project}/volumes/" + cloud.createsVolume(bob)).status ==
            202); // who deletes forgets what is old
    appliance.settle();
    appliance.restart(comesBack);
    CHECK(OnHost(appliance).volumes.size() == 1);
    CHECK(strays(appliance) == 2);
}

TEST_CASE("A cloud is the same in every copy of its store, and another is another", "[appliance][restore]") {
    TestAppliance one, two;
    const auto idOf = [](TestAppliance& cloud) {
        return cloud.appliance().store().reader().query("SELECT id FROM cloud").maybeText().value_or("");
    };
    const auto id = idOf(one);
    CHECK(id.size() == 36);
    CHECK(idOf(two) != id);
    one.restart();
    CHECK(idOf(one) == id);
}

TEST_CASE("A host keeps the name that it had when the cloud began, and with it its volumes and its guests' ports",
          "[appliance][restore]") {
    Cloud cloud;
    auto& appliance = cloud.appliance;
    const auto volume = cloud.createsVolume(cloud.alice);
    const auto network =
        cloud.alice.posts("/network/v2.0/networks", R"({"network":{}})").json().object("network").text("id");
    REQUIRE(cloud.alice
                .posts("/network/v2.0/subnets",
                       R"({"subnet":{"ip_version":4,"cidr":"10.1.0.0/24","network_id":")" + network + "\"}}")
                .status == 201);
    const auto port = cloud.alice.posts("/network/v2.0/ports", R"({"port":{"network_id":")" + network + "\"}}")
                          .json()
                          .object("port")
                          .text("id");
    auto body = cloud.body("wired");
    body.replace(body.find("\"none\""), 6, R"([{"port":")" + port + R"("}])");
    REQUIRE(cloud.alice.posts("/compute/v2.1/servers", body, {{"OpenStack-API-Version", "compute 2.93"}}).status ==
            202);
    appliance.settle();
    appliance.appliance().store().write([](store::Transaction& tx) {
        tx.execute("UPDATE cloud SET host = 'before'");
        tx.execute("UPDATE volumes SET host = ''"); // as the migrations leave them
        tx.execute("UPDATE ports SET host = '' WHERE server <> ''");
    });
    appliance.restart();
    const auto admin = appliance.admin();
    CHECK(admin.gets("/volume/v3/" + admin.project + "/volumes/" + volume)
              .json()
              .object("volume")
              .text("os-vol-host-attr:host") == "before@file#file");
    CHECK(admin.gets("/network/v2.0/ports/" + port).json().object("port").text("binding:host_id") == "before");
    const auto plan = appliance.network().plan();
    const auto planned =
        std::find_if(plan.ports.begin(), plan.ports.end(), [&](const auto& each) { return each.id.text == port; });
    REQUIRE(planned != plan.ports.end());
    CHECK(planned->tapped);
}
