#include <algorithm>

#include <stratolet/error.hpp>

#include "network/l2/subnet.hpp"

namespace stratolet::network {

namespace {

constexpr std::size_t dnsServersMost = 5, hostRoutesMost = 20;

void readNameServers(Subnet& subnet, const Json& list) {
    subnet.dns.clear();
    if (!list.isNull() && !list.isArray()) refuseInput("dns_nameservers", "'" + list.dump() + "' is not a list.");
    if (!list.isNull())
        for (const auto& each : list.items()) {
            const auto address = each.isText() ? Address::parse(each.text()) : std::nullopt;
            if (!address) refuseInput("dns_nameservers", "'" + each.dump() + "' is not a valid nameserver.");
            if (std::find(subnet.dns.begin(), subnet.dns.end(), address->text()) != subnet.dns.end())
                refuseInput("dns_nameservers", "Duplicate nameserver '" + address->text() + "'.");
            subnet.dns.push_back(address->text());
        }
    if (subnet.dns.size() > dnsServersMost)
        throw Error(Failure::Invalid, "Unable to complete operation for ", subnet.id,
                    ". The number of DNS nameservers exceeds the limit ", dnsServersMost, ".")
            .as("DNSNameServersExhausted");
}

void readHostRoutes(Subnet& subnet, const Body& body) {
    subnet.routes = routesIn(body, "host_routes");
    if (subnet.routes.size() > hostRoutesMost)
        throw Error(Failure::Invalid, "Unable to complete operation for ", subnet.id,
                    ". The number of host routes exceeds the limit ", hostRoutesMost, ".")
            .as("HostRoutesExhausted");
    const auto version = subnet.cidr.version();
    for (const auto& [destination, nexthop] : subnet.routes)
        if (Address::parse(nexthop)->version != version)
            refuseOperation("host_routes '" + destination + "' does not match the ip_version '" +
                            std::to_string(version) + "'");
}

}

void refuseOperation(const std::string& reason) {
    throw Error(Failure::Invalid, "Invalid input for operation: ", reason, ".").as("InvalidInput");
}

void readLists(Subnet& subnet, const Body& body) {
    if (const auto list = body.find("dns_nameservers")) readNameServers(subnet, *list);
    if (body.has("host_routes")) readHostRoutes(subnet, body);
    if (const auto list = body.find("service_types")) {
        if (!list->isArray()) refuseInput("service_types", "'" + list->dump() + "' is not a list.");
        subnet.serviceTypes.clear();
        for (const auto& each : list->items()) subnet.serviceTypes.push_back(each.text());
    }
}

AllocationPool hostsIn(const Prefix& cidr) {
    AllocationPool hosts{cidr.first(), cidr.last()};
    if (cidr.length >= cidr.base.bits() - 1) return hosts;
    hosts.first.value += 1;
    if (cidr.version() == 4) hosts.last.value -= 1;
    return hosts;
}

AllocationPools allocationPoolsIn(const Body& body, const Prefix& cidr) {
    AllocationPools pools;
    const auto list = body.find("allocation_pools").value();
    if (!list.isArray()) refuseInput("allocation_pools", "Invalid data format for IP pool: '" + list.dump() + "'.");
    for (const auto& each : list.items()) {
        if (!each.isObject() || each.size() != 2 || !each.has("start") || !each.has("end"))
            refuseInput("allocation_pools", "Invalid data format for IP pool: '" + list.dump() + "'.");
        const auto first = Address::parse(each.text("start")), last = Address::parse(each.text("end"));
        if (!first || !last) refuseInput("allocation_pools", "'" + each.dump() + "' is not a valid IP address range.");
        if (first->version != cidr.version() || last->version != cidr.version() || *last < *first)
            throw Error(Failure::Invalid, "The allocation pool ", each.text("start"), "-", each.text("end"),
                        " is not valid.")
                .as("InvalidAllocationPool");
        const auto hosts = hostsIn(cidr);
        if (*first < hosts.first || *last > hosts.last)
            throw Error(Failure::Invalid, "The allocation pool ", first->text(), "-", last->text(),
                        " spans beyond the subnet cidr ", cidr.text(), ".")
                .as("OutOfBoundsAllocationPool");
        for (const auto& other : pools)
            if (*first <= other.last && other.first <= *last)
                throw Error(Failure::Conflict, "Found overlapping allocation pools: ", other.first.text(), "-",
                            other.last.text(), ", ", first->text(), "-", last->text(), " for subnet ", cidr.text(), ".")
                    .as("OverlappingAllocationPools");
        pools.push_back({*first, *last});
    }
    return pools;
}

std::optional<Address> gatewayAddressIn(const Body& body) {
    if (body.isNull("gateway_ip")) return std::nullopt;
    const auto gateway = Address::parse(body.text("gateway_ip"));
    if (!gateway) refuseInput("gateway_ip", "'" + body.text("gateway_ip") + "' is not a valid IP address.");
    return gateway;
}

}
