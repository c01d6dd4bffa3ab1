#include <catch2/catch.hpp>

#include "compute/cloud.hpp"
#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string v2 = "/network/v2.0/";

Json made(const Answer& answer, std::string_view name, int status = 201) {
    INFO(answer.body);
    REQUIRE(answer.status == status);
    return answer.json().object(name);
}

/// "409 RbacPolicyInUse"
std::string refusal(const Answer& answer) {
    INFO(answer.body);
    REQUIRE(answer.status >= 400);
    return std::to_string(answer.status) + " " + answer.json().object("NeutronError").text("type");
}

std::string create(const Member& who, const std::string& plural, const std::string& noun, const std::string& body) {
    return made(who.posts(v2 + plural, "{\"" + noun + "\":{" + body + "}}"), noun).text("id");
}

Answer shares(const Member& who, const std::string& type, const std::string& object, const std::string& with,
              const std::string& action = "access_as_shared") {
    return who.posts(v2 + "rbac-policies", R"({"rbac_policy":{"object_type":")" + type + R"(","object_id":")" + object +
                                               R"(","action":")" + action + R"(","target_tenant":")" + with + "\"}}");
}

std::size_t count(const Member& who, const std::string& path, std::string_view plural) {
    const auto answer = who.gets(v2 + path);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    return answer.json().array(plural).size();
}

}

TEST_CASE("A network shared with one project is seen and used by that project only", "[network][rbac]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob"), carol = cloud.member("carol");
    const auto id = create(alice, "networks", "network", R"("name":"n")");
    create(alice, "subnets", "subnet", R"("network_id":")" + id + R"(","ip_version":4,"cidr":"10.1.0.0/24")");
    CHECK(refusal(bob.gets(v2 + "networks/" + id)) == "404 NetworkNotFound");

    const auto policy = made(shares(alice, "network", id, bob.project), "rbac_policy");
    CHECK(policy.text("project_id") == alice.project);
    CHECK(policy.text("object_id") == id);
    CHECK(refusal(shares(alice, "network", id, bob.project)) == "409 RbacPolicyExists");

    CHECK(made(bob.gets(v2 + "networks/" + id), "network", 200).at("shared").boolean());
    CHECK_FALSE(made(alice.gets(v2 + "networks/" + id), "network", 200).at("shared").boolean());
    CHECK(count(bob, "networks?name=n", "networks") == 1);
    CHECK(count(bob, "networks?shared=true&name=n", "networks") == 1);
    CHECK(count(bob, "networks?shared=false&name=n", "networks") == 0);
    CHECK(count(alice, "networks?shared=true&name=n", "networks") == 0);
    CHECK(count(bob, "subnets?network_id=" + id, "subnets") == 1);
    CHECK(count(bob, "subnets?shared=true", "subnets") == 1);
    CHECK(refusal(carol.gets(v2 + "networks/" + id)) == "404 NetworkNotFound");
    CHECK(count(carol, "networks?name=n", "networks") == 0);
    CHECK(count(carol, "subnets?network_id=" + id, "subnets") == 0);
    CHECK(refusal(bob.puts(v2 + "networks/" + id, R"({"network":{"name":"mine"}})")) == "403 PolicyNotAuthorized");
    CHECK(refusal(carol.posts(v2 + "ports", R"({"port":{"network_id":")" + id + "\"}}")) == "404 NetworkNotFound");

    const auto port = create(bob, "ports", "port", R"("network_id":")" + id + "\"");
    const auto one = v2 + "rbac-policies/" + policy.text("id");
    CHECK(refusal(alice.deletes(one)) == "409 RbacPolicyInUse");
    CHECK(refusal(alice.puts(one, R"({"rbac_policy":{"target_tenant":")" + carol.project + "\"}}")) ==
          "409 RbacPolicyInUse");
    CHECK(bob.gets(v2 + "networks/" + id).status == 200);
    CHECK(bob.deletes(v2 + "ports/" + port).status == 204);
    made(alice.puts(one, R"({"rbac_policy":{"target_tenant":")" + carol.project + "\"}}"), "rbac_policy", 200);
    CHECK(bob.gets(v2 + "networks/" + id).status == 404);
    CHECK(carol.gets(v2 + "networks/" + id).status == 200);
    CHECK(alice.deletes(one).status == 204);
    CHECK(carol.gets(v2 + "networks/" + id).status == 404);
    CHECK(refusal(alice.gets(one)) == "404 RbacPolicyNotFound");
}

