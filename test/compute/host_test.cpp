#include <catch2/catch.hpp>

#include <algorithm>

#include "compute/cloud.hpp"
#include "compute/host/hypervisors.hpp"
#include "platform/reconcile/reconciler.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string v2 = "/compute/v2.1/";

/// A flavor that only an administrator can make.
std::string flavor(Cloud& cloud, int vcpus, int ram, const std::string& specs = "") {
    static int number = 0;
    const auto id = "f" + std::to_string(++number);
    const auto admin = cloud.appliance.admin();
    REQUIRE(admin
                .posts(v2 + "flavors", R"({"flavor":{"name":")" + id + R"(","id":")" + id + R"(","ram":)" +
                                           std::to_string(ram) + R"(,"disk":1,"vcpus":)" + std::to_string(vcpus) + "}}")
                .status == 200);
    if (!specs.empty())
        REQUIRE(admin.posts(v2 + "flavors/" + id + "/os-extra_specs", R"({"extra_specs":)" + specs + "}").status ==
                200);
    return id;
}

Answer asks(const Cloud& cloud, const Member& member, const std::string& flavor, const std::string& more = "",
            const std::string& beside = "") {
    return member.posts(v2 + "servers",
                        R"({"server":{"name":"s","flavorRef":")" + flavor + R"(","networks":"none","imageRef":")" +
                            cloud.image + "\"" + more + "}" + beside + "}",
                        {{"OpenStack-API-Version", "compute 2.93"}});
}

std::string idOf(const Answer& answer, const char* noun = "server") {
    INFO(answer.body);
    REQUIRE((answer.status == 200 || answer.status == 202));
    return answer.json().object(noun).text("id");
}

void unlimited(Cloud& cloud, const Member& member) {
    REQUIRE(cloud.appliance.admin()
                .puts(v2 + "os-quota-sets/" + member.project,
                      R"({"quota_set":{"instances":-1,"cores":-1,"ram":-1,"server_groups":3}})")
                .status == 200);
}

std::string fault(const Cloud& cloud, const Member& member, const std::string& id) {
    const auto server = cloud.shows(member, id);
    REQUIRE(server.text("status") == "ERROR");
    return server.object("fault").text("message");
}

}

TEST_CASE("A server that no host has room for says why, has nothing, and can be deleted", "[compute][scheduler]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    unlimited(cloud, cloud.alice);
    const auto large = flavor(cloud, 1, 20000000);
    const auto id = idOf(asks(cloud, cloud.alice, large));
    CHECK(fault(cloud, cloud.alice, id) == "No valid host was found. 1 of 1 lacks memory.");
    CHECK_FALSE(cloud.shows(cloud.alice, id).object("fault").has("details"));
    const auto seen = cloud.shows(admin, id);
    CHECK(seen.object("fault").text("details").find("sandbox lacks memory (20000000 wanted, ") == 0);
    CHECK(seen.at("OS-EXT-SRV-ATTR:host").isNull());
    CHECK(seen.at("OS-EXT-SRV-ATTR:hypervisor_hostname").isNull());
    CHECK(seen.text("host_status").empty());
    CHECK(cloud.shows(cloud.alice, id).text("OS-EXT-AZ:availability_zone").empty());
    const auto actions =
        cloud.alice.gets(v2 + "servers/" + id + "/os-instance-actions").json().array("instanceActions").items();
    REQUIRE(actions.size() == 1);
    CHECK(actions[0].text("action") == "create");
    CHECK(actions[0].text("message") == "No valid host was found. 1 of 1 lacks memory.");

    CHECK(cloud.alice.deletes(v2 + "servers/" + id).status == 204);
    cloud.appliance.settle();
    CHECK(cloud.alice.gets(v2 + "servers/" + id).status == 404);
    CHECK(cloud.appliance.hypervisor().calls("ensureGone") == 0);
}

