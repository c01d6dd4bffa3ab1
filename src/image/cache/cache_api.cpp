#include <stratolet/error.hpp>

#include "image/image_api.hpp"

namespace stratolet::image {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

Response list(Request& request, Cache& cache) {
    const auto all = cache.list(callerOf(request));
    const auto seconds = [](Time time) { return static_cast<double>(toMicros(time)) / 1e6; };
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto cached = out.array("cached_images");
            for (const auto& each : all) {
                if (each.queued) continue;
                const auto one = out.object();
                out.field("image_id", each.image);
                out.field("size", each.size);
                out.field("hits", each.hits);
                out.field("last_modified", seconds(each.modified));
                out.field("last_accessed", seconds(each.accessed));
            }
        }
        const auto queued = out.array("queued_images");
        for (const auto& each : all)
            if (each.queued) out.value(each.image);
    });
}

Response clear(Request& request, Cache& cache) {
    const auto target = request.headers["x-image-cache-clear-target"];
    if (!target.empty() && target != "cache" && target != "queue")
        throw Error(Failure::Invalid, "If x-image-cache-clear-target is there, it must be cache or queue.");
    cache.clear(callerOf(request), target != "queue", target != "cache");
    return http::emptyResponse(204);
}

}

http::Routes cacheRoutes(Cache& cache) {
    using http::policy;
    return {
        {Method::Get, "/v2/cache", policy("cache_list"), [&cache](Request& request) { return list(request, cache); }},
        {Method::Delete, "/v2/cache", policy("cache_delete"),
         [&cache](Request& request) { return clear(request, cache); }},
        {Method::Put, "/v2/cache/{image_id}", policy("cache_image"),
         [&cache](Request& request) {
             cache.queue(callerOf(request), imageIn(request));
             return http::emptyResponse(202);
         }},
        {Method::Delete, "/v2/cache/{image_id}", policy("cache_delete"),
         [&cache](Request& request) {
             cache.remove(callerOf(request), imageIn(request));
             return http::emptyResponse(204);
         }},
    };
}

}
