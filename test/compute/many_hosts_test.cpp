#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string v2 = "/compute/v2.1/";

/// An administrator's cloud of three hosts.
struct Hosts {
    explicit Hosts(int attempts = 1, std::vector<TestOption> options = {})
        : appliance(with(attempts, std::move(options))) {
        REQUIRE(
            admin.puts(v2 + "os-quota-sets/" + admin.project, R"({"quota_set":{"instances":-1,"cores":-1,"ram":-1}})")
                .status == 200);
    }

    static std::vector<TestOption> with(int attempts, std::vector<TestOption> options) {
        options.push_back({"compute", "simulated_hosts", "3"});
        options.push_back({"compute", "max_attempts", std::to_string(attempts)});
        return options;
    }

    TestAppliance appliance;
    Member admin = appliance.admin();
    std::string image = Cloud::upload(admin);

    std::string makes(const std::string& more = "", const std::string& hints = "{}") {
        const auto answer = admin.posts(v2 + "servers",
                                        R"({"server":{"name":"s","flavorRef":"1","networks":"none","imageRef":")" +
                                            image + "\"" + more + R"(},"os:scheduler_hints":)" + hints + "}",
                                        {{"OpenStack-API-Version", "compute 2.93"}});
        INFO(answer.body);
        REQUIRE(answer.status == 202);
        appliance.settle();
        return answer.json().object("server").text("id");
    }

    Json shows(const std::string& id) const { return admin.gets(v2 + "servers/" + id).json().object("server"); }

    /// Where it is; why it is nowhere.
    std::string place(const std::string& id) const {
        const auto server = shows(id);
        if (server.text("status") != "ACTIVE") return server.object("fault").text("message");
        return server.text("OS-EXT-SRV-ATTR:host");
    }

    std::string group(const std::string& policy) {
        return admin
            .posts(v2 + "os-server-groups", R"({"server_group":{"name":"g","policy":")" + policy + "\"}}",
                   {{"OpenStack-API-Version", "compute 2.64"}})
            .json()
            .object("server_group")
            .text("id");
    }

    void disables(const std::string& host, bool disabled = true) {
        REQUIRE(admin
                    .puts(v2 + "os-services/" + (disabled ? "disable" : "enable"),
                          R"({"binary":"nova-compute","host":")" + host + "\"}")
                    .status == 200);
    }
};

}

TEST_CASE("Servers are spread over hosts, and each is made, seen and deleted on its own", "[compute][scheduler]") {
    Hosts cloud;
    std::map<std::string, int> taken;
    std::vector<std::string> servers;
    for (int number = 0; number < 6; ++number) ++taken[cloud.place(servers.emplace_back(cloud.makes()))];
    CHECK(taken == std::map<std::string, int>{{"sandbox", 2}, {"sandbox-2", 2}, {"sandbox-3", 2}});
    const auto hypervisors =
        cloud.admin.gets(v2 + "os-hypervisors/detail?with_servers=true", {{"OpenStack-API-Version", "compute 2.53"}})
            .json()
            .array("hypervisors")
            .items();
    REQUIRE(hypervisors.size() == 3);
    for (const auto& each : hypervisors) CHECK(each.array("servers").size() == 2);
    CHECK(cloud.appliance.hypervisor().guests().size() == 2); // of the first
    for (const auto& each : servers) CHECK(cloud.admin.deletes(v2 + "servers/" + each).status == 204);
    cloud.appliance.settle();
    CHECK(cloud.appliance.hypervisor().guests().empty());
    CHECK(cloud.admin.gets(v2 + "os-hypervisors/statistics")
              .json()
              .object("hypervisor_statistics")
              .integer("running_vms") == 0);
}

TEST_CASE("Of several hosts those are taken that groups, hints and zones leave", "[compute][scheduler]") {
    Hosts cloud;
    const auto apart = R"({"group":")" + cloud.group("anti-affinity") + "\"}";
    std::set<std::string> hosts;
    std::vector<std::string> servers;
    for (int number = 0; number < 3; ++number) hosts.insert(cloud.place(servers.emplace_back(cloud.makes("", apart))));
    CHECK(hosts == std::set<std::string>{"sandbox", "sandbox-2", "sandbox-3"});
    CHECK(cloud.place(cloud.makes("", apart)) == "No valid host was found. 3 of 3 have servers of the group already.");

    const auto together = R"({"group":")" + cloud.group("affinity") + "\"}";
    const auto first = cloud.place(cloud.makes("", together));
    for (int number = 0; number < 3; ++number) CHECK(cloud.place(cloud.makes("", together)) == first);

    const auto where = cloud.place(servers[1]);
    CHECK(cloud.place(cloud.makes("", R"({"same_host":")" + servers[1] + "\"}")) == where);
    CHECK(cloud.place(cloud.makes("", R"({"different_host":[")" + servers[0] + "\",\"" + servers[2] + "\"]}")) ==
          where);
    CHECK(cloud.place(cloud.makes("", R"({"query":["=","$host","sandbox-3"]})")) == "sandbox-3");
    CHECK(cloud.place(cloud.makes(R"(,"host":"sandbox-2")")) == "sandbox-2");

    const auto zone =
        cloud.admin.posts(v2 + "os-aggregates", R"({"aggregate":{"name":"a","availability_zone":"moon"}})");
    REQUIRE(zone.status == 200);
    const auto id = std::to_string(zone.json().object("aggregate").integer("id"));
    REQUIRE(cloud.admin.posts(v2 + "os-aggregates/" + id + "/action", R"({"add_host":{"host":"sandbox-3"}})").status ==
            200);
    CHECK(cloud.place(cloud.makes(R"(,"availability_zone":"moon")")) == "sandbox-3");
    CHECK(cloud.place(cloud.makes(R"(,"availability_zone":"nova")")) != "sandbox-3");
    cloud.disables("sandbox-3");
    cloud.disables("sandbox");
    CHECK(cloud.place(cloud.makes()) == "sandbox-2");
    cloud.disables("sandbox-2");
    CHECK(cloud.place(cloud.makes()) == "No valid host was found. 3 of 3 are disabled.");
    CHECK(cloud.place(cloud.makes(R"(,"availability_zone":"nova:sandbox-2")")) == "sandbox-2"); // all the same
}

