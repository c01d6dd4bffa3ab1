#pragma once

#include <catch2/catch.hpp>

#include <stratolet/driver/network.hpp>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "network/unit/linux_world.hpp"

// Plans as tests make them: things with numbers for names.

#define NEEDS_ROOT()                                                                                                   \
    if (const auto why = LinuxWorld::reason(); !why.empty()) {                                                         \
        WARN("skipped: " << why);                                                                                      \
        return;                                                                                                        \
    }

namespace stratolet::network::test {

inline std::string uuid(int kind, int number) {
    char text[40];
    std::snprintf(text, sizeof text, "%04x%04x-0000-4000-8000-%012x", kind, number, number);
    return text;
}
inline NetworkId networkId(int number) { return {uuid(1, number)}; }
inline SubnetId subnetId(int number) { return {uuid(2, number)}; }
inline PortId portId(int number) { return {uuid(3, number)}; }
inline SecurityGroupId openGroup() { return {uuid(5, 1)}; }

inline std::string mac(int number) {
    char text[20];
    std::snprintf(text, sizeof text, "fa:16:3e:00:00:%02x", number);
    return text;
}

inline PlannedNetwork networkOn(int number, const std::string& net, PlannedSegment segment, int mtu = 1500) {
    PlannedNetwork network;
    network.id = networkId(number);
    network.mtu = mtu;
    network.subnets.push_back({subnetId(number), net + ".0/24", "", false, {}, {}});
    network.segments = {std::move(segment)};
    return network;
}

inline PlannedPort portOn(int number, int network, const std::string& address) {
    PlannedPort port;
    port.id = portId(number);
    port.network = networkId(network);
    port.mac = mac(number);
    port.fixedIps = {{subnetId(network), address}};
    port.securityGroups = {openGroup()};
    port.tapped = true;
    return port;
}

inline PlannedSecurityGroup everything() {
    PlannedSecurityGroup group{openGroup(), true, {}};
    int number = 0;
    for (const auto direction : {RuleDirection::Egress, RuleDirection::Ingress})
        for (const auto type : {EtherType::IPv4, EtherType::IPv6}) {
            PlannedRule rule;
            rule.id = {uuid(6, ++number)};
            rule.direction = direction;
            rule.ethertype = type;
            group.rules.push_back(rule);
        }
    return group;
}

inline std::string toldOf(const std::vector<NetworkProblem>& problems) {
    std::string all;
    for (const auto& each : problems) all += each.what + "\n";
    return all;
}

}
