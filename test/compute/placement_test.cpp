#include <catch2/catch.hpp>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string root = "/placement/";

/// An administrator who asks placement.
struct Placement {
    explicit Placement(TestAppliance& appliance) : admin(appliance.admin()) {}
    Member admin;

    Answer asks(http::Method method, const std::string& path, const std::string& version,
                const std::string& body = "") const {
        return admin.asks(method, root + path, body, {{"OpenStack-API-Version", "placement " + version}});
    }
    Answer gets(const std::string& path, const std::string& version = "1.39") const {
        return asks(http::Method::Get, path, version);
    }
    Json provider() const { return gets("resource_providers").json().array("resource_providers").items().at(0); }
};

std::string detailOf(const Answer& answer) { return answer.json().array("errors").items().at(0).text("detail"); }

}

TEST_CASE("Each host is a resource provider, and its servers are its allocations", "[compute][placement]") {
    Cloud cloud;
    const Placement placement(cloud.appliance);
    const auto uuid = placement.provider().text("uuid"), own = "resource_providers/" + uuid;
    CHECK(placement.provider().text("name") == "sandbox");
    CHECK(placement.provider().text("root_provider_uuid") == uuid);
    CHECK(uuid == placement.admin.gets("/compute/v2.1/os-hypervisors", {{"OpenStack-API-Version", "compute 2.53"}})
                      .json()
                      .array("hypervisors")
                      .items()
                      .at(0)
                      .text("id"));
    const auto before = placement.gets(own).json().integer("generation");
    const auto server = cloud.boots(cloud.alice, "one");
    CHECK(placement.gets(own).json().integer("generation") != before);
    const auto vcpus = placement.gets(own + "/inventories").json().object("inventories").object("VCPU");
    CHECK(vcpus.integer("total") == 4096);
    CHECK(vcpus.at("allocation_ratio").number() == 4.0);
    CHECK(placement.gets(own + "/inventories/MEMORY_MB").json().integer("reserved") == 512);
    CHECK(placement.gets(own + "/inventories/VGPU").status == 404);
    CHECK(placement.gets(own + "/usages").json().object("usages").integer("MEMORY_MB") == 512);
    CHECK(placement.gets(own + "/allocations")
              .json()
              .object("allocations")
              .object(server)
              .object("resources")
              .integer("VCPU") == 1);
    const auto allocation = placement.gets("allocations/" + server).json();
    CHECK(allocation.object("allocations").object(uuid).object("resources").integer("DISK_GB") == 1);
    CHECK(allocation.text("project_id") == cloud.alice.project);
    CHECK(allocation.text("consumer_type") == "INSTANCE");
    CHECK_FALSE(placement.gets("allocations/" + server, "1.11").json().has("project_id"));
    CHECK(placement.gets("allocations/" + cloud.image).json().object("allocations").size() == 0);
    CHECK(placement.gets("allocations/nobody").status == 400);
    const auto usages = placement.gets("usages?project_id=" + cloud.alice.project, "1.9").json().object("usages");
    CHECK(usages.integer("VCPU") == 1);
    CHECK(placement.gets("usages?project_id=" + cloud.alice.project)
              .json()
              .object("usages")
              .object("all")
              .integer("consumer_count") == 1);
    CHECK(placement.gets("usages").status == 400);
    CHECK(cloud.alice
              .gets(root + "usages?project_id=" + cloud.alice.project, {{"OpenStack-API-Version", "placement 1.9"}})
              .status == 200);
    CHECK(cloud.alice
              .gets(root + "usages?project_id=" + placement.admin.project, {{"OpenStack-API-Version", "placement 1.9"}})
              .status == 403);
    CHECK(cloud.alice.gets(root + "resource_providers").status == 403);

    CHECK(cloud.alice.deletes("/compute/v2.1/servers/" + server).status == 204);
    cloud.appliance.settle();
    CHECK(placement.gets("allocations/" + server).json().object("allocations").size() == 0);
    CHECK(placement.gets(own).json().integer("generation") == before);
}