TEST_CASE("No host is promised twice, and what a deleted server had is free again", "[compute][scheduler]") {
    Cloud cloud;
    unlimited(cloud, cloud.alice);
    const auto large = flavor(cloud, 4096, 1024); // 4 of them
    std::vector<std::string> made;
    for (int number = 0; number < 2; ++number) {
        const auto two = asks(cloud, cloud.alice, large, R"(,"min_count":2,"max_count":2)");
        REQUIRE(two.status == 202);
    }
    const auto fifth = idOf(asks(cloud, cloud.alice, large));
    CHECK(fault(cloud, cloud.alice, fifth) == "No valid host was found. 1 of 1 lacks processors.");
    cloud.appliance.settle();
    const auto first = cloud.alice.gets(v2 + "servers?status=ACTIVE").json().array("servers").items();
    REQUIRE(first.size() == 4);
    CHECK(cloud.alice.deletes(v2 + "servers/" + first[0].text("id")).status == 204);
    cloud.appliance.settle();
    const auto sixth = idOf(asks(cloud, cloud.alice, large));
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, sixth) == "ACTIVE");
}

TEST_CASE("A disabled host gets no more servers, and one that is forced down is told as down", "[compute][host]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const auto kept = cloud.boots(cloud.alice, "kept");
    const auto status = [&] { return cloud.shows(admin, kept).text("host_status"); };
    CHECK(status() == "UP");
    CHECK_FALSE(cloud.shows(cloud.alice, kept).has("host_status"));
    const auto compute = [&](const char* version) {
        return admin
            .gets(v2 + "os-services?binary=nova-compute",
                  {{"OpenStack-API-Version", std::string("compute ") + version}})
            .json()
            .array("services")
            .items()
            .at(0);
    };
    const auto id = compute("2.53").text("id");
    CHECK(id.size() == 36);
    CHECK(compute("2.1").integer("id") == 1);
    CHECK_FALSE(compute("2.1").has("forced_down"));

    const auto disabled = admin.puts(v2 + "os-services/" + id, R"({"status":"disabled","disabled_reason":"dust"})",
                                     {{"OpenStack-API-Version", "compute 2.53"}});
    CHECK(disabled.status == 200);
    CHECK(disabled.json().object("service").text("disabled_reason") == "dust");
    CHECK(compute("2.93").text("status") == "disabled");
    CHECK(status() == "MAINTENANCE");
    CHECK(admin.gets(v2 + "os-hypervisors/1").json().object("hypervisor").text("status") == "disabled");
    CHECK(admin.gets(v2 + "os-hypervisors/1").json().object("hypervisor").object("service").text("disabled_reason") ==
          "dust");
    CHECK(admin.gets(v2 + "os-hypervisors/statistics").json().object("hypervisor_statistics").integer("count") == 0);
    CHECK(cloud.alice.gets(v2 + "os-availability-zone")
              .json()
              .array("availabilityZoneInfo")
              .items()
              .at(0)
              .object("zoneState")
              .boolean("available", true) == false);
    CHECK(fault(cloud, cloud.alice, idOf(asks(cloud, cloud.alice, "1"))) ==
          "No valid host was found. 1 of 1 is disabled.");

    CHECK(admin
              .puts(v2 + "os-services/" + id, R"({"status":"enabled","forced_down":true})",
                    {{"OpenStack-API-Version", "compute 2.53"}})
              .status == 200);
    CHECK(compute("2.11").text("state") == "down");
    CHECK(compute("2.11").boolean("forced_down", false));
    CHECK(compute("2.11").at("disabled_reason").isNull());
    CHECK(status() == "DOWN");
    CHECK(admin.gets(v2 + "os-hypervisors/1").json().object("hypervisor").text("state") == "down");
    CHECK(admin.gets(v2 + "os-hypervisors/1/uptime").status == 400);
    CHECK(fault(cloud, cloud.alice, idOf(asks(cloud, cloud.alice, "1"))) == "No valid host was found. 1 of 1 is down.");
    CHECK(admin.puts(v2 + "os-services/" + id, R"({"forced_down":false})", {{"OpenStack-API-Version", "compute 2.53"}})
              .status == 200);
    CHECK(cloud.status(cloud.alice, cloud.boots(cloud.alice, "again")) == "ACTIVE");
    CHECK(cloud.alice
              .puts(v2 + "os-services/" + id, R"({"forced_down":true})", {{"OpenStack-API-Version", "compute 2.53"}})
              .status == 403);
    for (const auto* wrong :
         {R"({})", R"({"status":"off"})", R"({"disabled_reason":"x"})", R"({"status":"enabled","x":1})",
          R"({"status":"enabled","disabled_reason":"x"})", R"({"forced_down":3})"})
        CHECK(admin.puts(v2 + "os-services/" + id, wrong, {{"OpenStack-API-Version", "compute 2.53"}}).status == 400);
    CHECK(admin.puts(v2 + "os-services/nothing", R"({"forced_down":true})", {{"OpenStack-API-Version", "compute 2.53"}})
              .status == 400);
    CHECK(admin
              .puts(v2 + "os-services/" + cloud.image, R"({"forced_down":true})",
                    {{"OpenStack-API-Version", "compute 2.53"}})
              .status == 404);
}

