#include "identity/catalog/catalog.hpp"
#include "identity/organisation/limit.hpp"
#include "identity/organisation/project.hpp"
#include "identity/record.hpp"
#include "platform/config/config.hpp"

namespace stratolet::identity {
namespace {

using namespace http;

constexpr std::int64_t limitMax = 0x7FFFFFFF; // -1 is unlimited

/// What both kinds have; `number` is what the limit itself is called.
void writeCommon(JsonWriter& out, const Request& request, const store::Row& row, std::string_view number, const std::string& collection) {
    out.field("id", row.text(0));
    out.field("service_id", row.text(1));
    out.field("region_id", row.maybeText(2));
    out.field("resource_name", row.text(3));
    out.field(number, row.integer(4));
    out.field("description", row.maybeText(5));
    writeSelf(out, request, collection + "/" + row.text(0));
}

void writeRegistered(JsonWriter& out, const Request& request, const store::Row& row) {
    const auto object = out.object();
    writeCommon(out, request, row, "default_limit", "registered_limits");
}

void writeLimit(JsonWriter& out, const Request& request, const store::Row& row) {
    const auto object = out.object();
    writeCommon(out, request, row, "resource_limit", "limits");
    out.field("project_id", row.maybeText(6));
    out.field("domain_id", row.maybeText(7));
}

const RecordKind registeredKind = {"registered_limit",
                                   "registered_limits",
                                   "registered_limits",
                                   "registered_limits",
                                   "SELECT id, service_id, region_id, resource_name, default_limit, description FROM registered_limits",
                                   {{"service_id", "service_id"}, {"region_id", "region_id"}, {"resource_name", "resource_name"}},
                                   writeRegistered};

const RecordKind limitKind = {
    "limit",
    "limits",
    "limits",
    "limit_rows",
    "SELECT id, service_id, region_id, resource_name, resource_limit, description, project_id, domain_id FROM limit_rows",
    {{"service_id", "service_id"},
     {"region_id", "region_id"},
     {"resource_name", "resource_name"},
     {"project_id", "project_id"},
     {"domain_id", "domain_id"}},
    writeLimit,
    Absence::ToAnybody};

bool isStrict(const Core& core) { return core.parts.config.text("identity", "enforcement_model") == "strict_two_level"; }

std::int64_t checkedLimit(const Json& value) {
    const auto limit = value.integer();
    if (limit < -1 || limit > limitMax) value.refuse("It must be from -1 (unlimited) to 2147483647.");
    return limit;
}

/// The service and the region that something is limited for.
void refuseMissingPlace(store::Reader& db, const std::string& service, const std::optional<std::string>& region) {
    refuseMissingService(db, service);
    if (region) refuseMissingRegion(db, *region);
}

/// In the strict model no project has more than its domain, which has what is registered unless it has a limit of its own.
void refuseUnbalanced(store::Reader& db, const Core& core, const std::string& registered) {
    if (!isStrict(core)) return;
    auto rows =
        db.query("SELECT l.target_id, p.parent_id = p.domain_id FROM limits l JOIN projects p ON p.id = l.target_id "
                 "JOIN registered_limits r ON r.id = l.registered_id "
                 "LEFT JOIN limits d ON d.registered_id = l.registered_id AND d.target_id = p.parent_id "
                 "WHERE l.registered_id = ? AND p.is_domain = 0 AND (p.parent_id <> p.domain_id OR (CASE l.resource_limit WHEN -1 THEN "
                 "9223372036854775807 ELSE l.resource_limit END) > (CASE coalesce(d.resource_limit, r.default_limit) WHEN -1 THEN "
                 "9223372036854775807 ELSE coalesce(d.resource_limit, r.default_limit) END)) LIMIT 1",
                 registered);
    if (!rows.next()) return;
    if (!rows.row().boolean(1))
        throw Error(Failure::Forbidden, "Invalid resource limit: project ", rows.row().text(0),
                    " is below another project, and the model strict_two_level knows domains and their own projects only.");
    throw Error(Failure::Forbidden, "Invalid resource limit: project ", rows.row().text(0), " would have more than its domain.");
}

// Registered limits

void insertRegistered(store::Transaction& tx, const Json& wanted, const std::string& id) {
    wanted.onlyKnows({"service_id", "region_id", "resource_name", "default_limit", "description"});
    const auto service = wanted.text("service_id"), name = checkedName(wanted.at("resource_name"), 255);
    const auto region = wanted.maybeText("region_id"), description = wanted.maybeText("description");
    const auto limit = checkedLimit(wanted.at("default_limit"));
    refuseMissingPlace(tx, service, region);
    if (tx.query("SELECT 1 FROM registered_limits WHERE service_id = ? AND coalesce(region_id, '') = coalesce(?, '') AND resource_name = ?",
                 service, region, name)
            .any())
        throw Error(Failure::Conflict, "Conflict occurred attempting to store registered_limit - Duplicate entry for ", name, ".");
    tx.execute("INSERT INTO registered_limits VALUES (?, ?, ?, ?, ?, ?)", id, service, region, name, limit, description);
}

/// The answer to a request that made several.
Response madeAnswer(const Request& request, const RecordKind& kind, const std::vector<std::string>& ids, Core& core) {
    return jsonResponse(201, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array(kind.collection);
        for (const auto& id : ids) {
            auto rows = core.parts.store.reader().query(kind.select + " WHERE id = ?", id);
            if (rows.next()) kind.write(out, request, rows.row());
        }
    });
}

/// All that the body lists, or none of it.
Response createAll(Request& request, Core& core, const RecordKind& kind,
                   const std::function<void(store::Transaction& tx, const Json& wanted, const std::string& id)>& insert) {
    callerOf(request).enforce();
    const auto wanted = request.json().array(kind.collection);
    std::vector<std::string> ids;
    core.parts.store.write([&](store::Transaction& tx) {
        ids.clear();
        for (const auto& each : wanted.items()) {
            ids.push_back(core.parts.ambient.hexId());
            insert(tx, each, ids.back());
        }
    });
    return madeAnswer(request, kind, ids, core);
}

bool isUsed(store::Reader& db, const std::string& registered) {
    return db.query("SELECT 1 FROM limits WHERE registered_id = ?", registered).any();
}

Response updateRegistered(Request& request, Core& core) {
    const Json body = request.json().object("registered_limit");
    demandToChange(request, registeredKind, core);
    const auto& id = request.param("id");
    core.parts.store.write([&](store::Transaction& tx) {
        body.onlyKnows({"service_id", "region_id", "resource_name", "default_limit", "description"});
        auto rows = tx.query(registeredKind.select + " WHERE id = ?", id);
        if (!rows.next()) throw notFound(registeredKind, id);
        const auto row = rows.row();
        const auto service = body.has("service_id") ? body.text("service_id") : row.text(1);
        const auto region = body.has("region_id") ? body.maybeText("region_id") : row.maybeText(2);
        const auto name = body.has("resource_name") ? checkedName(body.at("resource_name"), 255) : row.text(3);
        const bool moved = service != row.text(1) || region != row.maybeText(2) || name != row.text(3);
        if (moved && isUsed(tx, id))
            throw Error(Failure::Forbidden, "Unable to update registered limit ", id,
                        " because there are project limits associated with it.");
        refuseMissingPlace(tx, service, region);
        tx.execute(
            "UPDATE registered_limits SET service_id = ?, region_id = ?, resource_name = ?, default_limit = ?, description = ? WHERE "
            "id = ?",
            service, region, name, body.has("default_limit") ? checkedLimit(body.at("default_limit")) : row.integer(4),
            body.has("description") ? body.maybeText("description") : row.maybeText(5), id);
        refuseUnbalanced(tx, core, id);
    });
    return recordAnswer(request, 200, registeredKind, id, core);
}

// Limits

void insertLimit(store::Transaction& tx, const Core& core, const Json& wanted, const std::string& id) {
    wanted.onlyKnows({"service_id", "region_id", "resource_name", "resource_limit", "description", "project_id", "domain_id"});
    const auto service = wanted.text("service_id"), name = wanted.text("resource_name");
    const auto region = wanted.maybeText("region_id"), project = wanted.maybeText("project_id"), domain = wanted.maybeText("domain_id");
    const auto limit = checkedLimit(wanted.at("resource_limit"));
    if (project.has_value() == domain.has_value())
        throw Error(Failure::Invalid, "Invalid input for field 'project_id': exactly one of project_id and domain_id is needed.");
    refuseMissingPlace(tx, service, region);
    const auto target = project_table::find(tx, {project ? *project : *domain});
    if (!target || (domain && !target->isDomain))
        throw Error(Failure::Invalid, "Could not find ", project ? "project: " : "domain: ", project ? *project : *domain, ".");
    const auto registered =
        tx.query(
              "SELECT id FROM registered_limits WHERE service_id = ? AND coalesce(region_id, '') = coalesce(?, '') AND resource_name = ?",
              service, region, name)
            .maybeText();
    if (!registered)
        throw Error(Failure::Forbidden, "Unable to create a limit that has no corresponding registered limit: ", name, ".")
            .as("NoLimitReference");
    if (tx.query("SELECT 1 FROM limits WHERE registered_id = ? AND target_id = ?", *registered, target->id).any())
        throw Error(Failure::Conflict, "Conflict occurred attempting to store limit - Duplicate entry for ", name, ".");
    tx.execute("INSERT INTO limits VALUES (?, ?, ?, ?, ?, ?)", id, *registered, target->id, domain.has_value(), limit,
               wanted.maybeText("description"));
    refuseUnbalanced(tx, core, *registered);
}

std::string demandRegistered(store::Reader& db, const std::string& limit) {
    const auto registered = db.query("SELECT registered_id FROM limits WHERE id = ?", limit).maybeText();
    if (!registered) throw notFound(limitKind, limit);
    return *registered;
}

Response updateLimit(Request& request, Core& core) {
    const Json body = request.json().object("limit");
    demandToChange(request, limitKind, core);
    const auto& id = request.param("id");
    core.parts.store.write([&](store::Transaction& tx) {
        const auto registered = demandRegistered(tx, id);
        body.onlyKnows({"resource_limit", "description"});
        if (const auto limit = body.find("resource_limit"))
            tx.execute("UPDATE limits SET resource_limit = ? WHERE id = ?", checkedLimit(*limit), id);
        if (body.has("description")) tx.execute("UPDATE limits SET description = ? WHERE id = ?", body.maybeText("description"), id);
        refuseUnbalanced(tx, core, registered);
    });
    return recordAnswer(request, 200, limitKind, id, core);
}

Response removeLimit(Request& request, Core& core) {
    demandToChange(request, limitKind, core);
    const auto& id = request.param("id");
    core.parts.store.write([&](store::Transaction& tx) {
        const auto registered = demandRegistered(tx, id);
        tx.execute("DELETE FROM limits WHERE id = ?", id);
        refuseUnbalanced(tx, core, registered);
    });
    return emptyResponse(204);
}

Response showLimit(Request& request, Core& core) {
    auto& db = core.parts.store.reader();
    const auto& id = request.param("id");
    Target target;
    if (auto rows = db.query("SELECT project_id, domain_id FROM limit_rows WHERE id = ?", id); rows.next()) {
        const auto project = rows.row().maybeText(0), domain = rows.row().maybeText(1);
        target["target.limit.project_id"] = project.value_or("None");
        target["target.limit.domain.id"] = domain.value_or("None");
        if (project) target["target.limit.project.domain_id"] = project_table::find(db, {*project})->domain.text;
    }
    callerOf(request).demand(target.empty() ? std::nullopt : std::optional(true), target, notFound(limitKind, id));
    return recordAnswer(request, 200, limitKind, id, core);
}

Response listLimits(Request& request, Core& core) {
    const auto& caller = callerOf(request);
    caller.enforce();
    store::Conditions conditions;
    if (!caller.system && !caller.isAdmin()) { // everybody may list: what is theirs, who has a token of a domain that of the domain
        if (!caller.domain.empty())
            conditions.add("domain_id = ? OR project_id IN (SELECT id FROM projects WHERE domain_id = ?)", caller.domain, caller.domain);
        else
            conditions.add("project_id = ?", caller.project);
    }
    return recordList(request, limitKind, conditions, core);
}

Response showModel(Request& request, Core& core) {
    callerOf(request).enforce();
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto model = out.object("model");
        out.field("name", core.parts.config.text("identity", "enforcement_model"));
        out.field("description", isStrict(core)
                                     ? "A project directly in a domain has no higher limit than the domain; other projects have none."
                                     : "A limit stands for itself; where a project is in the tree makes no difference.");
    });
}

}