TEST_CASE("Placement speaks its microversions", "[compute][placement]") {
    TestAppliance appliance;
    const Placement placement(appliance);
    const auto versions = appliance.asks(http::Method::Get, "/placement/", "");
    CHECK(versions.status == 200);
    CHECK(versions.json().array("versions").items().at(0).text("max_version") == "1.39");
    const auto answer = placement.gets("resource_providers", "1.14");
    CHECK(answer.headers["OpenStack-API-Version"] == "placement 1.14");
    CHECK(answer.headers["Last-Modified"].empty());
    CHECK(placement.gets("resource_providers", "1.15").headers["Last-Modified"].ends_with(" GMT"));
    CHECK(placement.gets("resource_providers", "1.15").headers["Cache-Control"] == "no-cache");
    CHECK(placement.gets("resource_providers", "latest").headers["OpenStack-API-Version"] == "placement 1.39");
    const auto oldest = placement.gets("resource_providers", "1.0").json().array("resource_providers").items().at(0);
    CHECK(oldest.array("links").size() == 3);
    CHECK_FALSE(oldest.has("root_provider_uuid"));
    CHECK(oldest.array("links").items().at(0).text("href").find("/placement/resource_providers/") == 0);
    CHECK(placement.provider().array("links").size() == 6);
    const auto beyond = placement.gets("resource_providers", "1.40");
    CHECK(beyond.status == 406);
    CHECK(beyond.json().array("errors").items().at(0).text("max_version") == "1.39");
    CHECK(placement.gets("resource_providers", "9.1").status == 406);
    CHECK(placement.gets("traits", "1.5").status == 404);
    CHECK(placement.gets("traits", "1.6").status == 200);
    CHECK_FALSE(placement.gets("nothing", "1.22").json().array("errors").items().at(0).has("code"));
    CHECK(placement.gets("nothing").json().array("errors").items().at(0).text("code") == "placement.undefined_code");
    const auto refused = placement.asks(http::Method::Patch, "resource_providers", "1.39", "{}");
    CHECK(refused.status == 405);
    CHECK(refused.headers["Allow"].find("POST") != std::string::npos);
    CHECK(appliance.asks(http::Method::Get, "/placement/resource_providers", "").status == 401);
}