TEST_CASE("Who may share what is the owner's to say, and with all the administrator's", "[network][rbac]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob"), carol = cloud.member("carol");
    const auto admin = cloud.admin();
    const auto id = create(alice, "networks", "network", R"("name":"n")");
    CHECK(refusal(shares(bob, "network", id, bob.project)) == "404 NetworkNotFound"); // it isn't there for them
    CHECK(refusal(shares(alice, "network", id, "*")) == "403 PolicyNotAuthorized");
    CHECK(refusal(shares(alice, "network", id, bob.project, "access_as_external")) == "403 PolicyNotAuthorized");
    CHECK(refusal(shares(alice, "network", id, bob.project, "access_as_owner")) == "400 RbacPolicyInvalidAction");
    CHECK(refusal(shares(alice, "router", id, bob.project)) == "400 InvalidInput");
    CHECK(refusal(shares(alice, "network", "nothing", bob.project)) == "404 NetworkNotFound");
    CHECK(refusal(shares(alice, "network", id, "a,b")) == "400 HTTPBadRequest");
    const auto policy = made(shares(alice, "network", id, bob.project), "rbac_policy").text("id");
    CHECK(refusal(shares(bob, "network", id, carol.project)) == "400 InvalidInput"); // seen, but not theirs
    CHECK(refusal(bob.gets(v2 + "rbac-policies/" + policy)) == "404 RbacPolicyNotFound");
    CHECK(refusal(bob.deletes(v2 + "rbac-policies/" + policy)) == "404 RbacPolicyNotFound");
    CHECK(count(bob, "rbac-policies", "rbac_policies") == 0);
    CHECK(count(alice, "rbac-policies?object_type=network&action=access_as_shared", "rbac_policies") == 1);
    CHECK(count(admin, "rbac-policies?object_id=" + id, "rbac_policies") == 1);
    CHECK(refusal(alice.puts(v2 + "rbac-policies/" + policy, R"({"rbac_policy":{"target_tenant":"*"}})")) ==
          "403 PolicyNotAuthorized");

    // The attribute and the policy for everybody are one thing.
    made(admin.puts(v2 + "networks/" + id, R"({"network":{"shared":true}})"), "network", 200);
    const auto all = admin.gets(v2 + "rbac-policies?target_tenant=*&object_id=" + id).json().array("rbac_policies");
    REQUIRE(all.size() == 1);
    CHECK(carol.gets(v2 + "networks/" + id).status == 200);
    const auto port = create(carol, "ports", "port", R"("network_id":")" + id + "\"");
    CHECK(refusal(admin.puts(v2 + "networks/" + id, R"({"network":{"shared":false}})")) == "409 InvalidSharedSetting");
    CHECK(carol.deletes(v2 + "ports/" + port).status == 204);
    CHECK(admin.deletes(v2 + "rbac-policies/" + all.items()[0].text("id")).status == 204);
    CHECK_FALSE(made(admin.gets(v2 + "networks/" + id), "network", 200).at("shared").boolean());
    CHECK(carol.gets(v2 + "networks/" + id).status == 404);
    CHECK(bob.gets(v2 + "networks/" + id).status == 200);

    CHECK(alice.deletes(v2 + "networks/" + id).status == 204); // its policies go with it
    CHECK(count(admin, "rbac-policies?object_id=" + id, "rbac_policies") == 0);
}

