#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/host/service.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

void write(JsonWriter& out, const Call& call, const Service& service) {
    const auto item = out.object();
    call.since(53) ? out.field("id", service.id) : out.field("id", service.number);
    out.field("binary", service.binary);
    out.field("host", service.host);
    out.field("zone", service.zone);
    out.field("status", service.disabled ? "disabled" : "enabled");
    out.field("state", service.up ? "up" : "down");
    service.updated ? out.field("updated_at", isoTime(*service.updated, true, "")) : out.field("updated_at", nullptr);
    out.field("disabled_reason", service.reason);
    if (call.since(11)) out.field("forced_down", service.forcedDown);
}

Response list(Call& call, Core& core) {
    call.caller.enforce();
    const auto& query = call.request.query;
    if (call.since(75)) call.asksOnly({"host", "binary"});
    auto found = services(core, core.reader());
    std::erase_if(found, [&](const Service& each) {
        return query.text("host", each.host) != each.host || query.text("binary", each.binary) != each.binary;
    });
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("services");
        for (const auto& each : found) write(out, call, each);
    });
}

std::string reasonOf(const Json& value) {
    auto reason = textOf(value, 1, 255);
    if (reason.find_first_not_of(' ') == std::string::npos) value.refuse("It is blank.");
    return reason;
}

/// What the older verbs are about: a service that the body names.
HostName namedIn(const Core& core, const Json& body) {
    const auto host = textOf(body.at("host"), 1, 255), binary = textOf(body.at("binary"), 1, 255);
    for (const auto& each : services(core, core.reader()))
        if (each.host == host && each.binary == binary) {
            if (binary != computeBinary)
                throw Error(Failure::Invalid, "Updating a ", binary, " service is not supported. Must be ",
                            computeBinary, ".");
            return {host};
        }
    throw Error(Failure::NotFound, "Could not find binary ", binary, " on host ", host, ".");
}

Response enable(Call& call, Core& core, bool enables, bool withReason) {
    call.caller.enforce();
    const Json body = call.request.json();
    withReason ? call.onlyKnows(body, {"host", "binary", "disabled_reason"}) : call.onlyKnows(body, {"host", "binary"});
    ServiceChange change{.disabled = !enables, .forcedDown = {}, .reason = {}};
    if (withReason) change.reason = reasonOf(body.at("disabled_reason"));
    const auto name = namedIn(core, body);
    core.hosts.change(name, change);
    return http::jsonResponse(200, "service", [&](JsonWriter& out) {
        const auto item = out.object();
        out.field("host", name.text);
        out.field("binary", computeBinary);
        out.field("status", enables ? "enabled" : "disabled");
        if (withReason) out.field("disabled_reason", *change.reason);
    });
}

Response forceDown(Call& call, Core& core) {
    call.caller.enforce();
    const Json body = call.request.json();
    call.onlyKnows(body, {"host", "binary", "forced_down"});
    const bool down = booleanOf(body.at("forced_down"));
    const auto name = namedIn(core, body);
    core.hosts.change(name, {.disabled = {}, .forcedDown = down, .reason = {}});
    return http::jsonResponse(200, "service", [&](JsonWriter& out) {
        const auto item = out.object();
        out.field("host", name.text);
        out.field("binary", computeBinary);
        out.field("forced_down", down);
    });
}

ServiceChange changeIn(const Json& body) {
    ServiceChange change;
    if (const auto status = body.find("status")) {
        const auto word = textOf(*status, 1, 255);
        if (word != "enabled" && word != "disabled") status->refuse("It is not one of ['enabled', 'disabled']");
        change.disabled = word == "disabled";
    }
    if (const auto down = body.find("forced_down")) change.forcedDown = booleanOf(*down);
    if (const auto reason = body.find("disabled_reason")) {
        change.reason = reasonOf(*reason);
        if (!change.disabled.value_or(false))
            throw Error(Failure::Invalid, "Specifying disabled_reason requires that status is disabled.");
    }
    if (!change.disabled && !change.forcedDown)
        throw Error(Failure::Invalid,
                    "No updates were requested. Fields 'status' or 'forced_down' should be specified.");
    return change;
}

/// A part that this process plays can't be without it.
void requireHost(Call& call, Core& core, std::string_view doing) {
    const auto& id = call.param("id");
    for (const auto& each : services(core, core.reader()))
        if (each.binary != computeBinary && (call.since(53) ? each.id == id : std::to_string(each.number) == id))
            throw Error(Failure::Invalid, doing, " a ", each.binary, " service is not supported. Must be ",
                        computeBinary, ".");
}

Response update(Call& call, Core& core) {
    call.caller.enforce();
    const Json body = call.request.json();
    call.onlyKnows(body, {"status", "disabled_reason", "forced_down"});
    const auto change = changeIn(body);
    requireHost(call, core, "Updating");
    const auto host = core.hosts.service(core.reader(), call.param("id"), true);
    const auto changed = serviceOf(core.hosts.change(host.name, change));
    return http::jsonResponse(200, "service", [&](JsonWriter& out) { write(out, call, changed); });
}

Response remove(Call& call, Core& core) {
    call.caller.enforce();
    requireHost(call, core, "Deleting");
    core.hosts.remove(core.hosts.service(core.reader(), call.param("id"), call.since(53)).name);
    return http::emptyResponse(204);
}

}

void addServiceRoutes(http::Routes& routes, Core& core) {
    const std::string rule = "os_compute_api:os-services:", path = "/os-services";
    addRoute(routes, Method::Get, path, rule + "list", [&](Call& call) { return list(call, core); });
    addRoute(routes, Method::Put, path + "/enable", rule + "update",
             [&](Call& call) { return enable(call, core, true, false); }, {.until = 52});
    addRoute(routes, Method::Put, path + "/disable", rule + "update",
             [&](Call& call) { return enable(call, core, false, false); }, {.until = 52});
    addRoute(routes, Method::Put, path + "/disable-log-reason", rule + "update",
             [&](Call& call) { return enable(call, core, false, true); }, {.until = 52});
    addRoute(routes, Method::Put, path + "/force-down", rule + "update",
             [&](Call& call) { return forceDown(call, core); }, {.from = 11, .until = 52});
    addRoute(routes, Method::Put, path + "/{id}", rule + "update", [&](Call& call) { return update(call, core); },
             {.from = 53});
    addRoute(routes, Method::Delete, path + "/{id}", rule + "delete", [&](Call& call) { return remove(call, core); });
}

}
