#include "compute/api.hpp"
#include "compute/quota/quota_api.hpp"

namespace stratolet::compute {
namespace {

using http::Response;

/// A member of "absolute": a limit, or what is used of it.
struct Line {
    std::string_view name, resource;
    bool used = false;
    int until = versionMax;
};
constexpr Line lines[] = {{"maxTotalInstances", "instances"},
                          {"maxTotalCores", "cores"},
                          {"maxTotalRAMSize", "ram"},
                          {"maxServerMeta", "metadata_items"},
                          {"maxTotalKeypairs", "key_pairs"},
                          {"maxServerGroups", "server_groups"},
                          {"maxServerGroupMembers", "server_group_members"},
                          {"totalInstancesUsed", "instances", true},
                          {"totalCoresUsed", "cores", true},
                          {"totalRAMUsed", "ram", true},
                          {"totalServerGroupsUsed", "server_groups", true},
                          {"maxPersonality", "injected_files", false, 56},
                          {"maxPersonalitySize", "injected_file_content_bytes", false, 56},
                          {"maxImageMeta", "metadata_items", false, 38},
                          {"maxTotalFloatingIps", "floating_ips", false, 35},
                          {"maxSecurityGroups", "security_groups", false, 35},
                          {"maxSecurityGroupRules", "security_group_rules", false, 35},
                          {"totalFloatingIpsUsed", "floating_ips", true, 35},
                          {"totalSecurityGroupsUsed", "security_groups", true, 35}};

Response limits(Call& call, store::Store& store, const ComputeQuotas& quotas) {
    call.caller.enforce();
    if (call.since(75)) call.asksOnly({"tenant_id", "reserved"}); // nothing is reserved that isn't used
    ProjectId project = call.caller.project;
    if (const auto other = call.request.query.find("tenant_id"); other && *other != project.text) {
        project.text = *other;
        call.caller.enforce("os_compute_api:limits:other_project", {{"project_id", project.text}});
    }
    return store.read([&](store::Reader& db) {
        return http::jsonResponse(200, [&](JsonWriter& out) {
            const auto body = out.object();
            const auto all = out.object("limits");
            static_cast<void>(out.array("rate"));
            const auto absolute = out.object("absolute");
            for (const auto& line : lines) {
                if (call.version > line.until) continue;
                out.field(line.name, line.used ? quotas.used(db, QuotaOwner{project}, line.resource)
                                               : quotas.limit(db, project.text, line.resource));
            }
        });
    });
}

}

void addLimitRoutes(http::Routes& routes, store::Store& store, const ComputeQuotas& quotas) {
    addRoute(routes, http::Method::Get, "/limits", "os_compute_api:limits",
             [&](Call& call) { return limits(call, store, quotas); });
}

}
