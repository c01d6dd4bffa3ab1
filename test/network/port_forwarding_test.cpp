#include <catch2/catch.hpp>

#include "compute/cloud.hpp"
#include "network/speak.hpp"

using namespace stratolet;
using namespace stratolet::test;
using namespace stratolet::test::net;

namespace {

/// A network behind a router with a gateway, and two ports on it.
struct Behind {
    TestAppliance cloud;
    Member alice = cloud.member("alice");
    std::string outside = publicNetwork(alice);
    std::string network = networkWith(alice, "10.1.0.0/24");
    std::string subnet = subnetIdOf(alice, network);
    std::string router =
        creates(alice, "router", R"("external_gateway_info":{"network_id":)" + inQuotes(outside) + "}");
    std::string one, two;

    Behind() {
        REQUIRE(
            alice.puts(v2 + "routers/" + router + "/add_router_interface", R"({"subnet_id":)" + inQuotes(subnet) + "}")
                .status == 200);
        one = port("10.1.0.11");
        two = port("10.1.0.12");
    }
    std::string port(const std::string& address) {
        return creates(alice, "port",
                       R"("network_id":)" + inQuotes(network) + R"(,"fixed_ips":[{"ip_address":)" + inQuotes(address) +
                           "}]");
    }
    std::string floating() { return creates(alice, "floatingip", R"("floating_network_id":)" + inQuotes(outside)); }
    static std::string all(const std::string& ip) { return v2 + "floatingips/" + ip + "/port_forwardings"; }
    Answer forwards(const std::string& ip, const std::string& port, const std::string& more) {
        return alice.posts(all(ip), R"({"port_forwarding":{"internal_port_id":)" + inQuotes(port) + "," + more + "}}");
    }
    Json shown(const std::string& ip) { return made(alice.gets(v2 + "floatingips/" + ip), "floatingip", 200); }
    NetworkPlan plan() {
        cloud.settle();
        return cloud.network().plan();
    }
};

const std::string ssh = R"("protocol":"tcp","external_port":2222,"internal_port":22)";

}

TEST_CASE("A port of a floating IP leads to a port behind its router", "[network][port_forwarding]") {
    Behind world;
    const auto& alice = world.alice;
    const auto ip = world.floating();
    const auto made1 = made(world.forwards(ip, world.one, ssh + R"(,"description":"in")"), "port_forwarding");
    CHECK(made1.text("internal_ip_address") == "10.1.0.11");
    CHECK(made1.integer("external_port") == 2222);
    CHECK(made1.text("external_port_range") == "2222:2222");
    CHECK(made1.text("description") == "in");
    const auto one = world.all(ip) + "/" + made1.text("id");
    CHECK(made(alice.gets(one), "port_forwarding", 200).text("protocol") == "tcp");
    CHECK(world.shown(ip).text("router_id") == world.router);
    CHECK(world.shown(ip).array("port_forwardings").items().at(0).integer("internal_port") == 22);

    auto planned = world.plan().routers.at(0).floatingIps;
    REQUIRE(planned.size() == 1);
    CHECK(planned[0].fixed.empty());
    CHECK(planned[0].forwardings == std::vector<PlannedForwarding>{{6, 2222, 2222, "10.1.0.11", 22, 22}});
    CHECK(world.shown(ip).text("status") == "ACTIVE");

    const auto range =
        made(world.forwards(ip, world.two,
                            R"("protocol":"udp","external_port_range":"8000:8009","internal_port_range":"80:89")"),
             "port_forwarding");
    CHECK_FALSE(range.has("external_port"));
    CHECK(range.text("internal_port_range") == "80:89");
    CHECK(idsIn(alice.gets(world.all(ip) + "?protocol=udp"), "port_forwardings") == std::set{range.text("id")});
    CHECK(idsIn(alice.gets(world.all(ip) + "?external_port=2222"), "port_forwardings") == std::set{made1.text("id")});
    CHECK(alice.gets(world.all(ip) + "?colour=red").status == 400);

    const auto changed = made(
        alice.puts(one, R"({"port_forwarding":{"external_port":2200,"internal_port_id":)" + inQuotes(world.two) + "}}"),
        "port_forwarding", 200);
    CHECK(changed.text("internal_ip_address") == "10.1.0.12");
    planned = world.plan().routers.at(0).floatingIps;
    CHECK(planned[0].forwardings.size() == 2);
    CHECK(planned[0].forwardings[0] == PlannedForwarding{6, 2200, 2200, "10.1.0.12", 22, 22});

    CHECK(alice.deletes(one).status == 204);
    CHECK(refusal(alice.gets(one)) == "404 PortForwardingNotFound");
    CHECK(world.shown(ip).text("router_id") == world.router); // the other one is still there
    CHECK(alice.deletes(world.all(ip) + "/" + range.text("id")).status == 204);
    CHECK(world.shown(ip).at("router_id").isNull());
    CHECK(world.plan().routers.at(0).floatingIps.empty());
    CHECK(alice.deletes(v2 + "floatingips/" + ip).status == 204);
}

