#include <catch2/catch.hpp>

#include <stratolet/error.hpp>

#include "network/segment/ml2.hpp"

using namespace stratolet;
using namespace stratolet::network;

TEST_CASE("Each mechanism realises the types that its column says, and a refusal names what would work",
          "[network][ml2]") {
    using enum NetworkType;
    const auto row = [](std::string_view mechanism) {
        std::string out;
        for (const auto type : {Local, Flat, Vlan, Vxlan, Gre, Geneve})
            out += mechanismNamed(mechanism).can(type) ? 'x' : '-';
        return out;
    };
    CHECK(row("linuxbridge") == "xxxx--");
    CHECK(row("openvswitch") == "xxxxxx");
    CHECK(row("ovn") == "xxxx-x");
    CHECK(row("sriovnicswitch") == "-xx---");
    CHECK(mechanisms().size() == 4);

    for (const auto& mechanism : mechanisms())
        for (const auto type : {Local, Flat, Vlan, Vxlan, Gre, Geneve}) {
            std::string said;
            try {
                checkPair(mechanism, type);
            } catch (const Error& error) {
                said = error.what();
            }
            INFO(mechanism.name << " " << nameOf(type) << ": " << said);
            CHECK(said.empty() == mechanism.can(type));
            if (said.empty()) continue;
            CHECK(said.find(mechanism.name) != std::string::npos);
            CHECK(said.find(nameOf(type)) != std::string::npos);
            std::string instead = "needs one of: ";
            for (const auto& other : mechanisms())
                if (other.can(type)) instead.append(instead.ends_with(": ") ? "" : ", ").append(other.name);
            CHECK(said.ends_with(instead + "."));
        }
}

TEST_CASE("What is around a frame between hosts is taken from what it may carry", "[network][ml2]") {
    using enum NetworkType;
    Ml2Options options;
    CHECK(options.mtuOf(Local) == 1500);
    CHECK(options.mtuOf(Vlan) == 1500);
    CHECK(options.mtuOf(Vxlan) == 1450);
    CHECK(options.mtuOf(Geneve) == 1442);
    options.tunnelAddress = "2001:db8::1";
    options.mtu = 9000;
    CHECK(options.mtuOf(Vxlan) == 8930);
    CHECK(options.mtuOf(Flat) == 9000);
}
