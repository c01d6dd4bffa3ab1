#include "network/security/default_rule.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/security/address_group.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

constexpr std::string_view parentGroup = "PARENT"; ///< in the place of a remote group: the one that the rule comes into

/// What new security groups let through, as it is kept.
struct DefaultRule {
    Id<DefaultRule> id;
    Standard standard;      ///< its description, and when it was made
    SecurityGroupRule rule; ///< without a group
    bool inDefault = false, inOthers = true;
};

template <auto Member> auto ofRule(std::string_view name, std::string_view column) {
    return attribute<&DefaultRule::rule, Member>(name, Post | Show | Find).in(column).readByHook();
}

const Table<DefaultRule> defaultRuleTable(
    "default_security_group_rules", 'y',
    {attribute<&DefaultRule::id>("id", Show | Find),
     attribute<&DefaultRule::standard, &Standard::description>("description", Post | Show | Find),
     ofRule<&SecurityGroupRule::direction>("direction", "direction"),
     ofRule<&SecurityGroupRule::ethertype>("ethertype", "ethertype"),
     attribute<&DefaultRule::rule, &SecurityGroupRule::protocol>("protocol", Post | Show)
         .as(Kind::Other) // a name or a number
         .readByHook(),
     ofRule<&SecurityGroupRule::portMin>("port_range_min", "port_min"),
     ofRule<&SecurityGroupRule::portMax>("port_range_max", "port_max"),
     ofRule<&SecurityGroupRule::prefix>("remote_ip_prefix", "prefix"),
     ofRule<&SecurityGroupRule::remoteGroup>("remote_group_id", "remote_group"),
     ofRule<&SecurityGroupRule::remoteAddresses>("remote_address_group_id", "remote_address_group"),
     attribute<&DefaultRule::inDefault>("used_in_default_sg", Post | Show | Find).in("in_default"),
     attribute<&DefaultRule::inOthers>("used_in_non_default_sg", Post | Show | Find).in("in_others"),
     computed<DefaultRule>("project_id", Kind::Text, Post), computed<DefaultRule>("tenant_id", Kind::Text, Post),
     column<&DefaultRule::standard, &Standard::created>("created")});

Error defaultRuleNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Default security group rule ", id, " does not exist")
        .as("DefaultSecurityGroupRuleNotFound");
}

constexpr std::int64_t rulesMost = 100; ///< every new group gets them

DefaultRule create(Core& core, store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    DefaultRule made;
    made.id.text = core.uuid();
    made.standard = {"", "", body.text("description"), 0, core.now(), core.now()};
    body.readInto(made, defaultRuleTable);
    readRule(made.rule, body);
    if (made.rule.remoteGroup && *made.rule.remoteGroup != parentGroup &&
        !securityGroupTable.find(tx, {*made.rule.remoteGroup}))
        throw securityGroupNotFound(*made.rule.remoteGroup);
    if (made.rule.remoteAddresses) checkAddressGroup(tx, caller, *made.rule.remoteAddresses);
    const auto all = defaultRuleTable.where(tx, "ORDER BY y.created, y.id");
    if (static_cast<std::int64_t>(all.size()) >= rulesMost)
        throw Error(Failure::Conflict, "Quota exceeded for resources: ['default_security_group_rule'].")
            .as("OverQuota");
    for (const auto& other : all)
        if (sameRule(made.rule, other.rule) && made.inDefault == other.inDefault && made.inOthers == other.inOthers)
            throw Error(Failure::Conflict, "Default security group rule already exists. Rule id is ", other.id, ".")
                .as("DefaultSecurityGroupRuleExists");
    defaultRuleTable.insert(tx, made);
    return made;
}

/// Whether new groups look at connections, as it is kept.
struct Statefulness {
    Id<Statefulness> id;
    std::string project; ///< empty: of all that have none of their own
    bool stateful = true;
    Time created;
};

const Table<Statefulness> statefulnessTable("security_groups_default_statefulness", 'z',
                                            {attribute<&Statefulness::id>("id", Show | Find),
                                             attribute<&Statefulness::project>("project_id", Post | Show | Find)
                                                 .in("project")
                                                 .readByHook()
                                                 .shown([](JsonWriter& out, const Statefulness& it) {
                                                     it.project.empty() ? out.value(nullptr) : out.value(it.project);
                                                 }),
                                             attribute<&Statefulness::stateful>("stateful", Post | Put | Show | Find),
                                             column<&Statefulness::created>("created")});

