#include <stratolet/error.hpp>

#include "network/l2/network_record.hpp"
#include "network/l2/port.hpp"
#include "network/l2/subnet.hpp"
#include "network/l3/floating_ip.hpp"
#include "network/qos/qos.hpp"

namespace stratolet::network {

namespace {

int checkedMtu(const Body& body, int otherwise, int mtuMost) {
    const auto mtu = body.whole("mtu", otherwise);
    if (mtu < 68) refuseInput("mtu", "'" + std::to_string(mtu) + "' is too small - must be at least '68'.");
    if (mtu > mtuMost)
        throw Error(Failure::Invalid, "Invalid input for operation: Requested MTU is too big, maximum is ", mtuMost,
                    ".")
            .as("InvalidInput");
    return static_cast<int>(mtu);
}

/// One network that leads outside is everybody's choice.
void checkIsTheDefault(store::Reader& db, const NetworkRecord& network) {
    if (!network.isDefault || !network.external) return;
    const auto other =
        db.query("SELECT id FROM networks WHERE external AND is_default AND id <> ?", network.id).maybeText();
    if (other)
        throw Error(Failure::Conflict, "A default external network already exists: ", *other, ".")
            .as("DefaultExternalNetworkExists");
}

bool anyPort(store::Reader& db, const NetworkId& network, const char* condition) {
    return db.query(std::string("SELECT 1 FROM ports WHERE network = ? AND ") + condition, network).any();
}

}

Error networkNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Network ", id, " could not be found.").as("NetworkNotFound");
}

void checkMtuCarriesIpv6(const NetworkId& network, int mtu) {
    constexpr int least = 1280;
    if (mtu < least)
        throw Error(Failure::Conflict, "MTU of network ", network, " is ", mtu,
                    "; a network with an IPv6 subnet needs at least ", least, ".")
            .as("NetworkMTUSubnetConflict");
}

Target targetOf(const NetworkRecord& network) {
    auto target = ownedBy(network.standard.project);
    target["network:project_id"] = target["network:tenant_id"] = network.standard.project;
    tellSharing(target, network.sharing);
    target["router:external"] = network.external && Sharing::names(network.externalFor, everybody) ? "True" : "False";
    if (network.external) target["external_for"] = network.externalFor;
    return target;
}

bool isOpenTo(const NetworkRecord& network, const identity::Caller& caller) {
    const auto& project = caller.project.text;
    return network.standard.project == project || network.sharing.to(project) || caller.isAdmin() ||
           (network.external &&
            (Sharing::names(network.externalFor, everybody) || Sharing::names(network.externalFor, project)));
}

NetworkRecord networkOf(store::Reader& db, const NetworkId& id) {
    auto network = networkTable.find(db, id);
    if (!network) throw Error(Failure::Broken, "the store has lost network ", id);
    return *std::move(network);
}

std::unordered_map<std::string, NetworkRecord> networksOf(store::Reader& db, const std::vector<std::string>& ids) {
    std::vector<std::string> each = ids;
    std::sort(each.begin(), each.end());
    each.erase(std::unique(each.begin(), each.end()), each.end());
    std::unordered_map<std::string, NetworkRecord> found;
    if (each.empty()) return found;
    for (auto& network :
         networkTable.where(db, "WHERE n.id IN (SELECT value FROM json_each(?))", store::asList(each))) {
        auto id = network.id.text;
        found.emplace(std::move(id), std::move(network));
    }
    if (found.size() != each.size()) throw Error(Failure::Broken, "the store has lost a network");
    return found;
}

NetworkRecord networkIn(store::Reader& db, const identity::Caller& caller, const Body& body) {
    const auto id = body.text("network_id");
    if (id.empty()) throw notSpecified("network_id");
    auto network = networkTable.find(db, {id});
    if (!network || !mayOn(caller, "get_network", targetOf(*network))) throw networkNotFound(id);
    return *std::move(network);
}

Target targetForProject(const NetworkRecord& network, const std::string& project) {
    auto target = targetOf(network);
    target["project_id"] = target["tenant_id"] = project;
    return target;
}

