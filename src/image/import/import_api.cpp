#include <stratolet/error.hpp>

#include "image/image_api.hpp"

namespace stratolet::image {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

ImportRequest importIn(const Request& request) {
    const auto body = request.json();
    if (!body.isObject()) throw Error(Failure::Invalid, "Request body must be a JSON object.");
    body.onlyKnows({"method", "stores", "all_stores", "all_stores_must_succeed"});
    const auto method = body.object("method");
    ImportRequest wanted;
    wanted.method = method.text("name");
    if (wanted.method == "web-download") {
        method.onlyKnows({"name", "uri"});
        wanted.uri = method.text("uri");
    } else {
        method.onlyKnows({"name"});
    }
    wanted.allStores = body.boolean("all_stores", false);
    wanted.allMustSucceed = body.boolean("all_stores_must_succeed", true);
    if (const auto stores = body.find("stores")) {
        wanted.stores.emplace();
        for (const auto& each : stores->items()) wanted.stores->push_back(each.text());
    }
    wanted.body = body.dump();
    return wanted;
}

Response importMethods() {
    return http::jsonResponse(200, [](JsonWriter& out) {
        const auto body = out.object();
        const auto methods = out.object("import-methods");
        out.field("description", "Import methods available.");
        out.field("type", "array");
        const auto values = out.array("value");
        for (const auto& each : Imports::methods()) out.value(each);
    });
}

Response storeList(const Stores& stores, bool detail) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("stores");
        for (const auto* each : stores.all()) {
            const auto one = out.object();
            out.field("id", each->name());
            out.field("description", "Files on this host");
            if (each == &stores.first()) out.field("default", "true");
            if (!detail) continue;
            out.field("type", "file");
            out.field("weight", 0);
            const auto properties = out.object("properties");
            out.field("thin_provisioning", false);
        }
    });
}

}

http::Routes importRoutes(Imports& imports, const Stores& stores) {
    using http::open;
    using http::policy;
    return {
        {Method::Post, "/v2/images/{image_id}/import", policy("modify_image"),
         [&imports](Request& request) {
             imports.begin(callerOf(request), imageIn(request), importIn(request));
             return http::emptyResponse(202);
         }},
        {Method::Delete, "/v2/stores/{store_id}/{image_id}", policy("delete_image_location"),
         [&imports](Request& request) {
             imports.removeFromStore(callerOf(request), request.param("store_id"), imageIn(request));
             return http::emptyResponse(204);
         }},
        {Method::Get, "/v2/info/import", open("what this program can do is no secret"),
         [](Request&) { return importMethods(); }},
        {Method::Get, "/v2/info/stores", policy("get_images"),
         [&stores](Request& request) {
             callerOf(request).enforce();
             return storeList(stores, false);
         }},
        {Method::Get, "/v2/info/stores/detail", policy("stores_info_detail"),
         [&stores](Request& request) {
             callerOf(request).enforce();
             return storeList(stores, true);
         }},
    };
}

}
