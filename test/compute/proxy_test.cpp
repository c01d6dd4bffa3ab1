#include <catch2/catch.hpp>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string v21 = "/compute/v2.1/";

/// A cloud with a network of alice's that a router joins to the world outside.
struct Wired : Cloud {
    Member admin = appliance.admin();
    std::string outside = made(admin, "networks", "network", R"({"name":"outside","router:external":true})");
    std::string outer =
        made(admin, "subnets", "subnet", R"({"ip_version":4,"cidr":"192.0.2.0/24","network_id":")" + outside + "\"}");
    std::string inside = made(alice, "networks", "network", R"({"name":"inside"})");
    std::string subnet =
        made(alice, "subnets", "subnet", R"({"ip_version":4,"cidr":"10.1.0.0/24","network_id":")" + inside + "\"}");
    std::string router =
        made(alice, "routers", "router", R"({"external_gateway_info":{"network_id":")" + outside + "\"}}");
    std::string server;

    Wired() {
        REQUIRE(
            alice
                .puts("/network/v2.0/routers/" + router + "/add_router_interface", R"({"subnet_id":")" + subnet + "\"}")
                .status == 200);
        const auto answer = alice.posts(v21 + "servers", R"({"server":{"name":"one","flavorRef":"1","imageRef":")" +
                                                             image + R"(","networks":[{"uuid":")" + inside + "\"}]}}");
        INFO(answer.body);
        REQUIRE(answer.status == 202);
        appliance.settle();
        server = answer.json().object("server").text("id");
    }

    static std::string made(const Member& who, const std::string& path, const std::string& noun,
                            const std::string& body) {
        const auto answer = who.posts("/network/v2.0/" + path, "{\"" + noun + "\":" + body + "}");
        INFO(answer.body);
        REQUIRE(answer.status == 201);
        return answer.json().object(noun).text("id");
    }

    std::vector<std::string> addresses() const {
        std::vector<std::string> all;
        const auto ips = alice.gets(v21 + "servers/" + server + "/ips").json().object("addresses");
        for (const auto& network : ips.names())
            for (const auto& each : ips.array(network).items()) all.push_back(each.text("addr"));
        return all;
    }
};

Answer with(const Member& who, http::Method method, const std::string& path, const std::string& body,
            const char* version) {
    return who.asks(method, v21 + path, body, {{"OpenStack-API-Version", version}});
}

}

TEST_CASE("What other services have now is passed on to them until the version that no longer has it",
          "[compute][proxy]") {
    Cloud cloud;
    for (const char* path :
         {"os-security-groups", "os-floating-ips", "os-floating-ip-pools", "os-networks", "os-tenant-networks",
          "os-volumes", "os-volumes/detail", "os-snapshots", "os-snapshots/detail", "images", "images/detail"}) {
        INFO(path);
        CHECK(with(cloud.alice, http::Method::Get, path, "", "compute 2.1").status == 200);
        CHECK(with(cloud.alice, http::Method::Get, path, "", "compute 2.35").status == 200);
        CHECK(with(cloud.alice, http::Method::Get, path, "", "compute 2.36").status == 404);
    }
    const auto metadata = "images/" + cloud.image + "/metadata";
    CHECK(with(cloud.alice, http::Method::Get, metadata, "", "compute 2.38").status == 200);
    CHECK(with(cloud.alice, http::Method::Get, metadata, "", "compute 2.39").status == 404);
    const auto server = cloud.boots(cloud.alice, "one");
    for (const char* action :
         {R"({"addFloatingIp":{"address":"192.0.2.9"}})", R"({"removeFloatingIp":{"address":"192.0.2.9"}})",
          R"({"addFixedIp":{"networkId":"x"}})", R"({"removeFixedIp":{"address":"10.0.0.9"}})"}) {
        INFO(action);
        CHECK(with(cloud.alice, http::Method::Post, "servers/" + server + "/action", action, "compute 2.44").status ==
              404);
    }
}