TEST_CASE("Services are enabled, disabled and forced down by host and binary until 2.53", "[compute][host]") {
    TestAppliance appliance;
    const auto admin = appliance.admin();
    const auto put = [&](const char* verb, const std::string& more, const char* version) {
        return admin.puts(v2 + "os-services/" + verb, R"({"host":"sandbox","binary":"nova-compute")" + more + "}",
                          {{"OpenStack-API-Version", std::string("compute ") + version}});
    };
    const auto now = [&] {
        return admin.gets(v2 + "os-services?host=sandbox", {{"OpenStack-API-Version", "compute 2.11"}})
            .json()
            .array("services")
            .items()
            .at(0);
    };
    CHECK(put("disable", "", "2.1").json().object("service").text("status") == "disabled");
    CHECK(now().text("status") == "disabled");
    CHECK(put("enable", "", "2.1").json().object("service").text("status") == "enabled");
    CHECK(now().text("status") == "enabled");
    CHECK(put("disable-log-reason", R"(,"disabled_reason":"dust")", "2.52")
              .json()
              .object("service")
              .text("disabled_reason") == "dust");
    CHECK(now().text("disabled_reason") == "dust");
    CHECK(put("force-down", R"(,"forced_down":true)", "2.10").status == 404);
    CHECK(put("force-down", R"(,"forced_down":true)", "2.11").json().object("service").boolean("forced_down", false));
    CHECK(now().text("state") == "down");
    CHECK(put("enable", "", "2.53").status == 404);
    CHECK(put("enable", R"(,"more":1)", "2.11").status == 400);
    CHECK(admin.puts(v2 + "os-services/enable", R"({"host":"nobody","binary":"nova-compute"})").status == 404);
    CHECK(admin.puts(v2 + "os-services/enable", R"({"host":"sandbox","binary":"nova-api"})").status == 404);
}

