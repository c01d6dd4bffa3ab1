#include <algorithm>

#include <stratolet/error.hpp>

#include "network/common_api.hpp"
#include "network/floating_ip.hpp"
#include "network/network_record.hpp"
#include "network/port.hpp"
#include "network/router.hpp"
#include "network/security_group.hpp"
#include "network/subnet.hpp"
#include "network/subnet_pool.hpp"

namespace stratolet::network {

namespace {

using namespace http;

constexpr std::size_t tagLengthMost = 255;

/// A kind of thing that can be tagged, and what policy knows of one.
struct Tagged {
    std::string_view collection, noun, table;
    std::optional<Target> (*target)(store::Reader& db, const std::string& id);
};

template <class T> std::optional<Target> owned(const std::optional<T>& found) {
    return found ? std::optional(ownedBy(found->standard.project)) : std::nullopt;
}

const Tagged kinds[] = {
    {"networks", "network", "networks",
     [](store::Reader& db, const std::string& id) {
         const auto found = network_table::find(db, {id});
         return found ? std::optional(targetOf(*found)) : std::nullopt;
     }},
    {"subnets", "subnet", "subnets",
     [](store::Reader& db, const std::string& id) -> std::optional<Target> {
         const auto found = subnet_table::find(db, {id});
         const auto network = found ? network_table::find(db, found->network) : std::nullopt;
         return network ? std::optional(targetOf(*found, *network)) : std::nullopt;
     }},
    {"ports", "port", "ports",
     [](store::Reader& db, const std::string& id) -> std::optional<Target> {
         const auto found = port_table::find(db, {id});
         const auto network = found ? network_table::find(db, found->network) : std::nullopt;
         return network ? std::optional(targetOf(*found, *network)) : std::nullopt;
     }},
    {"routers", "router", "routers", [](store::Reader& db, const std::string& id) { return owned(router_table::find(db, {id})); }},
    {"floatingips", "floatingip", "floating_ips",
     [](store::Reader& db, const std::string& id) { return owned(floating_ip_table::find(db, {id})); }},
    {"security-groups", "security_group", "security_groups",
     [](store::Reader& db, const std::string& id) { return owned(security_group_table::find(db, {id})); }},
    {"subnetpools", "subnetpool", "subnet_pools",
     [](store::Reader& db, const std::string& id) { return owned(subnet_pool_table::find(db, id)); }},
};

Error missing(const Tagged& kind, const std::string& id) {
    return Error(Failure::NotFound, "Resource ", kind.noun, " ", id, " could not be found.").as("TagResourceNotFound");
}
Error missingTag(const std::string& tag) { return Error(Failure::NotFound, "Tag ", tag, " could not be found.").as("TagNotFound"); }

void checkTag(const std::string& tag) {
    if (tag.empty() || tag.size() > tagLengthMost)
        refuseInput("tags", "'" + tag + "' must have 1 to " + std::to_string(tagLengthMost) + " characters.");
}

void enforceReading(const Request& request, const Tagged& kind, store::Reader& db) {
    const auto target = kind.target(db, request.param("id"));
    if (!target || !identity::callerOf(request).may("get_" + std::string(kind.noun), *target)) throw missing(kind, request.param("id"));
}

/// `change` in a transaction of somebody who may change the thing.
void changed(Request& request, const Tagged& kind, Core& core, const std::function<void(store::Transaction&, const std::string&)>& change) {
    const auto& caller = identity::callerOf(request);
    core.parts.store.write([&](store::Transaction& tx) {
        const auto& id = request.param("id");
        const auto target = kind.target(tx, id);
        if (!target) throw missing(kind, id);
        enforceOn(caller, "update_" + std::string(kind.noun), "get_" + std::string(kind.noun), *target, missing(kind, id));
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
        for (const auto& each : wanted) tx.execute("INSERT OR IGNORE INTO network_tags VALUES (?, ?)", id, each);
    });
    return tags(core.parts.store.reader(), request.param("id"));
}

Response add(Request& request, const Tagged& kind, Core& core) {
    checkTag(request.param("tag"));
    changed(request, kind, core, [&](store::Transaction& tx, const std::string& id) {
        tx.execute("INSERT OR IGNORE INTO network_tags VALUES (?, ?)", id, request.param("tag"));
    });
    return emptyResponse(201);
}

Response drop(Request& request, const Tagged& kind, Core& core) {
    changed(request, kind, core, [&](store::Transaction& tx, const std::string& id) {
        if (tx.execute("DELETE FROM network_tags WHERE resource = ? AND tag = ?", id, request.param("tag")) == 0)
            throw missingTag(request.param("tag"));
    });
    return emptyResponse(204);
}

Response clear(Request& request, const Tagged& kind, Core& core) {
    changed(request, kind, core, [](store::Transaction& tx, const std::string& id) { forgetTags(tx, id); });
    return emptyResponse(204);
}

}

void addTagRoutes(Routes& routes, Core& core) {
    for (const auto& kind : kinds) {
        const auto path = "/v2.0/" + std::string(kind.collection) + "/{id}/tags";
        const auto reading = policy("get_" + std::string(kind.noun)), writing = policy("update_" + std::string(kind.noun));
        const auto route = [&](Method method, const std::string& pattern, const Access& access,
                               Response (*handler)(Request&, const Tagged&, Core&)) {
            routes.push_back({method, pattern, access, [&kind, &core, handler](Request& request) { return handler(request, kind, core); }});
        };
        route(Method::Get, path, reading, list);
        route(Method::Put, path, writing, replace);
        route(Method::Delete, path, writing, clear);
        route(Method::Get, path + "/{tag}", reading, show);
        route(Method::Put, path + "/{tag}", writing, add);
        route(Method::Delete, path + "/{tag}", writing, drop);
    }
}

}
