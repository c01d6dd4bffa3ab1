#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "compute/core.hpp"
#include "identity/caller.hpp"
#include "platform/http/http.hpp"

// Consoles: who may act on a server gets an address with a token; it opens the server's screen or serial port once, in
// a browser or in any client that speaks websockets.

namespace stratolet::compute {

enum class ConsoleKind { Vnc, Serial };
std::string_view nameOf(ConsoleKind kind); ///< "vnc", "serial"

/// What a token opens.
struct Console {
    ServerId server;
    ConsoleKind kind = ConsoleKind::Vnc;
    Time expires = {}; ///< its token
};

/// Tokens, by what they were made into (SHA-256): who reads the store can't open anything.
struct ConsoleTokenTable {
    /// The server's oldest go where it has many.
    static void insert(store::Transaction& tx, const std::string& token, const Console& console, Time expires);
    /// Nothing where nobody knows the token, or it has expired.
    static std::optional<Console> find(store::Reader& db, const std::string& token, Time now);
    /// The same, and it has been used then.
    static std::optional<Console> take(store::Transaction& tx, const std::string& token, Time now);
    static void removeExpired(store::Transaction& tx, Time now);
};

/// A token for a console of that kind, which lives for [compute] console_token_ttl. Error(Conflict) for a server whose
/// guest doesn't run. Asks the guest's host: not for an I/O thread.
std::string openConsole(Core& core, const identity::Caller& caller, const ServerId& id, ConsoleKind kind);

/// Where a token opens its console. `endpoint`: the cloud's public address.
std::string consoleAddress(const std::string& endpoint, ConsoleKind kind, const std::string& token);

/// The server is there, where it was, and runs: who looks at it may go on. Where the configuration has it so
/// (console_enforce_session_timeout), only until the token would have expired (nova: enforce_session_timeout); that
/// whoever opened it has lost their own token ends nothing, there as here.
bool mayGoOn(Core& core, const Console& console, const HostName& host);

/// POST /servers/{id}/remote-consoles, GET /os-console-auth-tokens/{token}.
void addConsoleRoutes(http::Routes& routes, Core& core);

/// What browsers get: noVNC's pages from [compute] novnc_folder, a page for serial ports, and the websockets of both.
http::Site consoleSite(Core& core);

/// The page of a serial port: a small terminal.
std::string_view serialPage();

}
