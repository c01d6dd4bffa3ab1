#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "compute/cloud.hpp"
#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string v2 = "/network/v2.0/";

/// The one resource of an answer of this status.
Json made(const Answer& answer, std::string_view name, int status = 201) {
    INFO(answer.body);
    REQUIRE(answer.status == status);
    return answer.json().object(name);
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string aNetwork(const Member& who, const std::string& more = "") {
    return made(who.posts(v2 + "networks", R"({"network":{"name":"net")" + more + "}}"), "network").text("id");
}

Json subnet(const Member& who, const std::string& on, const std::string& cidr, const std::string& more = "") {
    const std::string version = cidr.find(':') == std::string::npos ? "4" : "6";
    return made(who.posts(v2 + "subnets", R"({"subnet":{"network_id":)" + quoted(on) + R"(,"ip_version":)" + version +
                                              R"(,"cidr":)" + quoted(cidr) + more + "}}"),
                "subnet");
}

Answer asksPort(const Member& who, const std::string& on, const std::string& more = "") {
    return who.posts(v2 + "ports", R"({"port":{"network_id":)" + quoted(on) + more + "}}");
}
Json port(const Member& who, const std::string& on, const std::string& more = "") {
    return made(asksPort(who, on, more), "port");
}
std::string addressOf(const Json& ofPort, std::size_t index = 0) {
    return ofPort.array("fixed_ips").items().at(index).text("ip_address");
}

std::string router(const Member& who, const std::string& more = "") {
    return made(who.posts(v2 + "routers", R"({"router":{"name":"r")" + more + "}}"), "router").text("id");
}

std::string publicNetwork(const Member& who) {
    const auto found = who.gets(v2 + "networks?router:external=true").json().array("networks").items();
    REQUIRE(found.size() == 1);
    return found[0].text("id");
}

/// "409 NetworkInUse"
std::string refusal(const Answer& answer) {
    INFO(answer.body);
    const auto error = answer.json().object("NeutronError");
    return std::to_string(answer.status) + " " + error.text("type");
}

std::set<std::string> idsIn(const Answer& answer, std::string_view plural) {
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    std::set<std::string> ids;
    for (const auto& each : answer.json().array(plural).items()) ids.insert(each.text("id"));
    return ids;
}

}

TEST_CASE("A network belongs to its project, and others see nothing of it", "[network]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto reader = cloud.colleague(alice, "rita", "reader");
    const auto id = aNetwork(alice);

    const auto shown = made(alice.gets(v2 + "networks/" + id), "network", 200);
    CHECK(shown.text("project_id") == alice.project);
    CHECK(shown.text("status") == "ACTIVE");
    CHECK(shown.integer("mtu") == 1500);
    CHECK_FALSE(shown.has("provider:network_type")); // for administrators
    CHECK(made(cloud.admin().gets(v2 + "networks/" + id), "network", 200).text("provider:network_type") == "local");

    CHECK(refusal(bob.gets(v2 + "networks/" + id)) == "404 NetworkNotFound");
    CHECK(refusal(bob.deletes(v2 + "networks/" + id)) == "404 NetworkNotFound");
    CHECK_FALSE(idsIn(bob.gets(v2 + "networks"), "networks").contains(id));
    CHECK(idsIn(reader.gets(v2 + "networks"), "networks").contains(id));
    CHECK(refusal(reader.deletes(v2 + "networks/" + id)) == "403 PolicyNotAuthorized");
    CHECK(refusal(reader.posts(v2 + "networks", R"({"network":{}})")) == "403 PolicyNotAuthorized");
    CHECK(refusal(alice.posts(v2 + "networks", R"({"network":{"shared":true}})")) == "403 PolicyNotAuthorized");
    CHECK(refusal(alice.posts(v2 + "networks", R"({"network":{"project_id":")" + bob.project + R"("}})")) ==
          "400 HTTPBadRequest");
    CHECK(cloud.asks(http::Method::Get, v2 + "networks", "").status == 401);

    made(cloud.admin().puts(v2 + "networks/" + id, R"({"network":{"shared":true}})"), "network", 200);
    CHECK(idsIn(bob.gets(v2 + "networks"), "networks").contains(id));
    CHECK(refusal(bob.puts(v2 + "networks/" + id, R"({"network":{"name":"mine"}})")) == "403 PolicyNotAuthorized");
    CHECK(alice.deletes(v2 + "networks/" + id).status == 204);
    CHECK(refusal(alice.gets(v2 + "networks/" + id)) == "404 NetworkNotFound");
}

