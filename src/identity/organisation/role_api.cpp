#include "identity/dialect.hpp"
#include "identity/organisation/project.hpp"
#include "identity/organisation/role.hpp"
#include "identity/token/revocation.hpp"
#include "identity/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {
namespace {

using namespace http;

Role demand(store::Reader& db, const RoleId& id) {
    auto role = roleTable.find(db, id);
    if (!role) throw Error(Failure::NotFound, "Could not find role: ", id, ".");
    return *std::move(role);
}

/// A role of a domain has rules of its own: `verb` is "get", "update", …
std::string ruleFor(const Request& request, const std::string& verb, const std::optional<Role>& role) {
    return role && !role->domain.empty() ? "identity:" + verb + "_domain_role" : std::string(callerOf(request).rule);
}

/// What the rules know of a role, and of the domain whose manager may ask.
Target aboutRole(const Caller& caller, const std::optional<Role>& role) {
    auto about = targetOf(role);
    about["target.domain_id"] = caller.domain.text;
    return about;
}

/// The role in the path, once the rule allows what `verb` says.
Role demandFor(const Request& request, Core& core, const std::string& verb) {
    const RoleId id{request.param("id")};
    const auto& caller = callerOf(request);
    const auto role = roleTable.find(core.parts.store.reader(), id);
    return caller.demand(ruleFor(request, verb, role), role, aboutRole(caller, role),
                         Error(Failure::NotFound, "Could not find role: ", id, "."), Absence::ToAnybody);
}

/// The role that implies others, and the implied one where the path names one; both are there before the rule is asked.
struct Implication {
    Role prior, implied;
};
Implication demandImplication(const Request& request, store::Reader& db, bool withImplied = true) {
    Implication found;
    const auto& caller = callerOf(request);
    const auto load = [&](const std::string& id) {
        return caller.demand(roleTable.find(db, {id}), {}, Error(Failure::NotFound, "Could not find role: ", id, "."),
                             Absence::ToAnybody);
    };
    found.prior = load(request.param("prior"));
    if (withImplied) found.implied = load(request.param("implied"));
    return found;
}

Response answer(const Request& request, int status, const Role& role) {
    return jsonResponse(status, "role", [&](JsonWriter& out) { writeRole(out, request, role); });
}

void refuseDuplicate(store::Reader& db, const Role& role) {
    const auto other = role_table::findByName(db, role.domain, role.name);
    if (other && other->id != role.id)
        throw Error(Failure::Conflict, "Conflict occurred attempting to store role - Duplicate entry found with name ",
                    role.name, ".");
}

Response create(Request& request, Core& core) {
    const Json body = request.json().object("role");
    Role wanted;
    wanted.id.text = core.parts.ambient.hexId();
    takeRole(wanted, body, resource::Post);
    wanted.domain.text = body.maybeText("domain_id").value_or("");
    callerOf(request).enforce(ruleFor(request, "create", wanted), targetOf(std::optional(wanted)));
    core.parts.store.write([&](store::Transaction& tx) {
        if (!wanted.domain.empty()) demandDomain(tx, wanted.domain);
        refuseDuplicate(tx, wanted);
        roleTable.insert(tx, wanted);
    });
    return answer(request, 201, wanted);
}

Response list(Request& request, Core& core) {
    const auto domain = request.query.text("domain_id");
    if (domain.empty())
        callerOf(request).enforce(aboutRole(callerOf(request), std::nullopt));
    else
        callerOf(request).enforce("identity:list_domain_roles", {{"target.role.domain_id", domain}});
    auto listing = listingOf(request, roleTable.text(), roleTable.words(), "name");
    if (!request.query.has("domain_id")) listing.conditions.add("domain_id = ''");
    return pageResponse(request, "roles", listing, rowsOf(core.parts.store.reader(), roleTable, listing),
                        [&](JsonWriter& out, const Role& each) { writeRole(out, request, each); });
}

Response update(Request& request, Core& core) {
    const Json body = request.json().object("role");
    demandFor(request, core, "update");
    return answer(request, 200, core.parts.store.write([&](store::Transaction& tx) {
        const Role before = demand(tx, {request.param("id")});
        Role role = before;
        if (const auto domain = body.maybeText("domain_id"); domain && *domain != role.domain.text)
            body.at("domain_id").refuse("It cannot be changed.");
        takeRole(role, body, resource::Put);
        if (isImmutable(before.options) && !changesOnlyImmutable(body))
            throw Error(Failure::Forbidden, "Cannot change role ", role.id, ": it has the option immutable.");
        refuseDuplicate(tx, role);
        roleTable.update(tx, role);
        core.forgetValidated(tx);
        return role;
    }));
}

Response remove(Request& request, Core& core) {
    demandFor(request, core, "delete");
    core.parts.store.write([&](store::Transaction& tx) {
        const Role role = demand(tx, {request.param("id")});
        if (isImmutable(role.options))
            throw Error(Failure::Forbidden, "Cannot delete role ", role.id, ": it has the option immutable.");
        roleTable.remove(tx, role.id);
        revocation_table::record(tx, {.role = role.id.text}, core.parts.ambient.now());
        core.forgetValidated(tx);
    });
    return emptyResponse(204);
}

void writeShort(JsonWriter& out, const Request& request, const Role& role) {
    const auto object = out.object();
    out.field("id", role.id);
    out.field("name", role.name);
    writeSelf(out, request, "roles/" + role.id.text);
}

void writeInference(JsonWriter& out, const Request& request, const Role& prior, const Role& implied) {
    {
        const auto body = out.object("role_inference");
        out.key("prior_role");
        writeShort(out, request, prior);
        out.key("implies");
        writeShort(out, request, implied);
    }
    const auto links = out.object("links");
    out.field("self", request.base + request.path);
}

Response showImplied(Request& request, Core& core, int status) {
    auto& db = core.parts.store.reader();
    const auto found = demandImplication(request, db);
    if (status == 200 && !role_table::implies(db, found.prior.id, found.implied.id))
        throw Error(Failure::NotFound, found.prior.id, " does not imply ", found.implied.id);
    return jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        writeInference(out, request, found.prior, found.implied);
    });
}

