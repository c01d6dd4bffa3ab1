#include "network/tag_api.hpp"

#include <algorithm>
#include <set>

#include <stratolet/error.hpp>

#include "platform/text/text.hpp"

namespace stratolet::network {

namespace {

using namespace http;

constexpr std::size_t tagLengthMost = 255, tagsMost = 50; ///< of one tag in characters, of one thing

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

/// The tags of a body, each once.
std::set<std::string> tagsIn(const Request& request) {
    const Json body = request.json();
    const auto list = body.isObject() ? body.find("tags") : std::nullopt;
    if (!list || !list->isArray()) throw Error(Failure::Invalid, "Invalid tags body").as("InvalidInput");
    std::set<std::string> wanted;
    for (const auto& each : list->items()) {
        if (!each.isText()) refuseInput("tags", "'" + each.dump() + "' is not a valid string.");
        checkTag(each.text());
        if (!wanted.insert(each.text()).second)
            refuseInput("tags", "Duplicate items in the list: '" + each.text() + "'");
    }
    return wanted;
}

void addTags(store::Transaction& tx, const std::string& id, const std::set<std::string>& wanted) {
    for (const auto& each : wanted) addTag(tx, id, each);
    if (tagsOf(tx, id).size() > tagsMost)
        refuseInput("tags", "a resource can have at most " + std::to_string(tagsMost) + " tags.");
}

Response replace(Request& request, const Tagged& kind, Core& core) {
    const auto wanted = tagsIn(request);
    changed(request, kind, core, [&](store::Transaction& tx, const std::string& id) {
        forgetTags(tx, id);
        addTags(tx, id, wanted);
    });
    return tags(core.parts.store.reader(), request.param("id"));
}

Response add(Request& request, const Tagged& kind, Core& core) {
    const auto wanted = tagsIn(request);
    changed(request, kind, core, [&](store::Transaction& tx, const std::string& id) { addTags(tx, id, wanted); });
    return tags(core.parts.store.reader(), request.param("id"));
}

Response put(Request& request, const Tagged& kind, Core& core) {
    checkTag(request.param("tag"));
    changed(request, kind, core,
            [&](store::Transaction& tx, const std::string& id) { addTags(tx, id, {request.param("tag")}); });
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
    const auto serving = [&](Method method, const std::string& pattern, const Access& access,
                             Response (*serve)(Request&, const Tagged&, Core&)) {
        routes.push_back(
            {method, pattern, access, [kind, &core, serve](Request& request) { return serve(request, kind, core); }});
    };
    serving(Method::Get, tags, reading, list);
    serving(Method::Post, tags, writing, add);
    serving(Method::Put, tags, writing, replace);
    serving(Method::Delete, tags, writing, clear);
    serving(Method::Get, tags + "/{tag}", reading, show);
    serving(Method::Put, tags + "/{tag}", writing, put);
    serving(Method::Delete, tags + "/{tag}", writing, drop);
}

}
