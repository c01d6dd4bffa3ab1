#include <catch2/catch.hpp>

#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;

namespace {

const std::string volumesPath = "/volume/v3/{project}/volumes";
const HeaderList newest{{"OpenStack-API-Version", "volume 3.70"}};

std::string makes(TestAppliance& cloud, const Member& who, const std::string& more = "",
                  const std::string& beside = "") {
    const auto answer = who.posts(volumesPath, R"({"volume":{"size":1)" + more + "}" + beside + "}");
    INFO(answer.body);
    REQUIRE(answer.status == 202);
    CHECK(answer.json().object("volume").text("status") == "creating");
    cloud.settle();
    return answer.json().object("volume").text("id");
}

Json shows(const Member& who, const std::string& volume) {
    return who.gets(volumesPath + "/" + volume).json().object("volume");
}

std::string hostOf(const Member& admin, const std::string& volume) {
    return admin.gets("/volume/v3/" + admin.project + "/volumes/" + volume)
        .json()
        .object("volume")
        .text("os-vol-host-attr:host");
}

void makesType(const Member& admin, const std::string& name, const std::string& specs) {
    REQUIRE(admin
                .posts("/volume/v3/{project}/types",
                       R"({"volume_type":{"name":")" + name + R"(","extra_specs":{)" + specs + "}}}")
                .status == 200);
}

}

TEST_CASE("A volume that no back end can take is in error, and a message says why", "[block][scheduler][message]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice"), bob = cloud.member("bob");
    makesType(root, "tape", R"("volume_backend_name":"tape")");
    const auto volume = makes(cloud, alice, R"(,"volume_type":"tape")");
    CHECK(shows(alice, volume).text("status") == "error");
    CHECK(root.gets("/volume/v3/" + root.project + "/volumes/" + volume)
              .json()
              .object("volume")
              .at("os-vol-host-attr:host")
              .isNull());

    const std::string path = "/volume/v3/{project}/messages";
    const auto messages = alice.gets(path, newest).json().array("messages").items();
    REQUIRE(messages.size() == 1);
    const auto& message = messages[0];
    CHECK(message.text("resource_uuid") == volume);
    CHECK(message.text("resource_type") == "VOLUME");
    CHECK(message.text("event_id") == "VOLUME_VOLUME_001_003");
    CHECK(message.text("user_message") == "schedule allocate volume:Could not find any available weighted backend.");
    CHECK(message.text("message_level") == "ERROR");
    CHECK_THAT(message.text("request_id"), Catch::StartsWith("req-"));
    const auto one = path + "/" + message.text("id");
    CHECK(alice.gets(one, newest).json().object("message").text("id") == message.text("id"));
    CHECK(alice.gets(one).status == 404); // before 3.3
    CHECK(bob.gets(path, newest).json().array("messages").items().empty());
    CHECK(bob.gets(one, newest).status == 404);
    CHECK(bob.deletes(one, newest).status == 404);

    const auto found = [&](const std::string& query) {
        const auto answer = alice.gets(path + query, newest);
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        return answer.json().array("messages").items().size();
    };
    CHECK(found("?resource_uuid=" + volume) == 1);
    CHECK(found("?resource_uuid=x") == 0);
    CHECK(found("?event_id=VOLUME_VOLUME_001_003&message_level=ERROR&resource_type=VOLUME") == 1);
    CHECK(found("?sort=created_at:asc&limit=1") == 1);
    CHECK(alice.gets(path + "?colour=red", newest).status == 400);
    CHECK(alice.gets(path + "?marker=x", newest).status == 404);

    CHECK(alice.deletes(volumesPath + "/" + volume).status == 202);
    cloud.settle();
    CHECK(alice.gets(volumesPath + "/" + volume).status == 404);
    CHECK(alice.deletes(one, newest).status == 204);
    CHECK(alice.gets(one, newest).status == 404);
}

