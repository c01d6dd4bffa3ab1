#include "image/image_api.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "image/data/location.hpp"
#include "image/image_patch.hpp"
#include "image/image_query.hpp"
#include "image/import/imports.hpp"
#include "image/wire.hpp"
#include "platform/http/range.hpp"
#include "platform/text/text.hpp"

namespace stratolet::image {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

Response imageResponse(const Request& request, const ImageService& images, int status, const ImageRecord& image) {
    const bool withLocations = images.showsLocations(callerOf(request), image);
    return http::jsonResponse(status, [&](JsonWriter& out) { write(out, image, withLocations); });
}

Response create(Request& request, ImageService& images, const Stores& stores) {
    const auto body = request.json();
    if (!body.isObject()) throw Error(Failure::Invalid, "Request body must be a JSON object.");
    ImageRecord wanted;
    for (const auto& name : body.names()) {
        const auto value = body.at(name);
        if (name == "id") {
            if (!value.isText() || !isUuid(value.text())) value.refuse("It must be a UUID.");
            wanted.id = {value.text()};
        } else {
            assign(wanted, name, value);
        }
    }
    if (!body.has("owner")) wanted.owner = callerOf(request).project;
    const auto image = images.create(callerOf(request), std::move(wanted));
    auto response = imageResponse(request, images, 201, image);
    response.headers.add("Location", request.base + "/v2/images/" + image.id.text);
    response.headers.add("OpenStack-image-import-methods", joined(Imports::methods(), ","));
    response.headers.add("OpenStack-image-store-ids", joined(stores.names(), ","));
    return response;
}

Response list(Request& request, ImageService& images) {
    const auto query = imageQueryIn(request.query);
    const auto limit = query.listing.limit;
    const auto found = images.list(callerOf(request), query);
    const bool full = !found.empty() && static_cast<std::int64_t>(found.size()) == limit;
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto items = out.array("images");
            for (const auto& image : found) write(out, image, images.showsLocations(callerOf(request), image));
        }
        writeLinks(out, request, "/v2/images", full ? std::optional(found.back().id.text) : std::nullopt);
        out.field("schema", "/v2/schemas/images");
    });
}

Response show(Request& request, ImageService& images) {
    return imageResponse(request, images, 200, images.show(callerOf(request), imageIn(request)));
}

Response update(Request& request, ImageService& images) {
    const auto changes = changesIn(request);
    if (std::any_of(changes.begin(), changes.end(),
                    [](const ImageChange& each) { return each.attribute == "locations"; }))
        images.requireLocations();
    return imageResponse(
        request, images, 200,
        images.update(callerOf(request), imageIn(request), [&](ImageRecord& image) { amend(image, changes); }));
}

/// The data of an image on its way in, as the listener sees it.
class UploadBody : public http::BodySink {
public:
    explicit UploadBody(std::unique_ptr<ImageUpload> upload) : upload_(std::move(upload)) {}

    void append(std::span<const std::byte> bytes) override { upload_->append(bytes); }
    Response finish() override {
        upload_->finish();
        return http::emptyResponse(204);
    }

private:
    std::unique_ptr<ImageUpload> upload_;
};

void requireOctets(Request& request, ImageService& images) {
    if (request.headers.mediaType() == "application/octet-stream") return;
    images.show(callerOf(request), imageIn(request)); // an image that isn't there is the better answer
    throw Error(Failure::Unsupported, "The data of an image must be sent as application/octet-stream.");
}

Response download(Request& request, ImageData& images) {
    auto data = images.download(callerOf(request), imageIn(request));
    if (!data) return http::emptyResponse(204);
    const auto size = static_cast<std::uint64_t>(data->size);
    const auto tag = "\"" + data->checksum + "\"";
    Response response;
    if (!data->checksum.empty()) {
        response.headers.add("ETag", tag);
        if (request.headers["If-None-Match"] == tag) {
            response.status = 304;
            return response;
        }
    }
    http::ByteRange range{0, size};
    const auto wanted = request.headers["Range"], condition = request.headers["If-Range"];
    if (!wanted.empty() && (condition.empty() || condition == tag)) {
        range = http::rangeIn(wanted, size);
        response.status = 206;
        response.headers.add("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                                  std::to_string(range.first + range.length - 1) + "/" +
                                                  std::to_string(size));
    } else if (!data->checksum.empty()) {
        response.headers.add("Content-MD5", data->checksum);
    }
    response.headers.add("Content-Type", "application/octet-stream");
    response.headers.add("Accept-Ranges", "bytes");
    response.file = http::FileBody{std::move(data->file), range.first, range.length};
    return response;
}

