#include "network/l3/port_forwarding.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "network/child.hpp"
#include "network/l2/subnet.hpp"
#include "platform/text/text.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

void writeRange(JsonWriter& out, const std::string& side, const PortRange& range) {
    if (range.count() == 1) out.field(side + "_port", range.least);
    out.field(side + "_port_range", std::to_string(range.least) + ":" + std::to_string(range.most));
}

Error forwardingNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Port Forwarding ", id, " could not be found.").as("PortForwardingNotFound");
}

Error badRequest(const std::string& reason) {
    return Error(Failure::Invalid, "Bad port_forwarding request: ", reason, ".").as("BadRequest");
}

int portIn(std::string_view name, std::optional<std::int64_t> number) {
    if (!number || *number < 1 || *number > 65535) refuseInput(name, "a port is a number from 1 to 65535.");
    return static_cast<int>(*number);
}

/// "80" or "80:90"
PortRange rangeIn(std::string_view name, const std::string& text) {
    const auto colon = text.find(':');
    const auto least = portIn(name, wholeNumberIn(std::string_view(text).substr(0, colon)));
    const auto most =
        colon == std::string::npos ? least : portIn(name, wholeNumberIn(std::string_view(text).substr(colon + 1)));
    if (most < least) refuseInput(name, "'" + text + "' is not a range of ports.");
    return {least, most};
}

/// Of one side, as far as a body names it.
void readSide(const Body& body, const std::string& side, PortRange& range, bool needed) {
    const auto one = side + "_port", many = one + "_range";
    const bool hasOne = body.has(one) && !body.isNull(one), hasMany = body.has(many) && !body.text(many).empty();
    if (hasOne && hasMany && rangeIn(many, body.text(many)).count() > 1)
        throw badRequest("Cannot specify both " + one + " and " + many);
    if (hasMany)
        range = rangeIn(many, body.text(many));
    else if (hasOne)
        range.least = range.most = portIn(one, body.whole(one, 0));
    else if (needed)
        throw notSpecified(one);
}

/// The other forwarding that has what this one wants, outside or inside.
void checkIsAlone(store::Reader& db, const PortForwarding& wanted) {
    const auto taken = [&](const char* sql, const auto&... args) {
        const auto other = db.query(sql, args...).maybeText();
        if (other)
            throw badRequest(
                "A duplicate port forwarding entry with same attributes already exists, conflicting with " + *other);
    };
    taken(
        "SELECT id FROM port_forwardings WHERE floating_ip = ? AND protocol = ? AND external_min <= ? AND external_max "
        ">= ? AND id <> ?",
        wanted.parent, wanted.protocol, wanted.outside.most, wanted.outside.least, wanted.id);
    taken("SELECT id FROM port_forwardings WHERE port = ? AND fixed = ? AND protocol = ? AND internal_min <= ? AND "
          "internal_max >= ? AND id <> ?",
          wanted.port, wanted.fixed, wanted.protocol, wanted.inside.most, wanted.inside.least, wanted.id);
}

/// Where it leads to, by the port and the address that a body names; the router in between.
RouterId lead(store::Reader& db, const identity::Caller& caller, const FloatingIp& ip, PortForwarding& forwarding,
              const std::string& fixed) {
    const auto port = portTable.find(db, forwarding.port);
    if (!port || !(port->standard.project == ip.standard.project || port->standard.project == caller.project.text ||
                   caller.isAdmin()))
        throw portNotFound(forwarding.port.text);
    const PortAddress* found = nullptr;
    const auto wanted = Address::parse(fixed);
    for (const auto& each : port->addresses)
        if (each.address.version == 4 && found == nullptr && (fixed.empty() || each.address == wanted)) found = &each;
    if (found == nullptr && fixed.empty())
        throw badRequest("Requested internal port " + port->id.text + " must allocate an IPv4 address at least");
    if (found == nullptr)
        throw badRequest("Requested internal IP address " + fixed + " is not suitable for internal neutron port " +
                         port->id.text);
    forwarding.fixed = found->address.text();
    if (db.query("SELECT 1 FROM floating_ips WHERE port = ? AND fixed = ?", port->id, forwarding.fixed).any())
        throw Error(Failure::Conflict, "Cannot create port forwarding to floating IP ", ip.address, " (", ip.id,
                    ") with port ", port->id, " using fixed IP ", forwarding.fixed,
                    ", as that port already has a binding floating IP.")
            .as("PortHasBindingFloatingIP");
    const auto router = routerBetween(db, found->subnet, ip.network);
    if (!router)
        throw badRequest("External network " + ip.network.text + " is not reachable from subnet " + found->subnet.text +
                         ". Cannot set Port forwarding for port " + port->id.text + " with Floating IP " + ip.id.text);
    if (!ip.router.empty() && ip.router != *router)
        throw badRequest("Floating IP " + ip.id.text + " leads over router " + ip.router.text + " already, and port " +
                         port->id.text + " is behind router " + router->text);
    return *router;
}

