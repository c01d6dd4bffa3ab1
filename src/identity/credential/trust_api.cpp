#include <algorithm>

#include "identity/credential/delegation.hpp"
#include "identity/credential/trust.hpp"
#include "identity/wire.hpp"

namespace stratolet::identity {
namespace {

using namespace http;

const std::initializer_list<std::string_view> trustAttributes = {"id",
                                                                 "trustor_user_id",
                                                                 "trustee_user_id",
                                                                 "project_id",
                                                                 "impersonation",
                                                                 "expires_at",
                                                                 "remaining_uses",
                                                                 "roles",
                                                                 "allow_redelegation",
                                                                 "redelegation_count",
                                                                 "roles_links",
                                                                 "links",
                                                                 "redelegated_trust_id",
                                                                 "deleted_at"};

std::vector<Role> rolesOf(const Trust& trust, store::Reader& db) {
    std::vector<Role> roles;
    for (const auto& each : trust.roles)
        if (auto role = roleTable.find(db, each)) roles.push_back(*std::move(role));
    return roles;
}

void write(JsonWriter& out, const Request& request, const Trust& trust, const std::vector<Role>* roles) {
    const auto path = "OS-TRUST/trusts/" + trust.id.text;
    const auto object = out.object();
    out.field("id", trust.id);
    out.field("trustor_user_id", trust.trustor);
    out.field("trustee_user_id", trust.trustee);
    out.field("project_id", trust.project.empty() ? std::nullopt : std::optional(trust.project.text));
    out.field("impersonation", trust.impersonation);
    out.field("expires_at", trust.expires ? std::optional(isoMicrosZ(*trust.expires)) : std::nullopt);
    out.field("deleted_at", nullptr);
    out.field("remaining_uses", trust.remainingUses);
    out.field("redelegation_count", trust.redelegationCount);
    if (!trust.parent.empty()) out.field("redelegated_trust_id", trust.parent);
    writeExtra(out, trust.extra);
    if (roles) {
        {
            const auto list = out.array("roles");
            for (const auto& each : *roles) writeRole(out, request, each);
        }
        const auto links = out.object("roles_links");
        out.field("self", request.base + "/v3/" + path + "/roles");
        out.field("next", nullptr);
        out.field("previous", nullptr);
    }
    writeSelf(out, request, path);
}

Response answer(const Request& request, int status, const Trust& trust, Core& core) {
    const auto roles = rolesOf(trust, core.parts.store.reader());
    return jsonResponse(status, "trust", [&](JsonWriter& out) { write(out, request, trust, &roles); });
}

std::optional<std::int64_t> maybeCount(const Json& body, std::string_view name, std::int64_t least) {
    const auto found = body.find(name);
    if (!found || found->isNull()) return std::nullopt;
    const auto count = found->integer();
    if (count < least) found->refuse("It must be " + std::to_string(least) + " or more.");
    return count;
}

Response create(Request& request, Trusts& trusts, Core& core) {
    const Json body = request.json().object("trust");
    NewTrust wanted;
    wanted.trustor.text = body.text("trustor_user_id");
    wanted.trustee.text = body.text("trustee_user_id");
    wanted.project.text = body.maybeText("project_id").value_or("");
    wanted.impersonation = body.at("impersonation").boolean();
    wanted.allowRedelegation = checkedTruth(body, "allow_redelegation", false);
    wanted.expires = futureTimeIn(body, "expires_at", core.parts.ambient.now());
    wanted.remainingUses = maybeCount(body, "remaining_uses", 1);
    wanted.redelegationCount = maybeCount(body, "redelegation_count", 0);
    if (wanted.allowRedelegation && wanted.remainingUses)
        body.at("remaining_uses").refuse("It must not be set if redelegation is allowed.");
    if (const auto roles = body.find("roles"); roles && !roles->isNull()) wanted.roles = roleReferencesIn(*roles);
    wanted.extra = mergedExtra("{}", body, [](std::string_view name) {
        return std::find(trustAttributes.begin(), trustAttributes.end(), name) != trustAttributes.end();
    });
    return answer(request, 201, trusts.create(callerOf(request), wanted), core);
}

Response list(Request& request, Trusts& trusts) {
    const auto found =
        trusts.list(callerOf(request), request.query.find("trustor_user_id"), request.query.find("trustee_user_id"));
    return slicedResponse<Trust>(request, "trusts", found,
                                 [&](JsonWriter& out, const Trust& each) { write(out, request, each, nullptr); });
}

Response listRoles(Request& request, Trusts& trusts, Core& core) {
    const auto roles = rolesOf(trusts.show(callerOf(request), {request.param("id")}), core.parts.store.reader());
    return slicedResponse<Role>(request, "roles", roles,
                                [&](JsonWriter& out, const Role& each) { writeRole(out, request, each); });
}

Response showRole(Request& request, Trusts& trusts, Core& core) {
    for (const auto& each : rolesOf(trusts.show(callerOf(request), {request.param("id")}), core.parts.store.reader()))
        if (each.id.text == request.param("role"))
            return jsonResponse(200, "role", [&](JsonWriter& out) { writeRole(out, request, each); });
    throw Error(Failure::NotFound, "Could not find role: ", request.param("role"), ".");
}

}

void addTrustRoutes(Routes& routes, Trusts& trusts, Core& core) {
    const std::string all = "/v3/OS-TRUST/trusts", one = all + "/{id}";
    routes.push_back({Method::Post, all, policy("identity:create_trust"),
                      [&](Request& request) { return create(request, trusts, core); }});
    routes.push_back(
        {Method::Get, all, policy("identity:list_trusts"), [&](Request& request) { return list(request, trusts); }});
    routes.push_back({Method::Get, one, policy("identity:get_trust"), [&](Request& request) {
                          return answer(request, 200, trusts.show(callerOf(request), {request.param("id")}), core);
                      }});
    routes.push_back({Method::Delete, one, policy("identity:delete_trust"), [&](Request& request) {
                          trusts.remove(callerOf(request), {request.param("id")});
                          return emptyResponse(204);
                      }});
    routes.push_back({Method::Get, one + "/roles", policy("identity:list_roles_for_trust"),
                      [&](Request& request) { return listRoles(request, trusts, core); }});
    routes.push_back({Method::Get, one + "/roles/{role}", policy("identity:get_role_for_trust"),
                      [&](Request& request) { return showRole(request, trusts, core); }});
}

}