TEST_CASE("A body says only what is known, in the right kind", "[network]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    CHECK(refusal(alice.posts(v2 + "networks", "{")) == "400 HTTPBadRequest");
    CHECK(refusal(alice.posts(v2 + "networks", "{}")) == "400 HTTPBadRequest");
    CHECK(refusal(alice.posts(v2 + "networks", R"({"network":{"colour":"red"}})")) == "400 HTTPBadRequest");
    CHECK(refusal(alice.posts(v2 + "networks", R"({"network":{"status":"ACTIVE"}})")) == "400 HTTPBadRequest");
    CHECK(refusal(alice.posts(v2 + "networks", R"({"network":{"admin_state_up":"maybe"}})")) == "400 HTTPBadRequest");
    CHECK(refusal(alice.posts(v2 + "networks", R"({"network":{"name":7}})")) == "400 HTTPBadRequest");
    const auto id = aNetwork(alice);
    CHECK(refusal(alice.puts(v2 + "networks/" + id, R"({"network":{"id":"x"}})")) == "400 HTTPBadRequest");
    CHECK(alice.gets(v2 + "nothing").status == 404);
    CHECK(alice.patches(v2 + "networks", "{}").status == 405);
}

TEST_CASE("A list is filtered, sorted, paged and reduced as asked", "[network]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    alice.posts(v2 + "networks", R"({"networks":[{"name":"a"},{"name":"b","admin_state_up":false},{"name":"c"}]})");
    const auto names = [&](const std::string& query) {
        const auto answer = alice.gets(v2 + "networks?router:external=false&" + query);
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        std::string out;
        for (const auto& each : answer.json().array("networks").items()) out += each.text("name");
        return out;
    };
    CHECK(names("name=a&name=c&sort_key=name&sort_dir=desc") == "ca");
    CHECK(names("admin_state_up=False") == "b");
    CHECK(names("sort_key=admin_state_up&sort_dir=asc&sort_key=name&sort_dir=desc") == "bca");
    const auto first = alice.gets(v2 + "networks?router:external=false&sort_key=name&sort_dir=asc&limit=2").json();
    REQUIRE(first.array("networks").size() == 2);
    const auto next = first.array("networks_links").items().at(0);
    CHECK(next.text("rel") == "next");
    const auto href = next.text("href");
    CHECK(names(href.substr(href.find('?') + 1)) == "c");
    CHECK(names("sort_key=name&sort_dir=asc&limit=2&page_reverse=True") == "bc");
    CHECK(refusal(alice.gets(v2 + "networks?marker=nobody&limit=1")) == "404 HTTPNotFound");
    CHECK(refusal(alice.gets(v2 + "networks?colour=red")) == "400 HTTPBadRequest");
    CHECK(refusal(alice.gets(v2 + "networks?sort_key=name&sort_key=id&sort_dir=asc")) == "400 HTTPBadRequest");
    const auto few = alice.gets(v2 + "networks?name=a&fields=id&fields=name").json().array("networks").items().at(0);
    CHECK(few.size() == 2);
}

TEST_CASE("A subnet has the defaults that everybody expects", "[network][subnet]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto net = aNetwork(alice);
    const auto made4 = subnet(alice, net, "10.1.0.0/24");
    CHECK(made4.text("gateway_ip") == "10.1.0.1");
    CHECK(made4.boolean("enable_dhcp", false));
    CHECK(made4.array("allocation_pools").items().at(0).text("start") == "10.1.0.2");
    CHECK(made4.array("allocation_pools").items().at(0).text("end") == "10.1.0.254");
    const auto bad = [&](const std::string& rest) {
        return refusal(alice.posts(v2 + "subnets",
                                   R"({"subnet":{"network_id":)" + quoted(net) + R"(,"ip_version":4,)" + rest + "}}"));
    };
    const auto overlapping = alice.posts(v2 + "subnets", R"({"subnet":{"network_id":)" + quoted(net) +
                                                             R"(,"ip_version":4,"cidr":"10.1.0.128/25"}})");
    CHECK(refusal(overlapping) == "400 InvalidInput");
    CHECK(overlapping.body.find("overlaps with another subnet") != std::string::npos);
    CHECK(bad(R"("cidr":"10.2.0.0/31")") == "400 InvalidInput");
    CHECK(bad(R"("cidr":"10.2.0.0/99")") == "400 HTTPBadRequest");
    CHECK(bad(R"("cidr":"2001:db8::/64")") == "400 InvalidInput");
    CHECK(
        bad(R"("cidr":"10.2.0.0/24","gateway_ip":"10.2.0.9","allocation_pools":[{"start":"10.2.0.5","end":"10.2.0.20"}])") ==
        "409 GatewayConflictWithAllocationPools");
    CHECK(bad(R"("cidr":"10.2.0.0/24","allocation_pools":[{"start":"10.3.0.5","end":"10.3.0.20"}])") ==
          "400 OutOfBoundsAllocationPool");
    CHECK(bad(R"("cidr":"10.2.0.0/24","dns_nameservers":["8.8.8.8\nserver=evil"])") == "400 HTTPBadRequest");
    CHECK(
        bad(R"("cidr":"10.2.0.0/24","dns_nameservers":["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4","1.1.1.5","1.1.1.6"])") ==
        "400 DNSNameServersExhausted");

    CHECK(subnet(alice, net, "10.3.0.0/24", R"(,"gateway_ip":null)").find("gateway_ip")->isNull());
    const auto changed = made(
        alice.puts(
            v2 + "subnets/" + made4.text("id"),
            R"({"subnet":{"dns_nameservers":["9.9.9.9"],"host_routes":[{"destination":"10.9.0.0/16","nexthop":"10.1.0.7"}]}})"),
        "subnet", 200);
    CHECK(changed.array("dns_nameservers").items().at(0).text() == "9.9.9.9");
    CHECK(changed.integer("revision_number") == made4.integer("revision_number") + 1);

    CHECK(alice.deletes(v2 + "networks/" + net).status == 204);
    CHECK(refusal(alice.gets(v2 + "subnets/" + made4.text("id"))) == "404 SubnetNotFound");
}

TEST_CASE("Ports get free addresses, and give them back", "[network][port]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto net = aNetwork(alice);
    subnet(alice, net, "10.1.0.0/29"); // .1 gateway, .2 DHCP, .3–.6 left
    std::set<std::string> addresses;
    std::string last;
    for (int count = 0; count < 4; ++count) {
        const auto one = port(alice, net);
        addresses.insert(addressOf(one));
        last = one.text("id");
        CHECK(one.text("mac_address").starts_with("fa:16:3e:"));
        CHECK(one.text("status") == "DOWN");
        CHECK(one.array("security_groups").size() == 1);
    }
    CHECK(addresses == std::set<std::string>{"10.1.0.3", "10.1.0.4", "10.1.0.5", "10.1.0.6"});
    CHECK(refusal(asksPort(alice, net)) == "409 IpAddressGenerationFailure");
    CHECK(alice.deletes(v2 + "ports/" + last).status == 204);
    CHECK(addressOf(port(alice, net)) == "10.1.0.6");
    // The lowest that is free, wherever it was given back, and out of the pools as they are now.
    for (const auto* address : {"10.1.0.4", "10.1.0.3", "10.1.0.5"})
        CHECK(alice
                  .deletes(v2 + "ports/" +
                           *idsIn(alice.gets(v2 + "ports?fixed_ips=ip_address=" + address), "ports").begin())
                  .status == 204);
    CHECK(addressOf(port(alice, net)) == "10.1.0.3");
    const auto on = alice.gets(v2 + "subnets?network_id=" + net).json().array("subnets").items().at(0).text("id");
    const auto pools = [&](const std::string& start, const std::string& end) {
        made(alice.puts(v2 + "subnets/" + on, R"({"subnet":{"allocation_pools":[{"start":)" + quoted(start) +
                                                  R"(,"end":)" + quoted(end) + "}]}}"),
             "subnet", 200);
    };
    pools("10.1.0.5", "10.1.0.6");
    CHECK(addressOf(port(alice, net)) == "10.1.0.5");
    pools("10.1.0.2", "10.1.0.6");
    CHECK(addressOf(port(alice, net)) == "10.1.0.4");

    CHECK(refusal(asksPort(alice, net, R"(,"fixed_ips":[{"ip_address":"10.1.0.6"}])")) ==
          "409 IpAddressAlreadyAllocated");
    CHECK(refusal(asksPort(alice, net, R"(,"fixed_ips":[{"ip_address":"10.7.0.6"}])")) == "400 InvalidIpForNetwork");
    CHECK(refusal(asksPort(bob, net)) == "404 NetworkNotFound");
    CHECK(refusal(asksPort(alice, net, R"(,"mac_address":"fa:16:3e:zz:00:01")")) == "400 HTTPBadRequest");
    CHECK(refusal(alice.deletes(v2 + "networks/" + net)) == "409 NetworkInUse");
    CHECK(idsIn(alice.gets(v2 + "ports?fixed_ips=ip_address=10.1.0.6"), "ports").size() == 1);
    CHECK(idsIn(alice.gets(v2 + "ports?fixed_ips=ip_address_substr=.0.&device_owner="), "ports").size() == 4);
}

TEST_CASE("A port gets another address of a subnet beside the one that it has, and gives either back",
          "[network][port]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto net = aNetwork(alice);
    subnet(alice, net, "10.1.0.0/24");
    const auto one = port(alice, net);
    const auto before = addressOf(one), id = one.text("id");
    const auto on = one.array("fixed_ips").items().at(0).text("subnet_id");
    const auto sets = [&](const std::string& list) {
        return made(alice.puts(v2 + "ports/" + id, R"({"port":{"fixed_ips":[)" + list + "]}}"), "port", 200);
    };
    const auto any = R"({"subnet_id":)" + quoted(on) + "}",
               its = R"({"subnet_id":)" + quoted(on) + R"(,"ip_address":)" + quoted(before) + "}";
    const auto two = sets(its + "," + any);
    REQUIRE(two.array("fixed_ips").size() == 2);
    CHECK(addressOf(two, 0) == before);
    CHECK(addressOf(two, 1) != before);
    CHECK(sets(any + "," + any).array("fixed_ips").size() == 2); // those that it has
    CHECK(addressOf(sets(its)) == before);
    CHECK(addressOf(sets(any)) == before);
}

TEST_CASE("A port on an IPv6 network has the address that its guest will form", "[network][port]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto net = aNetwork(alice);
    subnet(alice, net, "10.1.0.0/24");
    subnet(alice, net, "2001:db8::/64", R"(,"ipv6_ra_mode":"slaac","ipv6_address_mode":"slaac")");
    const auto one = port(alice, net, R"(,"allowed_address_pairs":[{"ip_address":"10.1.0.100"}])");
    REQUIRE(one.array("fixed_ips").size() == 2);
    CHECK(addressOf(one, 1).starts_with("2001:db8::f816:3eff:fe"));
    CHECK(one.array("allowed_address_pairs").items().at(0).text("mac_address") == one.text("mac_address"));
}

TEST_CASE("Port security goes with groups and pairs, or without", "[network][port]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto net = aNetwork(alice);
    subnet(alice, net, "10.1.0.0/24");
    const auto one = port(alice, net).text("id");
    CHECK(refusal(alice.puts(v2 + "ports/" + one, R"({"port":{"port_security_enabled":false}})")) ==
          "409 PortSecurityAndIPRequiredForSecurityGroups");
    CHECK(made(alice.puts(v2 + "ports/" + one, R"({"port":{"port_security_enabled":false,"security_groups":[]}})"),
               "port", 200)
              .array("security_groups")
              .size() == 0);
    CHECK(refusal(asksPort(alice, net, R"(,"security_groups":["nobody"])")) == "404 SecurityGroupNotFound");
}

TEST_CASE("A router joins subnets that do not overlap", "[network][router]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto one = aNetwork(alice), two = aNetwork(alice);
    const auto first = subnet(alice, one, "10.1.0.0/24").text("id"),
               second = subnet(alice, two, "10.1.0.128/25").text("id");
    const auto id = router(alice);
    const auto add = [&](const std::string& body) {
        return alice.puts(v2 + "routers/" + id + "/add_router_interface", body);
    };
    const auto joined = add(R"({"subnet_id":)" + quoted(first) + "}");
    REQUIRE(joined.status == 200);
    CHECK(joined.json().text("subnet_id") == first);
    const auto interface = made(alice.gets(v2 + "ports/" + joined.json().text("port_id")), "port", 200);
    CHECK(addressOf(interface) == "10.1.0.1");
    CHECK(interface.text("device_id") == id);
    CHECK(refusal(add(R"({"subnet_id":)" + quoted(second) + "}")) == "400 BadRequest");
    CHECK(refusal(add("{}")) == "400 BadRequest");
    CHECK(refusal(alice.deletes(v2 + "ports/" + interface.text("id"))) == "409 ServicePortInUse");
    CHECK(refusal(alice.deletes(v2 + "routers/" + id)) == "409 RouterInUse");
    CHECK(refusal(alice.deletes(v2 + "subnets/" + first)) == "409 SubnetInUse");

    CHECK(refusal(alice.puts(v2 + "routers/" + id,
                             R"({"router":{"routes":[{"destination":"10.9.0.0/16","nexthop":"10.5.0.1"}]}})")) ==
          "400 InvalidRoutes");
    made(alice.puts(v2 + "routers/" + id,
                    R"({"router":{"routes":[{"destination":"10.9.0.0/16","nexthop":"10.1.0.9"}]}})"),
         "router", 200);
    const auto leave = [&] {
        return alice.puts(v2 + "routers/" + id + "/remove_router_interface", R"({"subnet_id":)" + quoted(first) + "}");
    };
    CHECK(refusal(leave()) == "409 RouterInterfaceInUseByRoute");
    CHECK(
        made(alice.puts(v2 + "routers/" + id, R"({"router":{"routes":null}})"), "router", 200).array("routes").size() ==
        0);
    CHECK(leave().status == 200);
    CHECK(refusal(leave()) == "404 RouterInterfaceNotFoundForSubnet");
    CHECK(alice.deletes(v2 + "routers/" + id).status == 204);
}

TEST_CASE("A gateway is on an external network", "[network][router]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto outside = publicNetwork(alice);
    const auto id = router(alice, R"(,"external_gateway_info":{"network_id":)" + quoted(outside) + "}");
    const auto info = made(alice.gets(v2 + "routers/" + id), "router", 200).object("external_gateway_info");
    CHECK(info.text("network_id") == outside);
    CHECK(info.boolean("enable_snat", false));
    CHECK(info.array("external_fixed_ips").items().at(0).text("ip_address") == "172.24.4.2");
    CHECK(idsIn(alice.gets(v2 + "subnets?network_id=" + outside), "subnets").empty());
    const auto set = [&](const std::string& network) {
        return alice.puts(v2 + "routers/" + id,
                          R"({"router":{"external_gateway_info":{"network_id":)" + quoted(network) + "}}}");
    };
    CHECK(refusal(set("nobody")) == "404 NetworkNotFound");
    CHECK(refusal(set(aNetwork(alice))) == "400 BadRequest");
    CHECK(refusal(alice.puts(v2 + "routers/" + id, R"({"router":{"external_gateway_info":{"network_id":)" +
                                                       quoted(outside) + R"(,"enable_snat":false}}})")) ==
          "403 PolicyNotAuthorized");
    CHECK(made(alice.puts(v2 + "routers/" + id, R"({"router":{"external_gateway_info":{}}})"), "router", 200)
              .find("external_gateway_info")
              ->isNull());
    CHECK(alice.deletes(v2 + "routers/" + id).status == 204);
}

TEST_CASE("A floating IP leads to one port, and follows what happens to it", "[network][floating]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto outside = publicNetwork(alice);
    const auto net = aNetwork(alice);
    const auto inside = subnet(alice, net, "10.1.0.0/24").text("id");
    const auto one = port(alice, net), two = port(alice, net);
    const auto asks = [&](const Member& who, const std::string& more) {
        return who.posts(v2 + "floatingips",
                         R"({"floatingip":{"floating_network_id":)" + quoted(outside) + more + "}}");
    };
    CHECK(refusal(asks(alice, R"(,"port_id":)" + quoted(one.text("id")))) ==
          "404 ExternalGatewayForFloatingIPNotFound");
    CHECK(refusal(alice.posts(v2 + "floatingips", R"({"floatingip":{"floating_network_id":)" + quoted(net) + "}}")) ==
          "400 BadRequest");

    const auto id = router(alice, R"(,"external_gateway_info":{"network_id":)" + quoted(outside) + "}");
    REQUIRE(
        alice.puts(v2 + "routers/" + id + "/add_router_interface", R"({"subnet_id":)" + quoted(inside) + "}").status ==
        200);
    const auto ip = made(asks(alice, R"(,"port_id":)" + quoted(one.text("id"))), "floatingip");
    CHECK(ip.text("fixed_ip_address") == addressOf(one));
    CHECK(ip.text("router_id") == id);
    cloud.settle();
    CHECK(made(alice.gets(v2 + "floatingips/" + ip.text("id")), "floatingip", 200).text("status") == "ACTIVE");
    CHECK(refusal(asks(alice, R"(,"port_id":)" + quoted(one.text("id")))) == "409 FloatingIPPortAlreadyAssociated");
    CHECK(refusal(asks(bob, R"(,"port_id":)" + quoted(one.text("id")))) == "404 PortNotFound");
    CHECK(refusal(bob.gets(v2 + "floatingips/" + ip.text("id"))) == "404 FloatingIPNotFound");
    CHECK(refusal(alice.puts(v2 + "routers/" + id + "/remove_router_interface",
                             R"({"subnet_id":)" + quoted(inside) + "}")) == "409 RouterInterfaceInUseByFloatingIP");
    CHECK(refusal(alice.puts(v2 + "routers/" + id, R"({"router":{"external_gateway_info":null}})")) ==
          "409 RouterExternalGatewayInUseByFloatingIp");

    const auto moved = made(
        alice.puts(v2 + "floatingips/" + ip.text("id"), R"({"floatingip":{"port_id":)" + quoted(two.text("id")) + "}}"),
        "floatingip", 200);
    CHECK(moved.text("fixed_ip_address") == addressOf(two));
    CHECK(alice.deletes(v2 + "ports/" + two.text("id")).status == 204);
    const auto left = made(alice.gets(v2 + "floatingips/" + ip.text("id")), "floatingip", 200);
    CHECK(left.find("port_id")->isNull());
    CHECK(left.text("status") == "DOWN");
    CHECK(alice.deletes(v2 + "floatingips/" + ip.text("id")).status == 204);
    CHECK(made(asks(alice, ""), "floatingip").text("floating_ip_address") == ip.text("floating_ip_address"));
}

TEST_CASE("Every project has a default security group that stays", "[network][security_group]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto groups = alice.gets(v2 + "security-groups").json().array("security_groups").items();
    REQUIRE(groups.size() == 1);
    CHECK(groups[0].text("name") == "default");
    CHECK(groups[0].array("security_group_rules").size() == 4);
    const auto standard = groups[0].text("id");
    CHECK(refusal(alice.deletes(v2 + "security-groups/" + standard)) == "409 SecurityGroupCannotRemoveDefault");
    CHECK(refusal(alice.puts(v2 + "security-groups/" + standard, R"({"security_group":{"name":"other"}})")) ==
          "409 SecurityGroupCannotUpdateDefault");
    CHECK(refusal(alice.posts(v2 + "security-groups", R"({"security_group":{"name":"default"}})")) ==
          "409 SecurityGroupDefaultAlreadyExists");
    const auto own =
        made(alice.posts(v2 + "security-groups", R"({"security_group":{"name":"web"}})"), "security_group");
    CHECK(own.array("security_group_rules").size() == 2);
    const auto net = aNetwork(alice);
    port(alice, net, R"(,"security_groups":[)" + quoted(own.text("id")) + "]");
    CHECK(refusal(alice.deletes(v2 + "security-groups/" + own.text("id"))) == "409 SecurityGroupInUse");
    CHECK(cloud.admin().deletes(v2 + "security-groups/" + standard).status == 204); // and it is back when it is needed
    CHECK(alice.gets(v2 + "security-groups").json().array("security_groups").size() == 2);
}

TEST_CASE("A security group rule is taken only where it means something", "[network][security_group]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto group =
        made(alice.posts(v2 + "security-groups", R"({"security_group":{"name":"web"}})"), "security_group").text("id");
    const auto rule = [&](const std::string& more, const Member& who) {
        return who.posts(v2 + "security-group-rules",
                         R"({"security_group_rule":{"direction":"ingress","security_group_id":)" + quoted(group) +
                             more + "}}");
    };
    const auto web = made(
        rule(R"(,"protocol":"tcp","port_range_min":80,"port_range_max":80,"remote_ip_prefix":"10.1.2.3/16")", alice),
        "security_group_rule");
    CHECK(web.text("normalized_cidr") == "10.1.0.0/16");
    const auto bad = [&](const std::string& more) { return refusal(rule(more, alice)); };
    CHECK(bad(R"(,"protocol":6,"port_range_min":80,"port_range_max":80,"remote_ip_prefix":"10.1.0.0/16")") ==
          "409 SecurityGroupRuleExists");
    CHECK(bad(R"(,"protocol":"bad")") == "400 SecurityGroupRuleInvalidProtocol");
    CHECK(bad(R"(,"protocol":"tcp; drop")") == "400 SecurityGroupRuleInvalidProtocol");
    CHECK(bad(R"(,"ethertype":"bad")") == "400 SecurityGroupRuleInvalidEtherType");
    CHECK(bad(R"(,"remote_ip_prefix":"192.168.1./24")") == "400 HTTPBadRequest");
    CHECK(bad(R"(,"remote_ip_prefix":"2001:db8::/64")") == "400 SecurityGroupRuleParameterConflict");
    CHECK(bad(R"(,"port_range_min":80,"port_range_max":80)") == "400 SecurityGroupProtocolRequiredWithPorts");
    CHECK(bad(R"(,"protocol":"tcp","port_range_min":80,"port_range_max":79)") == "400 SecurityGroupInvalidPortRange");
    CHECK(bad(R"(,"protocol":"tcp","port_range_min":0,"port_range_max":79)") == "400 SecurityGroupInvalidPortValue");
    CHECK(bad(R"(,"protocol":"esp","port_range_min":1,"port_range_max":79)") ==
          "400 SecurityGroupInvalidProtocolForPort");
    CHECK(bad(R"(,"protocol":"icmp","port_range_min":256)") == "400 SecurityGroupInvalidIcmpValue");
    CHECK(bad(R"(,"protocol":"icmp","port_range_max":0)") == "400 SecurityGroupMissingIcmpType");
    CHECK(bad(R"(,"remote_group_id":"nobody")") == "404 SecurityGroupNotFound");
    CHECK(refusal(rule("", bob)) == "404 SecurityGroupNotFound");
    CHECK(rule(R"(,"protocol":"icmp","port_range_min":8,"port_range_max":0)", alice).status == 201);
    CHECK(rule(R"(,"ethertype":"IPv6","protocol":"icmpv6")", alice).status == 201);
    for (const auto* same : {"1", "58", "icmp", "ipv6-icmp"})
        CHECK(bad(R"(,"ethertype":"IPv6","protocol":")" + std::string(same) + "\"") == "409 SecurityGroupRuleExists");
    CHECK(alice.deletes(v2 + "security-group-rules/" + web.text("id")).status == 204);
    CHECK(refusal(alice.gets(v2 + "security-group-rules/" + web.text("id"))) == "404 SecurityGroupRuleNotFound");
}