void check(store::Reader& db, const PortForwarding& forwarding) {
    checkHasPorts(forwarding.protocol); // what nft can translate by
    if (forwarding.inside.count() != forwarding.outside.count() && forwarding.inside.count() != 1)
        throw badRequest("The number of internal ports must be that of external ports, or one");
    checkIsAlone(db, forwarding);
}

FloatingIp parentOf(store::Reader& db, const std::string& id) {
    auto ip = floatingIpTable.find(db, {id});
    if (!ip) throw floatingIpNotFound(id);
    return *std::move(ip);
}

/// The floating IP leads over this router from now on; the host is to follow.
void follow(Core& core, store::Transaction& tx, const FloatingIp& ip, const RouterId& router) {
    if (ip.router != router)
        tx.execute("UPDATE floating_ips SET router = ?, status = 'DOWN' WHERE id = ?", router, ip.id);
    touch(tx, "floating_ips", ip.id.text, core.now());
    core.changed(tx, ip.id.text);
}

PortForwarding create(Core& core, store::Transaction& tx, const identity::Caller& caller, const std::string& parent,
                      const Body& body) {
    const auto ip = parentOf(tx, parent);
    for (const auto* name : {"protocol", "internal_port_id"})
        if (body.text(name).empty()) throw notSpecified(name);
    PortForwarding forwarding;
    forwarding.id.text = core.uuid();
    forwarding.parent = parent;
    forwarding.created = core.now();
    forwarding.port.text = body.text("internal_port_id");
    body.readInto(forwarding, portForwardingTable);
    readSide(body, "external", forwarding.outside, true);
    readSide(body, "internal", forwarding.inside, true);
    if (!ip.port.empty())
        throw Error(Failure::Conflict, "Cannot associate floating IP ", ip.address, " (", ip.id, ") with port ",
                    forwarding.port, ", as it already has the fixed IP ", ip.fixed, " on external network ", ip.network,
                    ".")
            .as("FloatingIPPortAlreadyAssociated");
    const auto router = lead(tx, caller, ip, forwarding, body.text("internal_ip_address"));
    check(tx, forwarding);
    portForwardingTable.insert(tx, forwarding);
    follow(core, tx, ip, router);
    return forwarding;
}

PortForwarding update(Core& core, store::Transaction& tx, const identity::Caller& caller, PortForwarding forwarding,
                      const Body& body) {
    auto ip = parentOf(tx, forwarding.parent);
    body.readInto(forwarding, portForwardingTable);
    readSide(body, "external", forwarding.outside, false);
    readSide(body, "internal", forwarding.inside, false);
    auto fixed = body.text("internal_ip_address", forwarding.fixed);
    if (const auto port = body.text("internal_port_id", forwarding.port.text); port != forwarding.port.text) {
        forwarding.port.text = port;
        fixed = body.text("internal_ip_address");
    }
    if (tx.query("SELECT COUNT(*) FROM port_forwardings WHERE floating_ip = ?", ip.id).integer() == 1)
        ip.router = {}; // none but this one says which
    const auto router = lead(tx, caller, ip, forwarding, fixed);
    check(tx, forwarding);
    portForwardingTable.update(tx, forwarding);
    follow(core, tx, ip, router);
    return forwarding;
}

/// Without a port that leads anywhere, a floating IP is at no router.
void leave(Core& core, store::Transaction& tx, const std::string& ip) {
    core.changed(tx, ip);
    tx.execute("UPDATE floating_ips SET router = NULL, status = 'DOWN' WHERE id = ?1 AND port IS NULL AND NOT EXISTS "
               "(SELECT 1 FROM port_forwardings WHERE floating_ip = ?1)",
               ip);
    touch(tx, "floating_ips", ip, core.now());
}

std::vector<PortForwarding> where(store::Reader& db, const std::string& sql, const auto&... args) {
    return portForwardingTable.where(db, "WHERE " + sql + " ORDER BY w.created, w.id", args...);
}

}