TEST_CASE("A port forwarding is taken only where it means something", "[network][port_forwarding]") {
    Behind world;
    const auto& alice = world.alice;
    const auto ip = world.floating();
    const auto refused = [&](const std::string& more) { return refusal(world.forwards(ip, world.one, more)); };
    CHECK(refused(R"("protocol":"tcp","external_port":2222)") == "400 HTTPBadRequest");
    CHECK(refused(R"("external_port":2222,"internal_port":22)") == "400 HTTPBadRequest");
    CHECK(refused(R"("protocol":"icmp","external_port":1,"internal_port":1)") == "400 HTTPBadRequest");
    CHECK(refused(R"("protocol":"tcp","external_port":0,"internal_port":1)") == "400 HTTPBadRequest");
    CHECK(refused(R"("protocol":"tcp","external_port":65536,"internal_port":1)") == "400 HTTPBadRequest");
    CHECK(refused(R"("protocol":"tcp","external_port_range":"9:8","internal_port":1)") == "400 HTTPBadRequest");
    CHECK(refused(R"("protocol":"tcp","external_port_range":"8:9","internal_port_range":"1:3")") == "400 BadRequest");
    CHECK(refused(R"("protocol":"tcp","external_port_range":"8:9","external_port":7,"internal_port":1)") ==
          "400 BadRequest");
    CHECK(refused(ssh + R"(,"internal_ip_address":"10.1.0.99")") == "400 BadRequest");
    CHECK(refused(ssh + R"(,"colour":"red")") == "400 HTTPBadRequest");
    CHECK(refusal(world.forwards(ip, "nothing", ssh)) == "404 PortNotFound");
    CHECK(refusal(world.forwards("nothing", world.one, ssh)) == "404 FloatingIPNotFound");

    made(world.forwards(ip, world.one, ssh), "port_forwarding");
    CHECK(refused(ssh) == "400 BadRequest"); // it is there
    CHECK(refusal(world.forwards(ip, world.two,
                                 R"("protocol":"tcp","external_port_range":"2220:2230","internal_port":22)")) ==
          "400 BadRequest"); // outside it is taken
    CHECK(refusal(world.forwards(world.floating(), world.one,
                                 R"("protocol":"tcp","external_port":1,"internal_port":22)")) ==
          "400 BadRequest"); // inside it is led to
    made(world.forwards(ip, world.one, R"("protocol":"udp","external_port":2222,"internal_port":22)"),
         "port_forwarding");

    const auto elsewhere = networkWith(alice, "10.2.0.0/24");
    const auto far = creates(alice, "port", R"("network_id":)" + inQuotes(elsewhere));
    CHECK(refusal(world.forwards(ip, far, ssh)) == "400 BadRequest"); // no router leads there
}

TEST_CASE("A floating IP whose ports are forwarded leads nowhere else, and what it leads to may go",
          "[network][port_forwarding]") {
    Behind world;
    const auto& alice = world.alice;
    const auto ip = world.floating(), whole = world.floating();
    made(world.forwards(ip, world.one, ssh), "port_forwarding");
    const auto leads = [&](const std::string& which, const std::string& to) {
        return alice.puts(v2 + "floatingips/" + which, R"({"floatingip":{"port_id":)" + to + "}}");
    };
    CHECK(refusal(leads(ip, inQuotes(world.two))) == "409 FipInUseByPortForwarding");
    CHECK(refusal(alice.deletes(v2 + "floatingips/" + ip)) == "409 FipInUseByPortForwarding");
    CHECK(leads(ip, "null").status == 200);
    CHECK(world.shown(ip).text("router_id") == world.router);
    CHECK(leads(whole, inQuotes(world.two)).status == 200);
    CHECK(refusal(world.forwards(ip, world.two, R"("protocol":"tcp","external_port":1,"internal_port":1)")) ==
          "409 PortHasBindingFloatingIP");
    CHECK(refusal(world.forwards(whole, world.one, R"("protocol":"tcp","external_port":1,"internal_port":1)")) ==
          "409 FloatingIPPortAlreadyAssociated");
    CHECK(leads(whole, "null").status == 200);
    CHECK(refusal(alice.puts(v2 + "routers/" + world.router + "/remove_router_interface",
                             R"({"subnet_id":)" + inQuotes(world.subnet) + "}")) ==
          "409 RouterInterfaceInUseByFloatingIP");
    CHECK(refusal(alice.puts(v2 + "routers/" + world.router, R"({"router":{"external_gateway_info":null}})")) ==
          "409 RouterExternalGatewayInUseByFloatingIp");

    SECTION("with its port") { CHECK(alice.deletes(v2 + "ports/" + world.one).status == 204); }
    SECTION("with the port's address") {
        CHECK(alice.puts(v2 + "ports/" + world.one, R"({"port":{"fixed_ips":[{"ip_address":"10.1.0.77"}]}})").status ==
              200);
    }
    CHECK(alice.gets(world.all(ip)).json().array("port_forwardings").size() == 0);
    CHECK(world.shown(ip).at("router_id").isNull());
    CHECK(world.plan().routers.at(0).floatingIps.empty());
    CHECK(alice.deletes(v2 + "floatingips/" + ip).status == 204);
}