TEST_CASE("A quota is what a project may have, to the last one", "[network][quota]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto admin = cloud.admin();
    CHECK(refusal(alice.puts(v2 + "quotas/{project}", R"({"quota":{"network":7}})")) == "403 PolicyNotAuthorized");
    CHECK(made(admin.puts(v2 + "quotas/" + alice.project, R"({"quota":{"network":2}})"), "quota", 200)
              .integer("network") == 2);
    CHECK(refusal(admin.puts(v2 + "quotas/" + alice.project, R"({"quota":{"unicorn":2}})")) == "400 HTTPBadRequest");
    aNetwork(alice);
    CHECK(refusal(alice.posts(v2 + "networks", R"({"networks":[{"name":"x"},{"name":"y"}]})")) == "409 OverQuota");
    CHECK(idsIn(alice.gets(v2 + "networks?router:external=false"), "networks").size() == 1); // all or nothing
    aNetwork(alice);
    const auto details =
        admin.gets(v2 + "quotas/" + alice.project + "/details.json").json().object("quota").object("network");
    CHECK(details.integer("used") == 2);
    CHECK(admin.gets(v2 + "quotas").json().array("quotas").size() == 1);
    CHECK(admin.deletes(v2 + "quotas/" + alice.project).status == 204);
    CHECK(made(admin.gets(v2 + "quotas/" + alice.project), "quota", 200).integer("network") == 100);
}