TEST_CASE("A host where a server couldn't be made gets the next ones last, until one could be",
          "[compute][scheduler]") {
    Hosts cloud;
    cloud.appliance.hypervisor().failOn("ensureDefined", 3, Failure::Broken); // each attempt of one
    const auto failed = cloud.makes();
    CHECK(cloud.shows(failed).text("status") == "ERROR");
    CHECK(cloud.shows(failed).text("OS-EXT-SRV-ATTR:host") == "sandbox");
    CHECK(cloud.admin.deletes(v2 + "servers/" + failed).status == 204);
    cloud.appliance.settle();
    for (int number = 0; number < 4; ++number) CHECK(cloud.place(cloud.makes()) != "sandbox");
    CHECK(cloud.place(cloud.makes(R"(,"host":"sandbox")")) == "sandbox");
    CHECK(cloud.place(cloud.makes()) == "sandbox"); // which has the most room again
}

TEST_CASE("A server that a host could not make is made by the next one, and what was tried is its action's",
          "[compute][scheduler]") {
    Hosts cloud(3);
    cloud.appliance.hypervisor().failOn("ensureDefined", 3, Failure::Broken);            // each attempt there
    cloud.appliance.hypervisor("sandbox-2").failOn("ensureRunning", 3, Failure::Broken); // on the next
    const auto id = cloud.makes();
    CHECK(cloud.place(id) == "sandbox-3");
    CHECK(cloud.shows(id).text("OS-EXT-AZ:availability_zone") == "nova");
    CHECK(cloud.appliance.hypervisor().guests().empty());
    CHECK(cloud.appliance.hypervisor("sandbox-2").guests().empty());
    CHECK(cloud.appliance.hypervisor("sandbox-3").guests().size() == 1);
    const auto actions = cloud.admin.gets(v2 + "servers/" + id + "/os-instance-actions").json();
    REQUIRE(actions.array("instanceActions").size() == 1);
    const auto action = cloud.admin
                            .gets(v2 + "servers/" + id + "/os-instance-actions/" +
                                  actions.array("instanceActions").items()[0].text("request_id"))
                            .json()
                            .object("instanceAction");
    CHECK(action.array("events").size() == 10); // its own; disk, wire and boot, thrice
    for (const auto& each : cloud.admin.gets(v2 + "os-hypervisors/detail", {{"OpenStack-API-Version", "compute 2.53"}})
                                .json()
                                .array("hypervisors")
                                .items())
        CHECK(each.integer("running_vms") == (each.object("service").text("host") == "sandbox-3" ? 1 : 0));
    CHECK(cloud.admin.deletes(v2 + "servers/" + id).status == 204);
    cloud.appliance.settle();
    CHECK(cloud.appliance.hypervisor("sandbox-3").guests().empty());
}

TEST_CASE("A server that no host could make says on which step the last one failed, and why nobody else tries",
          "[compute][scheduler]") {
    Hosts cloud(2);
    const auto failsEverywhere = [&] {
        cloud.appliance.hypervisor().failOn("ensureRunning", 3, Failure::Broken);
        for (const char* other : {"sandbox-2", "sandbox-3"})
            cloud.appliance.hypervisor(other).failOn("ensureRunning", 3, Failure::Broken);
    };
    const auto details = [&](const std::string& id) { return cloud.shows(id).object("fault").text("details"); };
    failsEverywhere();
    auto id = cloud.makes();
    CHECK(cloud.place(id) == "Exceeded maximum number of retries. Exhausted all hosts available for retrying build "
                             "failures for instance " +
                                 id + ".");
    CHECK_THAT(details(id),
               Catch::StartsWith("Step boot failed on host sandbox-2: ") &&
                   Catch::EndsWith("; tried on sandbox, sandbox-2, and on no other: it may be tried 2 times"));
    failsEverywhere();
    id = cloud.makes(R"(,"host":"sandbox-3")");
    CHECK(cloud.place(id) == "Failed to build the server.");
    CHECK_THAT(details(id), Catch::EndsWith("; tried on sandbox-3, and on no other: it was asked to be there"));
    cloud.disables("sandbox-2");
    cloud.disables("sandbox-3");
    failsEverywhere();
    id = cloud.makes();
    CHECK_THAT(details(id), Catch::EndsWith("; tried on sandbox, and on no other: No valid host was found. 2 of 3 are "
                                            "disabled, 1 is left out."));
}