TEST_CASE("Port forwardings are their floating IP's owner's", "[network][port_forwarding][security]") {
    Behind world;
    const auto bob = world.cloud.member("bob"), reader = world.cloud.colleague(world.alice, "rita", "reader");
    const auto ip = world.floating(), other = world.floating();
    const auto one = made(world.forwards(ip, world.one, ssh), "port_forwarding").text("id");
    const auto path = world.all(ip) + "/" + one;
    CHECK(refusal(bob.gets(world.all(ip))) == "404 FloatingIPNotFound");
    CHECK(refusal(bob.gets(path)) == "404 FloatingIPNotFound");
    CHECK(refusal(bob.deletes(path)) == "404 FloatingIPNotFound");
    CHECK(refusal(bob.posts(world.all(ip), R"({"port_forwarding":{}})")) == "404 FloatingIPNotFound");
    CHECK(idsIn(reader.gets(world.all(ip)), "port_forwardings") == std::set{one});
    CHECK(reader.gets(path).status == 200);
    CHECK(refusal(reader.deletes(path)) == "403 PolicyNotAuthorized");
    CHECK(refusal(reader.puts(path, R"({"port_forwarding":{"external_port":1}})")) == "403 PolicyNotAuthorized");
    CHECK(refusal(reader.posts(world.all(ip), R"({"port_forwarding":{}})")) == "403 PolicyNotAuthorized");
    CHECK(refusal(world.alice.gets(world.all(other) + "/" + one)) == "404 PortForwardingNotFound");
    const auto theirs = creates(bob, "port", R"("network_id":)" + inQuotes(networkWith(bob, "10.1.0.0/24")));
    CHECK(refusal(world.forwards(ip, theirs, ssh)) == "404 PortNotFound");
}

TEST_CASE("A router has conntrack helpers of the kinds that there are", "[network][router][conntrack_helper]") {
    Behind world;
    const auto& alice = world.alice;
    const auto bob = world.cloud.member("bob"), reader = world.cloud.colleague(alice, "rita", "reader");
    const auto all = v2 + "routers/" + world.router + "/conntrack_helpers";
    const auto asks = [&](const std::string& body) {
        return alice.posts(all, R"({"conntrack_helper":{)" + body + "}}");
    };
    const auto ftp = made(asks(R"("protocol":"tcp","port":21,"helper":"ftp")"), "conntrack_helper");
    const auto one = all + "/" + ftp.text("id");
    CHECK(ftp.integer("port") == 21);
    CHECK(made(alice.gets(one), "conntrack_helper", 200).text("helper") == "ftp");
    CHECK(made(alice.gets(v2 + "routers/" + world.router), "router", 200).at("conntrack_helpers").dump() ==
          R"([{"protocol":"tcp","port":21,"helper":"ftp"}])");
    CHECK(world.plan().routers.at(0).helpers == std::vector<PlannedHelper>{{"ftp", 6, 21}});
    CHECK(refusal(asks(R"("protocol":"tcp","port":21,"helper":"ftp")")) == "400 BadRequest");
    CHECK(refusal(asks(R"("protocol":"udp","port":21,"helper":"ftp")")) == "400 InvalidProtocolForHelper");
    CHECK(refusal(asks(R"("protocol":"tcp","port":21,"helper":"unicorn")")) == "400 ConntrackHelperNotAllowed");
    CHECK(refusal(asks(R"("protocol":"icmp","port":21,"helper":"ftp")")) == "400 HTTPBadRequest");
    CHECK(refusal(asks(R"("protocol":"tcp","port":0,"helper":"ftp")")) == "400 HTTPBadRequest");
    CHECK(refusal(asks(R"("protocol":"tcp","helper":"ftp")")) == "400 HTTPBadRequest");
    CHECK(made(alice.puts(one, R"({"conntrack_helper":{"helper":"tftp","protocol":"udp","port":69}})"),
               "conntrack_helper", 200)
              .text("protocol") == "udp");
    CHECK(world.plan().routers.at(0).helpers == std::vector<PlannedHelper>{{"tftp", 17, 69}});
    CHECK(idsIn(reader.gets(all + "?helper=tftp"), "conntrack_helpers") == std::set{ftp.text("id")});
    CHECK(refusal(reader.deletes(one)) == "403 PolicyNotAuthorized");
    CHECK(refusal(bob.gets(all)) == "404 RouterNotFound");
    CHECK(refusal(bob.deletes(one)) == "404 RouterNotFound");
    CHECK(alice.deletes(one).status == 204);
    CHECK(refusal(alice.gets(one)) == "404 ConntrackHelperNotFound");
    CHECK(world.plan().routers.at(0).helpers.empty());
}
