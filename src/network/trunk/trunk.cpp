#include "network/trunk/trunk.hpp"

#include <stratolet/error.hpp>

#include "network/collection.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

void completeSubports(store::Reader& db, std::vector<Trunk>& trunks) {
    auto found = store::many<Subport>(
        db,
        "SELECT u.trunk, u.port, u.type, u.number, p.mac FROM json_each(?) w JOIN trunk_subports u ON u.trunk = "
        "w.value "
        "JOIN ports p ON p.id = u.port ORDER BY w.key, u.number",
        idsOf(trunks), [](const store::Row& row) {
            return Subport{{row.text(1)}, {row.text(0)}, row.text(2), static_cast<int>(row.integer(3)), row.text(4)};
        });
    for (auto& each : trunks) each.subports = store::takeOf(found, each.id.text);
}

// What the parent's guest gets of it: nothing where it isn't on the network, else what its sub-ports are.
constexpr std::string_view statusSql =
    "(SELECT CASE WHEN p.status <> 'ACTIVE' THEN 'DOWN' "
    "WHEN EXISTS (SELECT 1 FROM trunk_subports u JOIN network_problems x ON x.subject = u.port WHERE u.trunk = $.id) "
    "THEN 'DEGRADED' "
    "WHEN EXISTS (SELECT 1 FROM trunk_subports u JOIN ports q ON q.id = u.port WHERE u.trunk = $.id AND q.admin_up AND "
    "q.status <> 'ACTIVE') THEN 'BUILD' ELSE 'ACTIVE' END FROM ports p WHERE p.id = $.port)";

void writeSubports(JsonWriter& out, const std::vector<Subport>& subports, bool macs) {
    const auto list = out.array();
    for (const auto& each : subports) {
        const auto subport = out.object();
        out.field("segmentation_id", each.number);
        out.field("segmentation_type", each.type);
        out.field("port_id", each.port);
        if (macs) out.field("mac_address", each.mac);
    }
}

/// As the actions answer: without a name around it.
void writeBare(JsonWriter& out, const Trunk& trunk) {
    const auto object = out.object();
    for (const auto& each : trunkTable.attributes()) {
        if (!each.may(Show) || each.show == nullptr) continue;
        out.key(each.name);
        each.show(out, trunk);
    }
}

}

const Table<Trunk> trunkTable("trunks", 'k',
                              withStandard<Trunk>({
                                  attribute<&Trunk::adminUp>("admin_state_up", Post | Put | Show | Find).in("admin_up"),
                                  attribute<&Trunk::port>("port_id", Post | Show | Find).in("port").readByHook(),
                                  attribute<&Trunk::status>("status", Show | Find).computed(statusSql),
                                  computed<Trunk>("sub_ports", Kind::Other, Post | Show,
                                                  [](JsonWriter& out, const Trunk& trunk) {
                                                      writeSubports(out, trunk.subports, false);
                                                  }),
                              }),
                              completeSubports);

std::map<std::string, Trunk> trunksOnPorts(store::Reader& db, const Texts& ports) {
    std::map<std::string, Trunk> found;
    for (auto& each : trunkTable.where(db, "WHERE k.port IN (SELECT value FROM json_each(?))", store::asList(ports))) {
        const auto port = each.port.text;
        found.emplace(port, std::move(each));
    }
    return found;
}

std::optional<TrunkPlace> trunkPlaceOf(store::Reader& db, const PortId& port) {
    auto rows = db.query("SELECT k.port, u.number, p.host FROM trunk_subports u JOIN trunks k ON k.id = u.trunk JOIN "
                         "ports p ON p.id = k.port WHERE u.port = ? AND k.admin_up AND p.server <> ''",
                         port);
    if (!rows.next()) return std::nullopt;
    return TrunkPlace{{rows.row().text(0)}, static_cast<int>(rows.row().integer(1)), rows.row().text(2)};
}

std::vector<PortId> subportsOver(store::Reader& db, const PortId& parent) {
    std::vector<PortId> found;
    for (auto& each :
         db.query("SELECT u.port FROM trunks k JOIN trunk_subports u ON u.trunk = k.id WHERE k.port = ?", parent)
             .texts())
        found.push_back({std::move(each)});
    return found;
}

bool isInTrunk(store::Reader& db, const PortId& port) {
    return db.query("SELECT 1 FROM trunks WHERE port = ?1 UNION ALL SELECT 1 FROM trunk_subports WHERE port = ?1", port)
        .any();
}

void checkNotInTrunk(store::Reader& db, const PortId& port) {
    if (const auto trunk = db.query("SELECT id FROM trunks WHERE port = ?", port).maybeText())
        throw Error(Failure::Conflict, "Port ", port, " is currently a parent port for trunk ", *trunk, ".")
            .as("PortInUseAsTrunkParent");
    if (const auto trunk = db.query("SELECT trunk FROM trunk_subports WHERE port = ?", port).maybeText())
        throw Error(Failure::Conflict, "Port ", port, " is currently a subport for trunk ", *trunk, ".")
            .as("PortInUseAsSubPort");
}

void writeTrunkDetails(JsonWriter& out, const Trunk& trunk) {
    const auto details = out.object("trunk_details");
    out.field("trunk_id", trunk.id);
    out.key("sub_ports");
    writeSubports(out, trunk.subports, true);
}

void addTrunkRoutes(http::Routes& routes, Trunks& trunks) {
    const auto api = addNoun<Trunk>(
        routes, trunks.core(),
        servedBy<Trunk>(trunks,
                        {.noun = "trunk", .table = trunkTable, .missing = [](const std::string& id) {
                             return Error(Failure::NotFound, "Trunk ", id, " could not be found.").as("TrunkNotFound");
                         }}));
    for (const auto* action : {"add_subports", "remove_subports"})
        routes.push_back({http::Method::Put, std::string("/v2.0/trunks/{id}/") + action, http::policy(action),
                          [=, &trunks](http::Request& request) {
                              const auto trunk = trunks.core().parts.store.write([&](store::Transaction& tx) {
                                  auto before = api->demand(request, tx, action);
                                  const auto body = request.json();
                                  const auto& caller = identity::callerOf(request);
                                  auto now = *action == 'a'
                                                 ? trunks.add(tx, caller, std::move(before), subportsToAdd(body))
                                                 : trunks.take(tx, std::move(before), subportsToTake(body));
                                  now.standard.tags = tagsOf(tx, now.id.text);
                                  return now;
                              });
                              return http::jsonResponse(200, [&](JsonWriter& out) { writeBare(out, trunk); });
                          }});
    routes.push_back({http::Method::Get, "/v2.0/trunks/{id}/get_subports", http::policy("get_subports"),
                      [=, &trunks](http::Request& request) {
                          auto& db = trunks.core().parts.store.reader();
                          const auto trunk = api->demand(request, db, "get_subports");
                          return http::jsonResponse(200, [&](JsonWriter& out) {
                              const auto body = out.object();
                              out.key("sub_ports");
                              writeSubports(out, trunk.subports, false);
                          });
                      }});
}

}