TEST_CASE("A limit below what is used is refused where that is asked for", "[network][quota]") {
    TestAppliance cloud;
    const auto admin = cloud.admin(), alice = cloud.member("alice");
    aNetwork(alice);
    aNetwork(alice);
    const auto sets = [&](const std::string& more) {
        return admin.puts(v2 + "quotas/" + alice.project, R"({"quota":{)" + more + "}}");
    };
    CHECK(refusal(sets(R"("network":1,"subnet":7,"check_limit":true)")) == "400 BadRequest");
    CHECK(made(admin.gets(v2 + "quotas/" + alice.project), "quota", 200).integer("subnet") == 100); // all or nothing
    CHECK(sets(R"("network":2,"check_limit":true)").status == 200);
    CHECK(sets(R"("network":-1,"check_limit":true)").status == 200);
    CHECK(sets(R"("network":1)").status == 200);
}

TEST_CASE("A change can be tied to the revision that was seen", "[network]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto id = aNetwork(alice);
    const auto name = [&](const std::string& revision) {
        return alice.puts(v2 + "networks/" + id, R"({"network":{"name":"x"}})", {{"If-Match", revision}});
    };
    CHECK(name("revision_number=1").status == 200);
    CHECK(name("revision_number=1").status == 412);
    CHECK(name("1").status == 400);
}

