#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/qos/qos.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

void showRules(JsonWriter& out, const QosPolicy& policy) {
    const auto list = out.array();
    for (const auto& each : policy.rules) {
        const auto rule = out.object();
        showInto(out, qosRuleTable(*qosKindNamed(each.type)), each);
        out.field("type", each.type);
        out.field("qos_policy_id", each.policy);
    }
}

void completeRules(store::Reader& db, std::vector<QosPolicy>& policies) {
    auto rules = store::many<QosRule>(
        db,
        "SELECT k.policy, k.id, k.type, k.direction, k.amount, k.burst FROM json_each(?) w JOIN qos_rules k ON "
        "k.policy = w.value ORDER BY w.key, k.created, k.id",
        idsOf(policies), [](const store::Row& row) {
            QosRule rule;
            rule.policy = row.id<QosPolicyId>(0);
            rule.id = row.id<QosRuleId>(1);
            rule.type = row.text(2);
            rule.direction = row.text(3);
            rule.amount = row.integer(4);
            rule.burst = row.integer(5);
            return rule;
        });
    for (auto& each : policies) each.rules = store::takeOf(rules, each.id.text);
}

void checkDefault(store::Reader& db, const QosPolicy& policy) {
    if (!policy.isDefault) return;
    if (const auto other = defaultQosPolicy(db, policy.standard.project); !other.empty() && other != policy.id.text)
        throw Error(Failure::Conflict, "A default QoS policy exists for project ", policy.standard.project, ".")
            .as("QoSPolicyDefaultAlreadyExists");
}

QosPolicy create(Core& core, store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    QosPolicy policy;
    policy.standard = freshStandard(core, caller, body);
    policy.id.text = core.uuid();
    body.readInto(policy, qosPolicyTable);
    checkDefault(tx, policy);
    qosPolicyTable.insert(tx, policy);
    followShared(core, tx, "qos_policy", policy.id.text, policy.standard.project, false, policy.sharing.withAll);
    return policy;
}

QosPolicy update(Core& core, store::Transaction& tx, QosPolicy policy, const Body& body) {
    const bool before = policy.sharing.withAll;
    body.readInto(policy, qosPolicyTable);
    checkDefault(tx, policy);
    changeStandard(core, policy.standard, body);
    qosPolicyTable.update(tx, policy);
    followShared(core, tx, "qos_policy", policy.id.text, policy.standard.project, before, policy.sharing.withAll);
    return policy;
}

void remove(store::Transaction& tx, const QosPolicy& policy) {
    auto users = tx.query("SELECT 'network', id FROM networks WHERE qos_policy = ?1 UNION ALL SELECT 'port', id FROM "
                          "ports WHERE qos_policy = ?1 UNION ALL SELECT 'floatingip', id FROM floating_ips WHERE "
                          "qos_policy = ?1 UNION ALL SELECT 'router', id FROM routers WHERE gateway_qos_policy = ?1 "
                          "LIMIT 1",
                          policy.id);
    if (users.next())
        throw Error(Failure::Conflict, "QoS Policy ", policy.id, " is used by ", users.row().text(0), " ",
                    users.row().text(1), ".")
            .as("QosPolicyInUse");
    forgetTags(tx, policy.id.text);
    qosPolicyTable.remove(tx, policy.id);
}

Target targetOf(const QosPolicy& policy) { return ownedAndShared(policy.standard.project, policy.sharing); }

}

const Table<QosPolicy>
    qosPolicyTable("qos_policies", 'y',
                   joined(withStandard<QosPolicy>({
                              attribute<&QosPolicy::isDefault>("is_default", Post | Put | Show | Find),
                              computed<QosPolicy>("rules", Kind::Other, Show, showRules),
                          }),
                          sharingAttributes<QosPolicy>(Post | Put)));

Error qosPolicyNotFound(const std::string& id) {
    return Error(Failure::NotFound, "QoS policy ", id, " could not be found.").as("QosPolicyNotFound");
}

std::string defaultQosPolicy(store::Reader& db, const std::string& project) {
    return db.query("SELECT id FROM qos_policies WHERE project = ? AND is_default", project).maybeText().value_or("");
}

std::string qosPolicyIn(store::Reader& db, const identity::Caller& caller, const std::optional<Json>& value,
                        const std::string& before) {
    if (!value) return before;
    std::string wanted = value->isText() ? value->text() : "";
    if (wanted == before) return wanted;
    const auto may = [&](const std::string& id) {
        const auto policy = qosPolicyTable.find(db, id);
        return policy && mayOn(caller, "get_policy", targetOf(*policy));
    };
    if (!before.empty() && !may(before))
        throw Error(Failure::Forbidden, "Failed to remove provided policy ", before, " because you are not authorized.")
            .as("PolicyRemoveAuthorizationError");
    if (!wanted.empty() && !may(wanted)) throw qosPolicyNotFound(wanted);
    return wanted;
}

void addQosRoutes(http::Routes& routes, Core& core) {
    using Tx = store::Transaction;
    using identity::Caller;
    const auto policies = addNoun<QosPolicy>(
        routes, core,
        {.noun = "policy",
         .table = qosPolicyTable,
         .missing = qosPolicyNotFound,
         .about = aboutShared<QosPolicy>,
         .concern = {ownOrShared.begin(), ownOrShared.end()},
         .complete = completeRules,
         .create = [&core](Tx& tx, const Caller& caller, const Body& body) { return create(core, tx, caller, body); },
         .update = [&core](Tx& tx, const Caller&, const QosPolicy& policy,
                           const Body& body) { return update(core, tx, policy, body); },
         .remove = [](Tx& tx, const Caller&, const QosPolicy& policy) { remove(tx, policy); },
         .plural = "policies",
         .path = "/v2.0/qos/policies"});
    // Tags have an older path that leaves out what stands before the plural.
    addTagRoutes(routes, core, "/v2.0/policies/{id}",
                 {"policy", qosPolicyTable.text().name,
                  [policies](store::Reader& db, const std::string& id) { return policies->targetOf(db, id); }});
    addQosRuleRoutes(routes, core);
}

}
