#include <stratolet/error.hpp>

#include "image/image_api.hpp"

namespace stratolet::image {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

Response answer(const std::vector<CachedImage>& all) {
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

/// What a request to clear the cache is about.
struct Cleared {
    bool cached, queued;
};

Cleared clearedBy(const Request& request) {
    const auto target = request.headers["x-image-cache-clear-target"];
    if (!target.empty() && target != "cache" && target != "queue")
        throw Error(Failure::Invalid, "If x-image-cache-clear-target is there, it must be cache or queue.");
    return {target != "queue", target != "cache"};
}

/// A handler for each of the four routes.
http::Routes routesOf(http::Handler list, http::Handler clear, http::Handler queue, http::Handler remove) {
    using http::policy;
    return {{Method::Get, "/v2/cache", policy("cache_list"), std::move(list)},
            {Method::Delete, "/v2/cache", policy("cache_delete"), std::move(clear)},
            {Method::Put, "/v2/cache/{image_id}", policy("cache_image"), std::move(queue)},
            {Method::Delete, "/v2/cache/{image_id}", policy("cache_delete"), std::move(remove)}};
}

}

http::Routes cacheRoutes(Cache& cache) {
    return routesOf([&cache](Request& request) { return answer(cache.list(callerOf(request))); },
                    [&cache](Request& request) {
                        const auto cleared = clearedBy(request);
                        cache.clear(callerOf(request), cleared.cached, cleared.queued);
                        return http::emptyResponse(204);
                    },
                    [&cache](Request& request) {
                        cache.queue(callerOf(request), imageIn(request));
                        return http::emptyResponse(202);
                    },
                    [&cache](Request& request) {
                        cache.remove(callerOf(request), imageIn(request));
                        return http::emptyResponse(204);
                    });
}

http::Routes nearCopyRoutes(Parts parts, ImageService& images, NearCopies& copies) {
    const auto list = [parts, &images, &copies](Request& request) {
        callerOf(request).enforce();
        return parts.store.read([&](store::Reader& db) {
            std::vector<CachedImage> all;
            std::vector<std::string> ids;
            for (const auto& each : copies.all(db)) {
                all.push_back({each.image, each.queued, 0, each.hits, each.modified, each.accessed});
                ids.push_back(each.image.text);
            }
            const auto sizes = images.table().sizesOf(db, ids);
            for (auto& each : all)
                if (const auto found = sizes.find(each.image.text); found != sizes.end()) each.size = found->second;
            return answer(all);
        });
    };
    const auto clear = [parts, &copies](Request& request) {
        callerOf(request).enforce();
        const auto cleared = clearedBy(request);
        parts.store.write([&](store::Transaction& tx) {
            for (const auto& each : copies.all(tx))
                if (each.queued ? cleared.queued : cleared.cached) copies.remove(tx, each.image);
        });
        return http::emptyResponse(204);
    };
    const auto queue = [parts, &images, &copies](Request& request) {
        const auto& caller = callerOf(request);
        caller.enforce();
        parts.store.write([&](store::Transaction& tx) {
            const auto image = images.visible(tx, caller, imageIn(request));
            if (image.status != ImageStatus::Active)
                throw Error(Failure::Invalid, "Only images with status active can be targeted for queueing");
            copies.queue(tx, image.id, image.checksum.value_or(""));
        });
        return http::emptyResponse(202);
    };
    const auto remove = [parts, &copies](Request& request) {
        callerOf(request).enforce();
        parts.store.write([&](store::Transaction& tx) {
            if (!copies.remove(tx, imageIn(request)))
                throw Error(Failure::NotFound, "Image ", imageIn(request), " is neither cached nor queued.");
        });
        return http::emptyResponse(204);
    };
    return routesOf(list, clear, queue, remove);
}

}
