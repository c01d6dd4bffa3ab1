#include <openssl/evp.h>
#include <stratolet/error.hpp>

#include <algorithm>
#include <array>

#include "network/l2/port.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/text/text.hpp"

namespace stratolet::network {

namespace {

/// A name's UUID of version 5 (RFC 4122 4.3) among those of DNS.
std::string uuidOfName(std::string_view name) {
    constexpr std::array<unsigned char, 16> namesOfDns{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                                       0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
    std::string hashed(namesOfDns.begin(), namesOfDns.end());
    hashed += name;
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(hashed.data(), hashed.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1)
        throw Error(Failure::Broken, "could not make a digest");
    digest[6] = static_cast<unsigned char>((digest[6] & 0x0f) | 0x50);
    digest[8] = static_cast<unsigned char>((digest[8] & 0x3f) | 0x80);
    return dashed(hexOf({reinterpret_cast<const char*>(digest.data()), 16}));
}

/// How Neutron names the DHCP agent of a host as the device of its port on a network.
std::string dhcpDeviceOf(const std::string& host, const NetworkId& network) {
    return "dhcp" + uuidOfName(host.substr(0, host.find('.'))) + "-" + network.text;
}

/// The hosts that a network's DHCP is on: this one, and as many others as there are to be and can be on the network.
Texts dhcpHosts(store::Reader& db, const Core& core, const NetworkId& network) {
    const auto& own = core.parts.cloud.host;
    Texts hosts{own};
    const auto more = core.parts.config.integer("network", "dhcp_agents_per_network") - 1;
    if (more == 0) return hosts;
    const auto others =
        db.query("SELECT h.name FROM network_hosts h WHERE h.name <> ? AND EXISTS (SELECT 1 FROM network_segments e "
                 "WHERE e.network = ? AND e.type <> 'local' AND ((e.physical IS NULL AND h.tunnel <> '') OR EXISTS "
                 "(SELECT 1 FROM json_each(h.physical) p WHERE p.value = e.physical))) ORDER BY h.name LIMIT ?",
                 own, network, more)
            .texts();
    hosts.insert(hosts.end(), others.begin(), others.end());
    return hosts;
}

}

void Ports::ensureDhcpPorts(store::Transaction& tx, const NetworkRecord& network) {
    store::Conditions own;
    own.add("p.network = ?", network.id).add("p.owner = ?", dhcpOwner);
    auto ports = portsWhere(tx, own);
    std::vector<Subnet> served;
    for (auto& each : subnetsOf(tx, network.id))
        if (each.dhcp) served.push_back(std::move(each));
    auto missing = served.empty() ? Texts{} : dhcpHosts(tx, core_, network.id);
    std::vector<Port> kept;
    for (auto& each : ports) {
        const auto its = std::find_if(missing.begin(), missing.end(),
                                      [&](const auto& host) { return each.host.empty() || each.host == host; });
        if (its == missing.end()) {
            remove(tx, each);
            continue;
        }
        missing.erase(its);
        kept.push_back(std::move(each));
    }
    for (const auto& host : missing) {
        Port port;
        port.id.text = core_.uuid();
        port.standard = {network.standard.project, "", "", 1, core_.now(), core_.now()};
        port.owner = dhcpOwner;
        port.device = dhcpDeviceOf(host, network.id);
        port.host = host;
        port.status = "ACTIVE"; // whoever is there gets an answer
        port.portSecurity = false;
        keep(tx, network, port, std::vector<WantedAddress>{});
        kept.push_back(*portTable.find(tx, port.id));
    }
    for (auto& each : kept) serveSubnets(tx, each, served);
}

/// A DHCP port has an address in each subnet that it serves.
void Ports::serveSubnets(store::Transaction& tx, Port& port, const std::vector<Subnet>& served) {
    std::vector<PortAddress> addresses;
    for (const auto& subnet : served) {
        const auto has = std::find_if(port.addresses.begin(), port.addresses.end(),
                                      [&](const auto& each) { return each.subnet == subnet.id; });
        if (has != port.addresses.end()) {
            addresses.push_back(*has);
            continue;
        }
        try {
            WantedAddress wanted;
            wanted.subnet = subnet;
            for (const auto& each : allocate(tx, port, std::vector{wanted})) addresses.push_back(each);
        } catch (const Error& error) {
            if (error.failure() != Failure::Conflict) throw; // a subnet without a free address is served by nobody
        }
    }
    port.addresses = addresses;
    writeAddresses(tx, port);
}

void Ports::ensureDhcpPorts(store::Transaction& tx) {
    const auto most = core_.parts.config.integer("network", "dhcp_agents_per_network");
    const auto others =
        tx.query("SELECT 1 FROM ports WHERE owner = ? AND host NOT IN ('', ?)", dhcpOwner, core_.parts.cloud.host)
            .any();
    if (most == 1 && !others) return; // as they are
    for (const auto& each : tx.query("SELECT DISTINCT network FROM subnets WHERE dhcp").texts()) {
        ensureDhcpPorts(tx, networkOf(tx, {each}));
        core_.changed(tx, each);
    }
}

}