TEST_CASE("Candidates are the hosts that could take what is asked for", "[compute][placement]") {
    Cloud cloud;
    const Placement placement(cloud.appliance);
    const auto uuid = placement.provider().text("uuid");
    const auto count = [&](const std::string& query, const std::string& version = "1.39") {
        const auto answer = placement.gets("allocation_candidates?" + query, version);
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        const auto found = answer.json().array("allocation_requests").size();
        CHECK(answer.json().object("provider_summaries").size() == found);
        return found;
    };
    CHECK(count("resources=VCPU:1,MEMORY_MB:512,DISK_GB:1") == 1);
    CHECK(count("resources=VCPU:4097") == 0);
    CHECK(count("resources=VGPU:1") == 0);
    CHECK(count("resources=VCPU:1&required=COMPUTE_NODE") == 1);
    CHECK(count("resources=VCPU:1&required=!COMPUTE_NODE") == 0);
    CHECK(count("resources=VCPU:1&required=in:COMPUTE_NODE,COMPUTE_STATUS_DISABLED") == 1);
    CHECK(count("resources=VCPU:1&root_required=COMPUTE_STATUS_DISABLED") == 0);
    CHECK(count("resources=VCPU:1&in_tree=" + uuid) == 1);
    CHECK(count("resources=VCPU:1&in_tree=" + cloud.image) == 0);
    CHECK(count("resources=VCPU:1&resources1=MEMORY_MB:512&limit=5") == 1);
    CHECK(count("resources1=VCPU:1&resources2=VCPU:4096&group_policy=none") == 0);
    CHECK(count("resources1=VCPU:1&resources2=VCPU:1&group_policy=none") == 1);
    CHECK(count("resources1=VCPU:1&resources2=VCPU:1&group_policy=isolate") == 0);
    const auto newest = placement.gets("allocation_candidates?resources1=VCPU:2").json();
    const auto request = newest.array("allocation_requests").items().at(0);
    CHECK(request.object("allocations").object(uuid).object("resources").integer("VCPU") == 2);
    CHECK(request.object("mappings").array("1").items().at(0).text() == uuid);
    const auto summary = newest.object("provider_summaries").object(uuid);
    CHECK(summary.object("resources").object("VCPU").integer("capacity") == 4 * 4096);
    CHECK(summary.object("resources").has("DISK_GB"));
    const auto oldest = placement.gets("allocation_candidates?resources=VCPU:2", "1.10").json();
    CHECK(oldest.array("allocation_requests")
              .items()
              .at(0)
              .array("allocations")
              .items()
              .at(0)
              .object("resource_provider")
              .text("uuid") == uuid);
    CHECK_FALSE(oldest.object("provider_summaries").object(uuid).object("resources").has("DISK_GB"));
    for (const auto* wrong :
         {"", "resources=VCPU", "resources=VCPU:0", "resources=WISDOM:1", "resources=VCPU:1&required=CUSTOM_NOTHING",
          "resources=VCPU:1&limit=0", "resources=VCPU:1&colour=red", "resources1=VCPU:1&resources2=VCPU:1",
          "resources=VCPU:1&member_of=x", "resources=VCPU:1&in_tree=x", "resources=VCPU:1&resources=VCPU:2"}) {
        INFO(wrong);
        CHECK(placement.gets("allocation_candidates?" + std::string(wrong)).status == 400);
    }
    CHECK(placement.gets("allocation_candidates?resources=VCPU:1&required=COMPUTE_NODE", "1.16").status == 400);
}

TEST_CASE("Providers are found by name, aggregate and trait", "[compute][placement]") {
    TestAppliance appliance;
    const Placement placement(appliance);
    const auto made = placement.admin
                          .posts("/compute/v2.1/os-aggregates", R"({"aggregate":{"name":"a"}})",
                                 {{"OpenStack-API-Version", "compute 2.41"}})
                          .json()
                          .object("aggregate");
    REQUIRE(placement.admin
                .posts("/compute/v2.1/os-aggregates/" + std::to_string(made.integer("id")) + "/action",
                       R"({"add_host":{"host":"sandbox"}})")
                .status == 200);
    const auto aggregate = made.text("uuid"), uuid = placement.provider().text("uuid");
    const auto count = [&](const std::string& query) {
        const auto answer = placement.gets("resource_providers?" + query);
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        return answer.json().array("resource_providers").size();
    };
    CHECK(count("name=sandbox") == 1);
    CHECK(count("name=other") == 0);
    CHECK(count("uuid=" + uuid) == 1);
    CHECK(count("member_of=" + aggregate) == 1);
    CHECK(count("member_of=!" + aggregate) == 0);
    CHECK(count("member_of=in:" + aggregate + "," + uuid) == 1);
    CHECK(count("member_of=" + aggregate + "&member_of=" + uuid) == 0);
    CHECK(count("required=COMPUTE_NODE&resources=DISK_GB:10") == 1);
    CHECK(count("resources=DISK_GB:1000000") == 0);
    const auto own = "resource_providers/" + uuid;
    CHECK(placement.gets(own + "/aggregates").json().array("aggregates").items().at(0).text() == aggregate);
    CHECK_FALSE(placement.gets(own + "/aggregates", "1.18").json().has("resource_provider_generation"));
    CHECK(placement.gets(own + "/traits").json().array("traits").size() > 3);
    CHECK(placement.gets("resource_providers?required=COMPUTE_NODE", "1.17").status == 400);
    CHECK(placement.gets("resource_providers?uuid=x").status == 400);
}

