#include <algorithm>

#include "compute/api.hpp"
#include "compute/quota/quota.hpp"
#include "compute/server/server_table.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

/// A limit of the API, and up to which version it is shown. Those of addresses and rules are network's by now: what an
/// old client sets is kept for it to read, and holds nobody back.
struct Resource {
    std::string_view name;
    int until = versionMax;
};
constexpr Resource resources[] = {{"cores"},
                                  {"instances"},
                                  {"key_pairs"},
                                  {"metadata_items"},
                                  {"ram"},
                                  {"server_groups"},
                                  {"server_group_members"},
                                  {"injected_files", 56},
                                  {"injected_file_content_bytes", 56},
                                  {"injected_file_path_bytes", 56},
                                  {"fixed_ips", 35},
                                  {"floating_ips", 35},
                                  {"security_groups", 35},
                                  {"security_group_rules", 35}};

struct Site {
    store::Store& store;
    const Quotas& quotas;
    identity::Identity& identity;
};

std::int64_t usedOf(const ServerTable::Usage& usage, std::string_view name) {
    return name == "cores" ? usage.cores : name == "instances" ? usage.servers : name == "ram" ? usage.ram : 0;
}

Response answer(Call& call, const std::string& id, const std::function<void(JsonWriter&, const Resource&)>& value) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto set = out.object("quota_set");
        if (!id.empty()) out.field("id", id);
        for (const auto& resource : resources) {
            if (call.version > resource.until) continue;
            out.key(resource.name);
            value(out, resource);
        }
    });
}

/// The project of the path, which must exist.
ProjectId projectOf(Call& call, Site& site) {
    const ProjectId project{call.param("id")};
    call.caller.enforce({{"project_id", project.text}});
    if (!site.identity.projectExists(site.store.reader(), project))
        throw Error(Failure::Invalid, "Project ID ", project, " is not a valid project.");
    return project;
}

Response show(Call& call, Site& site) {
    const ProjectId project = projectOf(call, site);
    auto& db = site.store.reader();
    return answer(call, project.text, [&](JsonWriter& out, const Resource& resource) {
        out.value(site.quotas.limit(db, project.text, resource.name));
    });
}

Response defaults(Call& call, Site& site) {
    const ProjectId project = projectOf(call, site);
    return answer(call, project.text, [&](JsonWriter& out, const Resource& resource) {
        out.value(site.quotas.defaults().find(resource.name)->second);
    });
}

Response detail(Call& call, Site& site) {
    const ProjectId project = projectOf(call, site);
    auto& db = site.store.reader();
    const auto usage = ServerTable::usage(db, project);
    return answer(call, project.text, [&](JsonWriter& out, const Resource& resource) {
        const auto scope = out.object();
        out.field("limit", site.quotas.limit(db, project.text, resource.name));
        out.field("in_use", usedOf(usage, resource.name));
        out.field("reserved", 0);
    });
}

Response update(Call& call, Site& site) {
    const ProjectId project = projectOf(call, site);
    const Json body = call.body("quota_set");
    bool force = false;
    if (const auto given = body.find("force")) force = booleanOf(*given);
    site.store.write([&](store::Transaction& tx) {
        const auto usage = ServerTable::usage(tx, project);
        for (const auto& name : body.names()) {
            if (name == "force" || name == "tenant_id") continue;
            const auto resource = std::find_if(std::begin(resources), std::end(resources),
                                               [&](const Resource& each) { return each.name == name; });
            if (resource == std::end(resources) || call.version > resource->until) {
                if (call.legacy) continue;
                body.at(name).refuse("Additional properties are not allowed ('" + name + "' was unexpected)");
            }
            const std::int64_t limit = integerOf(body.at(name), -1, 0x7fffffff);
            if (!force && limit >= 0 && limit < usedOf(usage, name))
                throw Error(Failure::Invalid, "Quota limit ", limit, " for ", name,
                            " must be greater than or equal to already used and reserved ", usedOf(usage, name), ".");
            site.quotas.set(tx, project.text, name, limit);
        }
    });
    auto& db = site.store.reader();
    return answer(call, "", [&](JsonWriter& out, const Resource& resource) {
        out.value(site.quotas.limit(db, project.text, resource.name));
    });
}

