#include "network/segment/ml2.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <stratolet/error.hpp>

#include "network/address.hpp"
#include "platform/text/text.hpp"

namespace stratolet::network {

namespace {

using enum NetworkType;

constexpr std::array<TypeFacts, 6> types{{
    {Local, "local", false, 0, 0, 0, true},
    {Flat, "flat", true, 0, 0, 0, true},
    {Vlan, "vlan", true, 1, 4094, 0, true},
    {Vxlan, "vxlan", false, 1, 16777215, 50, true},
    {Gre, "gre", false, 1, 4294967295, 42, false},
    {Geneve, "geneve", false, 1, 16777215, 58, false},
}};

/// "100:199": numbers of this type, or nothing.
std::optional<std::pair<std::int64_t, std::int64_t>> endsIn(NetworkType type, std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto least = wholeNumberIn(text.substr(0, colon)), most = wholeNumberIn(text.substr(colon + 1));
    const auto& facts = factsOf(type);
    if (!least || !most || *least > *most || *least < facts.least || *most > facts.most) return std::nullopt;
    return std::pair(*least, *most);
}

bool isPhysicalName(std::string_view text) {
    return !text.empty() && text.size() <= 64 && text.find_first_of(" :\t,") == std::string_view::npos;
}

}

const TypeFacts& factsOf(NetworkType type) { return types.at(static_cast<std::size_t>(type)); }

std::optional<NetworkType> networkTypeNamed(std::string_view name) {
    for (const auto& each : types)
        if (each.name == name) return each.type;
    return std::nullopt;
}

bool Mechanism::can(NetworkType type) const {
    return std::find(realises.begin(), realises.end(), type) != realises.end();
}

const std::vector<Mechanism>& mechanisms() {
    static const std::vector<Mechanism> all{
        {"linuxbridge", {Local, Flat, Vlan, Vxlan}},
        {"openvswitch", {Local, Flat, Vlan, Vxlan, Gre, Geneve}},
        {"ovn", {Local, Flat, Vlan, Vxlan, Geneve}},
        {"sriovnicswitch", {Flat, Vlan}},
    };
    return all;
}

const Mechanism& mechanismNamed(std::string_view name) {
    for (const auto& each : mechanisms())
        if (each.name == name) return each;
    std::abort();
}

void checkPair(const Mechanism& mechanism, NetworkType type) {
    if (mechanism.can(type)) return;
    std::vector<std::string_view> instead, others;
    for (const auto each : mechanism.realises) instead.push_back(nameOf(each));
    for (const auto& each : mechanisms())
        if (each.can(type)) others.push_back(each.name);
    throw Error(Failure::Invalid, "Invalid input for operation: mechanism ", mechanism.name,
                " does not realise networks of type ", nameOf(type), "; it does ", joined(instead), ". ", nameOf(type),
                " needs one of: ", joined(others), ".")
        .as("InvalidInput");
}

int Ml2Options::mtuOf(NetworkType type) const {
    const auto overhead = factsOf(type).overhead;
    constexpr int longerHeader = 20; // of IPv6 than of IPv4
    const auto address = Address::parse(tunnelAddress);
    return mtu - overhead - (overhead > 0 && address && address->version == 6 ? longerHeader : 0);
}

std::string lentDevice(const std::string& externalNetwork) {
    constexpr std::string_view bridged = "bridge:";
    return externalNetwork.starts_with(bridged) ? externalNetwork.substr(bridged.size()) : "";
}

Ml2Options ml2Options(const Config& config) {
    Ml2Options options;
    for (const auto& each : config.list("network", "tenant_network_types"))
        options.tenantTypes.push_back(networkTypeNamed(each).value());
    for (const auto& each : config.list("network", "physical_networks")) {
        const auto colon = each.find(':');
        options.physical[each.substr(0, colon)] = each.substr(colon + 1);
    }
    // Whether the device is a bridge itself, its driver knows.
    if (const auto device = lentDevice(config.text("network", "external_network")); !device.empty())
        options.physical.emplace(outsidePhysical, device);
    for (const auto& each : config.list("network", "vlan_ranges")) {
        const auto colon = each.find(':');
        const auto [least, most] = *endsIn(Vlan, std::string_view(each).substr(colon + 1));
        options.ranges.push_back({Vlan, each.substr(0, colon), least, most});
    }
    for (const auto& each : config.list("network", "vni_ranges")) {
        const auto [least, most] = *endsIn(Vxlan, each);
        options.ranges.push_back({Vxlan, "", least, most});
    }
    options.tunnelAddress = config.text("network", "tunnel_address");
    options.mtu = static_cast<int>(config.integer("network", "physical_mtu"));
    return options;
}

std::vector<ConfigOption> ml2ConfigOptions() {
    const auto device = [](const std::string& value) {
        const auto colon = value.find(':');
        const auto name = value.substr(colon == std::string::npos ? value.size() : colon + 1);
        const bool right = isPhysicalName(std::string_view(value).substr(0, colon)) && !name.empty() &&
                           name.size() < 16 && name.find_first_of(" /:") == std::string::npos;
        return right ? "" : "is no NAME:DEVICE";
    };
    const auto vlans = [](const std::string& value) {
        const auto colon = value.find(':');
        return colon != std::string::npos && isPhysicalName(std::string_view(value).substr(0, colon)) &&
                       endsIn(Vlan, std::string_view(value).substr(colon + 1))
                   ? ""
                   : "is no NAME:FIRST:LAST of VLAN ids from 1 to 4094";
    };
    const auto vnis = [](const std::string& value) {
        return endsIn(Vxlan, value) ? "" : "is no FIRST:LAST of numbers from 1 to 16777215";
    };
    const auto address = [](const std::string& value) { return Address::parse(value) ? "" : "is no address"; };
    return {
        {"network", "tenant_network_types", "local", listOf(oneOf({"local", "vlan", "vxlan"}))},
        {"network", "physical_networks", "", orNothing(listOf({"physical networks, each as NAME:DEVICE", device}))},
        {"network", "vlan_ranges", "", orNothing(listOf({"ranges of VLAN ids, each as NAME:FIRST:LAST", vlans}))},
        {"network", "vni_ranges", "1:1000", listOf({"ranges of VXLAN numbers, each as FIRST:LAST", vnis})},
        {"network", "tunnel_address", "", orNothing({"an address of this host", address})},
        {"network", "physical_mtu", "1500", wholeNumber(1280, 65521)},
    };
}

}
