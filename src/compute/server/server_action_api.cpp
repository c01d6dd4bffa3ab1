#include <algorithm>
#include <cctype>

#include <stratolet/error.hpp>

#include "compute/proxy/proxy.hpp"
#include "compute/server/server_api.hpp"
#include "compute/server/server_changing.hpp"
#include "compute/server/server_power.hpp"
#include "compute/server/server_reading.hpp"
#include "compute/verb/verb_api.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

ServerId idOf(const Call& call) { return ServerId{call.param("id")}; }

Response start(Call& call, Core& core, const Json&) {
    startServer(core, call.caller, idOf(call));
    return http::emptyResponse(202);
}

Response stop(Call& call, Core& core, const Json&) {
    stopServer(core, call.caller, idOf(call));
    return http::emptyResponse(202);
}

Response reboot(Call& call, Core& core, const Json& arguments) {
    call.onlyKnows(arguments, {"type"});
    std::string type = textOf(arguments.at("type"), 1, 255);
    std::transform(type.begin(), type.end(), type.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
    if (type != "SOFT" && type != "HARD")
        arguments.at("type").refuse("It is not one of ['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']");
    rebootServer(core, call.caller, idOf(call), type == "HARD");
    return http::emptyResponse(202);
}

Response lock(Call& call, Core& core, const Json& arguments) {
    std::optional<std::string> reason;
    if (call.since(73) && arguments.isObject()) {
        call.onlyKnows(arguments, {"locked_reason"});
        if (const auto given = arguments.find("locked_reason")) reason = textOf(*given, 1, 255);
    }
    lockServer(core, call.caller, idOf(call), reason);
    return http::emptyResponse(202);
}

Response unlock(Call& call, Core& core, const Json&) {
    unlockServer(core, call.caller, idOf(call));
    return http::emptyResponse(202);
}

Response console(Call& call, Core& core, const Json& arguments) {
    int lines = -1;
    if (arguments.isObject()) {
        call.onlyKnows(arguments, {"length"});
        if (const auto length = arguments.find("length"); length && !length->isNull())
            lines = static_cast<int>(integerOf(*length, -1, 1000000));
    }
    const std::string text = compute::console(core, call.caller, idOf(call), lines);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.field("output", text);
    });
}

constexpr ActionRoute actions[] = {{"os-start", start},
                                   {"os-stop", stop},
                                   {"reboot", reboot},
                                   {"lock", lock},
                                   {"unlock", unlock},
                                   {"os-getConsoleOutput", console},
                                   {"addSecurityGroup", addSecurityGroup},
                                   {"removeSecurityGroup", removeSecurityGroup},
                                   {"addFloatingIp", addFloatingIp},
                                   {"removeFloatingIp", removeFloatingIp},
                                   {"addFixedIp", addFixedIp},
                                   {"removeFixedIp", removeFixedIp}};

Response act(Call& call, Core& core) {
    call.caller.asked = true; // each action asks its own rule; what is none is refused whoever asks
    const Json body = call.request.json();
    if (!body.isObject() || body.size() == 0) throw Error(Failure::Invalid, "Malformed request body");
    for (const auto& list : {std::span<const ActionRoute>(actions), lifeActions(), adminActions(), consoleActions()})
        for (const auto& action : list) {
            const auto arguments = body.find(action.name);
            if (!arguments) continue;
            if (call.version < action.span.from || call.version > action.span.until)
                throw Error(Failure::NotFound, "The resource could not be found.");
            call.onlyKnows(body, {action.name});
            return action.answer(call, core, *arguments);
        }
    throw Error(Failure::Invalid, "There is no such action: ", body.names().front());
}

}

void addServerActionRoutes(http::Routes& routes, Core& core) {
    addRoute(routes, Method::Post, "/servers/{id}/action", "os_compute_api:servers:show",
             [&](Call& call) { return act(call, core); });
}

}
