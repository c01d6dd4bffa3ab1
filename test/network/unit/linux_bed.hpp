#pragma once

#include <catch2/catch.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "network/driver/linux.hpp"
#include "network/unit/linux_world.hpp"

// What tests of the driver begin with: a host of their own, and words for what is planned on it.

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
inline SubnetId subnet(int number) { return {uuid(2, number)}; }
inline PortId port(int number) { return {uuid(3, number)}; }
inline RouterId router(int number) { return {uuid(4, number)}; }
inline SecurityGroupId group(int number) { return {uuid(5, number)}; }

inline std::string mac(int number) {
    char text[20];
    std::snprintf(text, sizeof text, "fa:16:3e:00:%02x:%02x", number / 256, number % 256);
    return text;
}

inline PlannedNetwork tenantNetwork(int number, const std::string& net, bool dhcp = false) {
    PlannedNetwork out{
        .id = networkId(number), .mtu = 1450, .external = false, .domain = "openstacklocal", .subnets = {}, .dhcp = {}};
    out.subnets.push_back(
        {subnet(number), net + ".0/24", net + ".1", dhcp, {"9.9.9.9"}, {{"192.168.99.0/24", net + ".9"}}});
    if (dhcp) out.dhcp = PlannedDhcp{port(900 + number), mac(900 + number), {{subnet(number), net + ".2"}}};
    return out;
}

inline PlannedPort guestPort(int number, int on, const std::string& address, std::vector<SecurityGroupId> groups = {}) {
    return {.id = port(number),
            .network = networkId(on),
            .mac = mac(number),
            .hostname = "guest" + std::to_string(number),
            .fixedIps = {{subnet(on), address}},
            .allowedPairs = {},
            .securityGroups = std::move(groups),
            .portSecurity = true,
            .adminUp = true,
            .tapped = true};
}

inline PlannedRule rule(int number, RuleDirection direction, EtherType type = EtherType::IPv4) {
    PlannedRule out;
    out.id = {uuid(6, number)};
    out.direction = direction;
    out.ethertype = type;
    return out;
}

/// A group from which everything may go out, and nothing come in.
inline PlannedSecurityGroup outgoing(int number) {
    return {
        group(number),
        true,
        {rule(number * 100, RuleDirection::Egress), rule(number * 100 + 1, RuleDirection::Egress, EtherType::IPv6)}};
}

/// One where everything may go in, too.
inline PlannedSecurityGroup everything(int number) {
    auto out = outgoing(number);
    out.rules.push_back(rule(number * 100 + 2, RuleDirection::Ingress));
    out.rules.push_back(rule(number * 100 + 3, RuleDirection::Ingress, EtherType::IPv6));
    return out;
}

inline PlannedNetwork externalNetwork(int number, const std::string& net) {
    auto out = tenantNetwork(number, net);
    out.external = true;
    out.mtu = 1500;
    return out;
}

struct Host {
    Host() = default;
    explicit Host(LinuxNetworkOptions options) {
        options.folder = world.folder();
        driver = linuxNetworkDriver(std::move(options));
    }

    LinuxWorld world;
    std::unique_ptr<NetworkDriver> driver =
        linuxNetworkDriver({.folder = world.folder(), .lookEvery = std::chrono::hours(1)}); // it has to know what to do

    ~Host() {
        try {
            driver->apply({}); // DHCP servers are processes: they would outlive us
        } catch (const std::exception& problem) {
            UNSCOPED_INFO(problem.what());
        }
    }
    Guest guest(int number) {
        return Guest("guest" + std::to_string(number), driver->tapOf(port(number)), mac(number));
    }
};

/// Two guests in one network, both open.
inline NetworkPlan twoGuests() {
    NetworkPlan plan;
    plan.networks = {tenantNetwork(1, "10.1.0")};
    plan.ports = {guestPort(1, 1, "10.1.0.11", {group(1)}), guestPort(2, 1, "10.1.0.12", {group(1)})};
    plan.securityGroups = {everything(1)};
    return plan;
}

}