const Table<PortForwarding> portForwardingTable(
    "port_forwardings", 'w',
    {attribute<&PortForwarding::id>("id", Show | Find), column<&PortForwarding::parent>("floating_ip"),
     attribute<&PortForwarding::protocol>("protocol", Post | Put | Show | Find),
     attribute<&PortForwarding::fixed>("internal_ip_address", Post | Put | Show | Find).in("fixed").readByHook(),
     attribute<&PortForwarding::port>("internal_port_id", Post | Put | Show | Find).in("port").readByHook(),
     attribute<&PortForwarding::description>("description", Post | Put | Show | Find),
     attribute<&PortForwarding::outside, &PortRange::least>("external_port", Post | Put | Show | Find)
         .in("external_min")
         .readByHook()
         .written([](JsonWriter& out, const PortForwarding& it, const http::Request&) {
             writeRange(out, "external", it.outside);
         }),
     attribute<&PortForwarding::inside, &PortRange::least>("internal_port", Post | Put | Show | Find)
         .in("internal_min")
         .readByHook()
         .written([](JsonWriter& out, const PortForwarding& it, const http::Request&) {
             writeRange(out, "internal", it.inside);
         }),
     computed<PortForwarding>("external_port_range", Kind::Text, Post | Put),
     computed<PortForwarding>("internal_port_range", Kind::Text, Post | Put),
     computed<PortForwarding>("project_id", Kind::Text, Post), computed<PortForwarding>("tenant_id", Kind::Text, Post),
     column<&PortForwarding::outside, &PortRange::most>("external_max", Moves),
     column<&PortForwarding::inside, &PortRange::most>("internal_max", Moves),
     column<&PortForwarding::created>("created")});

store::ByOwner<PortForwarding> forwardingsOf(store::Reader& db, const Texts& floatingIps) {
    store::ByOwner<PortForwarding> all;
    for (auto& each : where(db, "w.floating_ip IN (SELECT value FROM json_each(?))", store::asList(floatingIps)))
        all[each.parent].push_back(each);
    return all;
}

bool isForwarded(store::Reader& db, const FloatingIpId& ip) {
    return db.query("SELECT 1 FROM port_forwardings WHERE floating_ip = ?", ip).any();
}

void dropForwardings(Core& core, store::Transaction& tx, const PortId& port, const std::optional<std::string>& fixed) {
    for (const auto& each : where(tx, "w.port = ?", port)) {
        if (fixed && each.fixed != *fixed) continue;
        portForwardingTable.remove(tx, each.id);
        leave(core, tx, each.parent);
    }
}

bool isForwardedInto(store::Reader& db, const RouterId& router, const Prefix& block) {
    const auto leading = db.query("SELECT w.fixed FROM floating_ips f JOIN port_forwardings w ON w.floating_ip = f.id "
                                  "WHERE f.router = ?",
                                  router)
                             .texts();
    return std::any_of(leading.begin(), leading.end(),
                       [&](const auto& each) { return block.contains(Address::parse(each).value()); });
}

void writeForwardings(JsonWriter& out, const std::vector<PortForwarding>& all) {
    const auto list = out.array();
    for (const auto& each : all) {
        const auto one = out.object();
        out.field("id", each.id);
        out.field("protocol", each.protocol);
        out.field("internal_ip_address", each.fixed);
        out.field("internal_port_id", each.port);
        writeRange(out, "external", each.outside);
        writeRange(out, "internal", each.inside);
    }
}

void addPortForwardingRoutes(http::Routes& routes, FloatingIps& ips) {
    using Tx = store::Transaction;
    using identity::Caller;
    static constexpr char infix[] = "floatingip";
    auto& core = ips.core();
    addChild<PortForwarding>(
        routes, core,
        {.noun = "port_forwarding",
         .dialect = dialectOf<infix>(),
         .parents = "/v2.0/floatingips",
         .table = portForwardingTable,
         .parentColumn = "floating_ip",
         .missing = forwardingNotFound,
         .missingParent = floatingIpNotFound,
         .parentOf =
             [](store::Reader& db, const std::string& id) {
                 const auto ip = floatingIpTable.find(db, {id});
                 return ip ? std::optional(ownedBy(ip->standard.project)) : std::nullopt;
             },
         .seeParent = "get_floatingip",
         .create = [&core](Tx& tx, const Caller& caller, const std::string& parent,
                           const Body& body) { return create(core, tx, caller, parent, body); },
         .update = [&core](Tx& tx, const Caller& caller, const PortForwarding& forwarding,
                           const Body& body) { return update(core, tx, caller, forwarding, body); },
         .remove =
             [&core](Tx& tx, const PortForwarding& forwarding) {
                 portForwardingTable.remove(tx, forwarding.id);
                 leave(core, tx, forwarding.parent);
             }});
}

}