void addLimitRoutes(Routes& routes, Core& core) {
    addReadingRoutes(routes, registeredKind, core);
    addDeletingRoute(routes, registeredKind, core, [](store::Transaction& tx, const std::string& id) {
        if (isUsed(tx, id))
            throw Error(Failure::Forbidden, "Unable to delete registered limit ", id,
                        " because there are project limits associated with it.");
    });
    routes.push_back({Method::Post, "/v3/registered_limits", policy("identity:create_registered_limits"),
                      [&](Request& request) { return createAll(request, core, registeredKind, insertRegistered); }});
    routes.push_back({Method::Patch, "/v3/registered_limits/{id}", policy("identity:update_registered_limit"),
                      [&](Request& request) { return updateRegistered(request, core); }});

    routes.push_back(
        {Method::Get, "/v3/limits/model", policy("identity:get_limit_model"), [&](Request& request) { return showModel(request, core); }});
    routes.push_back(
        {Method::Get, "/v3/limits", policy("identity:list_limits"), [&](Request& request) { return listLimits(request, core); }});
    routes.push_back({Method::Post, "/v3/limits", policy("identity:create_limits"), [&](Request& request) {
                          return createAll(request, core, limitKind,
                                           [&](store::Transaction& tx, const Json& wanted, const std::string& id) {
                                               insertLimit(tx, core, wanted, id);
                                           });
                      }});
    routes.push_back(
        {Method::Get, "/v3/limits/{id}", policy("identity:get_limit"), [&](Request& request) { return showLimit(request, core); }});
    routes.push_back(
        {Method::Patch, "/v3/limits/{id}", policy("identity:update_limit"), [&](Request& request) { return updateLimit(request, core); }});
    routes.push_back(
        {Method::Delete, "/v3/limits/{id}", policy("identity:delete_limit"), [&](Request& request) { return removeLimit(request, core); }});
}

}
