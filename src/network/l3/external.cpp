#include "network/l3/external.hpp"

#include <algorithm>
#include <array>

#include <stratolet/error.hpp>

#include "network/l2/network_record.hpp"
#include "network/l2/subnet.hpp"
#include "network/segment/segment.hpp"
#include "network/sharing.hpp"
#include "platform/log/log.hpp"

namespace stratolet::network {

namespace {

constexpr std::chrono::seconds leastRest = std::chrono::minutes(1), mostRest = std::chrono::hours(24);
constexpr int restGrows = 4;

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

// What nat takes where nobody says, in this order. The first is DevStack's; the others are seldom a home's, an
// office's, Docker's (172.17 and up), libvirt's (192.168.122) or a carrier's (100.64).
constexpr std::array<std::string_view, 6> usualBlocks = {"172.24.4.0/24",   "10.224.4.0/24",  "192.168.224.0/24",
                                                         "172.29.244.0/24", "10.99.224.0/24", "198.18.4.0/24"};

/// Which of those networks has addresses of the block; none: nullopt.
std::optional<std::string> inTheWay(const Prefix& block, const std::vector<std::string>& reached) {
    for (const auto& each : reached)
        if (const auto other = Prefix::parse(each); other && other->version() == 4 && block.overlaps(*other))
            return each;
    return std::nullopt;
}

/// A block for nat. Nothing, and the log says so, where the host reaches all that we know.
std::optional<Prefix> chosenBlock(Core& core, const ExternalOptions& options) {
    if (options.cidr) return options.cidr;
    const auto reached = core.driver.reachedNetworks();
    for (const auto& text : usualBlocks) {
        const auto block = *Prefix::parse(text);
        if (const auto other = inTheWay(block, reached)) {
            core.parts.log.info("the external network does not take a block that this host reaches already",
                                {{"part", "network"}, {"block", text}, {"route", *other}});
            continue;
        }
        core.parts.log.info("the external network takes a block that this host has no route to",
                            {{"part", "network"}, {"block", text}});
        return block;
    }
    core.parts.log.error("there is no external network: this host reaches all blocks that are usual for one; set "
                         "external_cidr to one that it doesn't",
                         {{"part", "network"}});
    return std::nullopt;
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
        {"network", "external_cidr", "", orNothing({"a block of IPv4 of 8 addresses or more", block})},
        {"network", "external_pool", "", orNothing({"the first and last of some IPv4 addresses", pool})},
    };
}

External::Way External::tried() {
    auto& core = core_;
    const auto options = externalOptions(core.parts.config);
    auto& store = core.parts.store;
    std::vector<OutsideNetwork> outside;
    if (!options.device.empty()) outside = core.driver.outsideNetworks();
    if (!outside.empty()) checkPool(*options.pool, outside.front());
    try {
        core.driver.joinOutside();
    } catch (const Error& problem) {
        if (problem.failure() == Failure::Invalid) throw;
        rest_ = std::clamp(rest_ * restGrows, leastRest, mostRest);
        core.parts.log.error(std::string(problem.what()) + "; the next try is in " +
                                 std::to_string(rest_.count() / 60) + " min",
                             {{"part", "network"}});
        return Way::Failed;
    }
    if (options.nat) {
        // One on a network of the host's that it no longer lends is no way outside.
        const bool lent = core.ml2.physical.contains(std::string(outsidePhysical));
        const auto isThere = [&](store::Reader& db) {
            return db
                .query("SELECT 1 FROM networks n WHERE n.external AND (? OR NOT EXISTS (SELECT 1 FROM "
                       "network_segments e WHERE e.network = n.id AND e.physical = ?))",
                       lent, outsidePhysical)
                .any();
        };
        const auto block = isThere(store.reader()) ? std::nullopt : chosenBlock(core, options);
        store.write([&](store::Transaction& tx) {
            if (!block || isThere(tx)) return;
            Subnet subnet;
            subnet.cidr = *block;
            subnet.gateway = subnet.cidr.first().plus(1);
            auto last = subnet.cidr.last();
            last.value -= 1;
            subnet.pools = {{subnet.cidr.first().plus(2), last}};
            insertExternal(core, tx, {}, NetworkRecord{}.mtu, subnet);
        });
    }
    for (const auto& each : externalCollisions(store.reader(), core.driver))
        core.parts.log.warning(each, {{"part", "network"}});
    if (options.device.empty()) return Way::There;
    if (outside.empty()) return Way::NoAddress;
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
    return Way::There;
}

void External::ensure() {
    again_.reset();
    switch (tried()) {
    case Way::There: return;
    case Way::NoAddress: again_ = core_.now() + leastRest; return;
    case Way::Failed: again_ = core_.now() + rest_; return;
    }
}

void External::follow() {
    if (!again_ || core_.now() < *again_) return;
    try {
        ensure();
    } catch (const Error& problem) { // it stays wrong until somebody starts us anew
        core_.parts.log.error(problem.what(), {{"part", "network"}});
    }
}

std::vector<std::string> externalCollisions(store::Reader& db, NetworkDriver& driver) {
    const auto reached = driver.reachedNetworks();
    std::vector<std::string> all;
    for (const auto& cidr :
         db.query("SELECT s.cidr FROM subnets s JOIN networks n ON n.id = s.network WHERE n.external AND "
                  "NOT EXISTS (SELECT 1 FROM network_segments e WHERE e.network = n.id AND "
                  "e.physical <> '')")
             .texts())
        if (const auto block = Prefix::parse(cidr); block && block->version() == 4)
            if (const auto other = inTheWay(*block, reached))
                all.push_back("the external network's block " + cidr + " has addresses of " + *other +
                              ", which this host has another route to: either of them is not reached. Take that route "
                              "away, or make another external network, with a block of its own");
    return all;
}

}