Response limits(Call& call, Site& site) {
    ProjectId project = call.caller.project;
    call.caller.enforce();
    if (const auto other = call.request.query.find("tenant_id"); other && *other != project.text) {
        project.text = *other;
        call.caller.enforce("os_compute_api:limits:other_project", {{"project_id", project.text}});
    }
    auto& db = site.store.reader();
    const auto usage = ServerTable::usage(db, project);
    const auto limit = [&](std::string_view resource) { return site.quotas.limit(db, project.text, resource); };
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto all = out.object("limits");
        static_cast<void>(out.array("rate"));
        const auto absolute = out.object("absolute");
        out.field("maxTotalInstances", limit("instances"));
        out.field("maxTotalCores", limit("cores"));
        out.field("maxTotalRAMSize", limit("ram"));
        out.field("maxServerMeta", limit("metadata_items"));
        out.field("maxTotalKeypairs", limit("key_pairs"));
        out.field("maxServerGroups", limit("server_groups"));
        out.field("maxServerGroupMembers", limit("server_group_members"));
        out.field("totalInstancesUsed", usage.servers);
        out.field("totalCoresUsed", usage.cores);
        out.field("totalRAMUsed", usage.ram);
        out.field("totalServerGroupsUsed", 0);
        if (!call.since(57)) {
            out.field("maxPersonality", limit("injected_files"));
            out.field("maxPersonalitySize", limit("injected_file_content_bytes"));
        }
        if (!call.since(39)) out.field("maxImageMeta", limit("metadata_items"));
        if (!call.since(36)) {
            for (const char* name : {"maxTotalFloatingIps", "maxSecurityGroups", "maxSecurityGroupRules"})
                out.field(name, -1);
            for (const char* name : {"totalFloatingIpsUsed", "totalSecurityGroupsUsed"}) out.field(name, 0);
        }
    });
}

}

Quotas computeQuotas() {
    return Quotas("compute", {{"instances", 10},
                              {"cores", 20},
                              {"ram", 51200},
                              {"metadata_items", 128},
                              {"key_pairs", 100},
                              {"server_groups", 10},
                              {"server_group_members", 10},
                              {"injected_files", 5},
                              {"injected_file_content_bytes", 10240},
                              {"injected_file_path_bytes", 255},
                              {"fixed_ips", -1},
                              {"floating_ips", -1},
                              {"security_groups", -1},
                              {"security_group_rules", -1}});
}

void addQuotaRoutes(http::Routes& routes, store::Store& store, const Quotas& quotas, identity::Identity& identity) {
    const auto site = std::make_shared<Site>(Site{store, quotas, identity});
    const std::string rule = "os_compute_api:os-quota-sets:";
    addRoute(routes, Method::Get, "/limits", "os_compute_api:limits",
             [site](Call& call) { return limits(call, *site); });
    addRoute(routes, Method::Get, "/os-quota-sets/{id}", rule + "show",
             [site](Call& call) { return show(call, *site); });
    addRoute(routes, Method::Get, "/os-quota-sets/{id}/defaults", rule + "defaults",
             [site](Call& call) { return defaults(call, *site); });
    addRoute(routes, Method::Get, "/os-quota-sets/{id}/detail", rule + "detail",
             [site](Call& call) { return detail(call, *site); });
    addRoute(routes, Method::Put, "/os-quota-sets/{id}", rule + "update",
             [site](Call& call) { return update(call, *site); });
    addRoute(routes, Method::Delete, "/os-quota-sets/{id}", rule + "delete", [site](Call& call) {
        const ProjectId project = projectOf(call, *site);
        site->store.write([&](store::Transaction& tx) { site->quotas.reset(tx, project.text); });
        return http::emptyResponse(202);
    });
}

}