TEST_CASE("Security groups and their rules are network's, in compute's old words", "[compute][proxy]") {
    Cloud cloud;
    const auto& alice = cloud.alice;
    const auto bob = cloud.appliance.member("bob");
    const auto made = alice.posts(v21 + "os-security-groups", R"({"security_group":{"name":"web","description":"d"}})");
    INFO(made.body);
    REQUIRE(made.status == 200);
    const auto id = made.json().object("security_group").text("id");
    CHECK(made.json().object("security_group").text("tenant_id") == alice.project);
    CHECK(made.json().object("security_group").array("rules").size() == 0);
    CHECK(alice.gets("/network/v2.0/security-groups/" + id).json().object("security_group").text("name") == "web");
    const auto rule = [&](const std::string& more) {
        return alice.posts(v21 + "os-security-group-rules",
                           R"({"security_group_rule":{"parent_group_id":")" + id + "\"," + more + "}}");
    };
    const auto ssh = rule(R"("ip_protocol":"tcp","from_port":22,"to_port":"22")").json().object("security_group_rule");
    CHECK(ssh.integer("from_port") == 22);
    CHECK(ssh.object("ip_range").text("cidr") == "0.0.0.0/0");
    CHECK(ssh.object("group").size() == 0);
    CHECK(ssh.text("parent_group_id") == id);
    const auto own = rule(R"("ip_protocol":"icmp","from_port":-1,"to_port":-1,"group_id":")" + id + "\"")
                         .json()
                         .object("security_group_rule");
    CHECK(own.object("group").text("name") == "web");
    CHECK(own.object("group").text("tenant_id") == alice.project);
    CHECK(own.integer("from_port") == -1);
    CHECK(rule(R"("ip_protocol":"tcp","from_port":22,"to_port":22)").status == 400); // there already
    CHECK(rule(R"("ip_protocol":"tcp","from_port":22,"to_port":21)").status == 400);
    CHECK(rule(R"("ip_protocol":"tcp","from_port":1,"to_port":65536)").status == 400);
    CHECK(rule(R"("ip_protocol":"ponies","from_port":1,"to_port":2)").status == 400);
    CHECK(rule(R"("from_port":1,"to_port":2)").status == 400);
    CHECK(alice.gets(v21 + "os-security-groups/" + id).json().object("security_group").array("rules").size() == 2);
    CHECK(alice.deletes(v21 + "os-security-group-rules/" + ssh.text("id")).status == 202);
    CHECK(alice.deletes(v21 + "os-security-group-rules/" + ssh.text("id")).status == 404);
    const auto changed =
        alice.puts(v21 + "os-security-groups/" + id, R"({"security_group":{"name":"w","description":""}})");
    CHECK(changed.json().object("security_group").text("name") == "w");
    CHECK(alice.gets(v21 + "os-security-groups").json().array("security_groups").size() == 2); // and the default
    // Another's is not there, and an id that is none is refused.
    CHECK(bob.gets(v21 + "os-security-groups/" + id).status == 404);
    CHECK(bob.deletes(v21 + "os-security-groups/" + id).status == 404);
    CHECK(bob.gets(v21 + "os-security-groups").json().array("security_groups").size() <= 1);
    CHECK(alice.gets(v21 + "os-security-groups/1").status == 400);
    CHECK(alice.posts(v21 + "os-security-groups", R"({"security_group":{"name":" ","description":"d"}})").status ==
          400);
    CHECK(alice.deletes(v21 + "os-security-groups/" + id).status == 202);
    CHECK(alice.gets(v21 + "os-security-groups/" + id).status == 404);
    const auto rita = cloud.appliance.colleague(alice, "rita", "reader");
    CHECK(rita.posts(v21 + "os-security-groups", R"({"security_group":{"name":"r","description":"d"}})").status == 403);
}

