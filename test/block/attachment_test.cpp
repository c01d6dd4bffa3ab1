#include "block/support.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string attachmentsPath = "/volume/v3/{project}/attachments";
constexpr auto server = "88888888-0000-4000-8000-000000000000";

Answer attaches(const Member& who, const std::string& volume, const std::string& more = "", int minor = 54) {
    return who.posts(attachmentsPath,
                     R"({"attachment":{"volume_uuid":")" + volume + R"(","instance_uuid":")" + server + "\"" + more +
                         "}}",
                     {since(minor)});
}

/// As its type would have it.
void forSeveral(TestAppliance& cloud, const std::string& volume) {
    cloud.appliance().store().write(
        [&](store::Transaction& tx) { tx.execute("UPDATE volumes SET multiattach = 1 WHERE id = ?", volume); });
}

}

TEST_CASE("Who says how it reaches a volume is told how, and completes the attachment", "[block][attachment]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto volume = makes(cloud, alice);
    const auto made = attaches(alice, volume, R"(,"mode":"ro")");
    REQUIRE(made.status == 200);
    const auto reserved = made.json().object("attachment");
    CHECK(reserved.text("status") == "reserved");
    CHECK(reserved.text("attach_mode") == "ro");
    CHECK(reserved.object("connection_info").size() == 0);
    const auto path = attachmentsPath + "/" + reserved.text("id");
    const std::string connector =
        R"({"attachment":{"connector":{"host":"elsewhere","ip":"192.0.2.7","initiator":"iqn.x","mountpoint":"/dev/vdc"}}})";
    CHECK(alice.puts(path, connector, {since(26)}).status == 404);
    CHECK(bob.puts(path, connector, {since(27)}).status == 404);
    for (const auto* wrong :
         {R"({"attachment":{}})", R"({"attachment":{"connector":7}})", R"({"attachment":{"connector":{"ip":"x"}}})",
          R"({"attachment":{"connector":{"host":7}}})"})
        CHECK(alice.puts(path, wrong, {since(27)}).status == 400);
    const auto updated = alice.puts(path, connector, {since(27)});
    INFO(updated.body);
    REQUIRE(updated.status == 200);
    const auto told = updated.json().object("attachment");
    CHECK(told.text("status") == "attaching");
    CHECK(told.object("connection_info").text("driver_volume_type") == "local");
    CHECK(told.object("connection_info").object("data").text("device_path").find(volume) != std::string::npos);
    CHECK(told.object("connection_info").text("access_mode") == "ro");
    CHECK(statusOf(alice, volume) == "attaching");
    CHECK(alice.gets(path, {since(27)}).json().object("attachment").object("connection_info").size() > 0);

    CHECK(alice.posts(path + "/action", R"({"os-complete":{}})", {since(44)}).status == 204);
    const auto shown = shows(alice, volume);
    CHECK(shown.text("status") == "in-use");
    CHECK(shown.array("attachments").items().at(0).text("device") == "/dev/vdc");
    CHECK(alice.deletes(volumesPath + "/" + volume).status == 400);
    CHECK(alice.deletes(path, {since(27)}).status == 200);
    cloud.settle();
    CHECK(statusOf(alice, volume) == "available");
}

TEST_CASE("An attachment is made and connected at once, and its mode is known since 3.54", "[block][attachment]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice), other = makes(cloud, alice);
    const auto made = attaches(alice, volume, R"(,"connector":{"host":"elsewhere"},"mode":"ro")", 53);
    REQUIRE(made.status == 200);
    CHECK(made.json().object("attachment").text("status") == "attaching");
    CHECK(made.json().object("attachment").text("attach_mode") == "rw");
    CHECK(attaches(alice, other, R"(,"mode":"wo")").status == 400);
    REQUIRE(acts(alice, other, R"({"os-update_readonly_flag":{"readonly":true}})").status == 202);
    CHECK(attaches(alice, other, R"(,"connector":{"host":"elsewhere","mode":"rw"})").status == 400);
    CHECK(statusOf(alice, other) == "available"); // as if it had not been asked for
    CHECK(attaches(alice, other, R"(,"connector":{"host":"elsewhere"})")
              .json()
              .object("attachment")
              .text("attach_mode") == "ro");
}