TEST_CASE("A network is external for those projects that a policy names", "[network][rbac]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto admin = cloud.admin();
    const auto id = create(admin, "networks", "network", R"("name":"out")");
    create(admin, "subnets", "subnet", R"("network_id":")" + id + R"(","ip_version":4,"cidr":"198.51.100.0/24")");
    const auto policy = made(shares(admin, "network", id, bob.project, "access_as_external"), "rbac_policy").text("id");
    CHECK(made(bob.gets(v2 + "networks/" + id), "network", 200).at("router:external").boolean());
    CHECK(count(bob, "networks?name=out&router:external=true", "networks") == 1);
    CHECK(count(alice, "networks?name=out", "networks") == 0);
    const auto gateway = R"("external_gateway_info":{"network_id":")" + id + "\"}";
    CHECK(refusal(alice.posts(v2 + "routers", "{\"router\":{" + gateway + "}}")) == "404 NetworkNotFound");
    const auto router = create(bob, "routers", "router", gateway);
    CHECK(refusal(admin.deletes(v2 + "rbac-policies/" + policy)) == "409 RbacPolicyInUse");
    CHECK(bob.deletes(v2 + "routers/" + router).status == 204);

    // The same of floating IPs, which are a way to it as well; no port of his own is there.
    const auto floating = R"("floating_network_id":")" + id + '"';
    CHECK(refusal(alice.posts(v2 + "floatingips", "{\"floatingip\":{" + floating + "}}")) == "404 NetworkNotFound");
    CHECK(count(bob, "floatingip_pools", "floatingip_pools") ==
          count(alice, "floatingip_pools", "floatingip_pools") + 1);
    const auto ip = create(bob, "floatingips", "floatingip", floating);
    CHECK(made(bob.gets(v2 + "floatingips/" + ip), "floatingip", 200)
              .text("floating_ip_address")
              .starts_with("198.51.100."));
    CHECK(refusal(admin.deletes(v2 + "rbac-policies/" + policy)) == "409 RbacPolicyInUse");
    CHECK(refusal(bob.posts(v2 + "ports", R"({"port":{"network_id":")" + id + "\"}}")).starts_with("40"));
    // Another policy that lets him there lets the first one go.
    const auto all = made(shares(admin, "network", id, "*", "access_as_external"), "rbac_policy").text("id");
    CHECK(admin.deletes(v2 + "rbac-policies/" + policy).status == 204);
    CHECK(made(bob.gets(v2 + "floatingips/" + ip), "floatingip", 200).text("id") == ip);
    CHECK(refusal(admin.deletes(v2 + "rbac-policies/" + all)) == "409 RbacPolicyInUse");
    CHECK(bob.deletes(v2 + "floatingips/" + ip).status == 204);
    CHECK(refusal(bob.deletes(v2 + "rbac-policies/" + all)).starts_with("40"));
    CHECK(admin.deletes(v2 + "rbac-policies/" + all).status == 204);
    CHECK(bob.gets(v2 + "networks/" + id).status == 404);
    CHECK(refusal(bob.posts(v2 + "routers", "{\"router\":{" + gateway + "}}")) == "404 NetworkNotFound");
    CHECK(refusal(bob.posts(v2 + "floatingips", "{\"floatingip\":{" + floating + "}}")) == "404 NetworkNotFound");
    CHECK_FALSE(made(admin.gets(v2 + "networks/" + id), "network", 200).at("router:external").boolean());
}

