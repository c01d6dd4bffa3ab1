#include "network/l3/conntrack_helper.hpp"

#include <algorithm>
#include <array>

#include <stratolet/error.hpp>

#include "network/child.hpp"
#include "network/l3/router.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

struct Allowed {
    std::string_view helper, protocols; ///< with blanks between them
};
// What Neutron allows by default.
constexpr std::array<Allowed, 10> allowed{{{"amanda", "udp"},
                                           {"ftp", "tcp"},
                                           {"h323", "udp tcp"},
                                           {"irc", "tcp"},
                                           {"netbios-ns", "udp"},
                                           {"pptp", "tcp"},
                                           {"sane", "tcp"},
                                           {"sip", "udp tcp"},
                                           {"snmp", "udp"},
                                           {"tftp", "udp"}}};

Error helperNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Conntrack Helper ", id, " could not be found.").as("ConntrackHelperNotFound");
}

void check(store::Reader& db, const ConntrackHelper& wanted) {
    checkHasPorts(wanted.protocol);
    if (wanted.port < 1 || wanted.port > 65535) refuseInput("port", "a port is a number from 1 to 65535.");
    const auto* found =
        std::find_if(allowed.begin(), allowed.end(), [&](const auto& each) { return each.helper == wanted.helper; });
    if (found == allowed.end())
        throw Error(Failure::Invalid, "Conntrack helper ", wanted.helper, " is not allowed.")
            .as("ConntrackHelperNotAllowed");
    if (found->protocols.find(wanted.protocol) == std::string_view::npos)
        throw Error(Failure::Invalid, "Conntrack helper ", wanted.helper, " does not support protocol ",
                    wanted.protocol, ". Supported protocols are: ", found->protocols)
            .as("InvalidProtocolForHelper");
    if (db.query("SELECT 1 FROM conntrack_helpers WHERE router = ? AND protocol = ? AND port = ? AND helper = ? AND id "
                 "<> ?",
                 wanted.parent, wanted.protocol, wanted.port, wanted.helper, wanted.id)
            .any())
        throw Error(Failure::Invalid, "Bad conntrack_helper request: A duplicate conntrack helper entry with same "
                                      "attributes already exists.")
            .as("BadRequest");
}

void follow(Core& core, store::Transaction& tx, const std::string& router) {
    touch(tx, "routers", router, core.now());
    core.changed(tx, router);
}

ConntrackHelper create(Core& core, store::Transaction& tx, const std::string& router, const Body& body) {
    for (const auto* name : {"protocol", "port", "helper"})
        if (!body.has(name) || body.isNull(name)) throw notSpecified(name);
    ConntrackHelper helper;
    helper.id.text = core.uuid();
    helper.parent = router;
    helper.created = core.now();
    body.readInto(helper, conntrackHelperTable);
    check(tx, helper);
    conntrackHelperTable.insert(tx, helper);
    follow(core, tx, router);
    return helper;
}

ConntrackHelper update(Core& core, store::Transaction& tx, ConntrackHelper helper, const Body& body) {
    body.readInto(helper, conntrackHelperTable);
    check(tx, helper);
    conntrackHelperTable.update(tx, helper);
    follow(core, tx, helper.parent);
    return helper;
}

}

const Table<ConntrackHelper> conntrackHelperTable(
    "conntrack_helpers", 'h',
    {attribute<&ConntrackHelper::id>("id", Show | Find), column<&ConntrackHelper::parent>("router"),
     attribute<&ConntrackHelper::protocol>("protocol", Post | Put | Show | Find),
     attribute<&ConntrackHelper::port>("port", Post | Put | Show | Find),
     attribute<&ConntrackHelper::helper>("helper", Post | Put | Show | Find),
     computed<ConntrackHelper>("project_id", Kind::Text, Post),
     computed<ConntrackHelper>("tenant_id", Kind::Text, Post), column<&ConntrackHelper::created>("created")});

store::ByOwner<ConntrackHelper> helpersOf(store::Reader& db, const Texts& routers) {
    store::ByOwner<ConntrackHelper> all;
    for (auto& each : conntrackHelperTable.where(
             db, "WHERE h.router IN (SELECT value FROM json_each(?)) ORDER BY h.created, h.id", store::asList(routers)))
        all[each.parent].push_back(each);
    return all;
}

void writeHelpers(JsonWriter& out, const std::vector<ConntrackHelper>& all) {
    const auto list = out.array();
    for (const auto& each : all) {
        const auto one = out.object();
        out.field("protocol", each.protocol);
        out.field("port", each.port);
        out.field("helper", each.helper);
    }
}

void addConntrackHelperRoutes(http::Routes& routes, Core& core) {
    using Tx = store::Transaction;
    using identity::Caller;
    static constexpr char infix[] = "router";
    addChild<ConntrackHelper>(routes, core,
                              {.noun = "conntrack_helper",
                               .dialect = dialectOf<infix>(),
                               .parents = "/v2.0/routers",
                               .table = conntrackHelperTable,
                               .parentColumn = "router",
                               .missing = helperNotFound,
                               .missingParent = routerNotFound,
                               .parentOf =
                                   [](store::Reader& db, const std::string& id) {
                                       const auto router = routerTable.find(db, {id});
                                       return router ? std::optional(ownedBy(router->standard.project)) : std::nullopt;
                                   },
                               .seeParent = "get_router",
                               .create = [&core](Tx& tx, const Caller&, const std::string& router,
                                                 const Body& body) { return create(core, tx, router, body); },
                               .update = [&core](Tx& tx, const Caller&, const ConntrackHelper& helper,
                                                 const Body& body) { return update(core, tx, helper, body); },
                               .remove =
                                   [&core](Tx& tx, const ConntrackHelper& helper) {
                                       conntrackHelperTable.remove(tx, helper.id);
                                       follow(core, tx, helper.parent);
                                   }});
}

}