Target targetOnNetwork(store::Reader& db, const identity::Caller& caller, const Body& body) {
    return targetForProject(networkIn(db, caller, body), projectOf(caller, body));
}

NetworkRecord Networks::create(store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    NetworkRecord network;
    network.standard = freshStandard(core_, caller, body);
    core_.claim(tx, network.standard.project, "network");
    network.id.text = core_.uuid();
    body.readInto(network, networkTable);
    const auto segments = segmentsIn(core_, tx, body, network.standard.project);
    const auto mtuMost = mtuMostOf(core_, segments);
    network.mtu = checkedMtu(body, mtuMost, mtuMost);
    network.qosPolicy =
        qosPolicyIn(tx, caller, body.find("qos_policy_id"), defaultQosPolicy(tx, network.standard.project));
    checkIsTheDefault(tx, network);
    networkTable.insert(tx, network);
    network.segments = insertSegments(core_, tx, network.id, segments);
    network.fresh = true;
    followShared(core_, tx, "network", network.id.text, network.standard.project, false, network.sharing.withAll);
    followShared(core_, tx, "network", network.id.text, network.standard.project, false, network.external,
                 accessExternal);
    core_.changed(tx, network.id.text);
    return network;
}

NetworkRecord Networks::update(store::Transaction& tx, const identity::Caller& caller, NetworkRecord network,
                               const Body& body) {
    if (network.external && !body.truth("router:external", true) &&
        anyPort(tx, network.id, "owner IN ('network:router_gateway', 'network:floatingip')"))
        throw Error(Failure::Conflict, "External network ", network.id,
                    " cannot be updated to be made non-external, since it has existing gateway ports")
            .as("ExternalNetworkInUse");
    const auto before = network;
    body.readInto(network, networkTable);
    changeProvider(core_, tx, network.id, body);
    if (body.has("mtu")) network.mtu = checkedMtu(body, network.mtu, mtuMostOf(core_, segmentsOf(tx, network.id)));
    network.qosPolicy = qosPolicyIn(tx, caller, body.find("qos_policy_id"), network.qosPolicy);
    if (tx.query("SELECT 1 FROM subnets WHERE network = ? AND ip_version = 6", network.id).any())
        checkMtuCarriesIpv6(network.id, network.mtu);
    checkIsTheDefault(tx, network);
    changeStandard(core_, network.standard, body);
    networkTable.update(tx, network);
    const auto follow = [&](bool was, bool is, std::string_view action) {
        followShared(core_, tx, "network", network.id.text, network.standard.project, was, is, action);
    };
    try {
        follow(before.sharing.withAll, network.sharing.withAll, accessShared);
    } catch (const Error& error) {
        if (error.failure() != Failure::Conflict) throw;
        throw Error(Failure::Conflict, "Unable to reconfigure sharing settings for network ", network.id,
                    ". Multiple tenants are using it.")
            .as("InvalidSharedSetting");
    }
    follow(before.external, network.external, accessExternal);
    core_.changed(tx, network.id.text);
    return network;
}

void Networks::remove(store::Transaction& tx, const NetworkRecord& network) {
    Ports ports(core_);
    FloatingIps floatingIps(core_, ports);
    store::Conditions idle; // floating IPs that lead nowhere keep nobody from anything
    idle.add("f.network = ?", network.id).add("f.router IS NULL");
    for (const auto& each : floatingIpTable.list(tx, idle, " ORDER BY f.created, f.id")) floatingIps.remove(tx, each);
    if (anyPort(tx, network.id, "owner <> 'network:dhcp'"))
        throw Error(Failure::Conflict, "Unable to complete operation on network ", network.id,
                    ". There are one or more ports still in use on the network.")
            .as("NetworkInUse");
    store::Conditions own;
    own.add("p.network = ?", network.id);
    for (const auto& each : portsWhere(tx, own)) ports.remove(tx, each);
    for (const auto& each : subnetsOf(tx, network.id)) {
        forgetTags(tx, each.id.text);
        subnetTable.remove(tx, each.id);
    }
    forgetTags(tx, network.id.text);
    networkTable.remove(tx, network.id);
    core_.changed(tx, network.id.text);
}

}
