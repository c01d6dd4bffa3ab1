#include <algorithm>
#include <map>

#include <stratolet/error.hpp>

#include "network/qos/qos.hpp"
#include "resource/collection.hpp"

namespace stratolet::network {

using namespace resource;
using http::Method;
using http::Request;
using http::Response;

namespace {

constexpr std::int64_t amountMost = 2147483647;

std::vector<Attribute<QosRule>> attributesOf(const QosKind& kind) {
    std::vector<Attribute<QosRule>> all{
        attribute<&QosRule::id>("id", Show | Find),
        computed<QosRule>("tenant_id", Kind::Text, Post), // a rule is its policy's, whatever a body says
        computed<QosRule>("project_id", Kind::Text, Post),
        column<&QosRule::policy>("policy"),
        column<&QosRule::type>("type"),
        column<&QosRule::created>("created"),
        attribute<&QosRule::amount>(kind.amount, Post | Put | Show | Find).in("amount"),
    };
    constexpr unsigned given = Post | Put | Show | Find;
    all.push_back(kind.burst.empty() ? column<&QosRule::burst>("burst")
                                     : attribute<&QosRule::burst>(kind.burst, given).in("burst"));
    all.push_back(kind.directions.empty() ? column<&QosRule::direction>("direction")
                                          : attribute<&QosRule::direction>("direction", given));
    return all;
}

template <class List> std::string listed(const List& values, std::string_view quote) {
    std::string out;
    for (const auto& each : values) {
        if (!out.empty()) out += ", ";
        if constexpr (std::is_integral_v<std::remove_cvref_t<decltype(each)>>)
            out += std::to_string(each);
        else
            out.append(quote).append(each).append(quote);
    }
    return "[" + out + "]";
}

Error ruleNotFound(const std::string& id) {
    return Error(Failure::NotFound, "QoS rule ", id, " could not be found.").as("QosRuleNotFound");
}

void checkValues(const QosKind& kind, const QosRule& rule) {
    const auto inRange = [](std::string_view name, std::int64_t value) {
        if (value < 0) refuseInput(name, "'" + std::to_string(value) + "' is too small - must be at least '0'.");
        if (value > amountMost)
            refuseInput(name, "'" + std::to_string(value) + "' is too large - must be no larger than '" +
                                  std::to_string(amountMost) + "'.");
    };
    if (kind.amounts.empty())
        inRange(kind.amount, rule.amount);
    else if (std::find(kind.amounts.begin(), kind.amounts.end(), rule.amount) == kind.amounts.end())
        refuseInput(kind.amount, "'" + std::to_string(rule.amount) + "' is not in " + listed(kind.amounts, "") + ".");
    if (!kind.burst.empty()) inRange(kind.burst, rule.burst);
    if (!kind.directions.empty() &&
        std::find(kind.directions.begin(), kind.directions.end(), rule.direction) == kind.directions.end())
        refuseInput("direction", "'" + rule.direction + "' is not in " + listed(kind.directions, "'") + ".");
}

/// Two rules of a kind say different things about one direction, or one asks for more than another allows.
void checkOthers(store::Reader& db, const QosKind& kind, const QosRule& rule) {
    auto rows = db.query("SELECT id, type, direction, amount FROM qos_rules WHERE policy = ? AND id <> ?", rule.policy,
                         rule.id);
    while (rows.next()) {
        const auto row = rows.row();
        const auto type = row.text(1), direction = row.text(2);
        const bool same = direction == rule.direction || direction == "any" || rule.direction == "any";
        if (type == kind.type && same)
            throw Error(Failure::Conflict, "Rule ", kind.type, " conflicts with rule ", row.text(0),
                        " which already exists in QoS Policy ", rule.policy, ".")
                .as("QoSRulesConflict");
        const auto amount = row.integer(3);
        if ((type == kind.least && rule.amount < amount) || (type == kind.most && rule.amount > amount))
            throw Error(Failure::Conflict, "Unable to add the rule with value ", rule.amount, " to the policy ",
                        rule.policy, " as the existing rule of type ", type, " has value ", amount, ".")
                .as("QoSRuleParameterConflict");
    }
}

/// What policy knows of a rule: whose its policy is.
Target targetBelow(const QosPolicy& policy) {
    auto target = ownedBy(policy.standard.project);
    target["ext_parent:project_id"] = target["ext_parent:tenant_id"] = policy.standard.project;
    return target;
}

/// The routes of one kind's rules.
class RuleApi {
public:
    RuleApi(const QosKind& kind, Core& core)
        : kind_(kind),
          core_(core),
          plain_(collection(kind.noun())),
          alias_(collection("alias_" + kind.noun())) {}

