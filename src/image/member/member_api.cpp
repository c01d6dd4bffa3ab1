#include <stratolet/error.hpp>

#include "image/image_api.hpp"
#include "image/member/member_service.hpp"
#include "image/wire.hpp"

namespace stratolet::image {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

Response memberResponse(const ImageMember& member) {
    return http::jsonResponse(200, [&](JsonWriter& out) { show(out, memberColumns, member); });
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

Response create(Request& request, ImageMembers& members) {
    return memberResponse(members.share(callerOf(request), imageIn(request), ProjectId{wordIn(request, "member")}));
}

Response list(Request& request, ImageMembers& members) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto items = out.array("members");
            for (const auto& each : members.list(callerOf(request), imageIn(request))) show(out, memberColumns, each);
        }
        out.field("schema", "/v2/schemas/members");
    });
}

}

http::Routes memberRoutes(ImageMembers& members) {
    using http::policy;
    const std::string all = "/v2/images/{image_id}/members", one = all + "/{member_id}";
    return {
        {Method::Post, all, policy("add_member"), [&members](Request& request) { return create(request, members); }},
        {Method::Get, all, policy("get_members"), [&members](Request& request) { return list(request, members); }},
        {Method::Get, one, policy("get_member"),
         [&members](Request& request) {
             return memberResponse(members.show(callerOf(request), imageIn(request), memberIn(request)));
         }},
        {Method::Put, one, policy("modify_member"),
         [&members](Request& request) {
             return memberResponse(
                 members.answer(callerOf(request), imageIn(request), memberIn(request), wordIn(request, "status")));
         }},
        {Method::Delete, one, policy("delete_member"),
         [&members](Request& request) {
             members.unshare(callerOf(request), imageIn(request), memberIn(request));
             return http::emptyResponse(204);
         }},
    };
}

}