TEST_CASE("Groups, pools and scopes are shared as networks are", "[network][rbac]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto group = create(alice, "security-groups", "security_group", R"("name":"web")");
    const auto ofGroup = made(shares(alice, "security_group", group, bob.project), "rbac_policy").text("id");
    CHECK(made(bob.gets(v2 + "security-groups/" + group), "security_group", 200).at("shared").boolean());
    CHECK(count(bob, "security-groups?shared=true", "security_groups") == 1);
    CHECK(refusal(bob.posts(v2 + "security-group-rules",
                            R"({"security_group_rule":{"direction":"ingress","security_group_id":")" + group +
                                "\"}}")) == "403 PolicyNotAuthorized");
    const auto net = create(bob, "networks", "network", R"("name":"n")");
    const auto port =
        create(bob, "ports", "port", R"("network_id":")" + net + R"(","security_groups":[")" + group + "\"]");
    CHECK(refusal(alice.deletes(v2 + "rbac-policies/" + ofGroup)) == "409 RbacPolicyInUse");
    CHECK(bob.deletes(v2 + "ports/" + port).status == 204);
    CHECK(alice.deletes(v2 + "rbac-policies/" + ofGroup).status == 204);
    CHECK(bob.gets(v2 + "security-groups/" + group).status == 404);

    const auto addresses = create(alice, "address-groups", "address_group", R"("name":"a","addresses":["10.0.0.0/8"])");
    made(shares(alice, "address_group", addresses, bob.project), "rbac_policy");
    CHECK(made(bob.gets(v2 + "address-groups/" + addresses), "address_group", 200).at("shared").boolean());
    CHECK(bob.puts(v2 + "address-groups/" + addresses + "/add_addresses", R"({"addresses":["11.0.0.0/8"]})").status ==
          403);

    const auto pool = create(alice, "subnetpools", "subnetpool", R"("name":"p","prefixes":["10.9.0.0/16"])");
    const auto cut = R"("network_id":")" + net + R"(","ip_version":4,"prefixlen":24,"subnetpool_id":")" + pool + "\"";
    CHECK(refusal(bob.posts(v2 + "subnets", "{\"subnet\":{" + cut + "}}")) == "404 SubnetPoolNotFound");
    const auto ofPool = made(shares(alice, "subnetpool", pool, bob.project), "rbac_policy").text("id");
    create(bob, "subnets", "subnet", cut);
    CHECK(refusal(alice.deletes(v2 + "rbac-policies/" + ofPool)) == "409 RbacPolicyInUse");

    const auto scope = create(alice, "address-scopes", "address_scope", R"("name":"s","ip_version":4)");
    const auto within =
        R"({"subnetpool":{"name":"q","prefixes":["10.10.0.0/16"],"address_scope_id":")" + scope + "\"}}";
    CHECK(refusal(bob.posts(v2 + "subnetpools", within)) == "404 AddressScopeNotFound");
    const auto ofScope = made(shares(alice, "address_scope", scope, bob.project), "rbac_policy").text("id");
    CHECK(made(bob.gets(v2 + "address-scopes/" + scope), "address_scope", 200).at("shared").boolean());
    made(bob.posts(v2 + "subnetpools", within), "subnetpool");
    CHECK(refusal(alice.deletes(v2 + "rbac-policies/" + ofScope)) == "409 RbacPolicyInUse");
}

TEST_CASE("RBAC policies count against their quota", "[network][rbac]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto id = create(alice, "networks", "network", R"("name":"n")");
    for (int at = 0; at < 10; ++at) made(shares(alice, "network", id, "p" + std::to_string(at)), "rbac_policy");
    CHECK(refusal(shares(alice, "network", id, "p10")) == "409 OverQuota");
}

