#include "compute/guest.hpp"

using namespace stratolet;
using namespace stratolet::test;

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