Response addImplied(Request& request, Core& core) {
    demandImplication(request, core.parts.store.reader());
    core.parts.store.write([&](store::Transaction& tx) {
        const Role prior = demand(tx, {request.param("prior")}), implied = demand(tx, {request.param("implied")});
        if (foldedName(implied.name) == "admin")
            throw Error(Failure::Forbidden, implied.id, " cannot be an implied role");
        if (prior.domain.empty() && !implied.domain.empty())
            throw Error(Failure::Forbidden, implied.id,
                        " belongs to a domain and cannot be implied by a role that does not");
        if (role_table::implies(tx, prior.id, implied.id))
            throw Error(Failure::Conflict,
                        "Conflict occurred attempting to store implied_role - Duplicate entry found with ID ",
                        implied.id, ".");
        if (role_table::leadsTo(tx, implied.id, prior.id))
            throw Error(Failure::Invalid, "Role ", implied.id, " implies ", prior.id, " already; that would go round.");
        role_table::addImplication(tx, prior.id, implied.id);
        core.forgetValidated(tx);
    });
    return showImplied(request, core, 201);
}

Response listImplied(Request& request, Core& core) {
    auto& db = core.parts.store.reader();
    const Role prior = demandImplication(request, db, false).prior;
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto inference = out.object("role_inference");
            out.key("prior_role");
            writeShort(out, request, prior);
            const auto implies = out.array("implies");
            for (const auto& each : role_table::impliedBy(db, prior.id)) writeShort(out, request, each);
        }
        const auto links = out.object("links");
        out.field("self", request.base + request.path);
    });
}

Response listInferences(Request& request, Core& core) {
    callerOf(request).enforce();
    auto& db = core.parts.store.reader();
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto inferences = out.array("role_inferences");
            for (const auto& prior : role_table::priors(db)) {
                const auto inference = out.object();
                out.key("prior_role");
                writeShort(out, request, prior);
                const auto implies = out.array("implies");
                for (const auto& each : role_table::impliedBy(db, prior.id)) writeShort(out, request, each);
            }
        }
        const auto links = out.object("links");
        out.field("self", request.base + request.path);
    });
}

Response removeImplied(Request& request, Core& core) {
    demandImplication(request, core.parts.store.reader());
    core.parts.store.write([&](store::Transaction& tx) {
        if (!role_table::removeImplication(tx, {request.param("prior")}, {request.param("implied")}))
            throw Error(Failure::NotFound, request.param("prior"), " does not imply ", request.param("implied"));
        core.forgetValidated(tx);
    });
    return emptyResponse(204);
}

}

Target targetOf(const std::optional<Role>& role) {
    if (!role) return {};
    return {{"target.role.id", role->id.text},
            {"target.role.name", role->name},
            {"target.role.domain_id", role->domain.empty() ? "None" : role->domain.text}};
}

void addRoleRoutes(Routes& routes, Core& core) {
    routes.push_back({Method::Get, "/v3/roles", policy("identity:list_roles"),
                      [&](Request& request) { return list(request, core); }});
    routes.push_back({Method::Post, "/v3/roles", policy("identity:create_role"),
                      [&](Request& request) { return create(request, core); }});
    routes.push_back({Method::Get, "/v3/roles/{id}", policy("identity:get_role"),
                      [&](Request& request) { return answer(request, 200, demandFor(request, core, "get")); }});
    routes.push_back({Method::Patch, "/v3/roles/{id}", policy("identity:update_role"),
                      [&](Request& request) { return update(request, core); }});
    routes.push_back({Method::Delete, "/v3/roles/{id}", policy("identity:delete_role"),
                      [&](Request& request) { return remove(request, core); }});

    const std::string implies = "/v3/roles/{prior}/implies", one = implies + "/{implied}";
    routes.push_back({Method::Get, implies, policy("identity:list_implied_roles"),
                      [&](Request& request) { return listImplied(request, core); }});
    routes.push_back({Method::Put, one, policy("identity:create_implied_role"),
                      [&](Request& request) { return addImplied(request, core); }});
    routes.push_back({Method::Delete, one, policy("identity:delete_implied_role"),
                      [&](Request& request) { return removeImplied(request, core); }});
    routes.push_back({Method::Get, one, policy("identity:get_implied_role"),
                      [&](Request& request) { return showImplied(request, core, 200); }});
    routes.push_back({Method::Head, one, policy("identity:check_implied_role"), [&](Request& request) {
                          showImplied(request, core, 200);
                          return emptyResponse(204);
                      }});
    routes.push_back({Method::Get, "/v3/role_inferences", policy("identity:list_role_inference_rules"),
                      [&](Request& request) { return listInferences(request, core); }});
}

}