TEST_CASE("An address scope holds pools of its IP version, none of which has another's addresses",
          "[network][address_scope]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto scope = create(alice, "address-scopes", "address_scope", R"("name":"s","ip_version":4)");
    const auto one = v2 + "address-scopes/" + scope;
    const auto pool = [&](const std::string& prefix) {
        return alice.posts(v2 + "subnetpools", R"({"subnetpool":{"name":"p","prefixes":[")" + prefix +
                                                   R"("],"address_scope_id":")" + scope + "\"}}");
    };
    const auto first = made(pool("10.1.0.0/16"), "subnetpool");
    CHECK(first.text("address_scope_id") == scope);
    CHECK(refusal(pool("10.1.4.0/24")) == "409 AddressScopePrefixConflict");
    CHECK(refusal(pool("fd00::/48")) == "400 IllegalSubnetPoolIpVersionAssociationToAddressScope");
    const auto second = v2 + "subnetpools/" + made(pool("10.2.0.0/16"), "subnetpool").text("id");
    CHECK(refusal(alice.puts(second + "/add_prefixes", R"({"prefixes":["10.1.9.0/24"]})")) ==
          "409 AddressScopePrefixConflict");

    const auto net = create(alice, "networks", "network", R"("name":"n")");
    CHECK(made(alice.gets(v2 + "networks/" + net), "network", 200).at("ipv4_address_scope").isNull());
    create(alice, "subnets", "subnet",
           R"("network_id":")" + net + R"(","ip_version":4,"subnetpool_id":")" + first.text("id") +
               R"(","prefixlen":24)");
    CHECK(made(alice.gets(v2 + "networks/" + net), "network", 200).text("ipv4_address_scope") == scope);
    CHECK(refusal(alice.posts(v2 + "subnets",
                              R"({"subnet":{"network_id":")" + net + R"(","ip_version":4,"cidr":"10.77.0.0/24"}})")) ==
          "400 NetworkSubnetPoolAffinityError");

    CHECK(refusal(alice.deletes(one)) == "409 AddressScopeInUse");
    CHECK(refusal(bob.gets(one)) == "404 AddressScopeNotFound");
    CHECK(count(bob, "address-scopes", "address_scopes") == 0);
    CHECK(refusal(alice.posts(v2 + "address-scopes", R"({"address_scope":{"name":"x"}})")) == "400 HTTPBadRequest");
    CHECK(refusal(alice.posts(v2 + "address-scopes", R"({"address_scope":{"name":"x","ip_version":5}})")) ==
          "400 HTTPBadRequest");
    CHECK(refusal(alice.puts(one, R"({"address_scope":{"shared":true}})")) == "403 PolicyNotAuthorized");
    made(cloud.admin().puts(one, R"({"address_scope":{"shared":true}})"), "address_scope", 200);
    CHECK(bob.gets(one).status == 200);
    CHECK(refusal(cloud.admin().puts(one, R"({"address_scope":{"shared":false}})")) == "400 AddressScopeUpdateError");
    CHECK(made(alice.puts(one, R"({"address_scope":{"name":"t"}})"), "address_scope", 200).text("name") == "t");
    const auto idle = create(alice, "address-scopes", "address_scope", R"("name":"s","ip_version":6)");
    CHECK(alice.deletes(v2 + "address-scopes/" + idle).status == 204);
}

TEST_CASE("A pool's prefixes are added and removed by themselves, as far as no subnet is cut from them",
          "[network][subnet_pool]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto id = create(alice, "subnetpools", "subnetpool", R"("name":"p","prefixes":["10.1.0.0/24"])");
    const auto one = v2 + "subnetpools/" + id;
    const auto prefixes = [&](const Answer& answer) { return made(answer, "subnetpool", 200).at("prefixes").dump(); };
    CHECK(prefixes(alice.puts(one + "/add_prefixes", R"({"prefixes":["10.3.0.0/24","10.1.0.0/25"]})")) ==
          R"(["10.1.0.0/24","10.3.0.0/24"])");
    CHECK(alice.puts(one + "/add_prefixes", R"({"prefixes":["fd00::/64"]})").status == 400);
    CHECK(alice.puts(one + "/add_prefixes", "{}").status == 400);
    const auto net = create(alice, "networks", "network", R"("name":"n")");
    create(alice, "subnets", "subnet",
           R"("network_id":")" + net + R"(","ip_version":4,"cidr":"10.3.0.0/26","subnetpool_id":")" + id + "\"");
    CHECK(refusal(alice.puts(one + "/remove_prefixes", R"({"prefixes":["10.3.0.0/24"]})")) ==
          "409 IllegalSubnetPoolPrefixUpdate");
    CHECK(alice.puts(one + "/remove_prefixes", R"({"prefixes":["10.9.0.0/24"]})").status == 400);
    CHECK(prefixes(alice.puts(one + "/remove_prefixes", R"({"prefixes":["10.1.0.0/24"]})")) == R"(["10.3.0.0/24"])");
    CHECK(bob.puts(one + "/add_prefixes", R"({"prefixes":["10.4.0.0/24"]})").status == 404);
    CHECK(bob.puts(one + "/remove_prefixes", R"({"prefixes":["10.3.0.0/24"]})").status == 404);
}

