#include "identity/catalog/catalog.hpp"

#include "platform/ambient/ambient.hpp"

namespace stratolet::identity {
namespace {

bool replaceAll(std::string& text, std::string_view what, const std::string& by) {
    bool found = false;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
        text.replace(at, what.size(), by);
        found = true;
    }
    return found;
}

/// The address with the project put in; empty where it needs one and there is none.
std::string filledIn(std::string url, const ProjectId& project) {
    for (const auto* name : {"project_id", "tenant_id"})
        for (const auto& form : {"$(" + std::string(name) + ")s", "%(" + std::string(name) + ")s"})
            if (replaceAll(url, form, project.text) && project.empty()) return {};
    return url;
}

bool isFiltered(store::Reader& db, const ProjectId& project) {
    return !project.empty() && db.query("SELECT 1 FROM project_endpoints WHERE project_id = ? UNION ALL SELECT 1 FROM "
                                        "project_endpoint_groups WHERE project_id = ?",
                                        project, project)
                                   .any();
}

/// The endpoints of a service that are associated with a project.
constexpr std::string_view associated =
    " AND (id IN (SELECT endpoint_id FROM project_endpoints WHERE project_id = ?) OR EXISTS (SELECT 1 FROM "
    "project_endpoint_groups JOIN "
    "endpoint_groups ON endpoint_groups.id = endpoint_group_id WHERE project_id = ? AND "
    "coalesce(endpoint_groups.service_id, "
    "endpoints.service_id) = endpoints.service_id AND coalesce(endpoint_groups.region_id, endpoints.region_id, '') = "
    "coalesce(endpoints.region_id, '') AND coalesce(endpoint_groups.interface, endpoints.interface) = "
    "endpoints.interface))";

store::Rows endpointsOf(store::Reader& db, const std::string& service, const ProjectId& project, bool filtered) {
    static const std::string all =
        "SELECT id, interface, region_id, url FROM endpoints WHERE service_id = ? AND enabled = 1";
    static const std::string order = " ORDER BY interface, id", some = all + std::string(associated) + order,
                             every = all + order;
    return filtered ? db.query(some, service, project, project) : db.query(every, service);
}

}

void writeCatalog(JsonWriter& out, store::Reader& db, const ProjectId& project) {
    const bool filtered = isFiltered(db, project);
    const auto catalog = out.array("catalog");
    auto services = db.query("SELECT id, type, coalesce(name, '') FROM services WHERE enabled = 1 ORDER BY type, id");
    while (services.next()) {
        const auto id = services.row().text(0);
        auto rows = endpointsOf(db, id, project, filtered);
        bool any = rows.next();
        if (filtered && !any) continue; // a service without any endpoint for this project is none of its business
        const auto service = out.object();
        out.field("id", id);
        out.field("type", services.row().text(1));
        out.field("name", services.row().text(2));
        const auto endpoints = out.array("endpoints");
        for (; any; any = rows.next()) {
            const auto url = filledIn(rows.row().text(3), project);
            if (url.empty()) continue;
            const auto endpoint = out.object();
            out.field("id", rows.row().text(0));
            out.field("interface", rows.row().text(1));
            out.field("region", rows.row().maybeText(2));
            out.field("region_id", rows.row().maybeText(2));
            out.field("url", url);
        }
    }
}

void ensureCatalog(store::Transaction& tx, Ambient& ambient, const Bootstrap& wanted) {
    tx.execute("INSERT OR IGNORE INTO regions (id, parent_id, description) VALUES (?, NULL, '')", wanted.region);
    for (const auto& each : wanted.services) {
        auto id = tx.query("SELECT id FROM services WHERE type = ? ORDER BY id LIMIT 1", each.type).maybeText();
        if (!id) {
            id = ambient.hexId();
            tx.execute("INSERT INTO services (id, type, name, description, enabled) VALUES (?, ?, ?, '', 1)", *id,
                       each.type, each.name);
        }
        for (const auto* interface : {"public", "internal", "admin"}) {
            const int moved = tx.execute("UPDATE endpoints SET url = ? || own_path WHERE service_id = ? AND interface "
                                         "= ? AND own_path IS NOT NULL",
                                         wanted.endpoint, *id, interface);
            if (moved == 0 &&
                !tx.query("SELECT 1 FROM endpoints WHERE service_id = ? AND interface = ?", *id, interface).any())
                tx.execute("INSERT INTO endpoints (id, service_id, region_id, interface, url, enabled, own_path) "
                           "VALUES (?, ?, ?, ?, ?, 1, ?)",
                           ambient.hexId(), *id, wanted.region, interface, wanted.endpoint + each.path, each.path);
        }
    }
}

}