TEST_CASE("This process is the scheduler and the conductor, which are in a zone of their own", "[compute][host]") {
    TestAppliance appliance;
    const auto admin = appliance.admin();
    const auto all =
        admin.gets(v2 + "os-services", {{"OpenStack-API-Version", "compute 2.93"}}).json().array("services").items();
    REQUIRE(all.size() == 3);
    for (const auto& each : all) {
        CHECK(each.text("state") == "up");
        CHECK((each.text("zone") == "internal") == (each.text("binary") != "nova-compute"));
    }
    CHECK(admin
              .puts(v2 + "os-services/" + all[0].text("id"), R"({"status":"disabled"})",
                    {{"OpenStack-API-Version", "compute 2.53"}})
              .status == 400);
    CHECK(admin.deletes(v2 + "os-services/" + all[0].text("id"), {{"OpenStack-API-Version", "compute 2.53"}}).status ==
          400);
    CHECK(admin.gets(v2 + "os-services?binary=nova-scheduler").json().array("services").size() == 1);
    CHECK(admin.gets(v2 + "os-services?host=nobody").json().array("services").size() == 0);
    CHECK(admin.gets(v2 + "os-services?colour=red", {{"OpenStack-API-Version", "compute 2.75"}}).status == 400);
    const auto zones = admin.gets(v2 + "os-availability-zone/detail").json().array("availabilityZoneInfo").items();
    REQUIRE(zones.size() == 2);
    CHECK(zones[0].text("zoneName") == "internal");
    CHECK(zones[1].object("hosts").object("sandbox").object("nova-compute").boolean("active", false));
}

TEST_CASE("A host with servers stays; one without goes, and comes back when it is heard of", "[compute][host]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const auto id = [&] {
        const auto found =
            admin.gets(v2 + "os-services?binary=nova-compute", {{"OpenStack-API-Version", "compute 2.53"}})
                .json()
                .array("services")
                .items();
        return found.empty() ? "" : found[0].text("id");
    };
    const auto server = cloud.boots(cloud.alice, "one"), before = id();
    CHECK(admin.deletes(v2 + "os-services/" + before, {{"OpenStack-API-Version", "compute 2.53"}}).status == 409);
    CHECK(cloud.alice.deletes(v2 + "servers/" + server).status == 204);
    cloud.appliance.settle();
    CHECK(admin.deletes(v2 + "os-services/" + before, {{"OpenStack-API-Version", "compute 2.53"}}).status == 204);
    CHECK(id().empty());
    CHECK(admin.gets(v2 + "os-hypervisors").json().array("hypervisors").size() == 0);
    CHECK(fault(cloud, cloud.alice, idOf(asks(cloud, cloud.alice, "1"))) ==
          "No valid host was found. There is no host.");
    cloud.appliance.appliance().reconciler().now("compute");
    CHECK(id().size() == 36);
    CHECK(id() != before);
    CHECK(cloud.status(cloud.alice, cloud.boots(cloud.alice, "again")) == "ACTIVE");
}

TEST_CASE("A host that doesn't answer is down until it does", "[compute][host]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    auto& reconciler = cloud.appliance.appliance().reconciler();
    const auto state = [&] { return admin.gets(v2 + "os-hypervisors/1").json().object("hypervisor").text("state"); };
    CHECK(state() == "up");
    cloud.appliance.hypervisor().failOn("report", 1000000, Failure::Broken);
    CHECK_THROWS(reconciler.now("compute"));
    CHECK(state() == "down");
    CHECK(fault(cloud, cloud.alice, idOf(asks(cloud, cloud.alice, "1"))) == "No valid host was found. 1 of 1 is down.");
    cloud.appliance.hypervisor().failOn("report", 0, Failure::Broken);
    reconciler.now("compute");
    CHECK(state() == "up");
}