TEST_CASE("Messages are gone after thirty days", "[block][message]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice");
    makesType(root, "tape", R"("volume_backend_name":"tape")");
    makes(cloud, alice, R"(,"volume_type":"tape")");
    const std::string path = "/volume/v3/{project}/messages";
    REQUIRE(alice.gets(path, newest).json().array("messages").items().size() == 1);
    const auto id = alice.gets(path, newest).json().array("messages").items()[0].text("id");
    cloud.passes(std::chrono::hours(30 * 24));
    const auto again = cloud.logsIn("alice", alice.password, "alice");
    const auto later = [&](const std::string& what) {
        return cloud.asks(http::Method::Get, "/volume/v3/" + alice.project + "/messages" + what, "",
                          {{"OpenStack-API-Version", "volume 3.70"}}, again);
    };
    CHECK(later("").json().array("messages").items().empty());
    CHECK(later("/" + id).status == 404);
}

TEST_CASE("Volumes go to the back end with more room, and beside or apart from others as hints ask",
          "[block][scheduler]") {
    TestAppliance cloud({{"block", "backends", "fast, file"}});
    const auto root = cloud.admin(), alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto first = makes(cloud, alice), second = makes(cloud, alice);
    CHECK(hostOf(root, first) != hostOf(root, second));
    const auto hint = [](const std::string& what, const std::string& volume) {
        return R"(,"OS-SCH-HNT:scheduler_hints":{")" + what + "\":" + volume + "}";
    };
    for (const auto& each : {first, second}) {
        CHECK(hostOf(root, makes(cloud, alice, "", hint("same_host", "\"" + each + "\""))) == hostOf(root, each));
        CHECK(hostOf(root, makes(cloud, alice, "", hint("different_host", "[\"" + each + "\"]"))) !=
              hostOf(root, each));
    }
    const auto nowhere = makes(cloud, alice, "", hint("different_host", "[\"" + first + "\",\"" + second + "\"]"));
    CHECK(shows(alice, nowhere).text("status") == "error");
    // Another project's volume is as if it weren't there.
    CHECK(shows(bob, makes(cloud, bob, "", hint("same_host", "\"" + first + "\""))).text("status") == "error");
    CHECK(alice.posts(volumesPath, R"({"volume":{"size":1},"OS-SCH-HNT:scheduler_hints":{"same_host":7}})").status ==
          400);
}

TEST_CASE("No more is promised of a back end than its ratio and what is held back allow", "[block][scheduler]") {
    TestAppliance cloud(
        {{"backend file", "max_over_subscription_ratio", "1"}, {"backend file", "reserved_percentage", "100"}});
    const auto alice = cloud.member("alice");
    CHECK(shows(alice, makes(cloud, alice)).text("status") == "error");
}

TEST_CASE("A volume does not go to a back end that doesn't answer, and its project hears that one doesn't",
          "[block][scheduler][message]") {
    TestAppliance cloud({{"block", "backends", "fast, file"}});
    const auto root = cloud.admin(), alice = cloud.member("alice");
    makesType(root, "quick", R"("volume_backend_name":"fast")");
    const auto before = makes(cloud, alice, R"(,"volume_type":"quick")");
    const auto place = hostOf(root, before);
    CHECK_THAT(place, Contains("@fast#"));
    const auto folder = cloud.folder() / "volumes-fast", away = cloud.folder() / "away";
    std::filesystem::rename(folder, away);
    cloud.passes(std::chrono::seconds(5));

    for (int each = 0; each < 3; ++each) CHECK_THAT(hostOf(root, makes(cloud, alice)), Contains("@file#"));
    const auto stuck = makes(cloud, alice, R"(,"volume_type":"quick")");
    CHECK(shows(alice, stuck).text("status") == "error");
    const auto messages = alice.gets("/volume/v3/{project}/messages", newest).json().array("messages").items();
    REQUIRE(messages.size() == 1);
    CHECK(messages[0].text("resource_uuid") == stuck);
    CHECK(messages[0].text("event_id") == "VOLUME_VOLUME_001_002");
    CHECK(messages[0].text("user_message") == "schedule allocate volume:Driver is not initialized at present.");

    std::filesystem::rename(away, folder);
    cloud.passes(std::chrono::seconds(5));
    CHECK(hostOf(root, makes(cloud, alice, R"(,"volume_type":"quick")")) == place);
}
