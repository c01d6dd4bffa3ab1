#include <algorithm>
#include <cctype>

#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/sharing.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

/// That a project, or everybody, may see and use a thing of another.
struct RbacPolicy {
    Id<RbacPolicy> id;
    Standard standard; ///< its project, and when it was made
    std::string type;  ///< of Shareable
    std::string object;
    std::string action;
    std::string target;
};

void readTarget(RbacPolicy& policy, const Json& value, const Reading&) {
    policy.target = value.isText() ? value.text() : "";
    const auto named = [](unsigned char each) { return std::isalnum(each) != 0 || each == '-' || each == '_'; };
    if (policy.target != everybody &&
        (policy.target.empty() || !std::all_of(policy.target.begin(), policy.target.end(), named)))
        refuseInput("target_tenant", "'" + policy.target + "' is neither a project nor *.");
}

const Table<RbacPolicy> rbacPolicyTable(
    "rbac_policies", 'v',
    {attribute<&RbacPolicy::id>("id", Show | Find),
     computed<RbacPolicy>(
         "tenant_id", Kind::Text, Post | Show | Find,
         [](JsonWriter& out, const RbacPolicy& it) { out.value(it.standard.project); }, "$.project"),
     attribute<&RbacPolicy::standard, &Standard::project>("project_id", Post | Show | Find).in("project").readByHook(),
     attribute<&RbacPolicy::type>("object_type", Post | Show | Find),
     attribute<&RbacPolicy::object>("object_id", Post | Show | Find).in("object"),
     attribute<&RbacPolicy::action>("action", Post | Show | Find),
     attribute<&RbacPolicy::target>("target_tenant", Post | Put | Show | Find).in("target").readBy(readTarget),
     column<&RbacPolicy::standard, &Standard::created>("created")});

Error rbacPolicyNotFound(const std::string& id) {
    return Error(Failure::NotFound, "RBAC policy of type rbac_policy with ID ", id, " not found")
        .as("RbacPolicyNotFound");
}

Error alreadyThere() {
    return Error(Failure::Conflict, "An RBAC policy already exists with those values.").as("RbacPolicyExists");
}

bool isThere(store::Reader& db, const RbacPolicy& policy) {
    return db
        .query("SELECT 1 FROM rbac_policies WHERE object = ? AND action = ? AND target = ?", policy.object,
               policy.action, policy.target)
        .any();
}

/// The owner of what the policy is about, if the caller may see it.
std::string ownerOf(store::Reader& db, const identity::Caller& caller, const Shareable& kind,
                    const RbacPolicy& policy) {
    const auto owner =
        db.query("SELECT project FROM " + std::string(kind.table) + " WHERE id = ?", policy.object).maybeText();
    if (!owner) throw kind.missing(policy.object);
    auto target = ownedBy(*owner);
    target["shared"] = db.query("SELECT 1 FROM rbac_policies WHERE object = ? AND action = 'access_as_shared' AND "
                                "target IN ('*', ?)",
                                policy.object, caller.project)
                               .any()
                           ? "True"
                           : "False";
    const auto noun = kind.noun.empty() ? kind.type : kind.noun;
    if (!caller.may("get_" + std::string(noun), target)) throw kind.missing(policy.object);
    return *owner;
}

RbacPolicy create(Core& core, store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    RbacPolicy policy;
    for (const auto* name : {"object_type", "object_id", "action", "target_tenant"})
        if (body.text(name).empty()) throw notSpecified(name);
    body.readInto(policy, rbacPolicyTable);
    const auto* kind = shareableNamed(policy.type);
    if (kind == nullptr)
        throw Error(Failure::Invalid, "Invalid input for object_type. Reason: '", policy.type, "' is not in [",
                    shareableTypes(), "].")
            .as("InvalidInput");
    const bool outside = policy.action == accessExternal && kind->type == "network";
    if (policy.action != accessShared && !outside)
        throw Error(Failure::Invalid, "Invalid action '", policy.action, "' for object type '", policy.type,
                    "'. Valid actions: access_as_shared", kind->type == "network" ? ", access_as_external" : "")
            .as("RbacPolicyInvalidAction");
    const auto owner = ownerOf(tx, caller, *kind, policy);
    if (owner != caller.project.text && !caller.isAdmin())
        throw Error(Failure::Invalid, "Invalid input for operation: Only admins can manipulate policies on objects "
                                      "they do not own.")
            .as("InvalidInput");
    // What leads outside says who runs the cloud.
    if (outside) demandOn(caller, "update_network:router:external", ownedBy(owner));
    policy.standard = freshStandard(core, caller, body);
    core.claim(tx, policy.standard.project, "rbac_policy");
    if (isThere(tx, policy)) throw alreadyThere();
    share(core, tx, *kind, policy.object, policy.standard.project, policy.action, policy.target);
    return rbacPolicyTable
        .where(tx, "WHERE v.object = ? AND v.action = ? AND v.target = ?", policy.object, policy.action, policy.target)
        .front();
}

RbacPolicy update(Core& core, store::Transaction& tx, const identity::Caller&, RbacPolicy policy, const Body& body) {
    const auto before = policy.target;
    body.readInto(policy, rbacPolicyTable);
    if (policy.target == before) return policy;
    if (isThere(tx, policy)) throw alreadyThere();
    rbacPolicyTable.update(tx, policy);
    const auto& kind = *shareableNamed(policy.type);
    checkUsersAreServed(tx, kind, policy.object, policy.action);
    followPolicies(core, tx, kind, policy.object);
    return policy;
}

}

void addRbacPolicyRoutes(http::Routes& routes, Core& core) {
    using Tx = store::Transaction;
    using identity::Caller;
    addNoun<RbacPolicy>(
        routes, core,
        {.noun = "rbac_policy",
         .table = rbacPolicyTable,
         .missing = rbacPolicyNotFound,
         .aim = [](Target& target, const Body& body) { target["target_tenant"] = body.text("target_tenant"); },
         .create = [&core](Tx& tx, const Caller& caller, const Body& body) { return create(core, tx, caller, body); },
         .update = [&core](Tx& tx, const Caller& caller, const RbacPolicy& policy,
                           const Body& body) { return update(core, tx, caller, policy, body); },
         .remove =
             [&core](Tx& tx, const Caller&, const RbacPolicy& policy) {
                 withdraw(core, tx, *shareableNamed(policy.type), policy.object, policy.action, policy.target);
             },
         .tagged = false,
         .plural = "rbac_policies"});
}

}
