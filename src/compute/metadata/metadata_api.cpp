#include "compute/metadata/metadata_api.hpp"

#include <stratolet/error.hpp>

#include "compute/metadata/metadata_tree.hpp"
#include "compute/server/server_table.hpp"

namespace stratolet::compute {

using http::Request;
using http::Response;

http::Site metadataSite(Core& core) {
    http::Site site;
    site.name = "metadata";
    site.prefix = "/metadata"; // so that nobody else's path leads here; the sockets of guests lead nowhere else
    const auto answer = [&](Request& request) -> Response {
        auto& db = core.reader();
        if (request.origin.empty()) return http::textResponse(404, "404 Not Found"); // through no network of ours
        // Who asks is known by where the connection came from; nothing in the request is believed (OSSA S24).
        const auto id = core.network.serverAt(db, NetworkId{request.origin}, request.peer);
        const auto server = id ? ServerTable::find(db, *id) : std::nullopt;
        if (!server || server->deleted) return http::textResponse(404, "404 Not Found");
        const auto found = metadataAt(metadataOf(core, db, *server), request.path);
        return found ? http::textResponse(200, found->body, found->type) : http::textResponse(404, "404 Not Found");
    };
    const auto why = http::open("a guest is known by the socket it asks through");
    std::string pattern = "/";
    site.routes.push_back({http::Method::Get, pattern, why, http::Handler(answer)});
    for (const char* segment : {"{a}", "/{b}", "/{c}", "/{d}", "/{e}"}) {
        pattern += segment;
        site.routes.push_back({http::Method::Get, pattern, why, http::Handler(answer)});
    }
    site.finish = [](const Request&, Response&) {};
    site.refuse = [](const Request&, const Error& error) {
        return http::textResponse(error.failure() == Failure::Invalid ? 400 : 500, "the request could not be answered");
    };
    site.noRoute = [](const Request&, const std::vector<http::Method>& allowed) {
        return allowed.empty() ? http::textResponse(404, "404 Not Found")
                               : http::textResponse(405, "405 Method Not Allowed");
    };
    site.bodyBytesMax = 4096;
    return site;
}

}
