#include "network/router.hpp"

namespace stratolet::network::router_table {

namespace {

const std::string select = "SELECT r.id, r.project, r.name, r.description, r.revision, r.created, r.updated, r.admin_up, r.snat, "
                           "r.gateway_port, r.routes, EXISTS (SELECT 1 FROM network_problems x WHERE x.subject = r.id) FROM routers r";

Router fromRow(const store::Row& row) {
    return {row.id<RouterId>(0),
            standardOf(row, 1),
            row.boolean(7),
            row.boolean(8),
            row.id<PortId>(9),
            pairsOf(row.text(10)),
            row.boolean(11) ? "ERROR" : "ACTIVE"};
}

std::optional<std::string> orNull(const PortId& port) { return port.empty() ? std::nullopt : std::optional(port.text); }

}

std::optional<Router> find(store::Reader& db, const RouterId& id) {
    return db.query(select + " WHERE r.id = ?", id).maybe<Router>(fromRow);
}

std::vector<Router> list(store::Reader& db, const store::Conditions& conditions, const std::string& order) {
    return db.run(select + conditions.where() + order, conditions.values()).all<Router>(fromRow);
}

void insert(store::Transaction& tx, const Router& router) {
    const auto& own = router.standard;
    tx.execute("INSERT INTO routers (id, project, name, description, revision, created, updated, admin_up, snat, gateway_port, routes) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               router.id, own.project, own.name, own.description, own.revision, own.created, own.updated, router.adminUp, router.snat,
               orNull(router.gatewayPort), encoded(router.routes));
}

void update(store::Transaction& tx, const Router& router) {
    const auto& own = router.standard;
    tx.execute("UPDATE routers SET name = ?, description = ?, revision = ?, updated = ?, admin_up = ?, snat = ?, gateway_port = ?, routes "
               "= ? WHERE id = ?",
               own.name, own.description, own.revision, own.updated, router.adminUp, router.snat, orNull(router.gatewayPort),
               encoded(router.routes), router.id);
}

void remove(store::Transaction& tx, const RouterId& id) { tx.execute("DELETE FROM routers WHERE id = ?", id); }

std::vector<Port> interfacesOf(store::Reader& db, const RouterId& id) {
    store::Conditions conditions;
    conditions.add("p.router = ?", id).add("p.router <> ''");
    return port_table::list(db, conditions);
}

}