    Response list(Request& request) const {
        return core_.parts.store.read([&](store::Reader& db) {
            const auto policy = policyOf(request, db, "get_policy_" + kind_.noun(), request.param("policy"));
            return plain_.openList(
                request, db, {{"k.policy = ? AND k.type = ?", {policy.id, store::Value(std::string(kind_.type))}}});
        });
    }

    Response create(Request& request) const {
        const auto wanted = posted(request, kind_.noun(), kind_.noun() + "s");
        return core_.parts.store.write([&](store::Transaction& tx) {
            const auto policy = policyOf(request, tx, "create_policy_" + kind_.noun(), request.param("policy"));
            std::vector<QosRule> made;
            for (const auto& item : wanted.items) {
                const Body body(item);
                checkBody(body.json(), qosRuleTable(kind_).words(), true);
                if (!body.has(kind_.amount)) throw notSpecified(kind_.amount);
                QosRule rule;
                rule.id.text = core_.uuid();
                rule.policy = policy.id;
                rule.type = kind_.type;
                rule.created = core_.now();
                if (!kind_.directions.empty()) rule.direction = kind_.directions.front();
                body.readInto(rule, qosRuleTable(kind_));
                checkValues(kind_, rule);
                checkOthers(tx, kind_, rule);
                qosRuleTable(kind_).insert(tx, rule);
                made.push_back(std::move(rule));
            }
            changed(tx, policy.id);
            if (wanted.bulk) return plain_.answers(request, 201, std::move(made), tx);
            return plain_.answer(request, 201, std::move(made.front()), tx);
        });
    }

    Response show(Request& request, bool byAlias) const {
        return core_.parts.store.read([&](store::Reader& db) {
            return api(byAlias).answer(request, 200, ruleOf(request, db, "get", byAlias), db);
        });
    }

    Response update(Request& request, bool byAlias) const {
        const auto noun =
            byAlias && request.json().has("alias_" + kind_.noun()) ? "alias_" + kind_.noun() : kind_.noun();
        const Body body(put(request, noun));
        return core_.parts.store.write([&](store::Transaction& tx) {
            auto rule = ruleOf(request, tx, "update", byAlias);
            checkBody(body.json(), qosRuleTable(kind_).words(), false);
            body.readInto(rule, qosRuleTable(kind_));
            checkValues(kind_, rule);
            checkOthers(tx, kind_, rule);
            qosRuleTable(kind_).update(tx, rule);
            changed(tx, rule.policy);
            return api(byAlias).answer(request, 200, std::move(rule), tx);
        });
    }

    Response remove(Request& request, bool byAlias) const {
        core_.parts.store.write([&](store::Transaction& tx) {
            const auto rule = ruleOf(request, tx, "delete", byAlias);
            qosRuleTable(kind_).remove(tx, rule.id);
            changed(tx, rule.policy);
        });
        return http::emptyResponse(204);
    }

private:
    CollectionApi<QosRule> collection(const std::string& noun) const {
        return CollectionApi<QosRule>({.dialect = dialect(),
                                       .store = core_.parts.store,
                                       .noun = noun,
                                       .path = "",
                                       .table = qosRuleTable(kind_),
                                       .missing = ruleNotFound,
                                       .about = [](store::Reader&, const std::vector<QosRule>& rules) {
                                           return std::vector<About>(rules.size(), std::make_shared<const Target>());
                                       }});
    }