TEST_CASE("A server's security groups are those of its ports, added and removed by name", "[compute][proxy]") {
    Wired cloud;
    const auto& alice = cloud.alice;
    const auto bob = cloud.appliance.member("bob");
    const auto of = [&](const Member& who) {
        return who.gets(v21 + "servers/" + cloud.server + "/os-security-groups");
    };
    const auto names = [&] {
        std::set<std::string> all;
        for (const auto& each : of(alice).json().array("security_groups").items()) all.insert(each.text("name"));
        return all;
    };
    using Names = std::set<std::string>;
    Wired::made(alice, "security-groups", "security_group", R"({"name":"web"})");
    CHECK(names() == Names{"default"});
    CHECK(cloud.acts(alice, cloud.server, R"({"addSecurityGroup":{"name":"web"}})").status == 202);
    CHECK(names() == Names{"default", "web"});
    CHECK(cloud.acts(alice, cloud.server, R"({"addSecurityGroup":{"name":"none"}})").status == 404);
    CHECK(cloud.acts(alice, cloud.server, R"({"addSecurityGroup":{"name":" "}})").status == 400);
    CHECK(with(alice, http::Method::Post, "servers/" + cloud.server + "/action",
               R"({"removeSecurityGroup":{"name":"default"}})", "compute 2.93")
              .status == 202);
    CHECK(names() == Names{"web"});
    CHECK(cloud.acts(alice, cloud.server, R"({"removeSecurityGroup":{"name":"default"}})").status == 404);
    CHECK(of(bob).status == 404);
    CHECK(cloud.acts(bob, cloud.server, R"({"addSecurityGroup":{"name":"default"}})").status == 404);
    const auto blank = cloud.boots(alice, "blank"); // without a port there is nothing to put it on
    CHECK(cloud.acts(alice, blank, R"({"addSecurityGroup":{"name":"web"}})").status == 400);
}

TEST_CASE("Floating IPs are taken from a pool, given to a server, and given back", "[compute][proxy]") {
    Wired cloud;
    const auto& alice = cloud.alice;
    const auto bob = cloud.appliance.member("bob");
    const auto pools = alice.gets(v21 + "os-floating-ip-pools").json().array("floating_ip_pools").items();
    REQUIRE(pools.size() >= 1);
    const auto taken = alice.posts(v21 + "os-floating-ips", R"({"pool":"outside"})");
    INFO(taken.body);
    REQUIRE(taken.status == 200);
    const auto floating = taken.json().object("floating_ip");
    CHECK(floating.text("pool") == "outside");
    CHECK(floating.at("instance_id").isNull());
    CHECK(alice.posts(v21 + "os-floating-ips", R"({"pool":"none"})").status == 404);
    const auto one = v21 + "os-floating-ips/" + floating.text("id"), ip = floating.text("ip");
    const auto action = [&](const char* name, const std::string& more = "") {
        return std::string("{\"") + name + R"(":{"address":")" + ip + "\"" + more + "}}";
    };
    CHECK(cloud.acts(alice, cloud.server, action("removeFloatingIp")).status == 409);
    CHECK(cloud.acts(alice, cloud.server, action("addFloatingIp", R"(,"fixed_address":"10.1.0.250")")).status == 400);
    CHECK(cloud.acts(alice, cloud.server, action("addFloatingIp")).status == 202);
    CHECK(alice.gets(one).json().object("floating_ip").text("instance_id") == cloud.server);
    const auto second =
        alice.posts(v21 + "os-floating-ips", R"({"pool":"outside"})").json().object("floating_ip").text("ip");
    CHECK(cloud.acts(alice, cloud.server, R"({"addFloatingIp":{"address":")" + second + "\"}}").status ==
          400); // it has one
    CHECK(alice.gets(one).json().object("floating_ip").text("fixed_ip") == cloud.addresses().at(0));
    CHECK(alice.gets(v21 + "os-floating-ips").json().array("floating_ips").size() == 2);
    CHECK(bob.gets(one).status == 404);
    CHECK(bob.gets(v21 + "os-floating-ips").json().array("floating_ips").size() == 0);
    CHECK(bob.deletes(one).status == 404);
    CHECK(cloud.acts(bob, cloud.server, action("removeFloatingIp")).status == 404);
    CHECK(cloud.acts(alice, cloud.server, action("removeFloatingIp")).status == 202);
    CHECK(alice.gets(one).json().object("floating_ip").at("instance_id").isNull());
    CHECK(alice.deletes(one).status == 202);
    CHECK(alice.gets(one).status == 404);
    CHECK(cloud.acts(alice, cloud.server, action("addFloatingIp")).status == 404);
}