TEST_CASE("Hypervisors are shown as each version has them", "[compute][host]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const auto server = cloud.boots(cloud.alice, "one");
    const auto path = v2 + "os-hypervisors";
    const auto old = admin.gets(path + "/1", {{"OpenStack-API-Version", "compute 2.27"}}).json().object("hypervisor");
    CHECK(old.at("cpu_info").isText());
    CHECK(old.integer("vcpus_used") == 1);
    CHECK(old.integer("memory_mb_used") == 512 + 512); // what it keeps for itself, and the server's
    CHECK(old.integer("local_gb_used") == 1);
    CHECK(old.integer("running_vms") == 1);
    CHECK(old.text("host_ip") == "127.0.0.1");
    CHECK(old.object("service").text("host") == "sandbox");
    const auto info = admin.gets(path + "/1", {{"OpenStack-API-Version", "compute 2.28"}})
                          .json()
                          .object("hypervisor")
                          .object("cpu_info");
    CHECK(info.object("topology").integer("cells") == 2);
    const auto uuid = admin.gets(path, {{"OpenStack-API-Version", "compute 2.53"}})
                          .json()
                          .array("hypervisors")
                          .items()
                          .at(0)
                          .text("id");
    CHECK(admin.gets(path + "/1", {{"OpenStack-API-Version", "compute 2.53"}}).status == 400);
    CHECK(admin.gets(path + "/" + cloud.image, {{"OpenStack-API-Version", "compute 2.53"}}).status == 404);
    const auto shown = admin.gets(path + "/" + uuid + "?with_servers=true", {{"OpenStack-API-Version", "compute 2.53"}})
                           .json()
                           .object("hypervisor");
    CHECK(shown.array("servers").items().at(0).text("uuid") == server);
    CHECK_FALSE(admin.gets(path + "/" + uuid, {{"OpenStack-API-Version", "compute 2.93"}})
                    .json()
                    .object("hypervisor")
                    .has("servers"));
    const auto newest =
        admin.gets(path + "/" + uuid, {{"OpenStack-API-Version", "compute 2.93"}}).json().object("hypervisor");
    CHECK(newest.text("uptime").find(" up ") != std::string::npos);
    CHECK_FALSE(newest.has("cpu_info"));
    CHECK(admin.gets(path + "/statistics", {{"OpenStack-API-Version", "compute 2.88"}}).status == 404);
    CHECK(admin.gets(path + "?hypervisor_hostname_pattern=sand", {{"OpenStack-API-Version", "compute 2.53"}})
              .json()
              .array("hypervisors")
              .size() == 1);
    CHECK(admin.gets(path + "?hypervisor_hostname_pattern=sea", {{"OpenStack-API-Version", "compute 2.53"}}).status ==
          404);
    CHECK(admin.gets(path + "?hypervisor_hostname_pattern=s&limit=1", {{"OpenStack-API-Version", "compute 2.53"}})
              .status == 400);
    CHECK(admin.gets(path + "?colour=red", {{"OpenStack-API-Version", "compute 2.53"}}).status == 400);
    CHECK(admin.gets(path + "?marker=" + uuid, {{"OpenStack-API-Version", "compute 2.53"}})
              .json()
              .array("hypervisors")
              .size() == 0);
    CHECK(admin.gets(path + "?marker=1", {{"OpenStack-API-Version", "compute 2.33"}})
              .json()
              .array("hypervisors")
              .size() == 0);
    CHECK(admin.gets(path + "?marker=7", {{"OpenStack-API-Version", "compute 2.33"}}).status == 400);
    cloud.appliance.appliance().store().write([](store::Transaction& tx) {
        tx.execute("INSERT INTO compute_hosts (name, number, hypervisor_id, service_id, boot, created, hostname) "
                   "VALUES ('two', 2, 'h2', 's2', '', 0, 'two')");
    });
    const auto page = admin.gets(path + "?limit=1", {{"OpenStack-API-Version", "compute 2.33"}}).json();
    CHECK(page.array("hypervisors").size() == 1);
    CHECK(page.array("hypervisors_links").items().at(0).text("href").find("marker=1") != std::string::npos);
    const auto two = admin.gets(path + "?limit=1&marker=1", {{"OpenStack-API-Version", "compute 2.33"}}).json();
    CHECK(two.array("hypervisors").items().at(0).text("state") == "down"); // nothing drives it
    CHECK_FALSE(two.has("hypervisors_links"));
}