TEST_CASE("A server that is deleted while it is made on the next host is gone from both", "[compute][scheduler]") {
    Hosts cloud(3);
    cloud.appliance.hypervisor().failOn("ensureDefined", 3, Failure::Broken);
    cloud.appliance.hypervisor("sandbox-2").slowOn("ensureRunning", std::chrono::milliseconds(300));
    const auto answer = cloud.admin.posts(v2 + "servers",
                                          R"({"server":{"name":"s","flavorRef":"1","networks":"none","imageRef":")" +
                                              cloud.image + "\"}}",
                                          {{"OpenStack-API-Version", "compute 2.93"}});
    const auto id = answer.json().object("server").text("id");
    for (int tries = 0; tries < 1000 && cloud.appliance.hypervisor("sandbox-2").calls("ensureRunning") == 0; ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(cloud.admin.deletes(v2 + "servers/" + id).status == 204);
    cloud.appliance.settle();
    CHECK(cloud.admin.gets(v2 + "servers/" + id).status == 404);
    CHECK(cloud.appliance.hypervisor("sandbox-2").guests().empty());
    CHECK(cloud.appliance.hypervisor("sandbox-3").calls("ensureDefined") == 0);
}

TEST_CASE("A shelved server comes back on the host, or in the zone, that it is asked to", "[compute][scheduler]") {
    Hosts cloud;
    const auto id = cloud.makes(R"(,"host":"sandbox")");
    const auto acts = [&](const std::string& action, const char* version) {
        const auto answer = cloud.admin.posts(v2 + "servers/" + id + "/action", action,
                                              {{"OpenStack-API-Version", std::string("compute ") + version}});
        cloud.appliance.settle();
        return answer.status;
    };
    const auto shelves = [&] {
        REQUIRE(acts(R"({"shelve":null})", "2.91") == 202);
        REQUIRE(cloud.shows(id).text("status") == "SHELVED_OFFLOADED");
        CHECK(cloud.shows(id).at("OS-EXT-SRV-ATTR:host").isNull());
    };
    shelves();
    CHECK(cloud.appliance.hypervisor().guests().empty());
    CHECK(acts(R"({"unshelve":{"host":"sandbox-2"}})", "2.90") == 400);
    CHECK(acts(R"({"unshelve":{"host":"nobody"}})", "2.91") == 400);
    CHECK(acts(R"({"unshelve":{"availability_zone":"moon"}})", "2.91") == 400);
    CHECK(acts(R"({"unshelve":{"host":"sandbox-2"}})", "2.91") == 202);
    CHECK(cloud.place(id) == "sandbox-2");
    shelves();
    const auto zone =
        cloud.admin.posts(v2 + "os-aggregates", R"({"aggregate":{"name":"a","availability_zone":"moon"}})");
    const auto aggregate = std::to_string(zone.json().object("aggregate").integer("id"));
    REQUIRE(cloud.admin.posts(v2 + "os-aggregates/" + aggregate + "/action", R"({"add_host":{"host":"sandbox-3"}})")
                .status == 200);
    CHECK(acts(R"({"unshelve":{"availability_zone":"moon"}})", "2.77") == 202);
    CHECK(cloud.place(id) == "sandbox-3");
    CHECK(cloud.shows(id).text("OS-EXT-AZ:availability_zone") == "moon");
    shelves();
    CHECK(acts(R"({"unshelve":{"availability_zone":null,"host":"sandbox"}})", "2.91") == 202);
    CHECK(cloud.place(id) == "sandbox"); // where the zone moon isn't
}

TEST_CASE("Hosts keep what is theirs when the cloud starts again", "[compute][scheduler]") {
    Hosts cloud;
    std::map<std::string, std::string> places;
    for (int number = 0; number < 3; ++number) {
        const auto id = cloud.makes();
        places[id] = cloud.place(id);
    }
    cloud.appliance.restart();
    cloud.admin = cloud.appliance.admin();
    for (const auto& [id, host] : places) CHECK(cloud.place(id) == host);
    CHECK(cloud.admin.gets(v2 + "os-hypervisors").json().array("hypervisors").size() == 3);
    const auto candidates = cloud.admin.gets("/placement/allocation_candidates?resources=VCPU:1&limit=2",
                                             {{"OpenStack-API-Version", "placement 1.16"}});
    CHECK(candidates.json().array("allocation_requests").size() == 2);
}