TEST_CASE("A server gets another fixed address on its network, and gives it back", "[compute][proxy]") {
    Wired cloud;
    const auto before = cloud.addresses();
    REQUIRE(before.size() == 1);
    CHECK(cloud.acts(cloud.alice, cloud.server, R"({"addFixedIp":{"networkId":"none"}})").status == 400);
    const auto adds = cloud.acts(cloud.alice, cloud.server, R"({"addFixedIp":{"networkId":")" + cloud.inside + "\"}}");
    INFO(adds.body);
    CHECK(adds.status == 202);
    const auto more = cloud.addresses();
    REQUIRE(more.size() == 2);
    const auto added = more[0] == before[0] ? more[1] : more[0];
    CHECK(cloud.acts(cloud.alice, cloud.server, R"({"removeFixedIp":{"address":")" + added + "\"}}").status == 202);
    CHECK(cloud.addresses() == before);
    CHECK(cloud.acts(cloud.alice, cloud.server, R"({"removeFixedIp":{"address":")" + added + "\"}}").status == 400);
}

TEST_CASE("Networks are shown by their old names", "[compute][proxy]") {
    Wired cloud;
    const auto& alice = cloud.alice;
    const auto bob = cloud.appliance.member("bob");
    const auto shown = alice.gets(v21 + "os-networks/" + cloud.inside).json().object("network");
    CHECK(shown.text("label") == "inside");
    CHECK(shown.at("cidr").isNull());
    CHECK_FALSE(shown.has("project_id"));
    CHECK(cloud.admin.gets(v21 + "os-networks/" + cloud.inside).json().object("network").at("project_id").isNull());
    CHECK(alice.gets(v21 + "os-tenant-networks/" + cloud.inside).json().object("network").text("cidr") == "None");
    CHECK(alice.gets(v21 + "os-networks").json().array("networks").size() >= 1);
    CHECK(bob.gets(v21 + "os-networks/" + cloud.inside).status == 404);
    CHECK(bob.gets(v21 + "os-tenant-networks/" + cloud.inside).status == 404);
}

TEST_CASE("Volumes and snapshots are block storage's, in compute's old words", "[compute][proxy]") {
    Cloud cloud;
    const auto& alice = cloud.alice;
    const auto bob = cloud.appliance.member("bob");
    const auto made =
        alice.posts(v21 + "os-volumes", R"({"volume":{"size":1,"display_name":"data","metadata":{"a":"b"}}})");
    INFO(made.body);
    REQUIRE(made.status == 200);
    cloud.appliance.settle();
    const auto one = v21 + "os-volumes/" + made.json().object("volume").text("id");
    const auto volume = alice.gets(one).json().object("volume");
    CHECK(volume.text("status") == "available");
    CHECK(volume.text("displayName") == "data");
    CHECK(volume.object("metadata").text("a") == "b");
    CHECK(volume.array("attachments").items().at(0).size() == 0);
    CHECK(alice.posts(v21 + "os-volumes", R"({"volume":{"size":0}})").status == 400);
    CHECK(alice.posts(v21 + "os-volumes", R"({"volume":{"display_name":"x"}})").status == 400);
    CHECK(alice.posts(v21 + "os-volumes", R"({"volume":{"size":1,"ponies":1}})").status == 400);
    CHECK(alice.gets(v21 + "os-volumes/").status == 404); // a client that has lost the id
    CHECK(alice.gets(v21 + "os-volumes/detail?limit=1").json().array("volumes").size() == 1);
    CHECK(bob.gets(one).status == 404);
    CHECK(bob.gets(v21 + "os-volumes").json().array("volumes").size() == 0);
    const auto snapshot = alice.posts(v21 + "os-snapshots", R"({"snapshot":{"display_name":"then","volume_id":")" +
                                                                volume.text("id") + "\"}}");
    INFO(snapshot.body);
    REQUIRE(snapshot.status == 200);
    cloud.appliance.settle();
    const auto taken = v21 + "os-snapshots/" + snapshot.json().object("snapshot").text("id");
    CHECK(alice.gets(taken).json().object("snapshot").text("volumeId") == volume.text("id"));
    CHECK(alice.gets(taken).json().object("snapshot").text("displayName") == "then");
    CHECK(bob.deletes(taken).status == 404);
    CHECK(alice.deletes(one).status == 400); // it has a snapshot
    CHECK(alice.deletes(taken).status == 202);
    cloud.appliance.settle();
    CHECK(alice.deletes(one).status == 202);
    cloud.appliance.settle();
    CHECK(alice.gets(one).status == 404);
}