TEST_CASE("The old hosts are there until 2.43", "[compute][host]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    cloud.boots(cloud.alice, "one");
    const auto path = v2 + "os-hosts";
    CHECK(admin.gets(path).json().array("hosts").size() == 3);
    CHECK(admin.gets(path + "?zone=nova").json().array("hosts").items().at(0).text("host_name") == "sandbox");
    CHECK(admin.gets(path, {{"OpenStack-API-Version", "compute 2.43"}}).status == 404);
    const auto items = admin.gets(path + "/sandbox").json().array("host").items();
    REQUIRE(items.size() == 4);
    CHECK(items[0].object("resource").text("project") == "(total)");
    CHECK(items[1].object("resource").integer("cpu") == 1);
    CHECK(items[3].object("resource").text("project") == cloud.alice.project);
    CHECK(admin.gets(path + "/nobody").status == 404);
    CHECK(admin.puts(path + "/sandbox", R"({"status":"disable"})").json().text("status") == "disabled");
    CHECK(admin.gets(v2 + "os-hypervisors/1").json().object("hypervisor").text("status") == "disabled");
    CHECK(admin.puts(path + "/sandbox", R"({"status":"enable"})").json().text("status") == "enabled");
    CHECK(admin.puts(path + "/sandbox", R"({"status":"off"})").status == 400);
    CHECK(admin.puts(path + "/sandbox", R"({})").status == 400);
    CHECK(admin.puts(path + "/nobody", R"({"status":"enable"})").status == 404);
    CHECK(admin.puts(path + "/sandbox", R"({"maintenance_mode":"enable"})").status == 501);
    for (const auto* verb : {"startup", "shutdown", "reboot"}) {
        CHECK(admin.gets(path + "/sandbox/" + verb).status == 501);
        CHECK(admin.gets(path + "/nobody/" + verb).status == 404);
        CHECK(cloud.alice.gets(path + "/sandbox/" + verb).status == 403);
    }
}

TEST_CASE("A server is where it was asked to be, or isn't made at all", "[compute][scheduler]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const auto image = Cloud::upload(admin);
    const auto asked = [&](const Member& who, const std::string& more) {
        return who.posts(v2 + "servers",
                         R"({"server":{"name":"s","flavorRef":"1","networks":"none","imageRef":")" +
                             (who.name == "admin" ? image : cloud.image) + "\"" + more + "}}",
                         {{"OpenStack-API-Version", "compute 2.93"}});
    };
    CHECK(asked(cloud.alice, R"(,"availability_zone":"moon")").status == 400);
    CHECK(asked(cloud.alice, R"(,"availability_zone":"nova:sandbox")").status == 403);
    CHECK(asked(cloud.alice, R"(,"host":"sandbox")").status == 403);
    CHECK(asked(admin, R"(,"availability_zone":"nova:a:b:c")").status == 400);
    CHECK(asked(admin, R"(,"host":"nobody")").status == 400);
    CHECK(asked(admin, R"(,"hypervisor_hostname":"nobody")").status == 400);
    CHECK(asked(admin, R"(,"availability_zone":"nova:sandbox","host":"sandbox")").status == 400);
    for (const auto* more : {R"(,"availability_zone":"nova")", R"(,"availability_zone":"nova:sandbox")",
                             R"(,"availability_zone":"nova::sandbox")", R"(,"host":"sandbox")",
                             R"(,"hypervisor_hostname":"sandbox","host":"sandbox")"}) {
        const auto id = idOf(asked(admin, more));
        cloud.appliance.settle();
        CHECK(cloud.status(admin, id) == "ACTIVE");
        CHECK(cloud.shows(admin, id).text("OS-EXT-AZ:availability_zone") == "nova");
    }
    const auto nowhere = idOf(asked(admin, R"(,"availability_zone":"nova:nobody")"));
    CHECK(fault(cloud, admin, nowhere) == "No valid host was found. 1 of 1 is not the one that was asked for.");
}

