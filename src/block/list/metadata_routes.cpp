#include "block/list/metadata_routes.hpp"

#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/wire.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;

Error missingItem() { return Error(Failure::NotFound, "Metadata item was not found"); }

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
    its.change(request, [&](Metadata& metadata) { metadata[key] = item.at(key); });
    return metadataResponse(item, "meta");
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
    return metadataResponse(its.change(request, [&](Metadata& metadata) { metadata = wanted; }));
}

}

void addMetadata(http::Routes& routes, const MetadataRoutes& its) {
    const auto with = http::boundTo(its);
    const auto one = its.path + "/{key}";
    add(routes, Method::Get, its.path, its.show,
        [its](Request& request) { return metadataResponse(its.read(request)); });
    add(routes, Method::Post, its.path, its.create, with(addItems));
    add(routes, Method::Put, its.path, its.update, with(replaceItems));
    add(routes, Method::Get, one, its.show, with(showItem));
    add(routes, Method::Put, one, its.update, with(updateItem));
    add(routes, Method::Delete, one, its.remove, with(removeItem));
}

}