template <class Verb> http::Handler quietly(Verb verb) {
    return [verb](Request& request) {
        verb(request);
        return http::emptyResponse(204);
    };
}

/// What POST and GET of /v2/images/{id}/locations answer with.
Response locationsResponse(const ImageRecord& image) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto list = out.array();
        for (const auto& each : image.locations) writeLocation(out, image, each);
    });
}

Response postLocation(Request& request, ImageService& images) {
    const auto body = request.json();
    return locationsResponse(images.update(callerOf(request), imageIn(request),
                                           [&](ImageRecord& image) { image::addLocation(image, body); }));
}

Response showLocations(Request& request, ImageService& images) {
    return locationsResponse(images.show(callerOf(request), imageIn(request)));
}

Response usage(Request& request, ImageService& images) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto all = out.object("usage");
        for (const auto& each : images.usage(callerOf(request))) {
            const auto one = out.object(each.resource);
            out.field("limit", each.limit);
            out.field("usage", each.used);
        }
    });
}

}

http::Routes imageRoutes(ImageService& images, ImageData& data, const Stores& stores, Minors has) {
    using http::open;
    using http::policy;
    const auto with = http::boundTo(std::ref(images));
    const auto tellVersions = [has](int status) {
        return [has, status](Request& request) { return versions(request, status, has); };
    };
    const auto noId = [has](Request& request) { return noRoute(request, {}, has); };
    const std::string image = "/v2/images/{image_id}";
    http::Routes routes{
        {Method::Get, "/", open("discovery comes before a token"), tellVersions(300)},
        {Method::Get, "/versions", open("discovery comes before a token"), tellVersions(200)},
        {Method::Get, "/v2", open("discovery comes before a token"), tellVersions(300)},

        {Method::Post, "/v2/images", policy("add_image"),
         [&images, &stores](Request& request) { return create(request, images, stores); }},
        {Method::Get, "/v2/images", policy("get_images"), with(list)},
        {Method::Get, "/v2/images/", open("there is no image without an id"), noId},
        {Method::Delete, "/v2/images/", open("there is no image without an id"), noId},
        {Method::Get, image, policy("get_image"), with(show)},
        {Method::Patch, image, policy("modify_image"), with(update)},
        {Method::Delete, image, policy("delete_image"),
         quietly([&images](Request& request) { images.remove(callerOf(request), imageIn(request)); })},

        {Method::Put, image + "/file", policy("upload_image"), http::Upload([&images, &data](Request& request) {
             requireOctets(request, images);
             return std::make_unique<UploadBody>(data.receive(callerOf(request), imageIn(request),
                                                              request.contentLength,
                                                              std::string(request.headers["X-Image-Meta-Store"])));
         })},
        {Method::Put, image + "/stage", policy("modify_image"), http::Upload([&images, &data](Request& request) {
             requireOctets(request, images);
             return std::make_unique<UploadBody>(
                 data.stage(callerOf(request), imageIn(request), request.contentLength));
         })},
        {Method::Get, image + "/file", policy("download_image"),
         [&data](Request& request) { return download(request, data); }, http::Runs::Worker},
        {Method::Post, image + "/actions/deactivate", policy("deactivate"),
         quietly([&images](Request& request) { images.deactivate(callerOf(request), imageIn(request)); })},
        {Method::Post, image + "/actions/reactivate", policy("reactivate"),
         quietly([&images](Request& request) { images.reactivate(callerOf(request), imageIn(request)); })},
        {Method::Put, image + "/tags/{tag}", policy("modify_image"), quietly([&images](Request& request) {
             images.addTag(callerOf(request), imageIn(request), request.param("tag"));
         })},
        {Method::Delete, image + "/tags/{tag}", policy("modify_image"), quietly([&images](Request& request) {
             images.removeTag(callerOf(request), imageIn(request), request.param("tag"));
         })},

        {Method::Get, "/v2/info/usage", policy("get_images"),
         [&images](Request& request) {
             callerOf(request).enforce();
             return usage(request, images);
         }},
    };
    if (has.locations) {
        routes.push_back({Method::Post, image + "/locations", policy("set_image_location"), with(postLocation)});
        routes.push_back({Method::Get, image + "/locations", policy("get_image_location"), with(showLocations)});
    }
    return routes;
}
}
