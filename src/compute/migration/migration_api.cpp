#include <algorithm>
#include <array>

#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/migration/migration.hpp"
#include "compute/server/server_reading.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

bool isUnderWay(const Migration& migration) { // a live one, which alone is shown beside its server
    constexpr auto states = std::to_array<std::string_view>({"queued", "preparing", "running", "post-migrating"});
    return migration.kind == "live-migration" &&
           std::find(states.begin(), states.end(), migration.status) != states.end();
}

/// Flavors have had numbers inside of compute once, which are their ids where those are numbers.
void writeFlavor(JsonWriter& out, std::string_view name, const FlavorId& id) {
    const auto number = wholeNumberIn(id.text);
    number ? out.field(name, *number) : out.field(name, nullptr);
}

/// What both views of a migration have.
void writeCommon(JsonWriter& out, const Call& call, const Migration& migration) {
    out.field("id", migration.number);
    if (call.since(59)) out.field("uuid", migration.id);
    out.field("status", migration.status);
    out.field("source_compute", migration.source);
    out.field("source_node", migration.source);
    out.field("dest_compute", migration.destination);
    out.field("dest_node", migration.destination);
    out.field("dest_host", migration.destination);
    out.field("created_at", isoMicros(migration.created));
    out.field("updated_at", isoMicros(migration.updated));
    if (!call.since(80)) return;
    out.field("user_id", migration.user);
    out.field("project_id", migration.project);
}

void write(JsonWriter& out, const Call& call, const Migration& migration) {
    const auto scope = out.object();
    writeCommon(out, call, migration);
    out.field("instance_uuid", migration.server);
    writeFlavor(out, "old_instance_type_id", migration.oldFlavor);
    writeFlavor(out, "new_instance_type_id", migration.newFlavor);
    if (!call.since(23)) return;
    out.field("migration_type", migration.kind);
    if (isUnderWay(migration))
        call.links(out, "/servers/" + migration.server.text + "/migrations/" + std::to_string(migration.number));
}

/// Beside its server; how many bytes it has moved is known by nobody here.
void writeOfServer(JsonWriter& out, const Call& call, const Migration& migration) {
    const auto scope = out.object();
    writeCommon(out, call, migration);
    out.field("server_uuid", migration.server);
    for (const char* what : {"memory", "disk"})
        for (const char* how : {"total", "processed", "remaining"})
            out.field(std::string(what) + "_" + how + "_bytes", nullptr);
}

void requireKnown(const Call& call) {
    if (call.since(80))
        call.asksOnly({"hidden", "host", "instance_uuid", "source_compute", "status", "migration_type", "limit",
                       "marker", "changes-since", "changes-before", "user_id", "project_id"});
    else if (call.since(66))
        call.asksOnly({"hidden", "host", "instance_uuid", "source_compute", "status", "migration_type", "limit",
                       "marker", "changes-since", "changes-before"});
    else if (call.since(59))
        call.asksOnly({"hidden", "host", "instance_uuid", "source_compute", "status", "migration_type", "limit",
                       "marker", "changes-since"});
}

MigrationQuery queryOf(const Call& call) {
    requireKnown(call);
    const auto& asked = call.request.query;
    MigrationQuery query;
    query.host = asked.find("host");
    query.server = asked.find("instance_uuid");
    query.source = asked.find("source_compute");
    query.status = asked.find("status");
    query.kind = asked.find("migration_type");
    if (call.since(80)) {
        query.user = asked.find("user_id");
        query.project = asked.find("project_id");
    }
    if (!call.since(59)) return query;
    const Page page = pageOf(asked);
    query.limit = page.limit;
    query.marker = page.marker;
    const auto changes = call.changes();
    query.changedSince = changes.since;
    query.changedBefore = changes.before;
    return query;
}

Response list(Call& call, Core& core) {
    call.caller.enforce();
    const MigrationQuery query = queryOf(call);
    const auto found = core.parts.store.read([&](store::Reader& db) { return MigrationTable::list(db, query); });
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto items = out.array("migrations");
            for (const auto& each : found) write(out, call, each);
        }
        if (call.since(59) && query.limit > 0 && static_cast<std::int64_t>(found.size()) == query.limit)
            call.nextLink(out, "migrations_links", found.back().id);
    });
}

std::vector<Migration> underWay(const Call& call, Core& core) {
    return core.parts.store.read([&](store::Reader& db) {
        const Server server = allowedServer(db, call.caller, ServerId{call.param("id")});
        auto found = MigrationTable::list(db, {.server = server.id.text, .kind = "live-migration"});
        std::erase_if(found, [](const Migration& each) { return !isUnderWay(each); });
        return found;
    });
}

Response listOfServer(Call& call, Core& core) {
    const auto found = underWay(call, core);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("migrations");
        for (const auto& each : found) writeOfServer(out, call, each);
    });
}

Response showOfServer(Call& call, Core& core) {
    const auto found = underWay(call, core);
    const auto migration = std::find_if(found.begin(), found.end(), [&](const Migration& each) {
        return std::to_string(each.number) == call.param("migration");
    });
    if (migration == found.end())
        throw Error(Failure::NotFound, "In-progress live migration ", call.param("migration"),
                    " is not found for server ", call.param("id"), ".");
    return http::jsonResponse(200, "migration", [&](JsonWriter& out) { writeOfServer(out, call, *migration); });
}

/// What is done to a migration that is under way. None is on a cloud of one host, which refuses to begin one: so no
/// server is in the state for it.
[[noreturn]] void refuseUnlessMigrating(Call& call, Core& core, std::string_view doing) {
    const Server server = allowedServer(core.reader(), call.caller, ServerId{call.param("id")});
    if (!server.lockedBy.empty() && !call.caller.isAdmin())
        throw Error(Failure::Conflict, "Instance ", server.id, " is locked");
    const auto task = nameOf(server.task);
    throw Error(Failure::Conflict, "Cannot '", doing, "' instance ", server.id, " while it is in task_state ",
                task.empty() ? "None" : task);
}

Response act(Call& call, Core& core) {
    const Json body = call.request.json();
    if (!body.isObject() || !body.has("force_complete")) {
        static_cast<void>(allowedServer(core.reader(), call.caller, ServerId{call.param("id")}));
        throw Error(Failure::Invalid, "There is no such action");
    }
    call.onlyKnows(body, {"force_complete"});
    if (!body.at("force_complete").isNull()) body.at("force_complete").refuse("It is not of type 'null'");
    refuseUnlessMigrating(call, core, "force_complete");
}

}

void addMigrationRoutes(http::Routes& routes, Core& core) {
    const std::string rule = "os_compute_api:servers:migrations:", ofServer = "/servers/{id}/migrations",
                      one = ofServer + "/{migration}";
    addRoute(routes, Method::Get, "/os-migrations", "os_compute_api:os-migrations:index",
             [&](Call& call) { return list(call, core); });
    addRoute(routes, Method::Get, ofServer, rule + "index", [&](Call& call) { return listOfServer(call, core); },
             {.from = 23});
    addRoute(routes, Method::Get, one, rule + "show", [&](Call& call) { return showOfServer(call, core); },
             {.from = 23});
    addRoute(routes, Method::Post, one + "/action", rule + "force_complete",
             [&](Call& call) { return act(call, core); }, {.from = 22});
    addRoute(routes, Method::Delete, one, rule + "delete",
             [&](Call& call) -> Response { refuseUnlessMigrating(call, core, "abort live migration"); }, {.from = 24});
}

}