TEST_CASE("Everything with a revision is changed and removed at the one that was seen, or not at all", "[network]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    const auto net = aNetwork(admin), second = aNetwork(admin);
    const auto subnetIn = [](const std::string& on, const std::string& cidr) {
        return R"("ip_version":4,"network_id":)" + quoted(on) + R"(,"cidr":)" + quoted(cidr);
    };
    made(admin.posts(v2 + "subnets", "{\"subnet\":{" + subnetIn(second, "10.2.0.0/24") + "}}"), "subnet");
    const auto parent =
        made(admin.posts(v2 + "ports", R"({"port":{"network_id":)" + quoted(second) + "}}"), "port").text("id");
    const auto outside =
        admin.gets(v2 + "networks?router:external=true").json().array("networks").items().at(0).text("id");
    struct Kind {
        std::string noun, path, body;
    };
    const Kind kinds[] = {
        {"network", "networks", ""},
        {"subnet", "subnets", subnetIn(net, "10.1.0.0/24")},
        {"port", "ports", R"("network_id":)" + quoted(net)},
        {"router", "routers", ""},
        {"floatingip", "floatingips", R"("floating_network_id":)" + quoted(outside)},
        {"security_group", "security-groups", R"("name":"g")"},
        {"subnetpool", "subnetpools", R"("name":"p","prefixes":["10.9.0.0/16"])"},
        {"address_group", "address-groups", R"("name":"a")"},
        {"trunk", "trunks", R"("port_id":)" + quoted(parent)},
        {"policy", "qos/policies", R"("name":"q")"},
        {"log", "log/logs", R"("resource_type":"security_group")"},
        {"network_segment_range", "network_segment_ranges", R"("network_type":"vxlan","minimum":5000,"maximum":5001)"},
        {"segment", "segments", R"("network_type":"vxlan","network_id":)" + quoted(net)},
    };
    for (const auto& each : kinds) {
        INFO(each.noun);
        const auto thing = made(admin.posts(v2 + each.path, "{\"" + each.noun + "\":{" + each.body + "}}"), each.noun);
        const auto one = v2 + each.path + "/" + thing.text("id");
        const auto seen = [](std::int64_t number) { return "revision_number=" + std::to_string(number); };
        const auto revision = thing.integer("revision_number");
        const auto change = R"({")" + each.noun + R"(":{"description":"x"}})";
        CHECK(refusal(admin.puts(one, change, {{"If-Match", seen(revision + 1)}})) ==
              "412 RevisionNumberConstraintFailed");
        CHECK(made(admin.gets(one), each.noun, 200).integer("revision_number") == revision);
        CHECK(made(admin.gets(one, {{"If-Match", seen(revision + 1)}}), each.noun, 200).integer("revision_number") ==
              revision);
        const auto changed = made(admin.puts(one, change, {{"If-Match", seen(revision)}}), each.noun, 200);
        CHECK(changed.integer("revision_number") > revision);
        CHECK(refusal(admin.puts(one, change, {{"If-Match", seen(revision)}})) == "412 RevisionNumberConstraintFailed");
        CHECK(refusal(admin.deletes(one, {{"If-Match", seen(revision)}})) == "412 RevisionNumberConstraintFailed");
        CHECK(admin.gets(one).status == 200);
        CHECK(admin.deletes(one, {{"If-Match", seen(changed.integer("revision_number"))}}).status == 204);
    }
    // A router's own actions as well.
    const auto router = made(admin.posts(v2 + "routers", R"({"router":{}})"), "router");
    const auto subnet = admin.gets(v2 + "subnets?network_id=" + second).json().array("subnets").items()[0].text("id");
    const auto adds = [&](std::int64_t number) {
        return admin.puts(v2 + "routers/" + router.text("id") + "/add_router_interface",
                          R"({"subnet_id":)" + quoted(subnet) + "}",
                          {{"If-Match", "revision_number=" + std::to_string(number)}});
    };
    CHECK(adds(router.integer("revision_number") + 1).status == 412);
    CHECK(adds(router.integer("revision_number")).status == 200);
}

TEST_CASE("Tags find what they are on", "[network][tag]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto red = aNetwork(alice), both = aNetwork(alice);
    const auto tags = [&](const std::string& id) { return v2 + "networks/" + id + "/tags"; };
    CHECK(alice.puts(tags(red) + "/red", "").status == 201);
    CHECK(alice.puts(tags(both), R"({"tags":["red","blue"]})").status == 200);
    CHECK(idsIn(alice.gets(v2 + "networks?tags=red,blue"), "networks") == std::set{both});
    CHECK(idsIn(alice.gets(v2 + "networks?tags-any=red,blue"), "networks") == std::set{red, both});
    CHECK(alice.gets(tags(red) + "/red").status == 204);
    CHECK(refusal(alice.gets(tags(red) + "/blue")) == "404 TagNotFound");
    CHECK(bob.gets(tags(red)).status == 404);
    CHECK(bob.deletes(tags(red)).status == 404);
    CHECK(alice.deletes(tags(both)).status == 204);
    CHECK(made(alice.gets(v2 + "networks/" + both), "network", 200).array("tags").size() == 0);
}

TEST_CASE("Tags are added several at once, each once, and everything that has some is tagged alike", "[network][tag]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), reader = cloud.colleague(alice, "rita", "reader");
    const auto net = aNetwork(alice);
    const auto group =
        made(alice.posts(v2 + "security-groups", R"({"security_group":{"name":"g"}})"), "security_group");
    const std::string things[] = {"networks/" + net,
                                  "subnets/" + subnet(alice, net, "10.0.0.0/24").text("id"),
                                  "ports/" + port(alice, net).text("id"),
                                  "routers/" + router(alice),
                                  "security-groups/" + group.text("id"),
                                  "floatingips/" +
                                      made(alice.posts(v2 + "floatingips", R"({"floatingip":{"floating_network_id":)" +
                                                                               quoted(publicNetwork(alice)) + "}}"),
                                           "floatingip")
                                          .text("id")};
    for (const auto& thing : things) {
        INFO(thing);
        const auto tags = v2 + thing + "/tags";
        const auto added = [&](const std::string& list) { return alice.posts(tags, R"({"tags":)" + list + "}"); };
        CHECK(added(R"(["red","blue"])").body == R"({"tags":["blue","red"]})");
        CHECK(added(R"(["green","red"])").body == R"({"tags":["blue","green","red"]})");
        CHECK(alice.gets(tags).json().array("tags").size() == 3);
        CHECK(refusal(added(R"(["one","one"])")) == "400 HTTPBadRequest");
        CHECK(refusal(added(R"([7])")) == "400 HTTPBadRequest");
        CHECK(refusal(added(R"([""])")) == "400 HTTPBadRequest");
        CHECK(refusal(alice.posts(tags, R"({"tag":["a"]})")) == "400 InvalidInput");
        CHECK(refusal(reader.posts(tags, R"({"tags":["a"]})")) == "403 PolicyNotAuthorized");
        CHECK(reader.gets(tags + "/red").status == 204);
        CHECK(alice.deletes(tags + "/red").status == 204);
        CHECK(refusal(alice.deletes(tags + "/red")) == "404 TagNotFound");
    }
    std::string many;
    for (int each = 0; each < 51; ++each) many += (each == 0 ? "\"t" : "\",\"t") + std::to_string(each);
    CHECK(refusal(alice.puts(v2 + things[0] + "/tags", R"({"tags":[)" + many + "\"]}")) == "400 HTTPBadRequest");
    CHECK(alice.gets(v2 + things[0] + "/tags").json().array("tags").size() == 2); // as before
}

TEST_CASE("Who asks for anything below v2.0 without a token hears of nothing", "[network][security]") {
    TestAppliance cloud;
    for (const auto* path : {"extensions", "extensions/router", "extensions/unicorn", "unicorns", "unicorns/1/tags",
                             "networks/1/tags/red"})
        CHECK(cloud.asks(http::Method::Get, v2 + path, "").status == 401);
    CHECK(cloud.asks(http::Method::Patch, v2 + "networks", "").status == 401);
    const auto alice = cloud.member("alice");
    CHECK(refusal(alice.gets(v2 + "unicorns/1/tags")) == "404 HTTPNotFound");
    CHECK(refusal(alice.gets(v2 + "extensions/unicorn")) == "404 HTTPNotFound");
}

TEST_CASE("Subnets are cut from a pool until it is empty", "[network][subnet]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto pool =
        made(alice.posts(v2 + "subnetpools",
                         R"({"subnetpool":{"name":"p","prefixes":["10.8.0.0/23"],"default_prefixlen":24}})"),
             "subnetpool");
    CHECK(pool.integer("ip_version") == 4);
    const auto net = aNetwork(alice);
    const auto cut = [&](const std::string& more) {
        return alice.posts(v2 + "subnets", R"({"subnet":{"network_id":)" + quoted(net) +
                                               R"(,"ip_version":4,"subnetpool_id":)" + quoted(pool.text("id")) + more +
                                               "}}");
    };
    CHECK(made(cut(""), "subnet").text("cidr") == "10.8.0.0/24");
    CHECK(made(cut(R"(,"prefixlen":25)"), "subnet").text("cidr") == "10.8.1.0/25");
    CHECK(refusal(cut("")) == "409 SubnetAllocationError");
    CHECK(refusal(cut(R"(,"prefixlen":4)")) == "400 MinPrefixSubnetAllocationError");
    CHECK(refusal(alice.deletes(v2 + "subnetpools/" + pool.text("id"))) == "409 SubnetPoolDeleteError");
}

