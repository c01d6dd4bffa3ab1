#include <algorithm>
#include <set>

#include <stratolet/error.hpp>

#include "network/agent/agent.hpp"
#include "network/common_api.hpp"
#include "network/core.hpp"
#include "network/flavor/service_flavor.hpp"
#include "network/l2/address_scope.hpp"
#include "network/l2/network_record.hpp"
#include "network/l2/port.hpp"
#include "network/l2/subnet.hpp"
#include "network/l2/subnet_pool.hpp"
#include "network/l3/external.hpp"
#include "network/l3/floating_ip.hpp"
#include "network/l3/router.hpp"
#include "network/logging/security_log.hpp"
#include "network/metering/metering.hpp"
#include "network/metrics.hpp"
#include "network/network.hpp"
#include "network/network_plan.hpp"
#include "network/qos/qos.hpp"
#include "network/security/default_rule.hpp"
#include "network/security/security_group.hpp"
#include "network/segment/segment.hpp"
#include "network/segment/segment_range.hpp"
#include "network/sharing.hpp"
#include "network/topology/topology.hpp"
#include "network/trunk/trunk.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/bus/bus.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/log/log.hpp"
#include "platform/metrics/metrics.hpp"
#include "platform/policy/policy.hpp"
#include "platform/reconcile/reconciler.hpp"
#include "platform/resources.hpp"

namespace stratolet::network {

namespace {

const Quotas quotaDefaults("network", {{"network", 100},
                                       {"subnet", 100},
                                       {"port", 500},
                                       {"router", 10},
                                       {"floatingip", 50},
                                       {"security_group", 10},
                                       {"security_group_rule", 100},
                                       {"subnetpool", -1},
                                       {"rbac_policy", 10},
                                       {"trunk", -1}});

constexpr auto agentsBeatEvery = std::chrono::seconds(30); ///< as Neutron's report_interval
constexpr auto meteredEvery = std::chrono::seconds(30);
constexpr auto wholeEvery = std::chrono::seconds(55); ///< the plan is read anew, whatever is known to have changed

/// What the plan says is in use, and so is ACTIVE once the host has followed.
struct InUse {
    std::set<std::string> ports, floatingIps;

    explicit InUse(const NetworkPlan& plan) {
        for (const auto& each : plan.ports)
            if (each.adminUp && each.tapped) ports.insert(each.id.text); // of others their own host says so
        for (const auto& router : plan.routers) {
            if (router.gateway) ports.insert(router.gateway->port.text);
            for (const auto& each : router.interfaces) ports.insert(each.port.text);
            for (const auto& each : router.floatingIps) floatingIps.insert(each.id.text);
        }
    }
};

}

std::vector<ConfigOption> configOptions() {
    const auto domain = [](const std::string& value) { return isDomainName(value) ? "" : "is no domain name"; };
    std::vector<ConfigOption> options{
        {"network", "driver", "linux", oneOf({"linux", "records"})},
        {"network", "dns_domain", "openstacklocal", {"a domain name", domain}},
        {"network", "dhcp_agents_per_network", "1", wholeNumber(1, 100)},
        {"network", "guests_reach_host", "api", oneOf({"api", "none", "all"})},
        {"network", "docker_user_rule", "true", trueOrFalse()},
    };
    for (auto& each : externalConfigOptions()) options.push_back(std::move(each));
    for (auto& each : ml2ConfigOptions()) options.push_back(std::move(each));
    return options;
}

using Kept = std::tuple<std::string, std::string, std::string,
                        bool>; ///< a problem's kind, subject, text, and whether it is unwired

std::string_view nameOf(NetworkProblem::Of of) {
    switch (of) {
    case NetworkProblem::Of::Host: return "host";
    case NetworkProblem::Of::Network: return "network";
    case NetworkProblem::Of::Port: return "port";
    case NetworkProblem::Of::Router: return "router";
    case NetworkProblem::Of::SecurityGroup: return "security_group";
    }
    std::abort();
}

struct Network::Impl {
    Core core;
    Networks networks{core};
    Subnets subnets{core};
    SubnetPools pools{core};
    Ports ports{core};
    SecurityGroups groups{core};
    Routers routers{core, ports};
    FloatingIps floatingIps{core, ports};
    Trunks trunks{core, ports};
    Agents agents{core};
    KeptPlan plan; ///< the reconciler's
    std::chrono::steady_clock::time_point read;
    std::vector<MeterReading> unkept; ///< of meters; the reconciler's
    External external{core};
    Metrics::Counter &meteredPackets, &meteredBytes;

