#include "network/tag_api.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "platform/text/text.hpp"

namespace stratolet::network {

namespace {

using namespace http;

constexpr std::size_t tagLengthMost = 255;

Error missing(const Tagged& kind, const std::string& id) {
    return Error(Failure::NotFound, "Resource ", kind.noun, " ", id, " could not be found.").as("TagResourceNotFound");
}
Error missingTag(const std::string& tag) {
    return Error(Failure::NotFound, "Tag ", tag, " could not be found.").as("TagNotFound");
}

void checkTag(const std::string& tag) {
    if (tag.empty() || lengthInCharacters(tag) > tagLengthMost)
        refuseInput("tags", "'" + tag + "' must have 1 to " + std::to_string(tagLengthMost) + " characters.");
}

void enforceReading(const Request& request, const Tagged& kind, store::Reader& db) {
    const auto target = kind.target(db, request.param("id"));
    if (!target || !mayOn(identity::callerOf(request), "get_" + kind.noun, *target))
        throw missing(kind, request.param("id"));
}

/// `change` in a transaction of somebody who may change the thing.
void changed(Request& request, const Tagged& kind, Core& core,
             const std::function<void(store::Transaction&, const std::string&)>& change) {
    const auto& caller = identity::callerOf(request);
    core.parts.store.write([&](store::Transaction& tx) {
        const auto& id = request.param("id");
        const auto target = kind.target(tx, id);
        if (!target) throw missing(kind, id);
        enforceOn(caller, "update_" + kind.noun, "get_" + kind.noun, *target, missing(kind, id));
        change(tx, id);
        touch(tx, kind.table, id, core.now());
    });
}

Response tags(store::Reader& db, const std::string& id) {
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("tags");
        for (const auto& each : tagsOf(db, id)) out.value(each);
    });
}

Response list(Request& request, const Tagged& kind, Core& core) {
    auto& db = core.parts.store.reader();
    enforceReading(request, kind, db);
    return tags(db, request.param("id"));
}

Response show(Request& request, const Tagged& kind, Core& core) {
    auto& db = core.parts.store.reader();
    enforceReading(request, kind, db);
    const auto all = tagsOf(db, request.param("id"));
    if (std::find(all.begin(), all.end(), request.param("tag")) == all.end()) throw missingTag(request.param("tag"));
    return emptyResponse(204);
}

Response replace(Request& request, const Tagged& kind, Core& core) {
    const Json body = request.json();
    Texts wanted;
    for (const auto& each : body.array("tags").items()) {
        wanted.push_back(each.text());
        checkTag(wanted.back());
    }
    changed(request, kind, core, [&](store::Transaction& tx, const std::string& id) {
        forgetTags(tx, id);
        for (const auto& each : wanted) addTag(tx, id, each);
    });
    return tags(core.parts.store.reader(), request.param("id"));
}

Response put(Request& request, const Tagged& kind, Core& core) {
    checkTag(request.param("tag"));
    changed(request, kind, core,
            [&](store::Transaction& tx, const std::string& id) { addTag(tx, id, request.param("tag")); });
    return emptyResponse(201);
}

Response drop(Request& request, const Tagged& kind, Core& core) {
    changed(request, kind, core, [&](store::Transaction& tx, const std::string& id) {
        if (!removeTag(tx, id, request.param("tag"))) throw missingTag(request.param("tag"));
    });
    return emptyResponse(204);
}

Response clear(Request& request, const Tagged& kind, Core& core) {
    changed(request, kind, core, [](store::Transaction& tx, const std::string& id) { forgetTags(tx, id); });
    return emptyResponse(204);
}

}

void addTagRoutes(Routes& routes, Core& core, const std::string& path, const Tagged& kind) {
    const auto tags = path + "/tags";
    const auto reading = policy("get_" + kind.noun), writing = policy("update_" + kind.noun);
    const auto add = [&](Method method, const std::string& pattern, const Access& access,
                         Response (*serve)(Request&, const Tagged&, Core&)) {
        routes.push_back(
            {method, pattern, access, [kind, &core, serve](Request& request) { return serve(request, kind, core); }});
    };
    add(Method::Get, tags, reading, list);
    add(Method::Put, tags, writing, replace);
    add(Method::Delete, tags, writing, clear);
    add(Method::Get, tags + "/{tag}", reading, show);
    add(Method::Put, tags + "/{tag}", writing, put);
    add(Method::Delete, tags + "/{tag}", writing, drop);
}

}
