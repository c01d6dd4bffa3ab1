#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/group/server_group.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

void write(JsonWriter& out, const Call& call, const ServerGroup& group) {
    const auto scope = out.object();
    out.field("id", group.id);
    out.field("name", group.name);
    if (call.since(64)) {
        out.field("policy", nameOf(group.policy));
        const auto rules = out.object("rules");
        if (group.perHost) out.field("max_server_per_host", *group.perHost);
    } else {
        {
            const auto policies = out.array("policies");
            out.value(nameOf(group.policy));
        }
        static_cast<void>(out.object("metadata"));
    }
    {
        const auto members = out.array("members");
        for (const auto& each : group.members) out.value(each);
    }
    if (!call.since(13)) return;
    out.field("project_id", group.project);
    out.field("user_id", group.user);
}

Response answer(const Call& call, const ServerGroup& group) {
    return http::jsonResponse(200, "server_group", [&](JsonWriter& out) { write(out, call, group); });
}

Response list(Call& call, Core& core) {
    call.caller.enforce();
    const auto& query = call.request.query;
    if (call.since(75)) call.asksOnly({"all_projects", "limit", "offset"});
    ServerGroupQuery wanted;
    wanted.limit = pageOf(query).limit;
    wanted.offset = query.integer("offset", 0, INT64_MAX).value_or(0);
    const bool all = query.has("all_projects") && call.caller.isAdmin(); // others' word is passed over (Nova)
    if (all) call.caller.enforce("os_compute_api:os-server-groups:index:all_projects", {});
    if (!all) wanted.project = call.caller.project;
    const auto groups = serverGroups(core, wanted);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("server_groups");
        for (const auto& each : groups) write(out, call, each);
    });
}

GroupPolicy policyOf(const Call& call, const Json& value) {
    const auto policy = groupPolicyOf(textOf(value, 1, 255));
    const bool soft = policy == GroupPolicy::SoftAffinity || policy == GroupPolicy::SoftAntiAffinity;
    if (!policy || (soft && !call.since(15))) value.refuse("There is no such policy.");
    return *policy;
}

void readRules(const Json& rules, ServerGroup& group) {
    if (!rules.isObject()) rules.refuse("It is not of type 'object'");
    rules.onlyKnows({"max_server_per_host"});
    const auto most = rules.find("max_server_per_host");
    if (!most) return;
    group.perHost = integerOf(*most, 1, 0x7fffffff);
    if (group.policy != GroupPolicy::AntiAffinity)
        throw Error(Failure::Invalid, "Only anti-affinity policy supports rules.");
}

Response create(Call& call, Core& core) {
    call.caller.enforce();
    const Json body = call.body("server_group");
    ServerGroup group;
    group.name = nameOf(body.at("name"));
    if (call.since(64)) {
        call.onlyKnows(body, {"name", "policy", "rules"});
        group.policy = policyOf(call, body.at("policy"));
        if (const auto rules = body.find("rules")) readRules(*rules, group);
    } else {
        call.onlyKnows(body, {"name", "policies"});
        const Json policies = body.array("policies");
        if (policies.size() != 1) policies.refuse("It must have one policy.");
        group.policy = policyOf(call, policies.items().front());
    }
    return answer(call, createServerGroup(core, call.caller, std::move(group)));
}

}

void addServerGroupRoutes(http::Routes& routes, Core& core) {
    const std::string rule = "os_compute_api:os-server-groups:", path = "/os-server-groups";
    const auto idOf = [](const Call& call) { return ServerGroupId{call.param("id")}; };
    addRoute(routes, Method::Get, path, rule + "index", [&](Call& call) { return list(call, core); });
    addRoute(routes, Method::Post, path, rule + "create", [&](Call& call) { return create(call, core); });
    addRoute(routes, Method::Get, path + "/{id}", rule + "show",
             [&core, idOf](Call& call) { return answer(call, serverGroup(core, call.caller, idOf(call))); });
    addRoute(routes, Method::Delete, path + "/{id}", rule + "delete", [&core, idOf](Call& call) {
        removeServerGroup(core, call.caller, idOf(call));
        return http::emptyResponse(204);
    });
}

}
