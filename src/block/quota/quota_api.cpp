#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/quota/volume_quotas.hpp"
#include "block/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

ProjectId targetIn(const Request& request) { return {request.param("target_project_id")}; }

Response show(Request& request, VolumeQuotas& quotas) {
    const auto project = targetIn(request);
    callerOf(request).enforce({{"project_id", project.text}});
    const bool usage = request.query.flag("usage");
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto set = out.object("quota_set");
        out.field("id", project);
        for (const auto& each : quotas.usage(project)) {
            if (!usage) {
                out.field(each.resource, each.limit);
                continue;
            }
            const auto one = out.object(each.resource);
            out.field("limit", each.limit);
            out.field("in_use", each.used);
            out.field("reserved", 0);
        }
    });
}

void write(JsonWriter& out, const VolumeQuotas::Limits& limits) {
    for (const auto& [resource, limit] : limits) out.field(resource, limit);
}

Response showDefaults(Request& request, VolumeQuotas& quotas) {
    callerOf(request).enforce({{"project_id", targetIn(request).text}});
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto set = out.object("quota_set");
        out.field("id", targetIn(request));
        write(out, quotas.defaults());
    });
}

/// What a body of quotas says: whole numbers, also as texts.
VolumeQuotas::Limits limitsIn(const Json& wanted) {
    VolumeQuotas::Limits limits;
    for (const auto& name : wanted.names()) {
        if (name == "tenant_id" || name == "skip_validation") continue;
        const auto value = wanted.at(name);
        std::optional<std::int64_t> limit;
        if (value.isInteger()) limit = value.integer();
        if (value.isText()) limit = wholeNumberIn(value.text());
        if (!limit || *limit < -1 || *limit > 2147483647)
            value.refuse("It must be a whole number from -1 to 2147483647.");
        limits.emplace_back(name, *limit);
    }
    return limits;
}

Response update(Request& request, VolumeQuotas& quotas) {
    const auto skips = request.query.find("skip_validation");
    quotas.set(callerOf(request), targetIn(request), limitsIn(request.json().object("quota_set")),
               skips && truthOf(*skips) == false);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto set = out.object("quota_set");
        for (const auto& each : quotas.usage(targetIn(request))) out.field(each.resource, each.limit);
    });
}

Response showClass(Request& request, VolumeQuotas& quotas) {
    const auto& name = request.param("quota_class");
    const auto limits = quotas.classLimits(callerOf(request), name);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto set = out.object("quota_class_set");
        out.field("id", name);
        write(out, limits);
    });
}

Response updateClass(Request& request, VolumeQuotas& quotas) {
    const auto& name = request.param("quota_class");
    if (lengthInCharacters(name) > 255) throw Error(Failure::Invalid, "A quota class has at most 255 characters.");
    quotas.setClass(callerOf(request), name, limitsIn(request.json().object("quota_class_set")));
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto set = out.object("quota_class_set");
        write(out, quotas.classLimits(callerOf(request), name));
    });
}

Response reset(Request& request, VolumeQuotas& quotas) {
    quotas.reset(callerOf(request), targetIn(request));
    return http::emptyResponse(200);
}

Response limits(Request& request, VolumeQuotas& quotas) {
    const auto& caller = callerOf(request);
    ProjectId project = caller.project;
    if (microversionOf(request) >= Microversion{39} && caller.may("context_is_admin", {}))
        if (const auto other = request.query.find("project_id")) project = {*other};
    caller.enforce({{"project_id", project.text}});
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto content = out.object("limits");
        { const auto rate = out.array("rate"); }
        const auto absolute = out.object("absolute");
        struct Names {
            std::string_view resource, most, used;
        };
        const auto all = quotas.usage(project);
        for (const auto& [resource, most, used] :
             {Names{"volumes", "maxTotalVolumes", "totalVolumesUsed"},
              Names{"gigabytes", "maxTotalVolumeGigabytes", "totalGigabytesUsed"},
              Names{"snapshots", "maxTotalSnapshots", "totalSnapshotsUsed"},
              Names{"backups", "maxTotalBackups", "totalBackupsUsed"},
              Names{"backup_gigabytes", "maxTotalBackupGigabytes", "totalBackupGigabytesUsed"}})
            for (const auto& each : all) {
                if (each.resource != resource) continue;
                out.field(most, each.limit);
                out.field(used, each.used);
            }
    });
}

}

http::Routes quotaRoutes(VolumeQuotas& quotas) {
    http::Routes routes;
    const auto with = http::boundTo(std::ref(quotas));
    const std::string set = "/os-quota-sets/{target_project_id}";
    add(routes, Method::Get, set, "volume_extension:quotas:show", with(show));
    add(routes, Method::Get, set + "/defaults", "volume_extension:quotas:show", with(showDefaults));
    add(routes, Method::Put, set, "volume_extension:quotas:update", with(update));
    add(routes, Method::Delete, set, "volume_extension:quotas:delete", with(reset));
    const std::string ofClass = "/os-quota-class-sets/{quota_class}";
    add(routes, Method::Get, ofClass, "volume_extension:quota_classes:get", with(showClass));
    add(routes, Method::Put, ofClass, "volume_extension:quota_classes:update", with(updateClass));
    add(routes, Method::Get, "/limits", "limits_extension:used_limits", with(limits));
    return routes;
}

}