TEST_CASE("A network's subnets become a pool's, and so are cut from it no second time", "[network][subnet_pool]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto id = create(alice, "subnetpools", "subnetpool", R"("name":"p","prefixes":["10.1.0.0/24"])");
    const auto net = create(alice, "networks", "network", R"("name":"n")");
    const auto onboard = v2 + "subnetpools/" + id + "/onboard_network_subnets";
    const auto of = [](const std::string& network) { return R"({"network_id":")" + network + "\"}"; };
    CHECK(refusal(alice.puts(onboard, of(net))) == "400 IllegalSubnetPoolUpdate"); // nothing to take
    const auto subnet =
        create(alice, "subnets", "subnet", R"("network_id":")" + net + R"(","ip_version":4,"cidr":"10.2.0.0/24")");
    CHECK(alice.puts(onboard, of(net)).status == 200);
    CHECK(made(alice.gets(v2 + "subnets/" + subnet), "subnet", 200).text("subnetpool_id") == id);
    CHECK(made(alice.gets(v2 + "subnetpools/" + id), "subnetpool", 200).at("prefixes").dump() ==
          R"(["10.1.0.0/24","10.2.0.0/24"])");
    CHECK(refusal(alice.puts(v2 + "subnetpools/" + id + "/remove_prefixes", R"({"prefixes":["10.2.0.0/24"]})")) ==
          "409 IllegalSubnetPoolPrefixUpdate");
    CHECK(refusal(alice.puts(onboard, of(net))) == "400 IllegalSubnetPoolUpdate"); // it is the pool's already

    const auto others = create(bob, "networks", "network", R"("name":"n")");
    create(bob, "subnets", "subnet", R"("network_id":")" + others + R"(","ip_version":4,"cidr":"10.4.0.0/24")");
    CHECK(refusal(alice.puts(onboard, of(others))) == "404 NetworkNotFound");
    made(shares(bob, "network", others, alice.project), "rbac_policy");
    CHECK(refusal(alice.puts(onboard, of(others))) == "403 PolicyNotAuthorized"); // seen, but not theirs
}

TEST_CASE("A network's addresses are counted, those in use too", "[network][ip_availability]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto admin = cloud.admin();
    const auto net = create(alice, "networks", "network", R"("name":"n")");
    const auto one = v2 + "network-ip-availabilities/" + net;
    CHECK(made(admin.gets(one), "network_ip_availability", 200).integer("total_ips") == 0);
    create(alice, "subnets", "subnet",
           R"("enable_dhcp":false,"network_id":")" + net + R"(","ip_version":4,"cidr":"10.1.0.0/24")");
    create(alice, "ports", "port", R"("network_id":")" + net + "\"");
    create(alice, "ports", "port", R"("network_id":")" + net + "\"");
    auto shown = made(admin.gets(one), "network_ip_availability", 200);
    CHECK(shown.integer("total_ips") == 253);
    CHECK(shown.integer("used_ips") == 2);
    CHECK(shown.text("network_name") == "n");
    CHECK(shown.text("tenant_id") == alice.project);
    REQUIRE(shown.array("subnet_ip_availability").size() == 1);
    CHECK(shown.array("subnet_ip_availability").items()[0].text("cidr") == "10.1.0.0/24");

    create(alice, "subnets", "subnet",
           R"("enable_dhcp":false,"network_id":")" + net + R"(","ip_version":6,"cidr":"fd00::/64")");
    CHECK(admin.gets(one).body.find("\"total_ips\":18446744073709551614") != std::string::npos); // more than 2^63
    const std::string all = "network-ip-availabilities?network_id=" + net;
    CHECK(count(admin, all, "network_ip_availabilities") == 1);
    const auto four = admin.gets(v2 + all + "&ip_version=4").json().array("network_ip_availabilities").items().at(0);
    CHECK(four.integer("total_ips") == 253);
    CHECK(admin.gets(v2 + all + "&ip_version=5").status == 400);
    CHECK(count(admin, "network-ip-availabilities?network_name=n&tenant_id=" + alice.project,
                "network_ip_availabilities") == 1);
    CHECK(count(alice, all, "network_ip_availabilities") == 0); // administrators' to see
    CHECK(refusal(alice.gets(one)) == "404 NetworkNotFound");
}

