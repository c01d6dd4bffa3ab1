#include <optional>
#include <string>

#include <stratolet/error.hpp>

#include "compute/server/server_power.hpp"
#include "compute/verb/migrate.hpp"
#include "compute/verb/verb_api.hpp"

namespace stratolet::compute {
namespace {

using http::Response;

ServerId idOf(const Call& call) { return ServerId{call.param("id")}; }

Response resetState(Call& call, Core& core, const Json& arguments) {
    call.onlyKnows(arguments, {"state"});
    const auto state = arguments.at("state");
    const auto word = textOf(state, 1, 255);
    if (word != "active" && word != "error") state.refuse("It is not one of ['active', 'error']");
    compute::resetState(core, call.caller, idOf(call), word == "active");
    return http::emptyResponse(202);
}

/// "host" of a body; null is none.
Destination destinationIn(const Json& arguments) {
    Destination to;
    if (const auto host = arguments.find("host"); host && !host->isNull()) to.host = textOf(*host, 1, 255);
    return to;
}

Response migrate(Call& call, Core& core, const Json& arguments) {
    Destination to;
    if (call.since(56) && arguments.isObject()) {
        call.onlyKnows(arguments, {"host"});
        to = destinationIn(arguments);
    }
    migrateServer(core, call.caller, idOf(call), to);
    return http::emptyResponse(202);
}

Response migrateLive(Call& call, Core& core, const Json& arguments) {
    call.onlyKnows(arguments, {"host", "block_migration", "disk_over_commit", "force"});
    static_cast<void>(arguments.at("host"));
    const auto block = arguments.at("block_migration");
    if (!(call.since(25) && block.isText() && block.text() == "auto")) booleanOf(block);
    if (const auto over = arguments.find("disk_over_commit")) {
        if (call.since(25)) over->refuse("Additional properties are not allowed.");
        booleanOf(*over);
    } else if (!call.since(25)) {
        static_cast<void>(arguments.at("disk_over_commit"));
    }
    if (const auto force = call.find(arguments, "force", 30)) {
        if (call.since(68)) force->refuse("Additional properties are not allowed.");
        booleanOf(*force);
    }
    migrateServerLive(core, call.caller, idOf(call), destinationIn(arguments));
    return http::emptyResponse(202);
}

Response evacuate(Call& call, Core& core, const Json& arguments) {
    call.onlyKnows(arguments, {"host", "adminPass", "onSharedStorage", "force"});
    if (const auto shared = arguments.find("onSharedStorage")) {
        if (call.since(14)) shared->refuse("Additional properties are not allowed.");
        booleanOf(*shared);
    } else if (!call.since(14)) {
        static_cast<void>(arguments.at("onSharedStorage"));
    }
    std::string password = core.parts.ambient.secret(12);
    if (const auto given = arguments.find("adminPass")) password = textOf(*given, 0, 255);
    if (const auto force = call.find(arguments, "force", 29)) {
        if (call.since(68)) force->refuse("Additional properties are not allowed.");
        booleanOf(*force);
    }
    evacuateServer(core, call.caller, idOf(call), destinationIn(arguments));
    if (call.since(14)) return http::emptyResponse(200);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.field("adminPass", password);
    });
}

Response injectNetworkInfo(Call& call, Core& core, const Json&) {
    compute::injectNetworkInfo(core, call.caller, idOf(call));
    return http::emptyResponse(202);
}

constexpr ActionRoute actions[] = {{"os-resetState", resetState},
                                   {"injectNetworkInfo", injectNetworkInfo},
                                   {"migrate", migrate},
                                   {"os-migrateLive", migrateLive},
                                   {"evacuate", evacuate}};

}

std::span<const ActionRoute> adminActions() { return actions; }

}
