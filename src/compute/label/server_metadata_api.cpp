#include <algorithm>
#include <cctype>

#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/label/server_metadata.hpp"
#include "compute/server/server_reading.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

ServerId idOf(const Call& call) { return ServerId{call.param("id")}; }

Response metadataAnswer(const Metadata& items) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto outer = out.object();
        const auto metadata = out.object("metadata");
        for (const auto& [name, value] : items) out.field(name, value);
    });
}

Response itemAnswer(const std::string& name, const std::string& value) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto outer = out.object();
        const auto meta = out.object("meta");
        out.field(name, value);
    });
}

Metadata storedMetadata(Call& call, Core& core) {
    auto& db = core.reader();
    return MetadataTable::of(db, allowedServer(db, call.caller, idOf(call)).id);
}

}

Metadata metadataOf(const Json& object) {
    if (!object.isObject()) object.refuse("It is not of type 'object'");
    Metadata items;
    for (const auto& name : object.names()) {
        const Json value = object.at(name);
        const bool plain =
            !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](unsigned char letter) {
                return std::isalnum(letter) ||
                       std::string_view("-_:. ").find(static_cast<char>(letter)) != std::string_view::npos;
            });
        if (!plain)
            value.refuse("A key may have 1 to 255 letters, digits, blanks, dots, colons, dashes and underscores.");
        items[name] = textOf(value, 0, 255);
    }
    return items;
}

void addMetadataRoutes(http::Routes& routes, Core& core) {
    const std::string all = "/servers/{id}/metadata", one = "/servers/{id}/metadata/{key}",
                      rule = "os_compute_api:server-metadata:";
    addRoute(routes, Method::Get, all, rule + "index",
             [&](Call& call) { return metadataAnswer(storedMetadata(call, core)); });
    addRoute(routes, Method::Post, all, rule + "create", [&](Call& call) {
        const auto items = metadataOf(call.body("metadata"));
        setMetadata(core, call.caller, idOf(call), items, false);
        return metadataAnswer(MetadataTable::of(core.reader(), idOf(call)));
    });
    addRoute(routes, Method::Put, all, rule + "update_all", [&](Call& call) {
        const auto items = metadataOf(call.body("metadata"));
        setMetadata(core, call.caller, idOf(call), items, true);
        return metadataAnswer(items);
    });
    addRoute(routes, Method::Get, one, rule + "show", [&](Call& call) {
        const auto items = storedMetadata(call, core);
        const auto found = items.find(call.param("key"));
        if (found == items.end()) throw Error(Failure::NotFound, "Metadata item was not found");
        return itemAnswer(found->first, found->second);
    });
    addRoute(routes, Method::Put, one, rule + "update", [&](Call& call) {
        const Json body = call.body("meta");
        if (body.size() != 1) body.refuse("Request body contains too many items");
        if (!body.has(call.param("key"))) throw Error(Failure::Invalid, "Request body and URI mismatch");
        const auto items = metadataOf(body);
        setMetadata(core, call.caller, idOf(call), items, false);
        return itemAnswer(items.begin()->first, items.begin()->second);
    });
    addRoute(routes, Method::Delete, one, rule + "delete", [&](Call& call) {
        removeMetadata(core, call.caller, idOf(call), call.param("key"));
        return http::emptyResponse(204);
    });
}

}