TEST_CASE("Hints say with whom a server is, and are checked", "[compute][scheduler]") {
    Cloud cloud;
    const auto bob = cloud.appliance.member("bob");
    const auto first = cloud.boots(cloud.alice, "first");
    const auto hinted = [&](const Member& who, const std::string& hints) {
        return asks(cloud, who, "1", "", R"(,"os:scheduler_hints":)" + hints);
    };
    const auto with = idOf(hinted(cloud.alice, R"({"same_host":[")" + first + R"("],"colour":"red"})"));
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, with) == "ACTIVE");
    CHECK(fault(cloud, cloud.alice, idOf(hinted(cloud.alice, R"({"different_host":")" + first + "\"}"))) ==
          "No valid host was found. 1 of 1 has a server to be apart from.");
    CHECK(fault(cloud, cloud.alice, idOf(hinted(cloud.alice, R"({"same_host":")" + cloud.image + "\"}"))) ==
          "No valid host was found. 1 of 1 doesn't have the servers to be with.");
    CHECK(fault(cloud, cloud.alice, idOf(hinted(cloud.alice, R"({"query":"[\">\",\"$free_ram_mb\",99999999]"})"))) ==
          "No valid host was found. 1 of 1 isn't as the query has it.");
    CHECK(fault(cloud, cloud.alice, idOf(hinted(cloud.alice, R"({"build_near_host_ip":"10.0.0.1","cidr":"/24"})"))) ==
          "No valid host was found. 1 of 1 is in another network.");
    for (const auto* wrong :
         {R"({"same_host":"x"})", R"({"group":"x"})", R"({"query":["near",1]})", R"({"build_near_host_ip":"x"})",
          R"({"build_near_host_ip":"10.0.0.1","cidr":"/99"})", R"([])"})
        CHECK(hinted(cloud.alice, wrong).status == 400);
    // What others have is as if it weren't there.
    const auto image = Cloud::upload(bob);
    const auto theirs = bob.posts(v2 + "servers",
                                  R"({"server":{"name":"s","flavorRef":"1","networks":"none","imageRef":")" + image +
                                      R"("},"os:scheduler_hints":{"same_host":")" + first + "\"}}",
                                  {{"OpenStack-API-Version", "compute 2.93"}});
    CHECK(fault(cloud, bob, idOf(theirs)) == "No valid host was found. 1 of 1 doesn't have the servers to be with.");
}

TEST_CASE("A topology has the cells that the flavor asks for", "[compute][host]") {
    Cloud cloud;
    const auto topology = [&](const Member& who, const std::string& id) {
        return who.gets(v2 + "servers/" + id + "/topology", {{"OpenStack-API-Version", "compute 2.78"}});
    };
    const auto plain = cloud.boots(cloud.alice, "plain");
    CHECK(topology(cloud.alice, plain).json().array("nodes").size() == 0);
    CHECK(topology(cloud.alice, plain).json().at("pagesize_kb").isNull());
    const auto wide = idOf(asks(cloud, cloud.alice, flavor(cloud, 2, 512, R"({"hw:numa_nodes":"2"})")));
    cloud.appliance.settle();
    const auto nodes = topology(cloud.alice, wide).json().array("nodes").items();
    REQUIRE(nodes.size() == 2);
    CHECK(nodes[0].integer("memory_mb") == 256);
    CHECK(nodes[0].array("vcpu_set").size() + nodes[1].array("vcpu_set").size() == 2);
    CHECK_FALSE(nodes[0].has("cpu_pinning"));
    CHECK(topology(cloud.appliance.admin(), wide).json().array("nodes").items()[0].has("cpu_pinning"));
    CHECK(topology(cloud.appliance.member("bob"), wide).status == 404);
    CHECK(cloud.alice.gets(v2 + "servers/" + wide + "/topology", {{"OpenStack-API-Version", "compute 2.77"}}).status ==
          404);
    const auto wider = idOf(asks(cloud, cloud.alice, flavor(cloud, 3, 768, R"({"hw:numa_nodes":"3"})")));
    CHECK(fault(cloud, cloud.alice, wider) == "No valid host was found. 1 of 1 doesn't have the NUMA cells.");
}