    Impl(Parts parts, NetworkDriver& driver, identity::Identity& identity)
        : core{parts, driver, identity, quotaDefaults},
          plan({.host = parts.cloud.host, .dnsDomain = parts.config.text("network", "dns_domain")}),
          meteredPackets(
              parts.metrics.counter("stratolet_network_metered_packets_total", "Packets that meters counted")),
          meteredBytes(parts.metrics.counter("stratolet_network_metered_bytes_total", "Bytes that meters counted")) {}

    /// All is there for a port, but its guest must do something: who runs the guest hears of it.
    void tellUser(store::Transaction& tx, const Kept& problem) {
        const auto& [kind, subject, what, unwired] = problem;
        if (kind != nameOf(NetworkProblem::Of::Port) || unwired) return;
        const auto server = tx.query("SELECT server FROM ports WHERE id = ? AND server <> ''", subject).maybeText();
        if (server) core.parts.bus.announce(tx, PortUnplugged{{subject}, {*server}});
    }

    /// What could not be done is known to the store, and was said once.
    void keepProblems(const std::vector<NetworkProblem>& problems) {
        auto& store = core.parts.store;
        std::set<Kept> now;
        for (const auto& each : problems) now.insert({std::string(nameOf(each.of)), each.id, each.what, each.unwired});
        std::set<Kept> before;
        auto rows = store.reader().query("SELECT kind, subject, what, unwired FROM network_problems");
        while (rows.next())
            before.insert({rows.row().text(0), rows.row().text(1), rows.row().text(2), rows.row().boolean(3)});
        if (now == before) return;
        for (const auto& [kind, subject, what, unwired] : now)
            if (!before.contains({kind, subject, what, unwired}))
                core.parts.log.warning(what, {{"part", "network"}, {kind, subject}});
        store.write([&](store::Transaction& tx) {
            for (const auto& [kind, subject, what, unwired] : before)
                if (!now.contains({kind, subject, what, unwired}))
                    tx.execute("DELETE FROM network_problems WHERE kind = ? AND subject = ? AND what = ?", kind,
                               subject, what);
            for (const auto& [kind, subject, what, unwired] : now)
                tx.execute("INSERT OR REPLACE INTO network_problems VALUES (?, ?, ?, ?)", kind, subject, what, unwired);
            for (const auto& problem : now)
                if (!before.contains(problem)) tellUser(tx, problem);
            tx.execute("UPDATE ports SET status = 'DOWN' WHERE status = 'ACTIVE' AND (server <> '' OR owner = "
                       "'trunk:subport') AND id IN (SELECT subject FROM network_problems WHERE kind = 'port')");
        });
    }

    /// What the host has counted is in the store, where whoever writes bills reads it by label and router.
    void readMeters() {
        for (auto& each : core.driver.takeMeters()) unkept.push_back(std::move(each));
        if (unkept.empty()) return;
        core.parts.store.write([&](store::Transaction& tx) { addReadings(tx, unkept, core.now()); });
        for (const auto& each : unkept) {
            meteredPackets += each.packets;
            meteredBytes += each.bytes;
        }
        unkept.clear();
    }

