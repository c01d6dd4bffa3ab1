#include <algorithm>
#include <array>

#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/console/console.hpp"
#include "compute/server/server_table.hpp"
#include "compute/verb/verb_api.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

/// A protocol and a type that Nova's bodies may name, and since when. Those without a kind are of hypervisors, or of
/// screens, that nobody here has.
struct Offer {
    std::string_view protocol, type;
    int since = 6;
    std::optional<ConsoleKind> kind = {};
};
constexpr auto offers = std::to_array<Offer>({{"vnc", "novnc", 6, ConsoleKind::Vnc},
                                              {"vnc", "xvpvnc"},
                                              {"serial", "serial", 6, ConsoleKind::Serial},
                                              {"spice", "spice-html5"},
                                              {"spice", "spice-direct", 99},
                                              {"rdp", "rdp-html5"},
                                              {"mks", "webmks", 8}});

/// One of the words of a list that is there at the call's version.
std::string wordIn(const Call& call, const Json& body, std::string_view name, std::string_view Offer::*member) {
    const auto given = body.at(name);
    auto word = textOf(given, 1, 255);
    if (std::none_of(offers.begin(), offers.end(),
                     [&](const Offer& each) { return each.*member == word && call.since(each.since); }))
        given.refuse("'" + word + "' is not one of them");
    return word;
}

ConsoleKind kindOf(std::string_view protocol, std::string_view type) {
    const auto* const offer = std::find_if(offers.begin(), offers.end(), [&](const Offer& each) {
        return each.protocol == protocol && each.type == type;
    });
    if (offer == offers.end()) throw Error(Failure::Invalid, "Invalid console type ", type);
    if (!offer->kind) throw Error(Failure::Invalid, "Unavailable console type ", type, ".");
    return *offer->kind;
}

std::string addressFor(Call& call, Core& core, ConsoleKind kind) {
    const auto token = openConsole(core, call.caller, ServerId{call.param("id")}, kind);
    return consoleAddress(call.request.endpoint, kind, token);
}

Response create(Call& call, Core& core) {
    const auto body = call.body("remote_console");
    call.onlyKnows(body, {"protocol", "type"});
    const auto protocol = wordIn(call, body, "protocol", &Offer::protocol);
    const auto type = wordIn(call, body, "type", &Offer::type);
    const auto url = addressFor(call, core, kindOf(protocol, type));
    return http::jsonResponse(200, "remote_console", [&](JsonWriter& out) {
        const auto console = out.object();
        out.field("protocol", protocol);
        out.field("type", type);
        out.field("url", url);
    });
}

/// What there was before it: an action for each protocol.
Response createOf(Call& call, Core& core, const Json& arguments, std::string_view protocol) {
    call.onlyKnows(arguments, {"type"});
    const auto given = arguments.at("type");
    const auto type = textOf(given, 1, 255);
    if (std::none_of(offers.begin(), offers.end(), [&](const Offer& each) {
            return each.protocol == protocol && each.type == type && each.since <= 6;
        }))
        given.refuse("'" + type + "' is not one of them");
    const auto url = addressFor(call, core, kindOf(protocol, type));
    return http::jsonResponse(200, "console", [&](JsonWriter& out) {
        const auto console = out.object();
        out.field("type", type);
        out.field("url", url);
    });
}

Response vnc(Call& call, Core& core, const Json& arguments) { return createOf(call, core, arguments, "vnc"); }
Response spice(Call& call, Core& core, const Json& arguments) { return createOf(call, core, arguments, "spice"); }
Response serial(Call& call, Core& core, const Json& arguments) { return createOf(call, core, arguments, "serial"); }
Response rdp(Call& call, Core& core, const Json& arguments) { return createOf(call, core, arguments, "rdp"); }

constexpr Span before{versionMin, 5};
constexpr ActionRoute actions[] = {{"os-getVNCConsole", vnc, before},
                                   {"os-getSPICEConsole", spice, before},
                                   {"os-getSerialConsole", serial, before},
                                   {"os-getRDPConsole", rdp, before}};

/// For a proxy that asks what a token opens: it stays good.
Response show(Call& call, Core& core) {
    call.caller.enforce();
    if (call.since(99)) call.asksOnly({});
    const auto known = ConsoleTokenTable::find(core.reader(), call.param("token"), core.now());
    const auto server = known ? ServerTable::find(core.reader(), known->server) : std::nullopt;
    if (!server || server->deleted) throw Error(Failure::NotFound, "Token not found");
    if (!call.since(31)) // until then of RDP consoles alone
        throw Error(Failure::Unauthenticated, "The requested console type details are not accessible");
    std::optional<Endpoint> at;
    if (known->kind == ConsoleKind::Vnc) at = core.hypervisors.on({server->host}).graphics(server->id);
    return http::jsonResponse(200, "console", [&](JsonWriter& out) {
        const auto console = out.object();
        out.field("instance_uuid", server->id.text);
        out.field("host", at ? at->host : server->host); // a serial port is reached through the hypervisor
        out.field("port", at ? at->port : 0);
        if (call.since(99)) out.field("tls_port", at ? at->tlsPort : 0);
        out.field("internal_access_path", nullptr);
    });
}

}

std::span<const ActionRoute> consoleActions() { return actions; }

void addConsoleRoutes(http::Routes& routes, Core& core) {
    addRoute(routes, Method::Post, "/servers/{id}/remote-consoles", "os_compute_api:os-remote-consoles",
             [&](Call& call) { return create(call, core); }, {6, versionMax});
    addRoute(
        routes, Method::Get, "/os-console-auth-tokens/{token}", "os_compute_api:os-console-auth-tokens",
        [&](Call& call) { return show(call, core); }, {}, http::Runs::Worker);
}

}
