#include "compute/metadata/metadata_api.hpp"

#include <stratolet/error.hpp>

#include "compute/encoding.hpp"
#include "compute/metadata/metadata_tree.hpp"
#include "compute/password/server_password.hpp"
#include "compute/server/server_table.hpp"

namespace stratolet::compute {

using http::Request;
using http::Response;

namespace {

/// Who asks is known by where the connection came from; nothing in the request is believed (OSSA S24). Nothing where
/// that is through no network of ours.
std::optional<Server> serverBehind(Core& core, store::Reader& db, const Request& request) {
    if (request.origin.empty()) return std::nullopt;
    const auto id = core.network.serverAt(db, NetworkId{request.origin}, request.peer);
    auto server = id ? ServerTable::find(db, *id) : std::nullopt;
    return server && !server->deleted ? server : std::nullopt;
}

/// Once only, until its owner has cleared it: what runs in the guest later must not replace what its first start told.
Response keepPassword(Core& core, const Request& request) {
    if (!isPasswordPath(request.path)) return http::textResponse(404, "404 Not Found");
    if (request.body.size() > PasswordTable::bytesMax || !isPrintable(request.body))
        return http::textResponse(400, "400 Bad Request");
    const int status = core.parts.store.write([&](store::Transaction& tx) {
        const auto server = serverBehind(core, tx, request);
        return !server ? 404 : PasswordTable::set(tx, server->id, request.body) ? 200 : 409;
    });
    return http::textResponse(status,
                              status == 200 ? "" : std::to_string(status) + " " + std::string(http::reasonOf(status)));
}

}

http::Site metadataSite(Core& core) {
    http::Site site;
    site.name = "metadata";
    site.prefix = "/metadata"; // so that nobody else's path leads here; the sockets of guests lead nowhere else
    const auto answer = [&](Request& request) -> Response {
        auto& db = core.reader();
        const auto server = serverBehind(core, db, request);
        if (!server) return http::textResponse(404, "404 Not Found");
        auto tree = metadataOf(core, db, *server,
                               isVendorPath(request.path) ? core.vendor.askFor(core, db, *server) : VendorAnswers());
        addPassword(tree, PasswordTable::of(db, server->id));
        const auto found = metadataAt(tree, request.path);
        return found ? http::textResponse(200, found->body, found->type) : http::textResponse(404, "404 Not Found");
    };
    const auto why = http::open("a guest is known by the socket it asks through");
    std::string pattern = "/";
    site.routes.push_back({http::Method::Get, pattern, why, http::Handler(answer)});
    for (const char* segment : {"{a}", "/{b}", "/{c}", "/{d}", "/{e}"}) {
        pattern += segment;
        site.routes.push_back({http::Method::Get, pattern, why, http::Handler(answer)});
    }
    if (core.vendor.any()) // it is waited for, which nobody does where requests are read
        site.routes.push_back({http::Method::Get, "/openstack/{version}/vendor_data2.json", why, http::Handler(answer),
                               http::Runs::Worker});
    site.routes.push_back({http::Method::Post, "/openstack/{version}/password", why,
                           http::Handler([&](Request& request) { return keepPassword(core, request); })});
    site.finish = [](const Request&, Response&) {};
    site.refuse = [](const Request&, const Error& error) {
        const int status = error.failure() == Failure::Invalid ? 400 : error.failure() == Failure::Busy ? 503 : 500;
        return http::textResponse(status, "the request could not be answered");
    };
    site.noRoute = [](const Request&, const std::vector<http::Method>& allowed) {
        return allowed.empty() ? http::textResponse(404, "404 Not Found")
                               : http::textResponse(405, "405 Method Not Allowed");
    };
    site.bodyBytesMax = 4096;
    return site;
}

}
