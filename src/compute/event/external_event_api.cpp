#include <algorithm>
#include <array>
#include <optional>

#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/attachment/volume_attachment.hpp"
#include "compute/event/external_event.hpp"
#include "compute/server/server_table.hpp"
#include "platform/reconcile/reconciler.hpp"

namespace stratolet::compute {
namespace {

using http::Response;

struct Kind {
    std::string_view name;
    int since;
    bool needsTag; ///< which says what it is about
};
constexpr auto kinds = std::to_array<Kind>({{"network-changed", 1, false},
                                            {"network-vif-plugged", 1, false},
                                            {"network-vif-unplugged", 1, false},
                                            {"network-vif-deleted", 1, false},
                                            {"volume-extended", 51, true},
                                            {"power-update", 76, true},
                                            {"accelerator-request-bound", 82, true},
                                            {"volume-reimaged", 93, false}});

struct Event {
    const Kind* kind = nullptr;
    ServerId server;
    std::optional<std::string> tag;
    int code = 200;
};

Event eventOf(const Call& call, const Json& body) {
    call.onlyKnows(body, {"name", "server_uuid", "status", "tag"});
    Event event;
    const std::string name = textOf(body.at("name"), 1, 255);
    const auto kind = std::find_if(kinds.begin(), kinds.end(),
                                   [&](const Kind& each) { return each.name == name && call.since(each.since); });
    if (kind == kinds.end()) body.at("name").refuse("It is no event of this version.");
    event.kind = &*kind;
    event.server.text = uuidOf(body.at("server_uuid"));
    if (const auto status = body.find("status")) {
        const std::string word = textOf(*status, 1, 255);
        if (word != "failed" && word != "completed" && word != "in-progress")
            status->refuse("It is not one of ['failed', 'completed', 'in-progress']");
    }
    if (const auto tag = body.find("tag")) event.tag = textOf(*tag, 0, 255);
    return event;
}

/// What follows from it here. That a port is plugged, or gone, and that a network has changed, compute hears from
/// network itself; so what is told of those is as it is already.
void follow(Core& core, store::Transaction& tx, const Event& event) {
    if (event.kind->name == "volume-extended")
        for (const auto& each : core.block.madeByCompute(tx, event.server))
            if (each.volume.text == *event.tag) volumeExtended(core, tx, event.server, each.volume);
    if (event.kind->name == "power-update") // whether it is so is looked at
        tx.afterCommit([&reconciler = core.parts.reconciler] { reconciler.kick("compute"); });
}

void take(Core& core, store::Transaction& tx, Event& event) {
    const auto server = ServerTable::find(tx, event.server);
    event.code = !server || server->deleted           ? 404
                 : event.kind->needsTag && !event.tag ? 400
                 : server->host.empty()               ? 422
                                                      : 200;
    if (event.code == 200) follow(core, tx, event);
}

Response create(Call& call, Core& core) {
    call.caller.enforce();
    constexpr std::size_t eventsMax = 1000;
    const Json body = call.request.json();
    if (!body.isObject()) throw Error(Failure::Invalid, "Malformed request body");
    call.onlyKnows(body, {"events"});
    const auto items = body.array("events").items();
    if (items.empty()) body.at("events").refuse("[] is too short");
    if (items.size() > eventsMax) body.at("events").refuse("It is too long");
    std::vector<Event> events;
    for (const auto& each : items) events.push_back(eventOf(call, each));
    core.parts.store.write([&](store::Transaction& tx) {
        for (auto& each : events) take(core, tx, each);
    });
    const bool all = std::all_of(events.begin(), events.end(), [](const Event& each) { return each.code == 200; });
    return http::jsonResponse(all ? 200 : 207, [&](JsonWriter& out) {
        const auto whole = out.object();
        const auto list = out.array("events");
        for (const auto& each : events) {
            const auto item = out.object();
            out.field("name", each.kind->name);
            out.field("server_uuid", each.server);
            out.field("status", each.code == 200 ? "completed" : "failed");
            if (each.tag) out.field("tag", *each.tag);
            out.field("code", each.code);
        }
    });
}

}

void addExternalEventRoutes(http::Routes& routes, Core& core) {
    addRoute(routes, http::Method::Post, "/os-server-external-events",
             "os_compute_api:os-server-external-events:create", [&](Call& call) { return create(call, core); });
}

}
