#include <algorithm>
#include <charconv>

#include "compute/api.hpp"
#include "compute/encoding.hpp"
#include "compute/server/server.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

ServerId idOf(const Call& call) { return ServerId{call.param("id")}; }

Response start(Call& call, Servers& servers, const Json&) {
    servers.start(call.caller, idOf(call));
    return http::emptyResponse(202);
}

Response stop(Call& call, Servers& servers, const Json&) {
    servers.stop(call.caller, idOf(call));
    return http::emptyResponse(202);
}

Response reboot(Call& call, Servers& servers, const Json& arguments) {
    call.onlyKnows(arguments, {"type"});
    std::string type = textOf(arguments.at("type"), 1, 255);
    std::transform(type.begin(), type.end(), type.begin(), [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
    if (type != "SOFT" && type != "HARD") arguments.at("type").refuse("It is not one of ['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']");
    servers.reboot(call.caller, idOf(call), type == "HARD");
    return http::emptyResponse(202);
}

Response lock(Call& call, Servers& servers, const Json& arguments) {
    std::optional<std::string> reason;
    if (call.since(73) && arguments.isObject()) {
        call.onlyKnows(arguments, {"locked_reason"});
        if (const auto given = arguments.find("locked_reason")) reason = textOf(*given, 1, 255);
    }
    servers.lock(call.caller, idOf(call), reason);
    return http::emptyResponse(202);
}

Response unlock(Call& call, Servers& servers, const Json&) {
    servers.unlock(call.caller, idOf(call));
    return http::emptyResponse(202);
}

Response console(Call& call, Servers& servers, const Json& arguments) {
    int lines = -1;
    if (arguments.isObject()) {
        call.onlyKnows(arguments, {"length"});
        if (const auto length = arguments.find("length"); length && !length->isNull())
            lines = static_cast<int>(integerOf(*length, -1, 1000000));
    }
    const std::string text = servers.console(call.caller, idOf(call), lines);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.field("output", text);
    });
}

struct Action {
    std::string_view name;
    Response (*answer)(Call&, Servers&, const Json&);
};
constexpr Action actions[] = {{"os-start", start}, {"os-stop", stop},  {"reboot", reboot},
                              {"lock", lock},      {"unlock", unlock}, {"os-getConsoleOutput", console}};

Response act(Call& call, Servers& servers) {
    call.caller.asked = true; // each action asks its own rule; what is none is refused whoever asks
    const Json body = call.request.json();
    if (!body.isObject() || body.size() == 0) throw Error(Failure::Invalid, "Malformed request body");
    for (const auto& action : actions) {
        const auto arguments = body.find(action.name);
        if (!arguments) continue;
        call.onlyKnows(body, {action.name});
        return action.answer(call, servers, *arguments);
    }
    throw Error(Failure::Invalid, "There is no such action: ", body.names().front());
}

// What has been done to a server.

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

Response listActions(Call& call, Servers& servers) {
    auto found = servers.actions(call.caller, idOf(call), call.since(21));
    bool more = false;
    if (call.since(58)) {
        const auto& query = call.request.query;
        const Page page = pageOf(query);
        const auto time = [&](const char* name) -> std::optional<Time> {
            const auto text = query.find(name);
            if (!text) return std::nullopt;
            const auto parsed = parseIsoTime(*text);
            if (!parsed)
                throw Error(Failure::Invalid, "Invalid input for query parameters ", name, ". Value: ", *text, ". It is not a 'date-time'");
            return parsed;
        };
        if (const auto since = time("changes-since")) std::erase_if(found, [&](const auto& action) { return action.updated < *since; });
        if (const auto before = call.since(66) ? time("changes-before") : std::nullopt)
            std::erase_if(found, [&](const auto& action) { return action.updated > *before; });
        if (page.marker) {
            const auto at = std::find_if(found.begin(), found.end(), [&](const auto& action) { return action.request == *page.marker; });
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
        if (more && !found.empty())
            call.nextLink(out, "links", "/servers/" + call.param("id") + "/os-instance-actions", found.back().request);
    });
}

Response showAction(Call& call, Servers& servers) {
    const auto found = servers.actions(call.caller, idOf(call), call.since(21));
    const auto action = std::find_if(found.begin(), found.end(), [&](const auto& each) { return each.request == call.param("request"); });
    if (action == found.end())
        throw Error(Failure::NotFound, "Action for request_id ", call.param("request"), " on instance ", call.param("id"), " not found");
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto item = out.object("instanceAction");
        writeCommon(out, call, *action);
        writeEvent(out, call, *action);
    });
}

}

void addServerActionRoutes(http::Routes& routes, Servers& servers) {
    addRoute(routes, Method::Post, "/servers/{id}/action", "os_compute_api:servers:show", [&](Call& call) { return act(call, servers); });
    addRoute(routes, Method::Get, "/servers/{id}/os-instance-actions", "os_compute_api:os-instance-actions:list",
             [&](Call& call) { return listActions(call, servers); });
    addRoute(routes, Method::Get, "/servers/{id}/os-instance-actions/{request}", "os_compute_api:os-instance-actions:show",
             [&](Call& call) { return showAction(call, servers); });
}

}