    const CollectionApi<QosRule>& api(bool byAlias) const { return byAlias ? alias_ : plain_; }

    /// Its rules are its own, and no reason to show it to whom it isn't.
    QosPolicy policyOf(const Request& request, store::Reader& db, const std::string& rule,
                       const std::string& id) const {
        auto policy = qosPolicyTable.find(db, id);
        if (!policy) throw qosPolicyNotFound(id);
        const auto& caller = identity::callerOf(request);
        const auto target = targetBelow(*policy);
        if (!mayOn(caller, "get_policy", ownedAndShared(policy->standard.project, policy->sharing)))
            throw qosPolicyNotFound(id);
        demandOn(caller, rule, target);
        return *std::move(policy);
    }

    QosRule ruleOf(const Request& request, store::Reader& db, const std::string& verb, bool byAlias) const {
        const auto& id = request.param("rule");
        const auto rule = qosRuleTable(kind_).find(db, id);
        const bool there = rule && rule->type == kind_.type;
        if (byAlias && !there) throw ruleNotFound(id);
        const auto policy = byAlias ? rule->policy.text : request.param("policy");
        try {
            policyOf(request, db, verb + (byAlias ? "_alias_" : "_policy_") + kind_.noun(), policy);
        } catch (const Error& error) {
            if (byAlias && error.failure() == Failure::NotFound) throw ruleNotFound(id);
            throw;
        }
        if (!there || rule->policy.text != policy)
            throw Error(Failure::NotFound, "QoS rule ", id, " for policy ", policy, " could not be found.")
                .as("QosRuleNotFound");
        return *rule;
    }

    void changed(store::Transaction& tx, const QosPolicyId& policy) const {
        touch(tx, "qos_policies", policy.text, core_.now());
        core_.changed(tx, policy.text);
    }

    const QosKind& kind_;
    Core& core_;
    CollectionApi<QosRule> plain_, alias_;
};

void writeRange(JsonWriter& out, std::string_view name) {
    const auto parameter = out.object();
    out.field("parameter_name", name);
    out.field("parameter_type", "range");
    const auto range = out.object("parameter_values");
    out.field("start", 0);
    out.field("end", amountMost);
}

template <class List> void writeChoices(JsonWriter& out, std::string_view name, const List& choices) {
    const auto parameter = out.object();
    out.field("parameter_name", name);
    out.field("parameter_type", "choices");
    const auto values = out.array("parameter_values");
    for (const auto& each : choices) out.value(each);
}

/// Whoever runs the cloud is told by what a rule is done.
Response showType(Request& request, std::string_view mechanism) {
    identity::callerOf(request).enforce();
    const auto* kind = qosKindNamed(request.param("type"));
    if (kind == nullptr)
        throw Error(Failure::NotFound, "QoS rule type ", request.param("type"), " could not be found.")
            .as("QosRuleTypeNotFound");
    return http::jsonResponse(200, "rule_type", [&](JsonWriter& out) {
        const auto type = out.object();
        out.field("type", kind->type);
        const auto drivers = out.array("drivers");
        const auto driver = out.object();
        out.field("name", mechanism);
        const auto parameters = out.array("supported_parameters");
        if (kind->amounts.empty())
            writeRange(out, kind->amount);
        else
            writeChoices(out, kind->amount, kind->amounts);
        if (!kind->burst.empty()) writeRange(out, kind->burst);
        if (!kind->directions.empty()) writeChoices(out, "direction", kind->directions);
    });
}

Response listTypes(Request& request) {
    identity::callerOf(request).enforce();
    for (const auto& [name, value] : request.query) {
        if (name == "type" || name == "fields" || name == "limit" || name == "marker" || name == "page_reverse")
            continue;
        if (name != "all_rules" && name != "all_supported")
            throw Error(Failure::Invalid, "['", name, "'] is invalid attribute for filtering").as("HTTPBadRequest");
        truthIn(name, value);
    }
    if (request.query.flag("all_rules") && request.query.flag("all_supported"))
        throw Error(Failure::Invalid,
                    "Invalid input for operation: 'all_rules' and 'all_supported' exclude each other.")
            .as("InvalidInput");
    const auto wanted = request.query.all("type");
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("rule_types");
        for (const auto& each : qosKinds()) {
            if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), each.type) == wanted.end()) continue;
            const auto type = out.object();
            out.field("type", each.type);
        }
    });
}

}