    /// Makes the host as the store says, then says so in the store.
    void mend() {
        auto& store = core.parts.store;
        const auto now = std::chrono::steady_clock::now();
        const auto changed = core.changes->take();
        const bool whole = plan.empty() || now - read >= wholeEvery || changed.contains(std::string(wholePlan));
        if (whole) {
            core.changes->forget();
            read = now;
        }
        external.follow();
        const auto& wanted =
            *store.read([&](store::Reader& db) { return &(whole ? plan.whole(db) : plan.follow(db, changed)); });
        const auto problems = core.driver.apply(wanted);
        keepProblems(problems);
        agents.beat(wanted, whole);

        auto waiting =
            store.reader()
                .query("SELECT id FROM ports WHERE status = 'DOWN' AND (server <> '' OR owner LIKE 'network:%' OR "
                       "owner = 'trunk:subport')")
                .texts();
        auto ips =
            store.reader().query("SELECT id FROM floating_ips WHERE status = 'DOWN' AND router IS NOT NULL").texts();
        if (waiting.empty() && ips.empty()) return;
        InUse used(wanted);
        for (const auto& each : problems)
            if (each.of == NetworkProblem::Of::Port) used.ports.erase(each.id);
        auto& wired = waiting;
        std::erase_if(wired, [&](const auto& each) { return !used.ports.contains(each); });
        std::erase_if(ips, [&](const auto& each) { return !used.floatingIps.contains(each); });
        if (wired.empty() && ips.empty()) return;
        store.write([&](store::Transaction& tx) {
            for (const auto& each : wired)
                tx.execute("UPDATE ports SET status = 'ACTIVE' WHERE id = ? AND status = 'DOWN' AND admin_up AND "
                           "(server <> '' OR owner LIKE 'network:%' OR owner = 'trunk:subport')",
                           each);
            for (const auto& each : ips)
                tx.execute(
                    "UPDATE floating_ips SET status = 'ACTIVE' WHERE id = ? AND status = 'DOWN' AND router IS NOT NULL",
                    each);
        });
    }

    /// The same person before this service's rules: what another service wants in a user's name is what the user may
    /// have from us.
    identity::Caller asked(const identity::Caller& caller) const {
        auto same = caller;
        same.policy = core.parts.policies.of("network");
        return same;
    }

    /// What a port for a server would be to those rules, by all that the user chose of it.
    void enforceCreation(const identity::Caller& caller, const NetworkRecord& network, const NewPort& wanted) const {
        std::string text;
        JsonWriter json(text);
        {
            const auto body = json.object();
            json.field("network_id", network.id);
            json.field("device_owner", serverOwner);
            if (!wanted.fixedIp.empty()) {
                const auto addresses = json.array("fixed_ips");
                const auto address = json.object();
                json.field("ip_address", wanted.fixedIp);
            }
        }
        const Body body(Json::parse(text));
        auto target = targetForProject(network, caller.project.text);
        target["device_owner"] = serverOwner;
        demandOn(caller, "create_port", target);
        enforceAttributes(caller, "create_port", body, target, true);
    }

    Texts groupsFor(store::Transaction& tx, const identity::Caller& caller, const NewPort& wanted) {
        Texts ids;
        const auto standard = ensureDefaultGroup(core, tx, caller.project.text);
        if (wanted.securityGroups.empty()) return {standard.id.text};
        for (const auto& name : wanted.securityGroups) {
            // By its name only one's own: what others call theirs is nobody's concern.
            const auto matching =
                tx.query(
                      "SELECT id FROM security_groups WHERE (project = ?1 AND (id = ?2 OR name = ?2)) OR (id = ?2 AND "
                      "(shared OR id IN (SELECT object FROM rbac_policies WHERE target = ?1 AND action = "
                      "'access_as_shared'))) ORDER BY id = ?2 DESC",
                      caller.project, name)
                    .texts();
            if (matching.empty())
                throw Error(Failure::Invalid, "Security group ", name, " not found.").as("SecurityGroupNotFound");
            if (matching.size() > 1 && matching.front() != name)
                throw Error(Failure::Conflict, "Multiple security_groups matches found for name '", name,
                            "', use an ID to be more specific.")
                    .as("NoUniqueMatch");
            ids.push_back(matching.front());
        }
        return ids;
    }

