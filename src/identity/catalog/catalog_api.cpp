#include "identity/catalog/catalog.hpp"
#include "identity/record.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {
namespace {

using namespace http;

// Regions

const std::initializer_list<std::string_view> regionAttributes = {"id", "parent_region_id", "description", "links"};

void writeRegion(JsonWriter& out, const Request& request, const store::Row& row) {
    const auto object = out.object();
    out.field("id", row.text(0));
    out.field("parent_region_id", row.maybeText(1));
    out.field("description", row.text(2));
    writeExtra(out, row.text(3));
    writeSelf(out, request, "regions/" + row.text(0));
}

const RecordKind regionKind = {"region",
                               "regions",
                               "regions",
                               "regions",
                               "SELECT id, parent_id, description, extra FROM regions",
                               {{"parent_region_id", "parent_id"}, {"description", "description"}},
                               writeRegion};

void refuseMissingRegion(store::Reader& db, const std::optional<std::string>& id) {
    if (id && !db.query("SELECT 1 FROM regions WHERE id = ?", *id).any()) throw notFound(regionKind, *id);
}

Response createRegion(Request& request, Core& core, std::string id) {
    const Json body = request.json().object("region");
    callerOf(request).enforce();
    const auto given = body.maybeText("id").value_or("");
    if (!id.empty() && !given.empty() && id != given)
        throw Error(Failure::Invalid, "Conflicting region IDs specified: \"", id, "\" in the path, \"", given, "\" in the body.");
    if (id.empty()) id = given.empty() ? core.parts.ambient.hexId() : given;
    if (lengthInCharacters(id) > 255) throw Error(Failure::Invalid, "Invalid input for field 'id': it must be 255 characters or less.");
    const auto parent = body.maybeText("parent_region_id");
    const auto description = body.maybeText("description").value_or("");
    const auto extra = mergedExtra("{}", body, regionAttributes);
    core.parts.store.write([&](store::Transaction& tx) {
        refuseMissingRegion(tx, parent);
        if (tx.query("SELECT 1 FROM regions WHERE id = ?", id).any())
            throw Error(Failure::Conflict, "Conflict occurred attempting to store region - Duplicate ID, ", id, ".");
        tx.execute("INSERT INTO regions VALUES (?, ?, ?, ?)", id, parent, description, extra);
    });
    return recordAnswer(request, 201, regionKind, id, core);
}

Response updateRegion(Request& request, Core& core) {
    const Json body = request.json().object("region");
    demandToChange(request, regionKind, core);
    const auto& id = request.param("id");
    core.parts.store.write([&](store::Transaction& tx) {
        auto rows = tx.query(regionKind.select + " WHERE id = ?", id);
        if (!rows.next()) throw notFound(regionKind, id);
        const auto parent = body.has("parent_region_id") ? body.maybeText("parent_region_id") : rows.row().maybeText(1);
        const auto description = body.has("description") ? body.maybeText("description").value_or("") : rows.row().text(2);
        const auto extra = mergedExtra(rows.row().text(3), body, regionAttributes);
        refuseMissingRegion(tx, parent);
        if (parent && tx.query("WITH RECURSIVE above (id) AS (SELECT ? UNION SELECT parent_id FROM regions JOIN above USING (id) WHERE "
                               "parent_id IS NOT NULL) SELECT 1 FROM above WHERE id = ?",
                               *parent, id)
                          .any())
            throw Error(Failure::Invalid, "Region ", id, " cannot be below itself.");
        tx.execute("UPDATE regions SET parent_id = ?, description = ?, extra = ? WHERE id = ?", parent, description, extra, id);
    });
    return recordAnswer(request, 200, regionKind, id, core);
}

/// A region goes with those below it, unless one of them has endpoints.
void removeRegionsBelow(store::Transaction& tx, const std::string& id) {
    constexpr std::string_view below = "WITH RECURSIVE below (id) AS (SELECT ? UNION SELECT regions.id FROM regions JOIN below ON "
                                       "parent_id = below.id) ";
    if (tx.query(std::string(below) + "SELECT 1 FROM endpoints WHERE region_id IN (SELECT id FROM below)", id).any())
        throw Error(Failure::Forbidden, "Unable to delete region ", id, " because it or its child regions have associated endpoints.");
    // From the leaves up: none may be gone before those that are in it.
    while (tx.execute(std::string(below) + "DELETE FROM regions WHERE id IN (SELECT id FROM below) AND id <> ? AND id NOT IN (SELECT "
                                           "parent_id FROM regions WHERE parent_id IS NOT NULL)",
                      id, id) > 0) {
    }
}

// Services

const std::initializer_list<std::string_view> serviceAttributes = {"id", "type", "name", "description", "enabled", "links"};

void writeService(JsonWriter& out, const Request& request, const store::Row& row) {
    const auto object = out.object();
    out.field("id", row.text(0));
    out.field("type", row.text(1));
    if (!row.isNull(2)) out.field("name", row.text(2));
    if (!row.isNull(3)) out.field("description", row.text(3));
    out.field("enabled", row.boolean(4));
    writeExtra(out, row.text(5));
    writeSelf(out, request, "services/" + row.text(0));
}

const RecordKind serviceKind = {
    "service",
    "services",
    "services",
    "services",
    "SELECT id, type, name, description, enabled, extra FROM services",
    {{"type", "type"}, {"name", "name"}, {"description", "description"}, {"enabled", "enabled", Filter::Kind::Truth}},
    writeService};

Response createService(Request& request, Core& core) {
    const Json body = request.json().object("service");
    callerOf(request).enforce();
    const auto id = core.parts.ambient.hexId();
    const auto type = checkedName(body.at("type"), 255);
    const auto name = body.maybeText("name"), description = body.maybeText("description");
    const bool enabled = checkedTruth(body, "enabled", true);
    const auto extra = mergedExtra("{}", body, serviceAttributes);
    core.parts.store.write([&](store::Transaction& tx) {
        tx.execute("INSERT INTO services VALUES (?, ?, ?, ?, ?, ?)", id, type, name, description, enabled, extra);
    });
    return recordAnswer(request, 201, serviceKind, id, core);
}

Response updateService(Request& request, Core& core) {
    const Json body = request.json().object("service");
    demandToChange(request, serviceKind, core);
    const auto& id = request.param("id");
    core.parts.store.write([&](store::Transaction& tx) {
        auto rows = tx.query(serviceKind.select + " WHERE id = ?", id);
        if (!rows.next()) throw notFound(serviceKind, id);
        const auto row = rows.row();
        tx.execute("UPDATE services SET type = ?, name = ?, description = ?, enabled = ?, extra = ? WHERE id = ?",
                   body.has("type") ? checkedName(body.at("type"), 255) : row.text(1),
                   body.has("name") ? body.maybeText("name") : row.maybeText(2),
                   body.has("description") ? body.maybeText("description") : row.maybeText(3),
                   checkedTruth(body, "enabled", row.boolean(4)), mergedExtra(row.text(5), body, serviceAttributes), id);
    });
    return recordAnswer(request, 200, serviceKind, id, core);
}

// Endpoints

const std::initializer_list<std::string_view> endpointAttributes = {"id",        "service_id", "region_id", "region",
                                                                    "interface", "url",        "enabled",   "links"};

std::string checkedInterface(const Json& value) {
    const auto interface = value.text();
    if (interface != "public" && interface != "internal" && interface != "admin")
        value.refuse("It must be one of public, internal, admin.");
    return interface;
}

std::string checkedUrl(const Json& value) {
    const auto url = value.text();
    if (url.size() < 4 || url.find("://") == std::string::npos) value.refuse("It must be an address such as http://host/path.");
    for (auto at = url.find_first_of("$%"); at != std::string::npos; at = url.find_first_of("$%", at + 1)) {
        if (at + 1 < url.size() && url[at + 1] != '(') continue;
        bool known = false;
        for (const std::string_view each : {"(project_id)s", "(tenant_id)s", "(user_id)s", "(public_endpoint)s", "(admin_endpoint)s"})
            known = known || std::string_view(url).substr(at + 1).starts_with(each);
        if (!known) value.refuse("It has a part to fill in that is not known here.");
    }
    return url;
}

/// The region that a body names by either of its two names, made on the fly where it came by the older one.
std::optional<std::string> regionFrom(store::Transaction& tx, const Json& body) {
    if (const auto id = body.maybeText("region_id")) {
        refuseMissingRegion(tx, *id);
        return id;
    }
    const auto name = body.maybeText("region");
    if (name) tx.execute("INSERT OR IGNORE INTO regions (id, parent_id, description) VALUES (?, NULL, '')", *name);
    return name;
}

void writeEndpoint(JsonWriter& out, const Request& request, const store::Row& row) {
    const auto object = out.object();
    out.field("id", row.text(0));
    out.field("service_id", row.text(1));
    out.field("region_id", row.maybeText(2));
    out.field("region", row.maybeText(2));
    out.field("interface", row.text(3));
    out.field("url", row.text(4));
    out.field("enabled", row.boolean(5));
    writeExtra(out, row.text(6));
    writeSelf(out, request, "endpoints/" + row.text(0));
}

Response createEndpoint(Request& request, Core& core) {
    const Json body = request.json().object("endpoint");
    callerOf(request).enforce();
    const auto id = core.parts.ambient.hexId();
    const auto service = body.text("service_id"), interface = checkedInterface(body.at("interface")), url = checkedUrl(body.at("url"));
    const bool enabled = checkedTruth(body, "enabled", true);
    const auto extra = mergedExtra("{}", body, endpointAttributes);
    core.parts.store.write([&](store::Transaction& tx) {
        refuseMissingService(tx, service);
        const auto region = regionFrom(tx, body);
        tx.execute("INSERT INTO endpoints (id, service_id, region_id, interface, url, enabled, extra) VALUES (?, ?, ?, ?, ?, ?, ?)", id,
                   service, region, interface, url, enabled, extra);
    });
    return recordAnswer(request, 201, endpointKind(), id, core);
}

Response updateEndpoint(Request& request, Core& core) {
    const Json body = request.json().object("endpoint");
    demandToChange(request, endpointKind(), core);
    const auto& id = request.param("id");
    core.parts.store.write([&](store::Transaction& tx) {
        auto rows = tx.query(endpointKind().select + " WHERE id = ?", id);
        if (!rows.next()) throw notFound(endpointKind(), id);
        const auto row = rows.row();
        const auto service = body.has("service_id") ? body.text("service_id") : row.text(1);
        refuseMissingService(tx, service);
        const auto region = body.has("region_id") || body.has("region") ? regionFrom(tx, body) : row.maybeText(2);
        // An address that somebody has set is not ours to move any more.
        tx.execute("UPDATE endpoints SET service_id = ?, region_id = ?, interface = ?, url = ?, enabled = ?, extra = ?, own_path = CASE "
                   "WHEN url = ? THEN own_path END WHERE id = ?",
                   service, region, body.has("interface") ? checkedInterface(body.at("interface")) : row.text(3),
                   body.has("url") ? checkedUrl(body.at("url")) : row.text(4), checkedTruth(body, "enabled", row.boolean(5)),
                   mergedExtra(row.text(6), body, endpointAttributes), body.text("url", row.text(4)), id);
    });
    return recordAnswer(request, 200, endpointKind(), id, core);
}

}

