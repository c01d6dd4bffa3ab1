#include "network/l3/floating_ip.hpp"

#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/l3/port_forwarding.hpp"

namespace stratolet::network {

using namespace resource;

Error floatingIpNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Floating IP ", id, " could not be found").as("FloatingIPNotFound");
}

namespace {

void showPort(JsonWriter& out, const FloatingIp& ip) {
    if (!ip.leadsTo) return out.value(nullptr);
    const auto details = out.object();
    out.field("name", ip.leadsTo->standard.name);
    out.field("network_id", ip.leadsTo->network);
    out.field("mac_address", ip.leadsTo->mac);
    out.field("admin_state_up", ip.leadsTo->adminUp);
    out.field("status", ip.leadsTo->status);
    out.field("device_id", ip.leadsTo->device);
    out.field("device_owner", ip.leadsTo->owner);
}

void readName(FloatingIp& ip, const Json& value, const Reading&) { ip.dnsName = dnsNameIn(value); }
void readDomain(FloatingIp& ip, const Json& value, const Reading&) { ip.dnsDomain = dnsDomainIn(value); }

void complete(store::Reader& db, std::vector<FloatingIp>& all) {
    completePort<&FloatingIp::port, &FloatingIp::leadsTo>(db, all);
    auto forwardings = forwardingsOf(db, idsOf(all));
    for (auto& each : all) each.forwardings = store::takeOf(forwardings, each.id.text);
}

}

const Table<FloatingIp> floatingIpTable(
    "floating_ips", 'f',
    withStandard<FloatingIp>(
        {
            attribute<&FloatingIp::network>("floating_network_id", Post | Show | Find).in("network").readByHook(),
            attribute<&FloatingIp::address>("floating_ip_address", Post | Show | Find).in("address").readByHook(),
            computed<FloatingIp>("subnet_id", Kind::Text, Post),
            maybe<&FloatingIp::port>("port_id", Post | Put | Show | Find).in("port").readByHook(),
            maybe<&FloatingIp::fixed>("fixed_ip_address", Post | Put | Show | Find).in("fixed").readByHook(),
            maybe<&FloatingIp::router>("router_id", Show | Find | Moves).in("router"),
            attribute<&FloatingIp::status>("status", Show | Find | Moves),
            maybe<&FloatingIp::qosPolicy>("qos_policy_id", Post | Put | Show).in("qos_policy").readByHook(),
            maybe<&FloatingIp::networkQos>("qos_network_policy_id", Show)
                .computed("(SELECT n.qos_policy FROM networks n WHERE n.id = $.network)"),
            attribute<&FloatingIp::dnsName>("dns_name", Post | Show | Find).readBy(readName),
            attribute<&FloatingIp::dnsDomain>("dns_domain", Post | Show | Find).readBy(readDomain),
            computed<FloatingIp>("port_details", Kind::Other, Show, showPort),
            computed<FloatingIp>("port_forwardings", Kind::Other, Show,
                                 [](JsonWriter& out, const FloatingIp& ip) { writeForwardings(out, ip.forwardings); }),
            column<&FloatingIp::ownPort>("own_port"),
        },
        HasTags));

void disassociate(store::Transaction& tx, const PortId& port, Time now) {
    tx.execute("UPDATE floating_ips SET port = NULL, fixed = NULL, router = NULL, status = 'DOWN', revision = revision "
               "+ 1, updated = ? "
               "WHERE port = ?",
               now, port);
}

void addFloatingIpRoutes(http::Routes& routes, FloatingIps& ips) {
    addNoun<FloatingIp>(
        routes, ips.core(),
        servedBy<FloatingIp>(
            ips,
            {.noun = "floatingip", .table = floatingIpTable, .missing = floatingIpNotFound, .complete = complete}));
    addPortForwardingRoutes(routes, ips);
}

}