    /// With a fixed number of statements.
    std::vector<PortFacts> factsOf(store::Reader& db, const std::vector<Port>& some) {
        Texts networkIds, groupIds, ids;
        for (const auto& port : some) {
            ids.push_back(port.id.text);
            networkIds.push_back(port.network.text);
            groupIds.insert(groupIds.end(), port.groups.begin(), port.groups.end());
        }
        const auto networkBy = networksOf(db, networkIds);
        const auto groupNames = namesOf(db, groupIds);
        const auto floating = store::many<std::pair<std::string, std::string>>(
            db, "SELECT f.port, f.fixed, f.address FROM json_each(?) w JOIN floating_ips f ON f.port = w.value", ids,
            [](const store::Row& row) { return std::pair(row.text(1), row.text(2)); });
        std::vector<PortFacts> all;
        all.reserve(some.size());
        for (const auto& port : some) {
            const auto& network = networkBy.at(port.network.text);
            PortFacts facts;
            facts.id = port.id;
            facts.network = port.network;
            facts.networkName = network.standard.name;
            facts.project.text = port.standard.project;
            facts.mac = port.mac;
            const auto leads = floating.find(port.id.text);
            for (const auto& each : port.addresses) {
                FixedIp ip{each.subnet, each.address.text(), ""};
                if (leads != floating.end())
                    for (const auto& [fixed, address] : leads->second)
                        if (fixed == ip.address) ip.floating = address;
                facts.fixedIps.push_back(std::move(ip));
            }
            for (const auto& each : port.groups)
                if (const auto found = groupNames.find(each); found != groupNames.end())
                    facts.securityGroups.push_back(found->second);
            facts.mtu = network.mtu;
            facts.tap = core.driver.tapOf(port.id);
            facts.server = port.server;
            facts.status = port.status;
            all.push_back(std::move(facts));
        }
        return all;
    }

    PortFacts factsOf(store::Reader& db, const Port& port) { return std::move(factsOf(db, std::vector{port}).front()); }

    /// What goes through the port's device follows it.
    void subportsFollow(store::Transaction& tx, const PortId& parent) {
        for (const auto& each : subportsOver(tx, parent))
            tx.execute("UPDATE ports SET status = 'DOWN' WHERE id = ?", each);
    }

    void bind(Port& port, const ServerId& server, const std::string& serverHostname) {
        port.server = server;
        port.device = server.text;
        port.owner = serverOwner;
        port.host = core.parts.cloud.host;
        if (port.hostname.empty() && isHostLabel(serverHostname)) port.hostname = serverHostname;
        port.status = "DOWN"; // until the host has followed
    }

    void release(store::Transaction& tx, const Port& found) {
        subportsFollow(tx, found.id);
        if (found.madeForServer && !isInTrunk(tx, found.id)) return ports.remove(tx, found);
        Port port = found;
        port.server = {};
        port.device.clear();
        port.owner.clear();
        port.host.clear();
        port.hostname.clear();
        port.status = "DOWN";
        ++port.standard.revision;
        port.standard.updated = core.now();
        portTable.update(tx, port);
        core.changed(tx, port.id.text);
    }

