#pragma once

#include <string>
#include <utility>
#include <vector>

#include "network/unit/linux_bed.hpp"

// Plans of networks that are made of segments.

namespace stratolet::network::test {

inline PlannedNetwork networkOn(int number, const std::string& net, PlannedSegment segment, int mtu = 1500) {
    PlannedNetwork network;
    network.id = networkId(number);
    network.mtu = mtu;
    network.subnets.push_back({subnet(number), net + ".0/24", "", false, {}, {}});
    network.segments = {std::move(segment)};
    return network;
}

inline PlannedPort portOn(int number, int network, const std::string& address) {
    PlannedPort made;
    made.id = port(number);
    made.network = networkId(network);
    made.mac = mac(number);
    made.fixedIps = {{subnet(network), address}};
    made.securityGroups = {group(1)};
    made.tapped = true;
    return made;
}

inline std::string toldOf(const std::vector<NetworkProblem>& problems) {
    std::string all;
    for (const auto& each : problems) all += each.what + "\n";
    return all;
}

}
