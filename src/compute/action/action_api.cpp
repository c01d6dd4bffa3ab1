#include <stratolet/error.hpp>

#include "compute/action/action.hpp"
#include "compute/api.hpp"
#include "compute/encoding.hpp"
#include "compute/server/server_reading.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

/// Since 2.21 also one that is deleted.
Server serverOf(const Call& call, store::Reader& db) {
    return allowedServer(db, call.caller, ServerId{call.param("id")},
                         call.since(21) ? Deleted::IsThere : Deleted::IsGone);
}

void writeCommon(JsonWriter& out, const Call& call, const ServerAction& action) {
    out.field("action", action.action);
    out.field("instance_uuid", action.server);
    out.field("request_id", action.request);
    out.field("user_id", action.user);
    out.field("project_id", action.project);
    out.field("start_time", isoMicros(action.started));
    out.field("message", action.message);
    if (call.since(58)) out.field("updated_at", isoMicros(action.updated));
}

/// What of events a caller may see, and of whose server.
struct Sight {
    const ServerAction& action;
    bool admin = false, details = false;
};

/// A part of an action, or the whole of it: why it failed is for those who run the host.
struct Event {
    std::string name;
    Time started;
    std::optional<Time> finished;
    std::optional<std::string> result, failure, traceback;
};

void write(JsonWriter& out, const Call& call, const Sight& sight, const Event& event) {
    const auto scope = out.object();
    out.field("event", event.name);
    out.field("start_time", isoMicros(event.started));
    event.finished ? out.field("finish_time", isoMicros(*event.finished)) : out.field("finish_time", nullptr);
    out.field("result", event.result);
    if (sight.admin) out.field("traceback", event.traceback);
    if (call.since(62)) {
        const auto& [project, host] = std::pair(sight.action.project, sight.action.host);
        out.field("hostId", host.empty() ? "" : sha224Hex(project.text + host));
        if (sight.admin) out.field("host", host);
    }
    if (call.since(84) && sight.details) out.field("details", event.failure);
}

/// The steps of an action that has ended are kept with it; those of one that is under way are its job's.
std::vector<ActionStep> stepsOf(Core& core, store::Reader& db, const ServerAction& action) {
    if (action.finished) return ActionTable::stepsOf(db, action.number);
    std::vector<ActionStep> steps;
    for (const auto& job : core.parts.jobs.stagesOf(db, action.server.text)) {
        const Json arguments = Json::parse(job.payload.empty() ? "{}" : job.payload);
        if (arguments.integer("action", 0) != action.number) continue;
        for (const auto& each : job.stages)
            steps.push_back(
                {each.step, each.began, each.ended, each.error.empty() ? std::nullopt : std::optional(each.error)});
    }
    return steps;
}

void writeEvents(JsonWriter& out, const Call& call, const ServerAction& action, const std::vector<ActionStep>& steps) {
    const Target target{{"project_id", action.project.text}};
    const Sight sight{action, call.caller.may("os_compute_api:os-instance-actions:events", target),
                      call.caller.may("os_compute_api:os-instance-actions:events:details", target)};
    if (!sight.admin && !call.since(51)) return;
    const auto events = out.array("events");
    const bool failed = action.result == "Error";
    write(out, call, sight,
          {action.event, action.started, action.finished, action.result, failed ? action.message : std::nullopt,
           failed ? action.details : std::nullopt});
    for (const auto& step : steps) {
        const std::optional<std::string> result = !step.finished ? std::nullopt
                                                  : step.details ? std::optional<std::string>("Error")
                                                                 : std::optional<std::string>("Success");
        write(out, call, sight,
              {action.event + "." + step.step, step.started, step.finished, result, step.details, step.details});
    }
}

ActionQuery queryOf(const Call& call, const ServerId& server) {
    ActionQuery query{.server = server};
    if (!call.since(58)) return query;
    if (call.since(66))
        call.asksOnly({"limit", "marker", "changes-since", "changes-before"});
    else
        call.asksOnly({"limit", "marker", "changes-since"});
    const Page page = pageOf(call.request.query);
    query.limit = page.limit;
    query.marker = page.marker;
    const auto changes = call.changes();
    query.changedSince = changes.since;
    query.changedBefore = changes.before;
    return query;
}

Response listActions(Call& call, Core& core) {
    return core.parts.store.read([&](store::Reader& db) {
        const auto query = queryOf(call, serverOf(call, db).id);
        const auto found = ActionTable::list(db, query);
        return http::jsonResponse(200, [&](JsonWriter& out) {
            const auto body = out.object();
            {
                const auto items = out.array("instanceActions");
                for (const auto& action : found) {
                    const auto item = out.object();
                    writeCommon(out, call, action);
                }
            }
            if (call.since(58) && query.limit > 0 && static_cast<std::int64_t>(found.size()) == query.limit)
                call.nextLink(out, "links", found.back().request);
        });
    });
}

Response showAction(Call& call, Core& core) {
    return core.parts.store.read([&](store::Reader& db) {
        const auto action = ActionTable::find(db, serverOf(call, db).id, call.param("request"));
        if (!action)
            throw Error(Failure::NotFound, "Action for request_id ", call.param("request"), " on instance ",
                        call.param("id"), " not found");
        return http::jsonResponse(200, "instanceAction", [&](JsonWriter& out) {
            const auto item = out.object();
            writeCommon(out, call, *action);
            writeEvents(out, call, *action, stepsOf(core, db, *action));
        });
    });
}

}

void addActionRoutes(http::Routes& routes, Core& core) {
    addRoute(routes, Method::Get, "/servers/{id}/os-instance-actions", "os_compute_api:os-instance-actions:list",
             [&](Call& call) { return listActions(call, core); });
    addRoute(routes, Method::Get, "/servers/{id}/os-instance-actions/{request}",
             "os_compute_api:os-instance-actions:show", [&](Call& call) { return showAction(call, core); });
}

}
