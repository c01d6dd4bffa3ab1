#include <stratolet/error.hpp>

#include "network/common_api.hpp"

namespace stratolet::network {

namespace {

using namespace http;

void writeLimits(JsonWriter& out, Core& core, store::Reader& db, const std::string& project) {
    for (const auto& [resource, otherwise] : core.quotas.defaults())
        out.field(resource, core.quotas.limit(db, project, resource));
}

Response limitsOf(Core& core, const std::string& project) {
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto quota = out.object("quota");
        writeLimits(out, core, core.parts.store.reader(), project);
    });
}

Response list(Request& request, Core& core) {
    const auto& caller = identity::callerOf(request);
    auto& db = core.parts.store.reader();
    caller.may(caller.rule, {});
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto quotas = out.array("quotas");
        for (const auto& project : core.quotas.owners(db)) {
            if (!caller.may(caller.rule, ownedBy(project))) continue;
            const auto quota = out.object();
            writeLimits(out, core, db, project);
            out.field("project_id", project);
            out.field("tenant_id", project);
        }
    });
}

Response details(Request& request, Core& core) {
    const auto& project = request.param("project_id");
    identity::callerOf(request).enforce(ownedBy(project));
    auto& db = core.parts.store.reader();
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto quota = out.object("quota");
        for (const auto& [resource, otherwise] : core.quotas.defaults()) {
            const auto one = out.object(resource);
            out.field("limit", core.quotas.limit(db, project, resource));
            out.field("used", core.used(db, project, resource));
            out.field("reserved", 0);
        }
    });
}

Response defaults(Request& request, Core& core) {
    identity::callerOf(request).enforce(ownedBy(request.param("project_id")));
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto quota = out.object("quota");
        for (const auto& [resource, limit] : core.quotas.defaults()) out.field(resource, limit);
    });
}

Response update(Request& request, Core& core) {
    const auto& project = request.param("project_id");
    identity::callerOf(request).enforce(ownedBy(project));
    const Json wanted = put(request, "quota");
    std::map<std::string, std::int64_t> limits;
    for (const auto& name : wanted.names()) {
        if (name == "tenant_id" || name == "project_id" || name == "force" || name == "check_limit") continue;
        if (!core.quotas.defaults().contains(name))
            throw Error(Failure::Invalid, "Unrecognized attribute(s) '", name, "'").as("HTTPBadRequest");
        const auto limit = wholeOf(wanted.at(name));
        if (!limit || *limit < -1 || *limit > 2147483647)
            refuseInput(name, "'" + wanted.at(name).dump() + "' is not a limit of -1 or more.");
        limits[name] = *limit;
    }
    const auto checks = wanted.find("check_limit");
    const bool checked = checks && truthOf(*checks).value_or(false);
    core.parts.store.write([&](store::Transaction& tx) {
        for (const auto& [resource, limit] : limits) {
            const auto used = checked && limit >= 0 ? core.used(tx, project, resource) : 0;
            if (used > limit && checked && limit >= 0)
                throw Error(Failure::Invalid, "Quota limit ", limit, " for ", resource,
                            " must be greater than or equal to already used ", used, ".")
                    .as("BadRequest");
        }
        for (const auto& [resource, limit] : limits) core.quotas.set(tx, project, resource, limit);
    });
    return limitsOf(core, project);
}

Response reset(Request& request, Core& core) {
    const auto& project = request.param("project_id");
    identity::callerOf(request).enforce(ownedBy(project));
    core.parts.store.write([&](store::Transaction& tx) {
        if (!core.quotas.changed(tx, project))
            throw Error(Failure::NotFound, "Quota for tenant ", project, " could not be found.")
                .as("TenantQuotaNotFound");
        core.quotas.reset(tx, project);
    });
    return emptyResponse(204);
}

}

void addQuotaRoutes(Routes& routes, Core& core) {
    routes.push_back(
        {Method::Get, "/v2.0/quotas", policy("get_quota"), [&](Request& request) { return list(request, core); }});
    for (const auto* word : {"tenant", "project"})
        routes.push_back(
            {Method::Get, std::string("/v2.0/quotas/") + word, policy("get_quota"), [word](Request& request) {
                 const auto& caller = identity::callerOf(request);
                 caller.may(caller.rule, {}); // tells nobody anything but who they are
                 return jsonResponse(200, [&](JsonWriter& out) {
                     const auto body = out.object();
                     const auto own = out.object(word);
                     out.field(std::string(word) + "_id", caller.project);
                 });
             }});
    routes.push_back({Method::Get, "/v2.0/quotas/{project_id}", policy("get_quota"), [&](Request& request) {
                          identity::callerOf(request).enforce(ownedBy(request.param("project_id")));
                          return limitsOf(core, request.param("project_id"));
                      }});
    routes.push_back({Method::Put, "/v2.0/quotas/{project_id}", policy("update_quota"),
                      [&](Request& request) { return update(request, core); }});
    routes.push_back({Method::Delete, "/v2.0/quotas/{project_id}", policy("delete_quota"),
                      [&](Request& request) { return reset(request, core); }});
    routes.push_back({Method::Get, "/v2.0/quotas/{project_id}/default", policy("get_quota"),
                      [&](Request& request) { return defaults(request, core); }});
    for (const auto* path : {"/v2.0/quotas/{project_id}/details", "/v2.0/quotas/{project_id}/details.json"})
        routes.push_back(
            {Method::Get, path, policy("get_quota"), [&](Request& request) { return details(request, core); }});
}

}
