#include "network/collection.hpp"
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
        {"default_quota", Type::Whole, "coalesce($.default_quota, '')", true, true},
        {"shared", Type::Truth, "$.shared", true, false},
        {"is_default", Type::Truth, "$.is_default", true, true},
    });
    return all;
}

void write(JsonWriter& json, const Shown<SubnetPool, Nothing>& shown, const Fields& fields, identity::Rights&) {
    const auto& pool = shown.record;
    const auto object = json.object();
    Out out(json, fields);
    writeStandard(out, pool.id.text, pool.standard, shown.tags);
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

}

void addSubnetPoolRoutes(Routes& routes, SubnetPools& pools) {
    addCollection<SubnetPool>(
        routes,
        {.core = pools.core(),
         .noun = "subnetpool",
         .table = "subnet_pools o",
         .attributes = attributes(),
         .missing = subnetPoolNotFound,
         .find = [](store::Reader& db, const std::string& id) { return subnet_pool_table::find(db, {id}); },
         .list = subnet_pool_table::list,
         .about =
             [](store::Reader&, const std::vector<SubnetPool>& all) {
                 return identity::aboutEach(
                     all, [](const SubnetPool& each) { return std::pair(std::string_view(each.standard.project), each.shared); },
                     [](const SubnetPool& each) { return targetOf(each); });
             },
         .concern =
             [](const ProjectId& project) {
                 return std::vector<store::Alternative>{{"o.project = ?", {project}}, {"o.shared AND o.project <> ?", {project}}};
             },
         .write = write,
         .create = [&](store::Transaction& tx, const identity::Caller& caller, const Body& body) { return pools.create(tx, caller, body); },
         .update = [&](store::Transaction& tx, const identity::Caller&, const SubnetPool& pool,
                       const Body& body) { return pools.update(tx, pool, body); },
         .remove = [&](store::Transaction& tx, const identity::Caller&, const SubnetPool& pool) { pools.remove(tx, pool); }});
}

}
