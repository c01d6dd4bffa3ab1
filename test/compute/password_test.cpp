#include <catch2/catch.hpp>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

/// A cloud with a server that has an address, and what it asks the metadata service.
struct Guest : Cloud {
    std::string network = made("networks", "network", R"({"name":"inside"})");
    std::string subnet =
        made("subnets", "subnet", R"({"ip_version":4,"cidr":"10.1.0.0/24","network_id":")" + network + "\"}");
    std::string server, address;

    Guest() {
        const auto answer =
            alice.posts("/compute/v2.1/servers", R"({"server":{"name":"one","flavorRef":"1","imageRef":")" + image +
                                                     R"(","networks":[{"uuid":")" + network + "\"}]}}");
        INFO(answer.body);
        REQUIRE(answer.status == 202);
        appliance.settle();
        server = answer.json().object("server").text("id");
        address = alice.gets("/compute/v2.1/servers/" + server + "/ips")
                      .json()
                      .object("addresses")
                      .array("inside")
                      .items()
                      .at(0)
                      .text("addr");
    }

    std::string made(const std::string& path, const std::string& noun, const std::string& body) const {
        const auto answer = alice.posts("/network/v2.0/" + path, "{\"" + noun + "\":" + body + "}");
        INFO(answer.body);
        REQUIRE(answer.status == 201);
        return answer.json().object(noun).text("id");
    }

    /// From that peer on the server's network.
    http::Response asks(http::Method method, const std::string& path, const std::string& body,
                        const std::string& peer) {
        for (const auto& site : appliance.appliance().server().sites()) {
            if (site.name != "metadata") continue;
            http::Request request;
            request.method = method;
            request.path = path;
            request.body = body;
            request.origin = network;
            request.peer = peer;
            for (const auto& route : site.routes)
                if (route.method == method && std::count(route.pattern.begin(), route.pattern.end(), '/') ==
                                                  std::count(path.begin(), path.end(), '/'))
                    return std::get<http::Handler>(route.handler)(request);
        }
        FAIL("nobody serves metadata");
        return {};
    }
};

}

TEST_CASE("A guest tells its password once, its owner reads and clears it", "[compute][password]") {
    Guest guest;
    const auto bob = guest.appliance.member("bob");
    const std::string path = "/compute/v2.1/servers/" + guest.server + "/os-server-password",
                      told = "/openstack/latest/password";
    const auto tells = [&](const std::string& password, const std::string& where) {
        return guest.asks(http::Method::Post, where, password, guest.address).status;
    };
    const auto reads = [&] { return guest.alice.gets(path).json().text("password"); };
    CHECK(reads().empty());
    CHECK(tells("c2VhbGVk", "/openstack/2012-08-10/password") == 404); // that version had none
    CHECK(tells(std::string(1021, 'x'), told) == 400);
    CHECK(tells("c2VhbGVk", told) == 200);
    CHECK(reads() == "c2VhbGVk");
    CHECK(guest.asks(http::Method::Get, told, "", guest.address).body == "c2VhbGVk");
    CHECK(tells("b3RoZXI=", told) == 409);
    CHECK(reads() == "c2VhbGVk");
    CHECK(guest.asks(http::Method::Post, told, "x", "10.1.0.250").status == 404); // nobody's address
    CHECK(bob.gets(path).status == 404);
    CHECK(bob.deletes(path).status == 404);
    const auto rita = guest.appliance.colleague(guest.alice, "rita", "reader");
    CHECK(rita.gets(path).status == 200);
    CHECK(rita.deletes(path).status == 403);
    CHECK(guest.alice.deletes(path).status == 204);
    CHECK(reads().empty());
    CHECK(tells("b3RoZXI=", "/openstack/2015-10-15/password") == 200);
    CHECK(reads() == "b3RoZXI=");
}
