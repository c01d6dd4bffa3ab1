#include "image/wire.hpp"

#include <utility>

#include "image/data/location.hpp"
#include "image/image_table.hpp"
#include "platform/http/error_page.hpp"
#include "platform/http/failures.hpp"
#include "resource/listing.hpp"

namespace stratolet::image {
namespace {

int statusOf(const Error& error) {
    const auto failure = error.failure();
    if (failure == Failure::NotFound && error.type() == "gone") return 410;
    if (failure == Failure::TooLarge && error.type() == "header") return 431;
    if (failure == Failure::Unsupported && error.type() == "range") return 416;
    return http::usualStatus(failure);
}

}

http::Response refusal(const http::Request& request, const Error& error) {
    const bool ours = error.failure() == Failure::Broken;
    auto response = http::errorPage(
        request, statusOf(error),
        ours ? "The server has either erred or is incapable of performing the requested operation." : error.what());
    if (error.type() == "patch")
        response.headers.add(
            "Accept-Patch",
            "application/openstack-images-v2.1-json-patch, application/openstack-images-v2.0-json-patch");
    return response;
}

http::Response versions(const http::Request& request, int status, Minors has) {
    return http::jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("versions");
        bool first = true;
        for (int minor = 17; minor >= 0; --minor) {
            const bool ofCache = minor == 14 || minor == 16, ofLocations = minor == 17;
            if ((ofCache && !has.cache) || (ofLocations && !has.locations)) continue;
            const auto version = out.object();
            out.field("id", "v2." + std::to_string(minor));
            out.field("status", std::exchange(first, false) ? "CURRENT" : "SUPPORTED");
            const auto links = out.array("links");
            const auto link = out.object();
            out.field("rel", "self");
            out.field("href", request.base + "/v2/");
        }
    });
}

http::Response noRoute(const http::Request& request, const std::vector<http::Method>& allowed, Minors has) {
    if (request.path != "/v2" && !request.path.starts_with("/v2/")) return versions(request, 300, has);
    if (allowed.empty()) return http::errorPage(request, 404, "The resource could not be found.");
    auto response = http::errorPage(
        request, 405, "The method " + std::string(http::nameOf(request.method)) + " is not allowed for this resource.");
    std::string names;
    for (const auto each : allowed) names.append(names.empty() ? "" : ", ").append(http::nameOf(each));
    response.headers.add("Allow", names);
    return response;
}

void writeLocation(JsonWriter& out, const ImageRecord& image, const ImageLocation& location) {
    const auto one = out.object();
    out.field("url", urlOf(image, location));
    out.rawField("metadata", location.metadata);
}

void write(JsonWriter& out, const ImageRecord& image, bool withLocations) {
    const auto body = out.object();
    for (const auto& [name, value] : image.properties) out.field(name, value);
    showInto(out, imageColumns, image);
    std::string stores;
    for (const auto& each : image.locations)
        if (!each.store.empty()) stores.append(stores.empty() ? "" : ",").append(each.store);
    if (!stores.empty()) out.field("stores", stores);
    if (image.importingTo) out.field("os_glance_importing_to_stores", *image.importingTo);
    if (image.failedImport) out.field("os_glance_failed_import", *image.failedImport);
    if (withLocations) {
        if (!image.locations.empty()) out.field("direct_url", urlOf(image, image.locations.front()));
        const auto locations = out.array("locations");
        for (const auto& each : image.locations) writeLocation(out, image, each);
    }
    const std::string self = "/v2/images/" + image.id.text;
    out.field("self", self);
    out.field("file", self + "/file");
    out.field("schema", "/v2/schemas/image");
}

void writeLinks(JsonWriter& out, const http::Request& request, const std::string& path,
                const std::optional<std::string>& last) {
    const auto rest = resource::queryWithout(request, {"marker"});
    out.field("first", path + (rest.empty() ? "" : "?" + rest.substr(0, rest.size() - 1)));
    if (last) out.field("next", path + "?" + rest + "marker=" + http::percentEncoded(*last));
}

}