TEST_CASE("What follows from servers and hosts can't be written", "[compute][placement]") {
    Cloud cloud;
    const Placement placement(cloud.appliance);
    const auto server = cloud.boots(cloud.alice, "one"),
               own = "resource_providers/" + placement.provider().text("uuid");
    using enum http::Method;
    for (const auto& [method, path] :
         {std::pair(Post, std::string("resource_providers")), std::pair(Put, own), std::pair(Delete, own),
          std::pair(Put, own + "/inventories"), std::pair(Post, own + "/inventories"),
          std::pair(Delete, own + "/inventories"), std::pair(Put, own + "/inventories/VCPU"),
          std::pair(Delete, own + "/inventories/VCPU"), std::pair(Put, own + "/aggregates"),
          std::pair(Put, own + "/traits"), std::pair(Delete, own + "/traits"),
          std::pair(Post, std::string("allocations")), std::pair(Put, "allocations/" + server),
          std::pair(Delete, "allocations/" + server), std::pair(Post, std::string("reshaper"))}) {
        INFO(path);
        const auto answer = placement.asks(method, path, "1.39", "{}");
        CHECK(answer.status == 409);
        CHECK(detailOf(answer).find("follow from the servers and hosts of this cloud") != std::string::npos);
    }
    CHECK(placement.asks(Delete, "allocations/" + cloud.image, "1.39").status == 404);
    CHECK(placement.asks(Put, "resource_providers/" + cloud.image, "1.39", "{}").status == 404);
    CHECK(cloud.status(cloud.alice, server) == "ACTIVE");
}

TEST_CASE("Traits and resource classes of one's own are names that are kept", "[compute][placement]") {
    TestAppliance appliance;
    const Placement placement(appliance);
    using enum http::Method;
    for (const std::string path : {"traits/", "resource_classes/"}) {
        INFO(path);
        CHECK(placement.gets(path + "CUSTOM_X").status == 404);
        const auto made = placement.asks(Put, path + "CUSTOM_X", "1.39");
        CHECK(made.status == 201);
        CHECK(made.headers["Location"].ends_with("/placement/" + path + "CUSTOM_X"));
        CHECK(placement.asks(Put, path + "CUSTOM_X", "1.39").status == 204);
        CHECK(placement.gets(path + "CUSTOM_X").status < 300);
        CHECK(placement.asks(Put, path + "OWN", "1.39").status == 400);
        CHECK(placement.asks(Delete, path + "CUSTOM_X", "1.39").status == 204);
        CHECK(placement.asks(Delete, path + "CUSTOM_X", "1.39").status == 404);
    }
    CHECK(placement.asks(Delete, "traits/COMPUTE_NODE", "1.39").status == 400);
    CHECK(placement.asks(Delete, "resource_classes/VCPU", "1.39").status == 400);
    CHECK(placement.asks(Post, "resource_classes", "1.2", R"({"name":"CUSTOM_Y"})").status == 201);
    CHECK(placement.asks(Post, "resource_classes", "1.2", R"({"name":"CUSTOM_Y"})").status == 409);
    CHECK(placement.asks(Post, "resource_classes", "1.2", R"({"name":"Y"})").status == 400);
    CHECK(placement.gets("resource_classes").json().array("resource_classes").items().back().text("name") ==
          "CUSTOM_Y");
    REQUIRE(placement.asks(Put, "traits/CUSTOM_Z", "1.39").status == 201);
    CHECK(placement.gets("traits?name=startswith:CUSTOM").json().array("traits").size() == 1);
    CHECK(placement.gets("traits?name=in:CUSTOM_Z,COMPUTE_NODE").json().array("traits").size() == 2);
    CHECK(placement.gets("traits?associated=false").json().array("traits").size() == 2); // and a disabled host's
    CHECK(placement.gets("traits?name=CUSTOM").status == 400);
    CHECK(placement.gets("traits?associated=perhaps").status == 400);
}
