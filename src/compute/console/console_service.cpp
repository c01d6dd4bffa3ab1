#include <stratolet/error.hpp>

#include "compute/console/console.hpp"
#include "compute/server/server_reading.hpp"
#include "compute/server/server_table.hpp"
#include "platform/config/config.hpp"

namespace stratolet::compute {
namespace {

constexpr std::string_view rule = "os_compute_api:os-remote-consoles";

Error notReady(const ServerId& id) { return Error(Failure::Conflict, "Instance ", id, " is not ready"); }

/// A websocket's address is written with a scheme of its own (RFC 6455, 3).
std::string asWebsocket(const std::string& endpoint) {
    return endpoint.starts_with("http") ? "ws" + endpoint.substr(4) : endpoint;
}

/// The path that an endpoint has itself, with a slash at its end where there is any: "cloud/".
std::string pathOf(const std::string& endpoint) {
    const auto scheme = endpoint.find("://");
    const auto slash = endpoint.find('/', scheme == std::string::npos ? 0 : scheme + 3);
    return slash == std::string::npos ? "" : endpoint.substr(slash + 1) + "/";
}

}

std::string_view nameOf(ConsoleKind kind) { return kind == ConsoleKind::Vnc ? "vnc" : "serial"; }

std::string openConsole(Core& core, const identity::Caller& caller, const ServerId& id, ConsoleKind kind) {
    const Server server = allowedServer(core.reader(), caller, id, rule);
    if (!server.launched || server.task == TaskState::Deleting || server.vm == VmState::ShelvedOffloaded)
        throw notReady(id);
    auto& hypervisor = core.hypervisors.on({server.host});
    const auto power = hypervisor.powerState(id);
    if (power != PowerState::Running && power != PowerState::Paused) throw notReady(id);
    if (kind == ConsoleKind::Vnc && !hypervisor.graphics(id))
        throw Error(Failure::Invalid, "Unavailable console type vnc.");
    const auto token = core.parts.ambient.secret(43);
    const auto lives = core.parts.config.seconds("compute", "console_token_ttl");
    core.parts.store.write([&](store::Transaction& tx) {
        ConsoleTokenTable::removeExpired(tx, core.now());
        ConsoleTokenTable::insert(tx, token, {id, kind}, core.now() + lives);
    });
    return token;
}

std::string consoleAddress(const std::string& endpoint, ConsoleKind kind, const std::string& token) {
    // As Nova's: a page for a screen, and where a serial port's websocket is; the same address with "http" is its page.
    return kind == ConsoleKind::Vnc ? endpoint + "/console/vnc_lite.html?path=" +
                                          http::percentEncoded(pathOf(endpoint) + "console/vnc?token=" + token)
                                    : asWebsocket(endpoint) + "/console/serial?token=" + token;
}

bool mayGoOn(Core& core, const Console& console, const HostName& host) {
    if (core.parts.config.boolean("compute", "console_enforce_session_timeout") && core.now() >= console.expires)
        return false;
    const auto server = ServerTable::find(core.reader(), console.server);
    return server && !server->deleted && server->task != TaskState::Deleting && server->host == host.text &&
           (server->power == PowerState::Running || server->power == PowerState::Paused);
}

}
