#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/type/type.hpp"
#include "identity/caller.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

void write(JsonWriter& out, const identity::Caller& caller, const VolumeType& type) {
    const auto one = out.object();
    showInto(out, volumeTypes, type);
    if (!caller.may("volume_extension:access_types_extra_specs", {})) return;
    const auto none = out.object("extra_specs");
}

Response list(const Request& request, store::Store& store) {
    const auto& caller = callerOf(request);
    caller.enforce();
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("volume_types");
        for (const auto& each : type_table::all(store.reader())) write(out, caller, each);
    });
}

Response show(const Request& request, store::Store& store, std::string_view idOrName) {
    const auto& caller = callerOf(request);
    caller.enforce();
    const auto type = type_table::find(store.reader(), idOrName);
    if (!type) throw missingType(idOrName);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.key("volume_type");
        write(out, caller, *type);
    });
}

}

http::Routes typeRoutes(store::Store& store) {
    http::Routes routes;
    add(routes, Method::Get, "/types", "volume_extension:type_get_all",
        [&store](Request& request) { return list(request, store); });
    add(routes, Method::Get, "/types/default", "volume_extension:type_get",
        [&store](Request& request) { return show(request, store, defaultType); });
    add(routes, Method::Get, "/types/{type}", "volume_extension:type_get",
        [&store](Request& request) { return show(request, store, request.param("type")); });
    return routes;
}

}
