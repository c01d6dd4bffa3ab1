#include <stratolet/error.hpp>

#include "image/image_api.hpp"
#include "image/wire.hpp"

namespace stratolet::image {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

Response memberResponse(const ImageMember& member) {
    return http::jsonResponse(200, [&](JsonWriter& out) { write(out, member); });
}

/// A member of the body that must be a text with something in it.
std::string wordIn(const Request& request, std::string_view name) {
    const auto body = request.json();
    if (!body.isObject()) throw Error(Failure::Invalid, "Request body must be a JSON object.");
    auto text = body.text(name);
    if (text.empty() || text.size() > 255) body.at(name).refuse("It must have 1 to 255 characters.");
    return text;
}

ProjectId memberIn(const Request& request) { return {request.param("member_id")}; }

Response create(Request& request, ImageService& images) {
    return memberResponse(images.share(callerOf(request), imageIn(request), ProjectId{wordIn(request, "member")}));
}

Response list(Request& request, ImageService& images) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto members = out.array("members");
            for (const auto& each : images.members(callerOf(request), imageIn(request))) write(out, each);
        }
        out.field("schema", "/v2/schemas/members");
    });
}

}

http::Routes memberRoutes(ImageService& images) {
    using http::policy;
    const std::string members = "/v2/images/{image_id}/members", member = members + "/{member_id}";
    return {
        {Method::Post, members, policy("add_member"), [&images](Request& request) { return create(request, images); }},
        {Method::Get, members, policy("get_members"), [&images](Request& request) { return list(request, images); }},
        {Method::Get, member, policy("get_member"),
         [&images](Request& request) { return memberResponse(images.member(callerOf(request), imageIn(request), memberIn(request))); }},
        {Method::Put, member, policy("modify_member"),
         [&images](Request& request) {
             return memberResponse(images.answerShare(callerOf(request), imageIn(request), memberIn(request), wordIn(request, "status")));
         }},
        {Method::Delete, member, policy("delete_member"),
         [&images](Request& request) {
             images.unshare(callerOf(request), imageIn(request), memberIn(request));
             return http::emptyResponse(204);
         }},
    };
}

}
