#include "network/network_plan.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "network/agent/agent.hpp"
#include "network/l2/network_record.hpp"
#include "network/l2/port.hpp"
#include "network/l2/subnet.hpp"
#include "network/l3/conntrack_helper.hpp"
#include "network/l3/port_forwarding.hpp"
#include "network/l3/router.hpp"
#include "network/logging/security_log.hpp"
#include "network/metering/metering.hpp"
#include "network/qos/qos.hpp"
#include "network/security/address_group.hpp"
#include "network/security/security_group.hpp"
#include "network/trunk/trunk.hpp"

namespace stratolet::network {

namespace {

std::vector<PlannedFixedIp> plannedAddresses(const Port& port) {
    std::vector<PlannedFixedIp> out;
    for (const auto& each : port.addresses) out.push_back({each.subnet, each.address.text()});
    return out;
}

PlannedInterface plannedInterface(const Port& port) {
    return {port.id, port.network, port.mac, plannedAddresses(port)};
}

std::vector<PlannedRoute> plannedRoutes(const TextPairs& routes) {
    std::vector<PlannedRoute> out;
    for (const auto& [destination, nexthop] : routes) out.push_back({destination, nexthop});
    return out;
}

std::string tunnelOf(store::Reader& db, const std::string& host) {
    return db.query("SELECT tunnel FROM network_hosts WHERE name = ?", host).maybeText().value_or("");
}

/// Of a port that a guest uses, by itself or through a trunk; nothing where none does.
std::optional<PlannedPort> plannedPort(store::Reader& db, const Port& port, const std::string& host) {
    const auto place = port.owner == subportOwner ? trunkPlaceOf(db, port.id) : std::nullopt;
    if (port.server.empty() && !place) return std::nullopt;
    PlannedPort planned;
    const auto at = place ? place->host : port.host;
    if (place) {
        planned.trunk = place->parent;
        planned.vlan = place->number;
    }
    const auto& bound = place ? place->parent : port.id;
    planned.tapped =
        at == host ||
        db.query("SELECT 1 FROM port_bindings WHERE port = ? AND host = ?", bound, host).any(); // it is about to come
    if (!planned.tapped) planned.tunnel = tunnelOf(db, at);
    planned.id = port.id;
    planned.multiqueue = port.multiqueue;
    planned.network = port.network;
    planned.mac = port.mac;
    planned.hostname = port.hostname;
    planned.fixedIps = plannedAddresses(port);
    for (const auto& each : port.dhcpOptions) planned.dhcpOptions.push_back({each.name, each.value, each.version});
    for (const auto& [mac, address] : port.pairs) planned.allowedPairs.push_back({mac, address});
    for (const auto& each : port.groups) planned.securityGroups.push_back({each});
    planned.portSecurity = port.portSecurity;
    planned.adminUp = port.adminUp;
    planned.qos = plannedQos(db, port.qosPolicy, port.networkQos);
    if (planned.tapped) planned.logs = plannedLogs(db, port);
    if (!planned.logs.empty()) planned.project = {port.standard.project};
    return planned;
}

PlannedRule plannedRule(store::Reader& db, const SecurityGroupRule& rule) {
    PlannedRule planned;
    planned.id = rule.id;
    planned.direction = rule.direction == "egress" ? RuleDirection::Egress : RuleDirection::Ingress;
    planned.ethertype = rule.ethertype == "IPv6" ? EtherType::IPv6 : EtherType::IPv4;
    if (rule.protocol) planned.protocol = protocolNumber(*rule.protocol, rule.ethertype == "IPv6");
    if (rule.portMin) planned.portRangeMin = static_cast<int>(*rule.portMin);
    if (rule.portMax) planned.portRangeMax = static_cast<int>(*rule.portMax);
    planned.remotePrefix = rule.prefix.value_or("");
    if (rule.remoteGroup) planned.remoteGroup = SecurityGroupId{*rule.remoteGroup};
    if (rule.remoteAddresses) {
        planned.remoteAddresses.emplace();
        for (const auto& each : addressesOf(db, *rule.remoteAddresses))
            if ((each.version() == 6) == (planned.ethertype == EtherType::IPv6))
                planned.remoteAddresses->push_back(each.text());
    }
    return planned;
}

PlannedSubnet plannedSubnet(store::Reader& db, const Subnet& subnet) {
    PlannedSubnet planned{subnet.id,   subnet.cidr.text(), subnet.gateway ? subnet.gateway->text() : "",
                          subnet.dhcp, subnet.dns,         plannedRoutes(subnet.routes)};
    planned.raMode = subnet.raMode;
    planned.addressMode = subnet.addressMode;
    if (!subnet.subnetPool.empty())
        planned.scope = db.query("SELECT coalesce(address_scope, '') FROM subnet_pools WHERE id = ?", subnet.subnetPool)
                            .maybeText()
                            .value_or("");
    return planned;
}

PlannedForwarding plannedForwarding(const PortForwarding& forwarding) {
    return {protocolNumber(forwarding.protocol, false).value(),
            forwarding.outside.least,
            forwarding.outside.most,
            forwarding.fixed,
            forwarding.inside.least,
            forwarding.inside.most};
}

std::vector<PlannedHelper> plannedHelpers(store::Reader& db, const RouterId& router) {
    std::vector<PlannedHelper> all;
    auto found = helpersOf(db, {router.text});
    for (const auto& each : store::takeOf(found, router.text))
        all.push_back({each.helper, protocolNumber(each.protocol, false).value(), each.port});
    std::sort(all.begin(), all.end());
    return all;
}

template <class T> void sortById(std::vector<T>& all) {
    std::sort(all.begin(), all.end(), [](const T& one, const T& other) { return one.id < other.id; });
}

std::map<RouterId, std::vector<PlannedFloatingIp>> floatingIps(store::Reader& db, const store::Conditions& which) {
    auto leading = which;
    leading.add("f.router IS NOT NULL");
    std::map<RouterId, std::vector<PlannedFloatingIp>> out;
    const auto all = floatingIpTable.list(db, leading, " ORDER BY f.created, f.id");
    Texts forwarding; // those that lead nowhere themselves
    for (const auto& each : all)
        if (each.port.empty()) forwarding.push_back(each.id.text);
    auto forwardings = forwarding.empty() ? store::ByOwner<PortForwarding>{} : forwardingsOf(db, forwarding);
    for (const auto& ip : all) {
        auto& planned = out[ip.router].emplace_back(PlannedFloatingIp{ip.id, ip.address, ip.fixed, {}});
        for (const auto& each : store::takeOf(forwardings, ip.id.text))
            planned.forwardings.push_back(plannedForwarding(each));
        planned.qos = plannedQos(db, ip.qosPolicy, ip.networkQos);
        std::sort(planned.forwardings.begin(), planned.forwardings.end());
    }
    for (auto& each : out) sortById(each.second);
    return out;
}

/// A port of the service's own that says no host is at whichever is asked.
bool isAt(const Port& port, const std::string& host) { return port.host.empty() || port.host == host; }

/// Nothing where it has nothing to do on this host.
std::optional<PlannedRouter> plannedRouter(store::Reader& db, const Router& router,
                                           std::vector<PlannedFloatingIp> floating, const std::string& host) {
    if (!router.adminUp || !mayServe(db, routerAgent, host, router.id.text)) return std::nullopt;
    PlannedRouter planned;
    planned.id = router.id;
    planned.adminUp = router.adminUp;
    planned.snat = router.snat;
    bool isHere = true;
    if (const auto gateway = router.gatewayPort.empty() ? std::nullopt : portTable.find(db, router.gatewayPort)) {
        planned.gateway = plannedInterface(*gateway);
        planned.gatewayQos = plannedQos(db, router.gatewayQos, gateway->networkQos);
        isHere = isHere && isAt(*gateway, host);
    }
    for (const auto& each : interfacesOf(db, router.id)) {
        planned.interfaces.push_back(plannedInterface(each));
        isHere = isHere && isAt(each, host);
    }
    if (!planned.gateway && planned.interfaces.empty()) return std::nullopt;
    if (!isHere) return std::nullopt;
    std::sort(planned.interfaces.begin(), planned.interfaces.end());
    planned.floatingIps = std::move(floating);
    if (planned.gateway) planned.meters = plannedMeters(db, router.standard.project);
    planned.routes = plannedRoutes(router.routes);
    planned.helpers = plannedHelpers(db, router.id);
    return planned;
}

PlannedNetwork plannedNetwork(store::Reader& db, const NetworkRecord& network, bool guests,
                              const PlanOptions& options) {
    PlannedNetwork planned{
        network.id, network.mtu, network.external, network.dnsDomain.empty() ? options.dnsDomain : network.dnsDomain,
        {},         {}};
    if (planned.domain.ends_with('.')) planned.domain.pop_back();
    for (const auto& each : subnetsOf(db, network.id)) planned.subnets.push_back(plannedSubnet(db, each));
    sortById(planned.subnets);
    for (const auto& each : segmentsOf(db, network.id))
        planned.segments.push_back({each.type, each.physical, each.number});
    const bool served = guests && mayServe(db, dhcpAgent, options.host, network.id.text);
    store::Conditions service;
    service.add("p.network = ?", network.id).add("p.owner IN ('network:dhcp', 'network:router_interface')");
    for (const auto& port : portsWhere(db, service)) {
        if (port.addresses.empty()) continue;
        if (!isAt(port, options.host)) {
            if (auto tunnel = tunnelOf(db, port.host); !tunnel.empty())
                planned.remotes.push_back({port.id, port.mac, plannedAddresses(port), std::move(tunnel)});
        } else if (served && port.owner == dhcpOwner) {
            planned.dhcp = PlannedDhcp{port.id, port.mac, plannedAddresses(port)};
        }
    }
    sortById(planned.remotes);
    return planned;
}

std::optional<PlannedSecurityGroup> plannedGroup(store::Reader& db, const SecurityGroupId& id) {
    const auto group = securityGroupTable.find(db, id);
    if (!group) return std::nullopt;
    PlannedSecurityGroup planned{id, group->stateful, {}};
    for (const auto& each : rulesOf(db, id)) planned.rules.push_back(plannedRule(db, each));
    sortById(planned.rules);
    return planned;
}

std::set<NetworkId> networksDown(store::Reader& db) {
    std::set<NetworkId> down;
    for (const auto& each : db.query("SELECT id FROM networks WHERE admin_up = 0").texts()) down.insert({each});
    return down;
}

/// Where the thing of this id is in a list that is sorted by it, or would be.
template <class T, class Id> auto placeOf(std::vector<T>& all, const Id& id) {
    return std::lower_bound(all.begin(), all.end(), id,
                            [](const T& each, const Id& wanted) { return each.id < wanted; });
}

template <class T, class Id> void replace(std::vector<T>& all, const Id& id, std::optional<T> now) {
    const auto place = placeOf(all, id);
    const bool there = place != all.end() && place->id == id;
    if (there && now)
        *place = *std::move(now);
    else if (there)
        all.erase(place);
    else if (now)
        all.insert(place, *std::move(now));
}

}

NetworkPlan networkPlan(store::Reader& db, const PlanOptions& options) {
    NetworkPlan plan;
    std::set<NetworkId> used, guests;
    std::set<SecurityGroupId> groups;
    const auto down = networksDown(db);

    store::Conditions bound;
    bound.add("(p.server <> '' OR p.owner = 'trunk:subport')");
    for (const auto& port : portsWhere(db, bound)) {
        auto planned = plannedPort(db, port, options.host);
        if (!planned) continue;
        used.insert(port.network);
        guests.insert(port.network);
        for (const auto& each : port.groups) groups.insert({each});
        planned->adminUp = port.adminUp && !down.contains(port.network);
        plan.ports.push_back(*std::move(planned));
    }
    sortById(plan.ports);

    auto floating = floatingIps(db, {});
    for (const auto& router : routerTable.list(db, {}, " ORDER BY r.id")) {
        auto planned = plannedRouter(db, router, std::move(floating[router.id]), options.host);
        if (!planned) continue;
        if (planned->gateway) used.insert(planned->gateway->network);
        for (const auto& each : planned->interfaces) used.insert(each.network);
        plan.routers.push_back(*std::move(planned));
    }
    for (const auto& network : networkTable.list(db, {}, " ORDER BY n.id"))
        if (network.external || used.contains(network.id))
            plan.networks.push_back(plannedNetwork(db, network, guests.contains(network.id), options));
    for (const auto& id : groups)
        if (auto planned = plannedGroup(db, id)) plan.securityGroups.push_back(*std::move(planned));
    return plan;
}

void Changes::begins(const std::string& id) {
    const std::lock_guard lock(mutex_);
    ++begun_[id];
}

void Changes::ended(const std::string& id) {
    const std::lock_guard lock(mutex_);
    if (const auto found = begun_.find(id); found != begun_.end() && --found->second == 0) begun_.erase(found);
    ended_.insert(id);
}

std::set<std::string> Changes::take() {
    const std::lock_guard lock(mutex_);
    auto all = std::exchange(ended_, {});
    for (const auto& [id, times] : begun_) all.insert(id);
    return all;
}

void Changes::forget() {
    const std::lock_guard lock(mutex_);
    begun_.clear();
}

namespace {

PlanReading newReading() {
    static std::atomic<std::uint64_t> last = 0;
    return {++last};
}

}

const NetworkPlan& KeptPlan::whole(store::Reader& db) {
    read_ = true;
    plan_ = networkPlan(db, options_);
    down_ = networksDown(db);
    qos_ = networkQos(db);
    guests_.clear();
    routersOn_.clear();
    members_.clear();
    logged_.clear();
    for (auto& each : plan_.ports) {
        each.reading = newReading();
        count(each, 1);
    }
    for (const auto& each : plan_.routers) count(each, 1);
    networks_.clear();
    routers_.clear();
    groups_.clear();
    return plan_;
}

const NetworkPlan& KeptPlan::follow(store::Reader& db, const std::set<std::string>& changed) {
    // Whatever kind of thing it is or was. What hangs on what: ports, then routers, then networks and groups.
    for (const auto& id : changed) {
        refreshServed(db, id);
        refreshLogged(db, id);
        refreshPort(db, {id});
        routers_.insert({id});
        networks_.insert({id});
        groups_.insert({id});
        if (const auto ip = floatingIpTable.find(db, {id}); ip && !ip->router.empty()) routers_.insert(ip->router);
        for (const auto& each : routersMetered(db, id)) routers_.insert({each});
        for (const auto& router : plan_.routers) {
            const auto isIt = [&](const auto& each) { return each.id.text == id; };
            if (std::any_of(router.floatingIps.begin(), router.floatingIps.end(), isIt) ||
                std::any_of(router.meters.begin(), router.meters.end(), isIt))
                routers_.insert(router.id);
        }
    }
    for (const auto& id : std::exchange(routers_, {})) refreshRouter(db, id);
    for (const auto& id : std::exchange(networks_, {})) refreshNetwork(db, id);
    for (const auto& id : std::exchange(groups_, {})) refreshGroup(db, id);
    return plan_;
}

/// What is used for the first time or by nobody any more is planned otherwise than before.
void KeptPlan::count(const PlannedPort& port, int by) {
    const auto add = [by](auto& counts, const auto& id, auto& again) {
        if ((counts[id] += by) <= (by > 0 ? 1 : 0)) again.insert(id);
        if (counts[id] == 0) counts.erase(id);
    };
    add(guests_, port.network, networks_);
    for (const auto& each : port.securityGroups) add(members_, each, groups_);
    for (const auto& each : port.logs) {
        auto& ports = logged_[each.id.text];
        by > 0 ? void(ports.insert(port.id)) : void(ports.erase(port.id));
        if (ports.empty()) logged_.erase(each.id.text);
    }
}

void KeptPlan::count(const PlannedRouter& router, int by) {
    const auto add = [&](const NetworkId& id) {
        networks_.insert(id);
        if ((routersOn_[id] += by) == 0) routersOn_.erase(id);
    };
    if (router.gateway) add(router.gateway->network);
    for (const auto& each : router.interfaces) add(each.network);
}

void KeptPlan::refreshPort(store::Reader& db, const PortId& id) {
    const auto port = portTable.find(db, id);
    auto now = port ? plannedPort(db, *port, options_.host) : std::nullopt;
    if (now) {
        now->adminUp = port->adminUp && !down_.contains(port->network);
        now->reading = newReading();
        count(*now, 1);
    }
    if (const auto place = placeOf(plan_.ports, id); place != plan_.ports.end() && place->id == id) count(*place, -1);
    if (now)
        for (const auto& each : now->logs) logged_[each.id.text].insert(id); // also what it was logged by before
    replace(plan_.ports, id, std::move(now));
    for (const auto& each : subportsOver(db, id)) refreshPort(db, each);
    if (!port) return;
    if (port->owner == dhcpOwner) networks_.insert(port->network);
    if (!port->router.empty()) routers_.insert(port->router);
    if (port->owner == gatewayOwner) routers_.insert({port->device});
}

void KeptPlan::refreshRouter(store::Reader& db, const RouterId& id) {
    const auto router = routerTable.find(db, id);
    std::optional<PlannedRouter> now;
    if (router) {
        auto floating = floatingIps(db, store::Conditions().add("f.router = ?", id));
        now = plannedRouter(db, *router, std::move(floating[id]), options_.host);
    }
    if (now) count(*now, 1);
    if (const auto place = placeOf(plan_.routers, id); place != plan_.routers.end() && place->id == id)
        count(*place, -1);
    replace(plan_.routers, id, std::move(now));
}

void KeptPlan::refreshServed(store::Reader& db, const std::string& id) {
    const auto refresh = [&](const QosUsers& users) {
        for (const auto& each : users.ports) refreshPort(db, {each});
        for (const auto& each : users.routers) routers_.insert({each});
    };
    refresh(qosUsersOf(db, id));
    const auto now = networkQosOf(db, {id});
    const auto before = qos_.find({id});
    if (now == (before == qos_.end() ? "" : before->second)) return;
    if (now.empty())
        qos_.erase(before);
    else
        qos_[{id}] = now;
    refresh(qosUsersOn(db, {id}));
}

/// The ports that a log is or was about.
void KeptPlan::refreshLogged(store::Reader& db, const std::string& id) {
    std::set<PortId> ports;
    if (const auto before = logged_.find(id); before != logged_.end()) ports = before->second;
    for (const auto& each : portsLogged(db, id)) ports.insert({each});
    for (const auto& each : ports) refreshPort(db, each);
}

void KeptPlan::refreshNetwork(store::Reader& db, const NetworkId& id) {
    const auto network = networkTable.find(db, id);
    std::optional<PlannedNetwork> now;
    if (network && (network->external || guests_.contains(id) || routersOn_.contains(id)))
        now = plannedNetwork(db, *network, guests_.contains(id), options_);
    replace(plan_.networks, id, std::move(now));
    if (!network || network->adminUp != down_.contains(id)) return;
    if (network->adminUp)
        down_.erase(id);
    else
        down_.insert(id);
    store::Conditions bound;
    bound.add("p.network = ?", id).add("(p.server <> '' OR p.owner = 'trunk:subport')");
    for (const auto& each : portsWhere(db, bound)) refreshPort(db, each.id);
}

void KeptPlan::refreshGroup(store::Reader& db, const SecurityGroupId& id) {
    replace(plan_.securityGroups, id, members_.contains(id) ? plannedGroup(db, id) : std::nullopt);
}

}
