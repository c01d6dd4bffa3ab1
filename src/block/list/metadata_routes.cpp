#include "block/list/metadata_routes.hpp"

#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/wire.hpp"
#include "identity/token/crypto.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;

Error missingItem() { return Error(Failure::NotFound, "Metadata item was not found"); }

/// What says the same of the same metadata alone (Cinder, api/v3/volume_metadata.py: also unquoted there).
std::string tagOf(const Metadata& metadata) { return hexOf(identity::sha256(metadataResponse(metadata).body)); }

constexpr Microversion tagsSince{15};

/// Whether "If-Match" is for such metadata: a list of tags with quotes, one without, or "*".
bool fits(const Request& request, const MetadataRoutes& its, const Metadata& metadata) {
    const auto wanted = request.headers["If-Match"];
    if (!its.tagged || microversionOf(request) < tagsSince || trimmed(wanted).empty()) return true;
    for (const auto item : split(wanted, ',')) {
        auto each = trimmed(item);
        if (each.size() >= 2 && each.front() == '"' && each.back() == '"') each = each.substr(1, each.size() - 2);
        if (each == "*" || each == tagOf(metadata)) return true;
    }
    return false;
}

/// The change, unless the metadata is no more what the client has seen: nothing then.
std::optional<Metadata> changed(const Request& request, const MetadataRoutes& its,
                                const std::function<void(Metadata&)>& amend) {
    bool isSeen = false;
    auto after = its.change(request, [&](Metadata& metadata) {
        isSeen = fits(request, its, metadata);
        if (isSeen) amend(metadata);
    });
    return isSeen ? std::optional(std::move(after)) : std::nullopt;
}
constexpr int preconditionFailed = 412;

Response showAll(const Request& request, const MetadataRoutes& its) {
    const auto metadata = its.read(request);
    auto response = metadataResponse(metadata);
    if (its.tagged && microversionOf(request) >= tagsSince) response.headers.set("Etag", tagOf(metadata));
    return response;
}

Response showItem(const Request& request, const MetadataRoutes& its) {
    const auto metadata = its.read(request);
    const auto found = metadata.find(request.param("key"));
    if (found == metadata.end()) throw missingItem();
    return metadataResponse({*found}, "meta");
}

Response updateItem(const Request& request, const MetadataRoutes& its) {
    const auto item = metadataIn(request.json().object("meta"));
    const auto& key = request.param("key");
    if (item.size() != 1) throw Error(Failure::Invalid, "Request body contains too many items");
    if (!item.contains(key)) throw Error(Failure::Invalid, "Request body and URI mismatch");
    const auto after = changed(request, its, [&](Metadata& metadata) { metadata[key] = item.at(key); });
    return after ? metadataResponse(item, "meta") : http::emptyResponse(preconditionFailed);
}

Response removeItem(const Request& request, const MetadataRoutes& its) {
    its.change(request, [&](Metadata& metadata) {
        if (metadata.erase(request.param("key")) == 0) throw missingItem();
    });
    return http::emptyResponse(200);
}

Response addItems(const Request& request, const MetadataRoutes& its) {
    const auto wanted = metadataIn(request.json().object("metadata"));
    return metadataResponse(its.change(request, [&](Metadata& metadata) {
        for (const auto& [name, value] : wanted) metadata[name] = value;
    }));
}

Response replaceItems(const Request& request, const MetadataRoutes& its) {
    const auto wanted = metadataIn(request.json().object("metadata"));
    const auto after = changed(request, its, [&](Metadata& metadata) { metadata = wanted; });
    return after ? metadataResponse(*after) : http::emptyResponse(preconditionFailed);
}

}

void addMetadata(http::Routes& routes, const MetadataRoutes& its) {
    const auto with = http::boundTo(its);
    const auto one = its.path + "/{key}";
    add(routes, Method::Get, its.path, its.show, with(showAll));
    add(routes, Method::Post, its.path, its.create, with(addItems));
    add(routes, Method::Put, its.path, its.update, with(replaceItems));
    add(routes, Method::Get, one, its.show, with(showItem));
    add(routes, Method::Put, one, its.update, with(updateItem));
    add(routes, Method::Delete, one, its.remove, with(removeItem));
}

}