TEST_CASE("A subnet is cut from the default pool of its IP version for the asking", "[network][subnet]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto admin = cloud.admin();
    const auto net = aNetwork(alice);
    const auto asks = [&](int version, const std::string& more = "") {
        return alice.posts(v2 + "subnets", R"({"subnet":{"use_default_subnetpool":true,"network_id":)" + quoted(net) +
                                               R"(,"ip_version":)" + std::to_string(version) + more + "}}");
    };
    CHECK(refusal(asks(4)) == "400 BadRequest");
    const auto own =
        made(alice.posts(v2 + "subnetpools", R"({"subnetpool":{"name":"o","prefixes":["10.9.0.0/16"]}})"), "subnetpool")
            .text("id");
    const auto pool =
        made(admin.posts(v2 + "subnetpools", R"({"subnetpool":{"name":"p","prefixes":["10.8.0.0/16"],"shared":true,)"
                                             R"("is_default":true,"default_prefixlen":24}})"),
             "subnetpool")
            .text("id");
    CHECK(refusal(asks(4, R"(,"subnetpool_id":)" + quoted(own))) == "400 BadRequest");
    CHECK(refusal(asks(6)) == "400 BadRequest");
    const auto subnet = made(asks(4), "subnet");
    CHECK(subnet.text("cidr") == "10.8.0.0/24");
    CHECK(subnet.text("subnetpool_id") == pool);
    CHECK_FALSE(subnet.has("use_default_subnetpool"));
}

TEST_CASE("The addresses of a router's interface stay as long as it is there", "[network][router]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto net = aNetwork(alice);
    const auto subnet =
        made(alice.posts(v2 + "subnets",
                         R"({"subnet":{"ip_version":4,"cidr":"10.1.0.0/24","network_id":)" + quoted(net) + "}}"),
             "subnet")
            .text("id");
    const auto router = made(alice.posts(v2 + "routers", R"({"router":{}})"), "router").text("id");
    const auto added =
        alice.puts(v2 + "routers/" + router + "/add_router_interface", R"({"subnet_id":)" + quoted(subnet) + "}");
    REQUIRE(added.status == 200);
    const auto port = added.json().text("port_id");
    const auto moves = [&](const std::string& address) {
        return alice.puts(v2 + "ports/" + port, R"({"port":{"fixed_ips":[{"subnet_id":)" + quoted(subnet) +
                                                    R"(,"ip_address":)" + quoted(address) + "}]}}");
    };
    CHECK(refusal(moves("10.1.0.77")) == "400 BadRequest");
    CHECK(refusal(alice.puts(v2 + "ports/" + port, R"({"port":{"fixed_ips":[]}})")) == "400 BadRequest");
    CHECK(moves("10.1.0.1").status == 200); // as it is
    CHECK(made(alice.gets(v2 + "ports/" + port), "port", 200).array("fixed_ips").items().at(0).text("ip_address") ==
          "10.1.0.1");
}

namespace {

/// What clients of a Neutron with ML2 and its usual plugins find there. Not here: port-mac-override (of
/// direct-physical ports) and router-admin-state-down-before-update (of distributed routers), which this host has none
/// of.
constexpr const char* expected[] = {"address-group",
                                    "address-scope",
                                    "agent",
                                    "agent-resources-synced",
                                    "allowed-address-pairs",
                                    "availability_zone",
                                    "availability_zone_filter",
                                    "binding",
                                    "binding-extended",
                                    "default-subnetpools",
                                    "dhcp_agent_scheduler",
                                    "empty-string-filtering",
                                    "expose-port-forwarding-in-fip",
                                    "ext-gw-mode",
                                    "external-net",
                                    "extra_dhcp_opt",
                                    "extraroute",
                                    "extraroute-atomic",
                                    "filter-validation",
                                    "fip-port-details",
                                    "floating-ip-port-forwarding",
                                    "floating-ip-port-forwarding-description",
                                    "floating-ip-port-forwarding-detail",
                                    "floating-ip-port-forwarding-port-ranges",
                                    "floatingip-pools",
                                    "ip-substring-filtering",
                                    "l3-port-ip-change-not-allowed",
                                    "l3_agent_scheduler",
                                    "net-mtu",
                                    "net-mtu-writable",
                                    "network-ip-availability",
                                    "network_availability_zone",
                                    "pagination",
                                    "port-mac-address-regenerate",
                                    "port-security",
                                    "port-security-groups-filtering",
                                    "project-id",
                                    "provider",
                                    "qos",
                                    "qos-bw-limit-direction",
                                    "qos-default",
                                    "qos-port-network-policy",
                                    "qos-rule-type-details",
                                    "qos-rule-type-filter",
                                    "qos-rules-alias",
                                    "quota-check-limit",
                                    "quota_details",
                                    "quotas",
                                    "rbac-address-group",
                                    "rbac-address-scope",
                                    "rbac-policies",
                                    "rbac-security-groups",
                                    "rbac-subnetpool",
                                    "revision-if-match",
                                    "router",
                                    "router_availability_zone",
                                    "security-group",
                                    "security-groups-normalized-cidr",
                                    "security-groups-remote-address-group",
                                    "security-groups-shared-filtering",
                                    "service-type",
                                    "sorting",
                                    "standard-attr-description",
                                    "standard-attr-revisions",
                                    "standard-attr-tag",
                                    "standard-attr-timestamp",
                                    "stateful-security-group",
                                    "subnet-service-types",
                                    "subnet_allocation",
                                    "subnet_onboard",
                                    "subnetpool-prefix-ops",
                                    "trunk",
                                    "trunk-details"};

/// What is optional there, and built here.
constexpr const char* beside[] = {"auto-allocated-topology",
                                  "data-plane-status",
                                  "dns-domain-ports",
                                  "dns-integration",
                                  "expose-l3-conntrack-helper",
                                  "flavors",
                                  "ip_allocation",
                                  "l2_adjacency",
                                  "l3-conntrack-helper",
                                  "logging",
                                  "metering",
                                  "metering_source_and_destination_fields",
                                  "multi-provider",
                                  "network-segment-range",
                                  "port-numa-affinity-policy",
                                  "qos-bw-minimum-ingress",
                                  "qos-fip",
                                  "qos-fip-network-policy",
                                  "qos-gateway-ip",
                                  "qos-pps",
                                  "qos-pps-minimum",
                                  "qos-pps-minimum-rule-alias",
                                  "security-groups-default-rules",
                                  "security-groups-default-statefulness",
                                  "segment",
                                  "segments-peer-subnet-host-routes",
                                  "standard-attr-segment",
                                  "subnet-segmentid-writable",
                                  "tag-creation",
                                  "uplink-status-propagation"};

}

TEST_CASE("The service says what it speaks", "[network]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    CHECK(cloud.asks(http::Method::Get, "/network/", "").json().array("versions").items().at(0).text("id") == "v2.0");
    CHECK(cloud.asks(http::Method::Get, "/network/v2.0/", "").json().array("resources").size() == 4);
    const auto extensions = alice.gets(v2 + "extensions").json().array("extensions").items();
    std::set<std::string> aliases;
    for (const auto& each : extensions) CHECK(aliases.insert(each.text("alias")).second);
    for (const auto* each : expected) {
        INFO(each);
        CHECK(aliases.erase(each) == 1);
    }
    for (const auto* each : beside) {
        INFO(each);
        CHECK(aliases.erase(each) == 1);
    }
    CHECK(aliases == std::set<std::string>{}); // nothing that isn't known to be built
    for (const auto& each : extensions) CHECK(alice.gets(v2 + "extensions/" + each.text("alias")).status == 200);
    CHECK(alice.gets(v2 + "extensions/unicorn").status == 404);
    CHECK(alice.gets(v2 + "availability_zones").json().array("availability_zones").size() == 2);
}

