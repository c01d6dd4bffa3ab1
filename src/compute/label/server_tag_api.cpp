#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/label/server_tags.hpp"
#include "compute/server/server_reading.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

ServerId idOf(const Call& call) { return ServerId{call.param("id")}; }

Response tagsAnswer(const std::vector<std::string>& tags) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto outer = out.object();
        const auto list = out.array("tags");
        for (const auto& tag : tags) out.value(tag);
    });
}

std::vector<std::string> storedTags(Call& call, Core& core) {
    auto& db = core.reader();
    return TagTable::of(db, allowedServer(db, call.caller, idOf(call)).id);
}

}

std::set<std::string> tagsOf(const Json& array) {
    if (!array.isArray()) array.refuse("It is not of type 'array'");
    if (array.size() > tagsMost) array.refuse("It is too long");
    std::set<std::string> tags;
    for (const auto& item : array.items()) {
        const std::string tag = textOf(item, 1, tagLengthMax);
        if (tag.find_first_of("/,") != std::string::npos) item.refuse("A tag may not contain '/' or ','.");
        tags.insert(tag);
    }
    return tags;
}

void addTagRoutes(http::Routes& routes, Core& core) {
    const std::string all = "/servers/{id}/tags", one = "/servers/{id}/tags/{tag}",
                      rule = "os_compute_api:os-server-tags:";
    const Span span{.from = 26};
    addRoute(
        routes, Method::Get, all, rule + "index", [&](Call& call) { return tagsAnswer(storedTags(call, core)); }, span);
    addRoute(
        routes, Method::Put, all, rule + "update_all",
        [&](Call& call) {
            const Json body = call.request.json();
            call.onlyKnows(body, {"tags"});
            const auto tags = tagsOf(body.at("tags"));
            setTags(core, call.caller, idOf(call), tags);
            return tagsAnswer({tags.begin(), tags.end()});
        },
        span);
    addRoute(
        routes, Method::Delete, all, rule + "delete_all",
        [&](Call& call) {
            setTags(core, call.caller, idOf(call), {});
            return http::emptyResponse(204);
        },
        span);
    addRoute(
        routes, Method::Get, one, rule + "show",
        [&](Call& call) {
            const auto tags = storedTags(call, core);
            if (std::find(tags.begin(), tags.end(), call.param("tag")) == tags.end())
                throw Error(Failure::NotFound, "Server ", call.param("id"), " has no tag '", call.param("tag"), "'");
            return http::emptyResponse(204);
        },
        span);
    addRoute(
        routes, Method::Put, one, rule + "update",
        [&](Call& call) {
            const std::string tag = call.param("tag");
            if (lengthInCharacters(tag) > tagLengthMax || tag.find_first_of("/,") != std::string::npos)
                throw Error(Failure::Invalid, "Invalid tag '", tag, "'");
            if (!addTag(core, call.caller, idOf(call), tag)) return http::emptyResponse(204);
            auto response = http::emptyResponse(201);
            response.headers.set("Location",
                                 call.self("/servers/" + call.param("id") + "/tags/" + http::percentEncoded(tag)));
            return response;
        },
        span);
    addRoute(
        routes, Method::Delete, one, rule + "delete",
        [&](Call& call) {
            removeTag(core, call.caller, idOf(call), call.param("tag"));
            return http::emptyResponse(204);
        },
        span);
}

}