    void forget(store::Transaction& tx, const ProjectId& project) {
        core.quotas.reset(tx, project.text);
        // The default group came without being asked for, and goes so; what people made stays for an administrator to
        // see.
        store::Conditions own;
        own.add("g.project = ?", project)
            .add("g.name = 'default'")
            .add("NOT EXISTS (SELECT 1 FROM port_security_groups p WHERE p.security_group = g.id)");
        for (const auto& each : securityGroupTable.list(tx, own, "")) securityGroupTable.remove(tx, each.id);
    }
};

Network::Network(Parts parts, NetworkDriver& driver, identity::Identity& identity)
    : impl_(std::make_unique<Impl>(parts, driver, identity)) {
    parts.policies.add("network", policyDefaults("network"));
    declareMetrics(impl_->core, impl_->agents);
    parts.reconciler.declare(
        "network", [impl = impl_.get()] { impl->mend(); }, agentsBeatEvery);
    parts.reconciler.declare(
        "metering", [impl = impl_.get()] { impl->readMeters(); }, meteredEvery);
    driver.watch([&reconciler = parts.reconciler] { reconciler.kick("network"); });
    parts.jobs.declare(jobs::Job("network.apply")
                           .lane(jobs::wireLane)
                           .step("apply", [&reconciler = parts.reconciler](jobs::Run&) { reconciler.now("network"); })
                           .within(std::chrono::seconds(300)));
    parts.bus.on<identity::ProjectDeleted>(
        "network.forget-project", [impl = impl_.get()](store::Transaction& tx, const identity::ProjectDeleted& event) {
            impl->forget(tx, event.project);
        });
}

Network::~Network() = default;

http::Site Network::site() {
    auto& impl = *impl_;
    http::Site site;
    site.name = "network";
    site.prefix = "/network";
    site.classicPort = 9696;
    addVersionRoutes(site.routes);
    addExtensionRoutes(site.routes);
    const auto networks = addNetworkRoutes(site.routes, impl.networks);
    addSubnetRoutes(site.routes, impl.subnets);
    addSubnetPoolRoutes(site.routes, impl.pools);
    addAddressGroupRoutes(site.routes, impl.core);
    addAddressScopeRoutes(site.routes, impl.core);
    addRbacPolicyRoutes(site.routes, impl.core);
    addQosRoutes(site.routes, impl.core);
    addMeteringRoutes(site.routes, impl.core);
    addSecurityLogRoutes(site.routes, impl.core);
    addFloatingIpPoolRoutes(site.routes, impl.core);
    addIpAvailabilityRoutes(site.routes, impl.core);
    addSegmentRoutes(site.routes, impl.core);
    addSegmentRangeRoutes(site.routes, impl.core);
    addPortRoutes(site.routes, impl.ports);
    addTrunkRoutes(site.routes, impl.trunks);
    const auto routers = addRouterRoutes(site.routes, impl.routers);
    addAgentRoutes(site.routes, impl.agents, networks, routers);
    addFloatingIpRoutes(site.routes, impl.floatingIps);
    addSecurityGroupRoutes(site.routes, impl.groups);
    addDefaultRuleRoutes(site.routes, impl.core);
    addDefaultStatefulnessRoutes(site.routes, impl.core);
    addServiceFlavorRoutes(site.routes, impl.core);
    addTopologyRoutes(site.routes, {impl.networks, impl.subnets, impl.routers});
    addQuotaRoutes(site.routes, impl.core);
    site.refuse = refusal;
    site.finish = [](const http::Request& request, http::Response& response) {
        response.headers.set("x-openstack-request-id", request.requestId);
    };
    impl.core.identity.protect(site);
    // Below /v2.0, who asks comes before what there is.
    site.noRoute = [gate = site.gate](const http::Request& request, const std::vector<http::Method>& allowed) {
        static const http::Route anything{.pattern = "/v2.0", .access = http::policy("regular_user"), .handler = {}};
        if (request.path.starts_with("/v2.0/") && request.path != "/v2.0/") {
            auto asking = request;
            asking.route = &anything;
            gate(asking);
        }
        return noRoute(request, allowed);
    };
    return site;
}

void Network::bootstrap() {
    auto& core = impl_->core;
    core.parts.store.write([&](store::Transaction& tx) {
        placeAll(tx, core.parts.cloud.host);
        placeHost(core, tx);
        impl_->ports.ensureDhcpPorts(tx);
    });
    impl_->agents.ensure();
    impl_->external.ensure();
}

std::vector<NetworkId> Network::networksFor(store::Reader& db, const identity::Caller& caller) {
    store::Conditions usable;
    usable.add("((n.project = ? AND NOT n.external) OR n.shared OR n.id IN (SELECT object FROM rbac_policies WHERE "
               "target = ? AND action = 'access_as_shared'))",
               caller.project, caller.project);
    std::vector<NetworkId> ids;
    for (const auto& each : networkTable.list(db, usable, " ORDER BY n.created, n.id")) ids.push_back(each.id);
    return ids;
}

std::optional<NetworkId> Network::allocateNetwork(store::Transaction& tx, const identity::Caller& user) {
    return topologyNetworkOf(tx, impl_->asked(user), {impl_->networks, impl_->subnets, impl_->routers});
}

PortFacts Network::createPort(store::Transaction& tx, const identity::Caller& user, const NewPort& wanted) {
    auto& core = impl_->core;
    const auto caller = impl_->asked(user);
    const auto network = networkTable.find(tx, wanted.network);
    if (!network || !mayOn(caller, "get_network", targetOf(*network)))
        throw Error(Failure::Invalid, "Network ", wanted.network, " could not be found.").as("NetworkNotFound");
    impl_->enforceCreation(caller, *network, wanted);
    core.claim(tx, caller.project.text, "port");
    Port port;
    port.id.text = core.uuid();
    port.standard = {caller.project.text, "", "", 1, core.now(), core.now()};
    port.portSecurity = network->portSecurity;
    port.madeForServer = true;
    impl_->bind(port, wanted.server, wanted.hostname);
    if (port.portSecurity) port.groups = impl_->groupsFor(tx, caller, wanted);
    std::optional<std::vector<WantedAddress>> addresses;
    if (!wanted.fixedIp.empty()) {
        WantedAddress one;
        one.address = Address::parse(wanted.fixedIp);
        if (!one.address)
            throw Error(Failure::Invalid, "Fixed IP address ", wanted.fixedIp, " is no address.").as("InvalidInput");
        addresses = std::vector{one};
    }
    impl_->ports.keep(tx, *network, port, addresses);
    core.changed(tx, port.id.text);
    return impl_->factsOf(tx, port);
}

PortFacts Network::bindPort(store::Transaction& tx, const identity::Caller& user, const PortId& id,
                            const ServerId& server, const std::string& hostname) {
    const auto caller = impl_->asked(user);
    auto port = portTable.find(tx, id);
    if (!port || !(port->standard.project == caller.project.text || caller.isAdmin()))
        throw Error(Failure::Invalid, "Port ", id, " could not be found.").as("PortNotFound");
    demandOn(caller, "update_port", targetOf(*port, networkOf(tx, port->network)));
    if (!port->server.empty() || port->owner.starts_with("network:") ||
        (!port->device.empty() && port->device != server.text))
        throw Error(Failure::Conflict, "Port ", id, " is still in use.").as("PortInUse");
    if (port->owner == subportOwner)
        throw Error(Failure::Conflict, "Port ", id, " is still in use: it is a subport of a trunk.").as("PortInUse");
    impl_->bind(*port, server, hostname);
    impl_->ports.placeAddresses(tx, *port);
    ++port->standard.revision;
    port->standard.updated = impl_->core.now();
    portTable.update(tx, *port);
    impl_->subportsFollow(tx, id);
    tx.execute("UPDATE ports SET position = (SELECT MAX(position) + 1 FROM ports) WHERE id = ?",
               id); // the newest of its server
    impl_->core.changed(tx, id.text);
    return impl_->factsOf(tx, *port);
}

void Network::releasePorts(store::Transaction& tx, const ServerId& server) {
    if (server.empty()) return;
    store::Conditions own;
    own.add("p.server = ?", server);
    for (const auto& each : portsWhere(tx, own)) impl_->release(tx, each);
}

void Network::releasePort(store::Transaction& tx, const PortId& id) {
    const auto port = portTable.find(tx, id);
    if (port && !port->server.empty()) impl_->release(tx, *port);
}

std::vector<PortFacts> Network::portsOf(store::Reader& db, const ServerId& server) {
    auto found = portsOf(db, std::vector{server.text});
    return store::takeOf(found, server.text);
}

store::ByOwner<PortFacts> Network::portsOf(store::Reader& db, const std::vector<std::string>& servers) {
    store::Conditions own;
    own.add("p.server IN (SELECT value FROM json_each(?)) AND p.server <> ''", store::asList(servers));
    store::ByOwner<PortFacts> all;
    for (auto& each : impl_->factsOf(db, portsWhere(db, own, servers.size()))) {
        auto& its = all[each.server.text];
        its.push_back(std::move(each));
    }
    return all;
}

std::vector<SubnetFacts> Network::subnets(store::Reader& db, const std::vector<SubnetId>& ids) {
    Texts wanted;
    for (const auto& each : ids) wanted.push_back(each.text);
    std::vector<SubnetFacts> found;
    for (const auto& subnet :
         subnetTable.where(db, "WHERE s.id IN (SELECT value FROM json_each(?))", store::asList(wanted))) {
        SubnetFacts facts{.id = subnet.id,
                          .netmask = subnet.cidr.mask().text(),
                          .dhcp = subnet.dhcp,
                          .addressMode = subnet.addressMode,
                          .gateway = subnet.gateway ? subnet.gateway->text() : "",
                          .dns = subnet.dns,
                          .hostRoutes = {}};
        for (const auto& [destination, hop] : subnet.routes)
            if (const auto block = Prefix::parseLoosely(destination))
                facts.hostRoutes.push_back({block->base.text(), block->mask().text(), hop});
        found.push_back(std::move(facts));
    }
    return found;
}

std::vector<std::string> Network::withAddress(store::Reader& db, const std::vector<std::string>& servers,
                                              const AddressFilter& filter) {
    auto rows =
        db.query("SELECT p.server, f.address FROM json_each(?) w JOIN ports p ON p.server = w.value AND p.server <> '' "
                 "JOIN fixed_ips f ON f.port = p.id",
                 store::asList(servers));
    std::vector<std::string> found;
    while (rows.next()) {
        auto server = rows.row().text(0);
        if (!found.empty() && found.back() == server) continue;
        const auto address = rows.row().text(1);
        if ((address.find(':') != std::string::npos) == (filter.version == 6) && filter.matches(address))
            found.push_back(std::move(server));
    }
    return found;
}

void Network::setMultiqueue(const ServerId& server, bool wanted) {
    const auto others = [&](store::Reader& db) {
        return db.query("SELECT id FROM ports WHERE server = ? AND multiqueue <> ?", server, wanted).texts();
    };
    auto& core = impl_->core;
    if (others(core.parts.store.reader()).empty()) return; // as nearly always
    core.parts.store.write([&](store::Transaction& tx) {
        for (const auto& port : others(tx)) {
            tx.execute("UPDATE ports SET multiqueue = ? WHERE id = ?", wanted, port);
            core.changed(tx, port);
        }
    });
}

void Network::ensureWired(const ServerId& server) {
    impl_->core.parts.reconciler.now("network");
    const auto problem =
        impl_->core.parts.store.reader()
            .query(
                "SELECT n.what FROM network_problems n JOIN ports p ON p.id = n.subject WHERE p.server = ? AND n.kind "
                "= 'port' AND n.unwired ORDER BY n.what LIMIT 1",
                server)
            .maybeText();
    if (problem) throw Error(Failure::Broken, "the server's network is not wired: ", *problem);
}

bool Network::plugged(const PortId& port) { return impl_->core.driver.plugged(port); }

std::optional<ServerId> Network::serverAt(store::Reader& db, const NetworkId& network, const std::string& address) {
    const auto plain = Address::parse(address);
    if (!plain) return std::nullopt;
    const auto found = db.query("SELECT p.server FROM fixed_ips f JOIN ports p ON p.id = f.port WHERE f.network = ? "
                                "AND f.address = ? AND p.server <> ''",
                                network, plain->text())
                           .maybeText();
    return found ? std::optional(ServerId{*found}) : std::nullopt;
}

NetworkDriver& Network::driver() { return impl_->core.driver; }

}