TEST_CASE("A port names only devices of its own project, and only what a router plugged is on it",
          "[network][port][security]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto hers = aNetwork(alice), his = aNetwork(bob);
    const auto inner = subnet(alice, hers, "10.1.0.0/24").text("id");
    subnet(bob, his, "10.2.0.0/24");
    const auto id = router(alice);
    const auto floating = made(alice.posts(v2 + "floatingips", R"({"floatingip":{"floating_network_id":)" +
                                                                   quoted(publicNetwork(alice)) + "}}"),
                               "floatingip");
    const auto owned = [](const std::string& owner, const std::string& device) {
        return R"(,"device_owner":)" + quoted(owner) + R"(,"device_id":)" + quoted(device);
    };
    const auto plain = port(bob, his).text("id");
    const auto admin = cloud.admin();
    const auto dhcp = admin.gets(v2 + "ports?device_owner=network:dhcp&network_id=" + hers)
                          .json()
                          .array("ports")
                          .items()
                          .at(0)
                          .text("device_id");
    CHECK(dhcp.ends_with("-" + hers));
    for (const auto& device : {id, floating.text("id"), dhcp})
        for (const auto* owner : {"network:router_interface", "network:router_gateway", "network:floatingip",
                                  "network:dhcp", "compute:nova", ""}) {
            INFO(owner << " " << device);
            CHECK(refusal(asksPort(bob, his, owned(owner, device))) == "409 DeviceIDNotOwnedByTenant");
            CHECK(refusal(bob.puts(v2 + "ports/" + plain, R"({"port":{"name":"x")" + owned(owner, device) + "}}")) ==
                  "409 DeviceIDNotOwnedByTenant");
        }
    CHECK(made(bob.gets(v2 + "ports/" + plain), "port", 200).text("device_id").empty());

    // Neither is one's own router plugged by words.
    const auto said =
        port(alice, hers, owned("network:router_interface", id) + R"(,"fixed_ips":[{"ip_address":"10.1.0.1"}])");
    CHECK(refusal(alice.puts(v2 + "routers/" + id,
                             R"({"router":{"routes":[{"destination":"10.9.0.0/16","nexthop":"10.1.0.9"}]}})")) ==
          "400 InvalidRoutes");
    CHECK(refusal(alice.deletes(v2 + "ports/" + said.text("id"))) == "409 ServicePortInUse");

    // What keeps such a port is the device, not the word.
    const auto lost = port(cloud.admin(), his, owned("network:router_gateway", "00000000-0000-4000-8000-000000000000"));
    CHECK(made(cloud.admin().puts(v2 + "ports/" + lost.text("id"), R"({"port":{"device_owner":"network:floatingip"}})"),
               "port", 200)
              .text("device_owner") == "network:floatingip");
    CHECK(cloud.admin().deletes(v2 + "ports/" + lost.text("id")).status == 204);
    CHECK(alice.deletes(v2 + "routers/" + id).status == 204);
    CHECK(alice.deletes(v2 + "ports/" + said.text("id")).status == 204);
    CHECK(
        alice.puts(v2 + "routers/" + router(alice) + "/add_router_interface", R"({"subnet_id":)" + quoted(inner) + "}")
            .status == 200);
}

TEST_CASE("The gateway of a network is its owner's to give", "[network][router][security]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto shared = aNetwork(cloud.admin()), outside = publicNetwork(alice);
    made(cloud.admin().puts(v2 + "networks/" + shared, R"({"network":{"shared":true}})"), "network", 200);
    const auto on = subnet(cloud.admin(), shared, "10.1.0.0/24").text("id");
    const auto add = [&](const Member& who, const std::string& to, const std::string& body) {
        return who.puts(v2 + "routers/" + to + "/add_router_interface", body);
    };
    const auto id = router(bob);
    CHECK(refusal(add(bob, id, R"({"subnet_id":)" + quoted(on) + "}")) == "400 BadRequest");
    CHECK(refusal(asksPort(bob, shared, R"(,"fixed_ips":[{"ip_address":"10.1.0.1"}])")) == "403 PolicyNotAuthorized");
    const auto own = port(bob, shared).text("id"); // as a guest of the network, at an address that it was given
    CHECK(add(bob, id, R"({"port_id":)" + quoted(own) + "}").status == 200);
    CHECK(add(cloud.admin(), router(cloud.admin()), R"({"subnet_id":)" + quoted(on) + "}").status == 200);

    const auto image = Cloud::upload(bob);
    const auto asksServer = [&](const std::string& nic) {
        return bob.posts("/compute/v2.1/servers", R"({"server":{"name":"s","flavorRef":"1","imageRef":)" +
                                                      quoted(image) + R"(,"networks":[{"uuid":)" + nic + "}]}}");
    };
    const auto refused = asksServer(quoted(shared) + R"(,"fixed_ip":"10.1.0.77")");
    CHECK(refused.status == 403);
    CHECK(refused.body.find("create_port:fixed_ips:ip_address") != std::string::npos);
    CHECK(asksServer(quoted(outside)).status == 403);
    CHECK(asksServer(quoted(shared)).status == 202);

    const auto manager = cloud.colleague(alice, "mona", "manager");
    const auto gateway =
        made(cloud.admin().gets(v2 + "networks/" + outside), "network", 200).array("subnets").items().at(0).text();
    const auto address = made(cloud.admin().gets(v2 + "subnets/" + gateway), "subnet", 200).text("gateway_ip");
    CHECK(refusal(manager.posts(v2 + "floatingips", R"({"floatingip":{"floating_network_id":)" + quoted(outside) +
                                                        R"(,"floating_ip_address":)" + quoted(address) + "}}")) ==
          "409 IpAddressAlreadyAllocated");
    CHECK(refusal(cloud.admin().posts(v2 + "routers", R"({"router":{"external_gateway_info":{"network_id":)" +
                                                          quoted(outside) + R"(,"external_fixed_ips":[{"ip_address":)" +
                                                          quoted(address) + "}]}}}")) ==
          "409 IpAddressAlreadyAllocated");
    CHECK(refusal(asksPort(cloud.admin(), outside, R"(,"fixed_ips":[{"ip_address":)" + quoted(address) + "}]")) ==
          "409 IpAddressAlreadyAllocated");
}

TEST_CASE("Who only reads makes nothing on a shared network", "[network][port][security]") {
    TestAppliance cloud;
    const auto bob = cloud.member("bob");
    const auto reader = cloud.colleague(bob, "rita", "reader");
    const auto shared = aNetwork(cloud.admin());
    made(cloud.admin().puts(v2 + "networks/" + shared, R"({"network":{"shared":true}})"), "network", 200);
    const auto on = subnet(cloud.admin(), shared, "10.1.0.0/24").text("id");
    const auto address = R"(,"fixed_ips":[{"subnet_id":)" + quoted(on) + "}]";
    CHECK(refusal(asksPort(reader, shared)) == "403 PolicyNotAuthorized");
    CHECK(refusal(asksPort(reader, shared, address)) == "403 PolicyNotAuthorized");
    const auto id = port(bob, shared, address).text("id");
    CHECK(refusal(reader.puts(v2 + "ports/" + id, R"({"port":{"name":"x"}})")) == "403 PolicyNotAuthorized");
}

TEST_CASE("A marker that the caller can't see is nowhere, in every list", "[network][security]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto net = aNetwork(alice);
    std::map<std::string, std::string> markers;
    markers["networks"] = net;
    markers["subnets"] = subnet(alice, net, "10.1.0.0/24").text("id");
    markers["ports"] = port(alice, net).text("id");
    markers["routers"] = router(alice);
    markers["floatingips"] = made(alice.posts(v2 + "floatingips", R"({"floatingip":{"floating_network_id":)" +
                                                                      quoted(publicNetwork(alice)) + "}}"),
                                  "floatingip")
                                 .text("id");
    markers["subnetpools"] =
        made(alice.posts(v2 + "subnetpools", R"({"subnetpool":{"name":"p","prefixes":["10.8.0.0/23"]}})"), "subnetpool")
            .text("id");
    const auto group = alice.gets(v2 + "security-groups").json().array("security_groups").items().at(0);
    markers["security-groups"] = group.text("id");
    markers["security-group-rules"] = group.array("security_group_rules").items().at(0).text("id");
    for (const auto& [list, marker] : markers) {
        INFO(list);
        CHECK(alice.gets(v2 + list + "?marker=" + marker).status == 200);
        CHECK(refusal(bob.gets(v2 + list + "?sort_key=id&marker=" + marker)) == "404 HTTPNotFound");
    }
}

