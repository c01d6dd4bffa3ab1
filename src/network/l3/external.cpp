#include "network/l3/external.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "network/l2/network_record.hpp"
#include "network/l2/subnet.hpp"
#include "network/segment/segment.hpp"
#include "network/sharing.hpp"
#include "platform/log/log.hpp"

namespace stratolet::network {

namespace {

std::optional<std::pair<Address, Address>> poolIn(const std::string& text) {
    const auto dash = text.find('-');
    if (dash == std::string::npos) return std::nullopt;
    const auto first = Address::parse(text.substr(0, dash)), last = Address::parse(text.substr(dash + 1));
    if (!first || !last || first->version != 4 || last->version != 4 || *last < *first) return std::nullopt;
    return std::pair(*first, *last);
}

bool isDeviceName(const std::string& text) {
    constexpr std::size_t most = 15;
    return !text.empty() && text.size() <= most && text != "." && text != ".." &&
           text.find_first_of(" \t/:,") == std::string::npos;
}

/// The pool is of the host's network there, and nobody's who is known.
void checkPool(const std::pair<Address, Address>& pool, const OutsideNetwork& outside) {
    const auto& first = pool.first;
    const auto& last = pool.second;
    const auto refuse = [&](const auto&... why) {
        throw Error(Failure::Invalid, "external_pool = ", first.text(), "-", last.text(), ": ", why...,
                    "; name addresses of ", outside.cidr,
                    " that nobody has, and take them out of what the network's DHCP server gives out");
    };
    const auto prefix = *Prefix::parse(outside.cidr);
    if (!prefix.contains(first) || !prefix.contains(last) || !canBeHost(prefix, first) || !canBeHost(prefix, last))
        refuse("the host is on ", outside.cidr, ", and not all of the pool can be addresses there");
    const auto has = [&](const std::string& text) {
        const auto address = Address::parse(text);
        return address && !(*address < first) && !(last < *address);
    };
    for (const auto& each : outside.addresses)
        if (has(each)) refuse("it contains ", each, ", which is the host's own");
    if (has(outside.gateway)) refuse("it contains ", outside.gateway, ", which is the gateway's");
}

/// One network and its subnet, as nobody's, for everybody. It is the default one.
void insertExternal(Core& core, store::Transaction& tx, const WantedSegment& segment, int mtu, Subnet subnet) {
    const bool others = tx.query("SELECT 1 FROM networks WHERE external").any();
    tx.execute("UPDATE networks SET is_default = 0 WHERE external AND is_default");
    NetworkRecord network;
    network.id.text = core.uuid();
    const bool taken = tx.query("SELECT 1 FROM networks WHERE external AND name = 'public'").any();
    const auto name = std::string("public") + (!taken ? "" : segment.type == NetworkType::Flat ? "-lan" : "-nat");
    network.standard = {"", name, "The way outside", 1, core.now(), core.now()};
    network.external = true;
    network.isDefault = true;
    network.mtu = mtu;
    networkTable.insert(tx, network);
    insertSegments(core, tx, network.id, {segment});
    followShared(core, tx, "network", network.id.text, "", false, true, accessExternal);
    subnet.id.text = core.uuid();
    subnet.network = network.id;
    subnet.standard = {"", name + "-subnet", "", 1, core.now(), core.now()};
    subnet.dhcp = false;
    subnetTable.insert(tx, subnet);
    core.changed(tx, network.id.text);
    if (others)
        core.parts.log.warning("external network " + name +
                                   " was made beside those that are there, which no longer lead outside: move routers "
                                   "and floating IPs to it, and delete the others",
                               {{"part", "network"}, {"network", network.id.text}});
}

}

ExternalOptions externalOptions(const Config& config) {
    ExternalOptions options;
    const auto word = config.text("network", "external_network");
    options.nat = word == "nat";
    options.cidr = Prefix::parse(config.text("network", "external_cidr"));
    options.device = lentDevice(word);
    if (options.device.empty()) return options;
    options.pool = poolIn(config.text("network", "external_pool"));
    if (!options.pool)
        throw Error(Failure::Invalid, "external_network = ", word,
                    " needs external_pool = FIRST-LAST: addresses of the network at ", options.device,
                    " for routers and floating IPs, which its DHCP server must not give to others");
    if (const auto given = config.list("network", "physical_networks");
        std::any_of(given.begin(), given.end(),
                    [](const auto& each) { return each.starts_with(std::string(outsidePhysical) + ":"); }))
        throw Error(Failure::Invalid, "physical_networks: \"public\" is what external_network = ", word,
                    " calls its own; choose another name");
    return options;
}

std::vector<ConfigOption> externalConfigOptions() {
    const auto block = [](const std::string& value) {
        const auto prefix = Prefix::parse(value);
        return prefix && prefix->version() == 4 && prefix->length <= 29 ? ""
                                                                        : "is no IPv4 block of 8 addresses or more";
    };
    const auto way = [](const std::string& value) {
        const bool right = value == "nat" || value == "none" || isDeviceName(lentDevice(value));
        return right ? "" : "is not nat, none, or bridge: and the name of an interface, such as bridge:eth0";
    };
    const auto pool = [](const std::string& value) {
        return poolIn(value) ? "" : "is no FIRST-LAST of IPv4 addresses, such as 192.168.1.200-192.168.1.219";
    };
    return {
        {"network", "external_network", "nat", {"nat, none or bridge:INTERFACE", way}},
        {"network", "external_cidr", "172.24.4.0/24", {"a block of IPv4 of 8 addresses or more", block}},
        {"network", "external_pool", "", orNothing({"the first and last of some IPv4 addresses", pool})},
    };
}

bool ensureExternal(Core& core) {
    const auto options = externalOptions(core.parts.config);
    auto& store = core.parts.store;
    std::vector<OutsideNetwork> outside;
    if (!options.device.empty()) outside = core.driver.outsideNetworks();
    if (!outside.empty()) checkPool(*options.pool, outside.front());
    try {
        core.driver.joinOutside();
    } catch (const Error& problem) {
        if (problem.failure() == Failure::Invalid) throw;
        core.parts.log.error(problem.what(), {{"part", "network"}});
        return true;
    }
    if (options.nat) {
        // One on a network of the host's that it no longer lends is no way outside.
        const bool lent = core.ml2.physical.contains(std::string(outsidePhysical));
        store.write([&](store::Transaction& tx) {
            if (tx.query("SELECT 1 FROM networks n WHERE n.external AND (? OR NOT EXISTS (SELECT 1 FROM "
                         "network_segments e WHERE e.network = n.id AND e.physical = ?))",
                         lent, outsidePhysical)
                    .any())
                return;
            Subnet subnet;
            subnet.cidr = *options.cidr;
            subnet.gateway = subnet.cidr.first().plus(1);
            auto last = subnet.cidr.last();
            last.value -= 1;
            subnet.pools = {{subnet.cidr.first().plus(2), last}};
            insertExternal(core, tx, {}, NetworkRecord{}.mtu, subnet);
        });
    }
    if (options.device.empty()) return true;
    if (outside.empty()) return false;
    store.write([&](store::Transaction& tx) {
        if (tx.query("SELECT 1 FROM networks n JOIN network_segments e ON e.network = n.id WHERE n.external AND e.type "
                     "= 'flat' AND e.physical = ?",
                     outsidePhysical)
                .any())
            return;
        const auto& lan = outside.front();
        Subnet subnet;
        subnet.cidr = *Prefix::parse(lan.cidr);
        subnet.gateway = Address::parse(lan.gateway);
        subnet.pools = {{options.pool->first, options.pool->second}};
        insertExternal(core, tx, {NetworkType::Flat, std::string(outsidePhysical), 0},
                       std::min(core.ml2.mtuOf(NetworkType::Flat), lan.mtu), subnet);
    });
    return true;
}

}
