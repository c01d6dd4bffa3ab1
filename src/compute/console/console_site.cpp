#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include <stratolet/error.hpp>

#include "compute/console/console.hpp"
#include "compute/server/server_table.hpp"
#include "platform/config/config.hpp"
#include "platform/http/websocket.hpp"
#include "platform/log/log.hpp"
#include "platform/os/fd.hpp"

namespace stratolet::compute {
namespace {

using http::Request;
using http::Response;

/// Connected within seconds, or Error(Busy).
Fd connectedTo(const Endpoint& to) {
    constexpr int waitMs = 5000;
    sockaddr_storage address{};
    socklen_t length = 0;
    auto* const four = reinterpret_cast<sockaddr_in*>(&address);
    auto* const six = reinterpret_cast<sockaddr_in6*>(&address);
    if (::inet_pton(AF_INET, to.host.c_str(), &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(to.port);
        length = sizeof *four;
    } else if (::inet_pton(AF_INET6, to.host.c_str(), &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(to.port);
        length = sizeof *six;
    } else {
        throw Error(Failure::Broken, "a guest's screen is said to be at ", to.host);
    }
    Fd socket(static_cast<int>(
        check(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "open a socket")));
    int problem = 0;
    socklen_t size = sizeof problem;
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0 && errno != EINPROGRESS)
        throw Error(Failure::Busy, "a guest's screen takes no connection");
    pollfd asked{socket.get(), POLLOUT, 0};
    if (::poll(&asked, 1, waitMs) != 1 || ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &problem, &size) != 0 ||
        problem != 0)
        throw Error(Failure::Busy, "a guest's screen takes no connection");
    return socket;
}

Fd opened(Core& core, const Server& server, ConsoleKind kind) {
    auto& hypervisor = core.hypervisors.on({server.host});
    if (kind == ConsoleKind::Serial) return Fd(hypervisor.serial(server.id)->release());
    const auto at = hypervisor.graphics(server.id);
    if (!at) throw Error(Failure::Conflict, "Instance ", server.id, " is not ready");
    return connectedTo(*at);
}

/// A websocket to what its token opens. Every refusal of a token is the same.
Response connect(Core& core, const Request& request, ConsoleKind kind) {
    Response response = http::websocketTo(request, {.other = Fd(), .protocol = "binary", .goesOn = {}});
    if (!http::comesFromHere(request)) throw Error(Failure::Forbidden, "A page from elsewhere opens no console.");
    const auto tokens = request.query.all("token");
    std::optional<Console> console;
    if (tokens.size() == 1)
        console = core.parts.store.write(
            [&](store::Transaction& tx) { return ConsoleTokenTable::take(tx, tokens.front(), core.now()); });
    const auto server = console ? ServerTable::find(core.reader(), console->server) : std::nullopt;
    if (!server || console->kind != kind || !mayGoOn(core, *console, {server->host}))
        throw Error(Failure::Forbidden, "The token opens nothing, or has been used.");
    response.relay->other = opened(core, *server, kind);
    response.relay->goesOn = [&core, open = *console, host = HostName{server->host}] {
        return mayGoOn(core, open, host);
    };
    core.parts.log.info("A console was opened", {{"server", server->id.text}, {"console", nameOf(kind)}});
    return response;
}

std::string_view typeOf(const std::filesystem::path& file) {
    constexpr std::pair<std::string_view, std::string_view> types[] = {{".html", "text/html; charset=UTF-8"},
                                                                       {".js", "text/javascript; charset=UTF-8"},
                                                                       {".css", "text/css; charset=UTF-8"},
                                                                       {".json", "application/json"},
                                                                       {".svg", "image/svg+xml"},
                                                                       {".png", "image/png"},
                                                                       {".ico", "image/x-icon"},
                                                                       {".woff", "font/woff"},
                                                                       {".ttf", "font/ttf"},
                                                                       {".mp3", "audio/mpeg"},
                                                                       {".oga", "audio/ogg"}};
    const auto ending = file.extension().string();
    for (const auto& [known, type] : types)
        if (known == ending) return type;
    return {};
}

Error nothingThere() { return Error(Failure::NotFound, "There is no such page."); }

/// A file of noVNC's by its exact name: what begins with a dot, or isn't what browsers are given, isn't there.
Response file(Core& core, const Request& request) {
    const std::filesystem::path folder = core.parts.config.text("compute", "novnc_folder");
    std::filesystem::path path = folder;
    for (const auto& [name, segment] : request.params) {
        if (segment.empty() || segment.front() == '.' || segment.find_first_of("/\\") != std::string::npos)
            throw nothingThere();
        path /= segment;
    }
    const auto type = typeOf(path);
    if (type.empty()) throw nothingThere();
    Fd opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat found {};
    if (!opened || ::fstat(opened.get(), &found) != 0 || !S_ISREG(found.st_mode)) {
        std::error_code ignored;
        if (!std::filesystem::is_directory(folder, ignored))
            throw Error(Failure::NotFound, "noVNC is not installed on the server: its pages show screens.");
        throw nothingThere();
    }
    Response response;
    response.headers.add("Content-Type", std::string(type));
    response.file = http::FileBody{std::move(opened), 0, static_cast<std::uint64_t>(found.st_size)};
    return response;
}

int statusOf(const Error& error) {
    switch (error.failure()) {
    case Failure::NotFound: return 404;
    case Failure::Forbidden: return 403;
    case Failure::Conflict: return 409;
    case Failure::Busy: return 503;
    case Failure::Broken:
    case Failure::TimedOut: return 500;
    default: return 400;
    }
}

}

http::Site consoleSite(Core& core) {
    http::Site site;
    site.name = "console";
    site.prefix = "/console";
    const auto why = http::open("a console is opened by its token, and noVNC's pages are the same for all");
    site.routes.push_back({http::Method::Get, "/vnc", why,
                           http::Handler([&](Request& request) { return connect(core, request, ConsoleKind::Vnc); }),
                           http::Runs::Worker});
    site.routes.push_back({http::Method::Get, "/serial", why, http::Handler([&](Request& request) {
                               if (http::asksForWebsocket(request)) return connect(core, request, ConsoleKind::Serial);
                               return http::textResponse(200, std::string(serialPage()), "text/html; charset=UTF-8");
                           }),
                           http::Runs::Worker});
    std::string pattern;
    for (const char* segment : {"/{a}", "/{b}", "/{c}", "/{d}", "/{e}"}) {
        pattern += segment;
        site.routes.push_back({http::Method::Get, pattern, why,
                               http::Handler([&](Request& request) { return file(core, request); }),
                               http::Runs::Worker});
    }
    site.finish = [](const Request&, Response& response) {
        response.headers.set("X-Content-Type-Options", "nosniff");
        response.headers.set("Referrer-Policy", "no-referrer"); // an address has a token in it
        if (!response.file) response.headers.set("Cache-Control", "no-store");
    };
    site.refuse = [](const Request& request, const Error& error) {
        const int status = statusOf(error);
        if (http::asksForWebsocket(request)) return http::emptyResponse(status); // nobody would read it
        return http::textResponse(status, status == 500 ? "The server could not do that." : error.what());
    };
    site.noRoute = [](const Request&, const std::vector<http::Method>& allowed) {
        return allowed.empty() ? http::textResponse(404, "There is no such page.")
                               : http::textResponse(405, "405 Method Not Allowed");
    };
    site.bodyBytesMax = 0;
    return site;
}

}