const RecordKind& endpointKind() {
    static const RecordKind kind = {"endpoint",
                                    "endpoints",
                                    "endpoints",
                                    "endpoints",
                                    "SELECT id, service_id, region_id, interface, url, enabled, extra FROM endpoints",
                                    {{"interface", "interface"},
                                     {"service_id", "service_id"},
                                     {"region_id", "region_id"},
                                     {"region", "region_id"},
                                     {"url", "url"},
                                     {"enabled", "enabled", Filter::Kind::Truth}},
                                    writeEndpoint,
                                    Absence::ToAnybody,
                                    Absence::ToAnybody};
    return kind;
}

void refuseMissingService(store::Reader& db, const std::string& id) {
    if (!db.query("SELECT 1 FROM services WHERE id = ?", id).any()) throw Error(Failure::Invalid, "Could not find service: ", id, ".");
}

void refuseMissingRegion(store::Reader& db, const std::string& id) {
    if (!db.query("SELECT 1 FROM regions WHERE id = ?", id).any()) throw Error(Failure::Invalid, "Could not find region: ", id, ".");
}

void addCatalogRoutes(Routes& routes, Core& core) {
    for (const auto* kind : {&regionKind, &serviceKind, &endpointKind()}) addReadingRoutes(routes, *kind, core);
    addDeletingRoute(routes, regionKind, core, removeRegionsBelow);
    addDeletingRoute(routes, serviceKind, core);
    addDeletingRoute(routes, endpointKind(), core);
    routes.push_back(
        {Method::Post, "/v3/regions", policy("identity:create_region"), [&](Request& request) { return createRegion(request, core, ""); }});
    routes.push_back({Method::Put, "/v3/regions/{id}", policy("identity:create_region"),
                      [&](Request& request) { return createRegion(request, core, request.param("id")); }});
    routes.push_back({Method::Patch, "/v3/regions/{id}", policy("identity:update_region"),
                      [&](Request& request) { return updateRegion(request, core); }});
    routes.push_back(
        {Method::Post, "/v3/services", policy("identity:create_service"), [&](Request& request) { return createService(request, core); }});
    routes.push_back({Method::Patch, "/v3/services/{id}", policy("identity:update_service"),
                      [&](Request& request) { return updateService(request, core); }});
    routes.push_back({Method::Post, "/v3/endpoints", policy("identity:create_endpoint"),
                      [&](Request& request) { return createEndpoint(request, core); }});
    routes.push_back({Method::Patch, "/v3/endpoints/{id}", policy("identity:update_endpoint"),
                      [&](Request& request) { return updateEndpoint(request, core); }});
}

}