TEST_CASE("A list takes each sort key once, and as many values of a filter as a page can have rows", "[network]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto one = aNetwork(alice), two = aNetwork(alice);
    const auto asks = [&](const std::string& list, const std::string& parameter, int times) {
        std::string query;
        for (int count = 0; count < times; ++count)
            query += parameter + (parameter.ends_with("=") ? std::to_string(count) : "") + "&";
        return alice.gets(v2 + list + "?" + query).status;
    };
    CHECK(asks("networks", "sort_key=name", 2) == 400);
    CHECK(asks("networks", "sort_key=tenant_id&sort_key=project_id", 1) == 400);
    CHECK(asks("networks", "sort_key=name", 2500) == 400);
    CHECK(asks("networks", "tags=", 3000) == 400);
    CHECK(asks("networks", "not-tags-any=", 3000) == 400);
    std::string many;
    for (int count = 0; count < 2000; ++count) many += "," + std::to_string(count);
    CHECK(alice.gets(v2 + "networks?tags=a" + many).status == 400);
    CHECK(asks("ports", "fixed_ips=ip_address_substr=", 1100) == 400);
    CHECK(asks("ports", "fixed_ips=ip_address_substr=", 200) == 200);
    CHECK(asks("ports", "fixed_ips=ip_address=10.0.0.", 200) == 200);
    CHECK(asks("ports", "security_groups=", 200) == 200);

    // With every key at once, a marker still finds its place.
    std::string keys;
    for (const auto* each : {"name", "admin_state_up", "shared", "router:external", "is_default", "mtu",
                             "port_security_enabled", "status", "project_id", "description", "revision_number", "id"})
        keys += "sort_key=" + std::string(each) + "&sort_dir=desc&";
    const auto& [later, sooner] = std::minmax(one, two);
    const auto behind = [&](const std::string& marker) {
        return idsIn(alice.gets(v2 + "networks?router:external=false&" + keys + "limit=5&marker=" + marker),
                     "networks");
    };
    CHECK(behind(sooner) == std::set{later});
    CHECK(behind(later).empty());
}

TEST_CASE("A page is full of what the caller sees, whatever lies between", "[network]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    alice.posts(v2 + "networks",
                R"({"networks":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"},{"name":"e"},{"name":"f"}]})");
    for (const auto* name : {"b", "c", "d"}) {
        const auto id = *idsIn(alice.gets(v2 + "networks?name=" + name), "networks").begin();
        made(cloud.admin().puts(v2 + "networks/" + id, R"({"network":{"shared":true}})"), "network", 200);
    }
    // A rule of this cloud's own: members see nothing of what is shared.
    std::filesystem::create_directories(cloud.folder() / "policy");
    std::ofstream(cloud.folder() / "policy" / "network.yaml")
        << R"yaml("get_network": "rule:admin_only or (role:reader and project_id:%(project_id)s and not rule:shared)")yaml"
        << '\n';
    cloud.restart();
    const auto page = alice.gets(v2 + "networks?router:external=false&sort_key=name&limit=2").json();
    REQUIRE(page.array("networks").size() == 2);
    CHECK(page.array("networks").items().at(1).text("name") == "e");
    const auto href = page.array("networks_links").items().at(0).text("href");
    const auto next = alice.gets(v2 + "networks" + href.substr(href.find('?'))).json();
    REQUIRE(next.array("networks").size() == 1);
    CHECK(next.array("networks").items().at(0).text("name") == "f");
    CHECK_FALSE(next.find("networks_links")->dump().find("\"next\"") != std::string::npos);
}

TEST_CASE("Lengths count characters", "[network]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto of = [](std::size_t count) {
        std::string text;
        for (std::size_t each = 0; each < count; ++each) text += "ü";
        return text;
    };
    const auto net = aNetwork(alice);
    const auto on = R"("network_id":)" + quoted(net) + ",";
    const std::vector<std::pair<std::string, std::string>> nouns{
        {"network", ""}, {"subnet", on + R"("ip_version":4,"cidr":"10.%.0.0/24",)"}, {"port", on},
        {"router", ""},  {"subnetpool", R"("prefixes":["10.200.0.0/24"],)"},         {"security_group", ""}};
    int number = 0;
    for (const auto& [noun, more] : nouns)
        for (const auto* attribute : {"name", "description"}) {
            INFO(noun << " " << attribute);
            std::string path = v2 + noun + "s";
            std::replace(path.begin() + static_cast<std::ptrdiff_t>(v2.size()), path.end(), '_', '-');
            const auto asks = [&](std::size_t length) {
                auto extra = more;
                if (const auto at = extra.find('%'); at != std::string::npos)
                    extra.replace(at, 1, std::to_string(++number));
                return alice.posts(path, "{" + quoted(noun) + ":{" + extra + quoted(attribute) + ":" +
                                             quoted(of(length)) + "}}");
            };
            CHECK(made(asks(255), noun).text(attribute) == of(255));
            CHECK(refusal(asks(256)) == "400 HTTPBadRequest");
            CHECK(refusal(asks(25600)) == "400 HTTPBadRequest");
        }
    CHECK(alice.puts(v2 + "networks/" + net + "/tags", R"({"tags":[)" + quoted(of(255)) + "]}").status == 200);
    CHECK(refusal(alice.puts(v2 + "networks/" + net + "/tags", R"({"tags":[)" + quoted(of(256)) + "]}")) ==
          "400 HTTPBadRequest");
}

TEST_CASE("Addresses that no host can have are given to none", "[network][subnet]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto net = aNetwork(alice);
    const auto asks = [&](const std::string& cidr, const std::string& more = "") {
        const std::string version = cidr.find(':') == std::string::npos ? "4" : "6";
        return alice.posts(v2 + "subnets", R"({"subnet":{"network_id":)" + quoted(net) + R"(,"ip_version":)" + version +
                                               R"(,"cidr":)" + quoted(cidr) + more + "}}");
    };
    for (const auto* pool : {R"({"start":"10.1.0.0","end":"10.1.0.9"})", R"({"start":"10.1.0.9","end":"10.1.0.255"})"})
        CHECK(refusal(asks("10.1.0.0/24", R"(,"allocation_pools":[)" + std::string(pool) + "]")) ==
              "400 OutOfBoundsAllocationPool");
    CHECK(refusal(asks("2001:db8::/64", R"(,"allocation_pools":[{"start":"2001:db8::","end":"2001:db8::9"}])")) ==
          "400 OutOfBoundsAllocationPool");
    for (const auto* cidr : {"127.0.0.0/8", "127.1.0.0/24", "224.0.0.0/24", "239.1.0.0/16", "0.0.0.0/24", "0.0.0.0/4",
                             "255.255.255.0/24", "::/64", "ff05::/64"}) {
        INFO(cidr);
        CHECK(refusal(asks(cidr)) == "400 InvalidInput");
        const auto without = asks(cidr, R"(,"enable_dhcp":false)");
        if (without.status != 201) continue;
        const auto id = without.json().object("subnet").text("id");
        CHECK(refusal(alice.puts(v2 + "subnets/" + id, R"({"subnet":{"enable_dhcp":true}})")) == "400 InvalidInput");
        CHECK(refusal(alice.puts(v2 + "routers/" + router(alice) + "/add_router_interface",
                                 R"({"subnet_id":)" + quoted(id) + "}")) == "400 BadRequest");
        CHECK(alice.deletes(v2 + "subnets/" + id).status == 204);
    }
    CHECK(refusal(asksPort(alice, net, R"(,"mac_address":"00:00:00:00:00:00")")) == "400 HTTPBadRequest");
}

TEST_CASE("What can't be wired is refused where it is asked for", "[network]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto small = made(alice.posts(v2 + "networks", R"({"network":{"mtu":1279}})"), "network").text("id");
    const auto six = R"({"subnet":{"network_id":)" + quoted(small) + R"(,"ip_version":6,"cidr":"2001:db8::/64"}})";
    CHECK(refusal(alice.posts(v2 + "subnets", six)) == "409 NetworkMTUSubnetConflict");
    made(alice.puts(v2 + "networks/" + small, R"({"network":{"mtu":1280}})"), "network", 200);
    made(alice.posts(v2 + "subnets", six), "subnet");
    CHECK(refusal(alice.puts(v2 + "networks/" + small, R"({"network":{"mtu":1279}})")) ==
          "409 NetworkMTUSubnetConflict");

    const auto net = aNetwork(alice);
    const auto on = subnet(alice, net, "10.1.0.0/24").text("id");
    const auto id = router(alice);
    CHECK(alice.puts(v2 + "routers/" + id + "/add_router_interface", R"({"subnet_id":)" + quoted(on) + "}").status ==
          200);
    for (const auto* hop : {"10.1.0.255", "10.1.0.0"})
        CHECK(refusal(
                  alice.puts(v2 + "routers/" + id, R"({"router":{"routes":[{"destination":"10.9.0.0/16","nexthop":")" +
                                                       std::string(hop) + R"("}]}})")) == "400 InvalidRoutes");
}
