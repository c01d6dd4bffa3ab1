#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/action/action.hpp"
#include "compute/api.hpp"
#include "compute/encoding.hpp"
#include "compute/server/server_reading.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

/// Since 2.21 also those of deleted servers.
std::vector<ServerAction> actionsFor(const Call& call, Core& core) {
    return core.parts.store.read([&](store::Reader& db) {
        return ActionTable::of(db, allowedServer(db, call.caller, ServerId{call.param("id")},
                                                 call.since(21) ? Deleted::IsThere : Deleted::IsGone)
                                       .id);
    });
}

void writeCommon(JsonWriter& out, const Call& call, const ServerAction& action) {
    out.field("action", action.action);
    out.field("instance_uuid", action.server);
    out.field("request_id", action.request);
    out.field("user_id", action.user);
    out.field("project_id", action.project);
    out.field("start_time", isoTime(action.started, true, ""));
    out.field("message", action.message);
    if (call.since(58)) out.field("updated_at", isoTime(action.updated, true, ""));
}

void writeEvent(JsonWriter& out, const Call& call, const ServerAction& action) {
    const Target target{{"project_id", action.project.text}};
    const bool admin = call.caller.may("os_compute_api:os-instance-actions:events", target);
    if (!admin && !call.since(51)) return;
    const auto events = out.array("events");
    const auto event = out.object();
    out.field("event", action.event);
    out.field("start_time", isoTime(action.started, true, ""));
    action.finished ? out.field("finish_time", isoTime(*action.finished, true, "")) : out.field("finish_time", nullptr);
    out.field("result", action.result);
    if (admin) out.field("traceback", action.result == "Error" ? action.details : std::nullopt);
    if (call.since(62)) {
        out.field("hostId", action.host.empty() ? "" : sha224Hex(action.project.text + action.host));
        if (admin) out.field("host", action.host);
    }
    if (call.since(84)) out.field("details", action.result == "Error" ? action.message : std::nullopt);
}

Response listActions(Call& call, Core& core) {
    auto found = actionsFor(call, core);
    bool more = false;
    if (call.since(58)) {
        const auto& query = call.request.query;
        const Page page = pageOf(query);
        if (const auto since = call.time("changes-since"))
            std::erase_if(found, [&](const auto& action) { return action.updated < *since; });
        if (const auto before = call.since(66) ? call.time("changes-before") : std::nullopt)
            std::erase_if(found, [&](const auto& action) { return action.updated > *before; });
        if (page.marker) {
            const auto at = std::find_if(found.begin(), found.end(),
                                         [&](const auto& action) { return action.request == *page.marker; });
            if (at == found.end()) throw Error(Failure::Invalid, "marker [", *page.marker, "] not found");
            found.erase(found.begin(), at + 1);
        }
        more = static_cast<std::int64_t>(found.size()) > page.limit;
        if (more) found.resize(static_cast<std::size_t>(page.limit));
    }
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto items = out.array("instanceActions");
            for (const auto& action : found) {
                const auto item = out.object();
                writeCommon(out, call, action);
            }
        }
        if (more && !found.empty()) call.nextLink(out, "links", found.back().request);
    });
}

Response showAction(Call& call, Core& core) {
    const auto found = actionsFor(call, core);
    const auto action = std::find_if(found.begin(), found.end(),
                                     [&](const auto& each) { return each.request == call.param("request"); });
    if (action == found.end())
        throw Error(Failure::NotFound, "Action for request_id ", call.param("request"), " on instance ",
                    call.param("id"), " not found");
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto item = out.object("instanceAction");
        writeCommon(out, call, *action);
        writeEvent(out, call, *action);
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