TEST_CASE("Images and their metadata are the image service's, in compute's old words", "[compute][proxy]") {
    Cloud cloud;
    const auto& alice = cloud.alice;
    const auto bob = cloud.appliance.member("bob");
    const std::string one = v21 + "images/" + cloud.image, metadata = one + "/metadata";
    const auto image = alice.gets(one).json().object("image");
    CHECK(image.text("status") == "ACTIVE");
    CHECK(image.integer("progress") == 100);
    CHECK(image.integer("OS-EXT-IMG-SIZE:size") == 1024);
    CHECK(image.array("links").size() == 3);
    CHECK(alice.gets(v21 + "images").json().array("images").items().at(0).size() == 3);
    const auto count = [&](const std::string& query) {
        const auto answer = alice.gets(v21 + "images/detail" + query);
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        return answer.json().array("images").size();
    };
    CHECK(count("?name=tiny&status=ACTIVE") == 1);
    CHECK(count("?status=SAVING") == 0);
    CHECK(count("?status=ponies") == 0);
    CHECK(count("?changes-since=2035-01-01T00:00:00Z") == 0);
    CHECK(alice.gets(v21 + "images?limit=1").json().has("images_links"));
    CHECK(alice.gets(v21 + "images?limit=x").status == 400);

    const auto set = [&](const std::string& body) { return alice.puts(metadata, body); };
    const auto all = [&] { return alice.gets(metadata).json().object("metadata"); };
    CHECK(set(R"({"metadata":{"a":"1","b":"2"}})").status == 200);
    CHECK(all().size() == 2);
    CHECK(alice.posts(metadata, R"({"metadata":{"b":"3","c/d~":"4"}})").json().object("metadata").text("b") == "3");
    CHECK(all().size() == 3);
    CHECK(all().text("c/d~") == "4");
    CHECK(set(R"({"metadata":{"a":"1"}})").status == 200);
    CHECK(all().size() == 1);
    CHECK(alice.gets(metadata + "/a").json().object("meta").text("a") == "1");
    CHECK(alice.gets(metadata + "/b").status == 404);
    CHECK(alice.puts(metadata + "/a", R"({"meta":{"a":"5"}})").status == 200);
    CHECK(alice.puts(metadata + "/a", R"({"meta":{"b":"5"}})").status == 400);
    CHECK(set(R"({"metadata":{"name":"mine"}})").status == 400); // what every image has is no metadata
    CHECK(set(R"({"metadata":{"a":1}})").status == 400);
    CHECK(alice.deletes(metadata + "/a").status == 204);
    CHECK(alice.deletes(metadata + "/a").status == 404);
    for (const auto& path : {one, metadata, metadata + "/a"}) CHECK(bob.gets(path).status == 404);
    CHECK(bob.puts(metadata, R"({"metadata":{"a":"1"}})").status == 404);
    CHECK(bob.deletes(one).status == 404);
    CHECK(alice.deletes(one).status == 204);
    CHECK(alice.gets(one).status == 404);
}