TEST_CASE("A volume for several is had by several, and is free when the last has let go", "[block][attachment]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice);
    const auto attach = [&](const std::string& host) {
        return acts(alice, volume, R"({"os-attach":{"host_name":")" + host + R"(","mountpoint":"/dev/vdc"}})").status;
    };
    CHECK(attach("one") == 202);
    CHECK(attach("two") == 400);
    forSeveral(cloud, volume);
    CHECK(attach("two") == 202);
    const auto first = attaches(alice, volume), second = attaches(alice, volume);
    REQUIRE(first.status == 200);
    CHECK(second.status == 200);
    CHECK(shows(alice, volume).array("attachments").size() == 2);
    CHECK(statusOf(alice, volume) == "in-use");
    CHECK(shows(alice, volume).boolean("multiattach", false));
    for (const auto& each : {first, second})
        CHECK(alice.deletes(attachmentsPath + "/" + each.json().object("attachment").text("id"), {since(27)}).status ==
              200);
    const auto ids = shows(alice, volume).array("attachments").items();
    const auto detach = [&](const std::string& id) {
        return acts(alice, volume, R"({"os-detach":{"attachment_id":")" + id + "\"}}").status;
    };
    CHECK(detach(ids.at(0).text("attachment_id")) == 202);
    CHECK(statusOf(alice, volume) == "in-use");
    CHECK(detach(ids.at(1).text("attachment_id")) == 202);
    CHECK(statusOf(alice, volume) == "available");
}

TEST_CASE("Of a volume for several, what a server of ours has stays its own", "[block][attachment][security]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice);
    forSeveral(cloud, volume);
    REQUIRE(acts(alice, volume, R"({"os-attach":{"host_name":"one","mountpoint":"/dev/vdc"}})").status == 202);
    const std::string ours = "77777777-0000-4000-8000-000000000000";
    cloud.appliance().store().write([&](store::Transaction& tx) {
        tx.execute("INSERT INTO volume_attachments VALUES (?, ?, ?, 'host', '/dev/vdb', 'rw', 'attached', 1, 1, 2, "
                   "NULL, NULL)",
                   ours, volume, server);
    });
    CHECK(acts(alice, volume, R"({"os-detach":{}})").status == 409);
    CHECK(acts(alice, volume, R"({"os-detach":{"attachment_id":")" + ours + "\"}}").status == 409);
    CHECK(acts(alice, volume, R"({"os-terminate_connection":{"connector":{"host":"host"}}})").status == 409);
    CHECK(alice.puts(attachmentsPath + "/" + ours, R"({"attachment":{"connector":{"host":"mine"}}})", {since(27)})
              .status == 409);
    for (const auto& each : shows(alice, volume).array("attachments").items())
        if (each.text("attachment_id") != ours)
            CHECK(acts(alice, volume, R"({"os-detach":{"attachment_id":")" + each.text("attachment_id") + "\"}}")
                      .status == 202);
    CHECK(statusOf(alice, volume) == "in-use");
}

TEST_CASE("The older family connects what has been reserved", "[block][attachment]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto volume = makes(cloud, alice);
    const std::string initialize = R"({"os-initialize_connection":{"connector":{"host":"elsewhere"}}})";
    CHECK(acts(alice, volume, initialize).status == 400); // nobody has reserved it
    REQUIRE(acts(alice, volume, R"({"os-reserve":{}})").status == 202);
    CHECK(acts(bob, volume, initialize).status == 404);
    CHECK(acts(alice, volume, R"({"os-initialize_connection":{"connector":"x"}})").status == 400);
    const auto answer = acts(alice, volume, initialize);
    CHECK(answer.status == 200);
    CHECK(answer.json().object("connection_info").object("data").has("device_path"));
    CHECK(acts(alice, volume, R"({"os-attach":{"host_name":"elsewhere","mountpoint":"/dev/vdc"}})").status == 202);
    CHECK(acts(alice, volume, R"({"os-begin_detaching":{}})").status == 202);
    CHECK(acts(alice, volume, R"({"os-terminate_connection":{"connector":{"host":"elsewhere"}}})").status == 202);
    CHECK(acts(alice, volume, R"({"os-detach":{}})").status == 202);
    cloud.settle();
    CHECK(statusOf(alice, volume) == "available");
}

TEST_CASE("Nobody gets a volume that is on its way to another back end", "[block][attachment][migrate]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice);
    cloud.appliance().store().write([&](store::Transaction& tx) {
        tx.execute("UPDATE volumes SET migration_status = 'migrating' WHERE id = ?", volume);
    });
    CHECK(attaches(alice, volume).status == 400);
    CHECK(acts(alice, volume, R"({"os-reserve":{}})").status == 400);
    CHECK(acts(alice, volume, R"({"os-extend":{"new_size":2}})").status == 400);
    CHECK(alice.posts(snapshotsPath, R"({"snapshot":{"volume_id":")" + volume + "\"}}").status == 400);
    CHECK(alice.deletes(volumesPath + "/" + volume).status == 400);
}