TEST_CASE("Floating IP pools are the IPv4 subnets of the external networks that one sees", "[network][floating_ip]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto before = count(bob, "floatingip_pools", "floatingip_pools"); // the way outside that there is
    CHECK(before == 1);
    const auto id = create(cloud.admin(), "networks", "network", R"("name":"out")");
    for (const auto* block : {R"("ip_version":4,"cidr":"198.51.100.0/24")", R"("ip_version":6,"cidr":"fd00::/64")"})
        create(cloud.admin(), "subnets", "subnet", R"("name":"out","network_id":")" + id + "\"," + block);
    made(shares(cloud.admin(), "network", id, bob.project, "access_as_external"), "rbac_policy");
    CHECK(count(alice, "floatingip_pools", "floatingip_pools") == before);
    const auto pools = bob.gets(v2 + "floatingip_pools").json().array("floatingip_pools").items();
    REQUIRE(pools.size() == before + 1);
    CHECK(pools.back().text("network_id") == id);
    CHECK(pools.back().text("cidr") == "198.51.100.0/24");
    CHECK(pools.back().text("subnet_name") == "out");
    CHECK(pools.back().text("project_id") == bob.project);
}

TEST_CASE("Routers have one provider, the host itself", "[network]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto all = alice.gets(v2 + "service-providers").json().array("service_providers").items();
    REQUIRE(all.size() == 1);
    CHECK(all[0].text("service_type") == "L3_ROUTER_NAT");
    CHECK(all[0].at("default").boolean());
}

TEST_CASE("A server stands on a network, and behind a group, that were shared with its project", "[network][rbac]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto net = create(alice, "networks", "network", R"("name":"n")");
    create(alice, "subnets", "subnet", R"("network_id":")" + net + R"(","ip_version":4,"cidr":"10.1.0.0/24")");
    const auto group = create(alice, "security-groups", "security_group", R"("name":"web")");
    const auto image = Cloud::upload(bob);
    const auto asksServer = [&](const std::string& groupNamed) {
        return bob
            .posts("/compute/v2.1/servers", R"({"server":{"name":"s","flavorRef":"1","imageRef":")" + image +
                                                R"(","networks":[{"uuid":")" + net +
                                                R"("}],"security_groups":[{"name":")" + groupNamed + "\"}]}}")
            .status;
    };
    CHECK(asksServer(group) == 400); // neither is there for them
    made(shares(alice, "network", net, bob.project), "rbac_policy");
    CHECK(asksServer(group) == 400);
    const auto ofGroup = made(shares(alice, "security_group", group, bob.project), "rbac_policy").text("id");
    CHECK(asksServer("web") == 400); // what it is called is its owner's concern
    CHECK(asksServer(group) == 202);
    cloud.settle();
    CHECK(count(bob, "ports?security_groups=" + group, "ports") == 1);
    CHECK(refusal(alice.deletes(v2 + "rbac-policies/" + ofGroup)) == "409 RbacPolicyInUse");
}
