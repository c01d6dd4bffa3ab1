#include <catch2/catch.hpp>

#include <algorithm>

#include "network/driver/linux_layout.hpp"

using namespace stratolet;
using namespace stratolet::network;

namespace {

/// What guests of a subnet with these name servers are told of name servers: dnsmasq's option 6.
std::string nameServersTold(const std::vector<std::string>& servers) {
    PlannedNetwork network;
    network.id = {"00000000-0000-4000-8000-000000000001"};
    PlannedSubnet subnet;
    subnet.id = {"00000000-0000-4000-8000-000000000002"};
    subnet.cidr = "10.0.0.0/24";
    subnet.gateway = "10.0.0.1";
    subnet.dnsNameservers = servers;
    network.subnets = {subnet};
    network.dhcp =
        PlannedDhcp{{"00000000-0000-4000-8000-000000000003"}, "fa:16:3e:00:00:01", {{subnet.id, "10.0.0.2"}}};
    const auto options = dhcpLayout(network, {})->dhcp->options;
    const auto found = std::find_if(options.begin(), options.end(),
                                    [](const auto& each) { return each.find(",6") != std::string::npos; });
    REQUIRE(found != options.end());
    return found->substr(found->find(",6") + 2);
}

}

TEST_CASE(
    "Guests are told the subnet's name servers, ours where it has none, and nothing where it says that there is none",
    "[network][dhcp]") {
    CHECK(nameServersTold({"192.0.2.53", "192.0.2.54"}) == ",192.0.2.53,192.0.2.54");
    CHECK(nameServersTold({}) == ",10.0.0.2");
    CHECK(nameServersTold({"0.0.0.0"}).empty()); // the API's way to say none (Neutron: "announce no resolver")
}