Error statefulnessNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Security groups default statefulness ", id, " does not exist")
        .as("SecurityGroupsDefaultStatefulnessNotFound");
}

/// Whose it is to be: a null is everybody's, and so for administrators only.
std::string projectOfWanted(const identity::Caller& caller, const Json& body) {
    const auto given = body.find("project_id");
    if (given && given->isNull()) return "";
    return projectOf(caller, body);
}

}

std::vector<SecurityGroupRule> defaultRulesOf(Core& core, store::Reader& db, const SecurityGroup& group) {
    const bool isDefault = group.standard.name == "default";
    std::vector<SecurityGroupRule> rules;
    for (const auto& each : defaultRuleTable.where(db, "ORDER BY y.created, y.id")) {
        if (!(isDefault ? each.inDefault : each.inOthers)) continue;
        auto rule = each.rule;
        rule.id.text = core.uuid();
        rule.group = group.id;
        rule.standard = {group.standard.project, "", each.standard.description, 1, core.now(), core.now()};
        if (rule.remoteGroup == parentGroup) rule.remoteGroup = group.id.text;
        // A group that is gone lets nobody in.
        if (rule.remoteGroup && *rule.remoteGroup != group.id.text && !securityGroupTable.find(db, {*rule.remoteGroup}))
            continue;
        rules.push_back(std::move(rule));
    }
    return rules;
}

bool isStatefulByDefault(store::Reader& db, const std::string& project) {
    auto rows = db.query("SELECT stateful FROM security_groups_default_statefulness WHERE project IN (?, '') ORDER BY "
                         "project DESC LIMIT 1",
                         project);
    return !rows.next() || rows.row().boolean(0);
}

void addDefaultRuleRoutes(http::Routes& routes, Core& core) {
    using Tx = store::Transaction;
    using identity::Caller;
    addNoun<DefaultRule>(
        routes, core,
        {.noun = "default_security_group_rule",
         .table = defaultRuleTable,
         .missing = defaultRuleNotFound,
         .concern = {},
         .create = [&core](Tx& tx, const Caller& caller, const Body& body) { return create(core, tx, caller, body); },
         .remove = [](Tx& tx, const Caller&, const DefaultRule& rule) { defaultRuleTable.remove(tx, rule.id); },
         .tagged = false});
}

void addDefaultStatefulnessRoutes(http::Routes& routes, Core& core) {
    using http::Request;
    using identity::callerOf;
    auto speaks = dialect();
    speaks.posted = [](const Request& request, std::string_view noun, std::string_view) {
        return Posted{{put(request, noun)}, false}; // of which there is no list: the words for one and for many are one
    };
    static const auto spoken = speaks;
    Collection<Statefulness> kind{.dialect = spoken,
                                  .store = core.parts.store,
                                  .noun = "security_groups_default_statefulness",
                                  .path = "/v2.0/security-groups-default-statefulness",
                                  .table = statefulnessTable,
                                  .missing = statefulnessNotFound,
                                  .about = [](store::Reader&, const std::vector<Statefulness>& all) {
                                      return aboutEach(
                                          all, [](const Statefulness& each) { return std::string_view(each.project); },
                                          [](const Statefulness& each) { return ownedBy(each.project); });
                                  }};
    kind.many = kind.noun;
    kind.concern = [](const Request& request) {
        return std::vector<store::Alternative>{{"z.project = ?", {callerOf(request).project}}};
    };
    kind.wanted = [](store::Transaction&, const Request& request, const Json& body) {
        return ownedBy(projectOfWanted(callerOf(request), body));
    };
    kind.create = [&core](store::Transaction& tx, const Request& request, const Json& body) {
        Statefulness made;
        made.id.text = core.uuid();
        made.created = core.now();
        Body(body).readInto(made, statefulnessTable);
        made.project = projectOfWanted(callerOf(request), body);
        if (tx.query("SELECT 1 FROM security_groups_default_statefulness WHERE project = ?", made.project).any())
            throw Error(Failure::Conflict, "There is a default statefulness of project '", made.project, "' already.")
                .as("SecurityGroupsDefaultStatefulnessExists");
        statefulnessTable.insert(tx, made);
        return made;
    };
    kind.update = [](store::Transaction& tx, const Request&, Statefulness record, const Json& body) {
        Body(body).readInto(record, statefulnessTable);
        statefulnessTable.update(tx, record);
        return record;
    };
    kind.remove = [](store::Transaction& tx, const Request&, const Statefulness& record) {
        statefulnessTable.remove(tx, record.id);
    };
    addCollection<Statefulness>(routes, std::move(kind));
}

}
