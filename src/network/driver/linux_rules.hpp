#pragma once

#include <stratolet/driver/network.hpp>

#include <string>
#include <vector>

#include "network/driver/linux_numbers.hpp"

namespace stratolet::network {

/// The rules of the host's own namespace: who may send what (anti-spoofing, on the bridge) and what reaches whom (security groups, by
/// connection), joined by the packet's mark: number of the sending port in the upper half, of the receiving port in the lower. One
/// transaction that replaces our tables and no others. `plan` has been checked.
std::string hostRules(const NetworkPlan& plan, bool nat, Numbers& numbers);

/// Floating IPs, source NAT and the way to metadata in a router's namespace. `plan` has been checked.
std::string routerRules(const PlannedRouter& router, std::uint16_t metadataPort);

}
