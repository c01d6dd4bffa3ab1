#include "image/wire.hpp"

#include "platform/http/error_page.hpp"

namespace stratolet::image {
namespace {

int statusOf(const Error& error) {
    switch (error.failure()) {
    case Failure::Invalid: return 400;
    case Failure::Unauthenticated: return 401;
    case Failure::Forbidden: return 403;
    case Failure::NotFound: return error.type() == "gone" ? 410 : 404;
    case Failure::Conflict: return 409;
    case Failure::OverLimit: return 413;
    case Failure::TooLarge: return error.type() == "header" ? 431 : 413;
    case Failure::Unsupported: return error.type() == "range" ? 416 : 415;
    case Failure::TimedOut: return 504;
    case Failure::Busy: return 503;
    case Failure::Broken: return 500;
    }
    std::abort();
}

}

http::Response refusal(const http::Request& request, const Error& error) {
    const bool ours = error.failure() == Failure::Broken;
    auto response =
        http::errorPage(request, statusOf(error),
                        ours ? "The server has either erred or is incapable of performing the requested operation." : error.what());
    if (error.type() == "patch")
        response.headers.add("Accept-Patch", "application/openstack-images-v2.1-json-patch, application/openstack-images-v2.0-json-patch");
    return response;
}

http::Response versions(const http::Request& request, int status) {
    return http::jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("versions");
        // The minors between belong to several stores and to a cache, which are not here.
        for (const std::string_view minor : {"15", "9", "7", "6", "5", "4", "3", "2", "1", "0"}) {
            const auto version = out.object();
            out.field("id", "v2." + std::string(minor));
            out.field("status", minor == "15" ? "CURRENT" : "SUPPORTED");
            const auto links = out.array("links");
            const auto link = out.object();
            out.field("rel", "self");
            out.field("href", request.base + "/v2/");
        }
    });
}

http::Response noRoute(const http::Request& request, const std::vector<http::Method>& allowed) {
    if (request.path != "/v2" && !request.path.starts_with("/v2/")) return versions(request, 300);
    if (allowed.empty()) return http::errorPage(request, 404, "The resource could not be found.");
    auto response =
        http::errorPage(request, 405, "The method " + std::string(http::nameOf(request.method)) + " is not allowed for this resource.");
    std::string names;
    for (const auto each : allowed) names.append(names.empty() ? "" : ", ").append(http::nameOf(each));
    response.headers.add("Allow", names);
    return response;
}

void write(JsonWriter& out, const ImageRecord& image) {
    const auto body = out.object();
    for (const auto& [name, value] : image.properties) out.field(name, value);
    out.field("name", image.name);
    out.field("disk_format", image.diskFormat);
    out.field("container_format", image.containerFormat);
    out.field("visibility", nameOf(image.visibility));
    out.field("size", image.size);
    out.field("virtual_size", image.virtualSize);
    out.field("status", nameOf(image.status));
    out.field("checksum", image.checksum);
    out.field("protected", image.isProtected);
    out.field("min_ram", image.minRam.count);
    out.field("min_disk", image.minDisk.count);
    if (image.owner.empty())
        out.field("owner", nullptr);
    else
        out.field("owner", image.owner);
    out.field("os_hidden", image.hidden);
    out.field("os_hash_algo", image.hashValue ? std::optional<std::string>("sha512") : std::nullopt);
    out.field("os_hash_value", image.hashValue);
    out.field("id", image.id);
    out.field("created_at", isoSecondsZ(image.created));
    out.field("updated_at", isoSecondsZ(image.updated));
    {
        const auto tags = out.array("tags");
        for (const auto& tag : image.tags) out.value(tag);
    }
    const std::string self = "/v2/images/" + image.id.text;
    out.field("self", self);
    out.field("file", self + "/file");
    out.field("schema", "/v2/schemas/image");
}

void write(JsonWriter& out, const ImageMember& member) {
    const auto body = out.object();
    out.field("member_id", member.member);
    out.field("image_id", member.image);
    out.field("status", member.status);
    out.field("created_at", isoSecondsZ(member.created));
    out.field("updated_at", isoSecondsZ(member.updated));
    out.field("schema", "/v2/schemas/member");
}

}
