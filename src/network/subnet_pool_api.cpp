#include <stratolet/error.hpp>

#include "network/subnet_pool.hpp"

namespace stratolet::network {

namespace {

using namespace http;

const Attributes& attributes() {
    static const Attributes all = withStandard({
        {"prefixes", Type::Other, {}, true, true},
        {"ip_version", Type::Whole, "$.ip_version"},
        {"default_prefixlen", Type::Whole, "$.default_prefixlen", true, true},
        {"min_prefixlen", Type::Whole, "$.min_prefixlen", true, true},
        {"max_prefixlen", Type::Whole, "$.max_prefixlen", true, true},
        {"default_quota", Type::Whole, "$.default_quota", true, true},
        {"shared", Type::Truth, "$.shared", true, false},
        {"is_default", Type::Truth, "$.is_default", true, true},
    });
    return all;
}

void write(JsonWriter& json, const SubnetPool& pool, const Fields& fields, store::Reader& db) {
    const auto object = json.object();
    Out out(json, fields);
    writeStandard(out, pool.id, pool.standard, tagsOf(db, pool.id));
    Texts prefixes;
    for (const auto& each : pool.prefixes) prefixes.push_back(each.text());
    out.texts("prefixes", prefixes);
    out.field("ip_version", pool.ipVersion);
    out.field("default_prefixlen", std::to_string(pool.defaultLength));
    out.field("min_prefixlen", std::to_string(pool.leastLength));
    out.field("max_prefixlen", std::to_string(pool.mostLength));
    out.field("default_quota", pool.defaultQuota);
    out.field("shared", pool.shared);
    out.field("is_default", pool.isDefault);
    out.field("address_scope_id", nullptr);
}

Target targetOf(const SubnetPool& pool) {
    auto target = ownedBy(pool.standard.project);
    target["shared"] = pool.shared ? "True" : "False";
    return target;
}

Error missing(const Request& request) { return subnetPoolNotFound(request.param("subnetpool_id")); }

SubnetPool found(const Request& request, store::Reader& db) {
    auto pool = subnet_pool_table::find(db, request.param("subnetpool_id"));
    if (!pool) throw missing(request);
    return *std::move(pool);
}

Response list(Request& request, SubnetPools& pools) {
    const auto& caller = identity::callerOf(request);
    auto& db = pools.core().parts.store.reader();
    auto listing = listingOf(request, db, "subnet_pools o", attributes());
    if (!seesAll(caller, "get_subnetpool")) listing.conditions.add("(o.project = ? OR o.shared)", caller.project);
    auto rows = subnet_pool_table::list(db, listing.conditions, listing.order);
    dropUnseen(rows, caller, "get_subnetpool", [&](const auto& each) { return targetOf(each); });
    std::vector<std::string> ids;
    for (const auto& each : rows) ids.push_back(each.id);
    const Fields fields(request.query);
    return listResponse(request, "subnetpools", listing, ids,
                        [&](JsonWriter& json, std::size_t index) { write(json, rows[index], fields, db); });
}

Response answer(const Request& request, int status, const SubnetPool& it, store::Reader& db) {
    return jsonResponse(status, [&](JsonWriter& json) {
        const auto body = json.object();
        json.key("subnetpool");
        write(json, it, Fields(request.query), db);
    });
}

Response show(Request& request, SubnetPools& pools) {
    auto& db = pools.core().parts.store.reader();
    const auto it = found(request, db);
    if (!identity::callerOf(request).may("get_subnetpool", targetOf(it))) throw missing(request);
    return answer(request, 200, it, db);
}

Response create(Request& request, SubnetPools& pools) {
    const auto& caller = identity::callerOf(request);
    const auto wanted = posted(request, "subnetpool", "subnetpools");
    return pools.core().parts.store.write([&](store::Transaction& tx) {
        std::vector<SubnetPool> all;
        for (const auto& each : wanted.items) {
            const Body body(each, attributes(), true);
            const auto target = ownedBy(projectOf(caller, body));
            caller.enforce("create_subnetpool", target);
            enforceAttributes(caller, "create_subnetpool", body, target, true);
            all.push_back(pools.create(tx, caller, body));
        }
        if (!wanted.bulk) return answer(request, 201, all.front(), tx);
        return jsonResponse(201, [&](JsonWriter& json) {
            const auto body = json.object();
            const auto items = json.array("subnetpools");
            for (const auto& each : all) write(json, each, Fields(request.query), tx);
        });
    });
}

Response update(Request& request, SubnetPools& pools) {
    const auto& caller = identity::callerOf(request);
    const Json wanted = put(request, "subnetpool");
    return pools.core().parts.store.write([&](store::Transaction& tx) {
        const auto it = found(request, tx);
        enforceOn(caller, "update_subnetpool", "get_subnetpool", targetOf(it), missing(request));
        const Body body(wanted, attributes(), false);
        enforceAttributes(caller, "update_subnetpool", body, targetOf(it), false);
        checkRevision(request, "subnetpool", it.id, it.standard.revision);
        return answer(request, 200, pools.update(tx, it, body), tx);
    });
}

Response remove(Request& request, SubnetPools& pools) {
    const auto& caller = identity::callerOf(request);
    pools.core().parts.store.write([&](store::Transaction& tx) {
        const auto it = found(request, tx);
        enforceOn(caller, "delete_subnetpool", "get_subnetpool", targetOf(it), missing(request));
        checkRevision(request, "subnetpool", it.id, it.standard.revision);
        pools.remove(tx, it);
    });
    return emptyResponse(204);
}

}

void addSubnetPoolRoutes(Routes& routes, SubnetPools& pools) {
    routes.push_back({Method::Get, "/v2.0/subnetpools", policy("get_subnetpool"), [&](Request& request) { return list(request, pools); }});
    routes.push_back(
        {Method::Post, "/v2.0/subnetpools", policy("create_subnetpool"), [&](Request& request) { return create(request, pools); }});
    routes.push_back({Method::Get, "/v2.0/subnetpools/{subnetpool_id}", policy("get_subnetpool"),
                      [&](Request& request) { return show(request, pools); }});
    routes.push_back({Method::Put, "/v2.0/subnetpools/{subnetpool_id}", policy("update_subnetpool"),
                      [&](Request& request) { return update(request, pools); }});
    routes.push_back({Method::Delete, "/v2.0/subnetpools/{subnetpool_id}", policy("delete_subnetpool"),
                      [&](Request& request) { return remove(request, pools); }});
}

}