const std::vector<QosKind>& qosKinds() {
    static const std::vector<std::string_view> ways{"egress", "ingress"}, anyWay{"egress", "ingress", "any"};
    static const std::vector<QosKind> kinds{
        {.type = "bandwidth_limit",
         .amount = "max_kbps",
         .burst = "max_burst_kbps",
         .directions = ways,
         .least = "minimum_bandwidth"},
        {.type = "dscp_marking", .amount = "dscp_mark", .amounts = {0,  8,  10, 12, 14, 16, 18, 20, 22, 24, 26,
                                                                    28, 30, 32, 34, 36, 38, 40, 44, 46, 48, 56}},
        {.type = "minimum_bandwidth", .amount = "min_kbps", .directions = ways, .most = "bandwidth_limit"},
        {.type = "packet_rate_limit", .amount = "max_kpps", .burst = "max_burst_kpps", .directions = ways},
        {.type = "minimum_packet_rate", .amount = "min_kpps", .directions = anyWay},
    };
    return kinds;
}

const QosKind* qosKindNamed(std::string_view type) {
    const auto& kinds = qosKinds();
    const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const auto& each) { return each.type == type; });
    return found == kinds.end() ? nullptr : &*found;
}

const Table<QosRule>& qosRuleTable(const QosKind& kind) {
    static const auto tables = [] {
        std::map<std::string_view, Table<QosRule>> all;
        for (const auto& each : qosKinds())
            all.emplace(each.type, Table<QosRule>("qos_rules", 'k', attributesOf(each)));
        return all;
    }();
    return tables.at(kind.type);
}

void addQosRuleRoutes(http::Routes& routes, Core& core) {
    using http::policy;
    routes.push_back({Method::Get, "/v2.0/qos/rule-types", policy("get_rule_type"), listTypes});
    routes.push_back({Method::Get, "/v2.0/qos/rule-types/{type}", policy("get_rule_type"),
                      [&core](Request& request) { return showType(request, core.driver.mechanism()); }});
    for (const auto& kind : qosKinds()) {
        const auto api = std::make_shared<const RuleApi>(kind, core);
        const auto below = "/v2.0/qos/policies/{policy}/" + kind.noun() + "s";
        routes.push_back({Method::Get, below, policy("get_policy_" + kind.noun()),
                          [api](Request& request) { return api->list(request); }});
        routes.push_back({Method::Post, below, policy("create_policy_" + kind.noun()),
                          [api](Request& request) { return api->create(request); }});
        for (const bool byAlias : {false, true}) {
            // The most that a packet rate may be has no path of that kind.
            if (byAlias && kind.type == "packet_rate_limit") continue;
            const auto one = (byAlias ? "/v2.0/qos/alias_" + kind.noun() + "s" : below) + "/{rule}";
            const auto rule = [&](const char* verb) {
                return policy(std::string(verb) + (byAlias ? "_alias_" : "_policy_") + kind.noun());
            };
            routes.push_back({Method::Get, one, rule("get"),
                              [api, byAlias](Request& request) { return api->show(request, byAlias); }});
            routes.push_back({Method::Put, one, rule("update"),
                              [api, byAlias](Request& request) { return api->update(request, byAlias); }});
            routes.push_back({Method::Delete, one, rule("delete"),
                              [api, byAlias](Request& request) { return api->remove(request, byAlias); }});
        }
    }
}

}
