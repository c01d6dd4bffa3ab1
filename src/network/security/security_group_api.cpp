#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/security/security_group.hpp"

namespace stratolet::network {

namespace {

/// No group is shared with other projects.
store::Begin filterShared(store::Conditions& conditions, const std::vector<std::string>& values) {
    if (truthIn("shared", values.front())) conditions.add("0");
    return store::Begin::WithEither;
}

/// Protocols are kept as they were named; a filter finds them by that name.
store::Begin filterProtocol(store::Conditions& conditions, const std::vector<std::string>& values) {
    conditions.in("COALESCE(r.protocol, '')", values);
    return store::Begin::WithEither;
}

std::vector<About> aboutRules(store::Reader& db, const std::vector<SecurityGroupRule>& rules) {
    Texts ids;
    for (const auto& each : rules) ids.push_back(each.group.text);
    const auto owners = projectsOf(db, ids);
    const auto ownerOf = [&](const SecurityGroupRule& rule) {
        const auto found = owners.find(rule.group.text);
        return found == owners.end() ? std::string() : found->second;
    };
    return aboutEach(
        rules, [&](const SecurityGroupRule& each) { return std::pair(each.standard.project, ownerOf(each)); },
        [&](const SecurityGroupRule& each) {
            auto target = ownedBy(each.standard.project);
            target["security_group:project_id"] = target["security_group:tenant_id"] = ownerOf(each);
            return target;
        });
}

Error missingRule(const std::string& id) {
    return Error(Failure::NotFound, "Security group rule ", id, " does not exist").as("SecurityGroupRuleNotFound");
}

/// A caller's project has a default group, made when somebody first looks.
void ensureDefaultOf(const identity::Caller& caller, SecurityGroups& groups) {
    auto& store = groups.core().parts.store;
    if (!caller.project.empty() &&
        !store.reader().query("SELECT 1 FROM security_groups WHERE project = ? AND name = 'default'", caller.project).any())
        store.write([&](store::Transaction& tx) { groups.ensureDefault(tx, caller.project.text); });
}

/// A group that the caller may see.
SecurityGroup groupIn(store::Reader& db, const identity::Caller& caller, const std::string& id) {
    auto group = securityGroupTable.find(db, {id});
    if (!group || !caller.may("get_security_group", ownedBy(group->standard.project))) throw securityGroupNotFound(id);
    return *std::move(group);
}

Target targetOfWantedRule(store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    auto target = ownedBy(projectOf(caller, body));
    const auto id = body.text("security_group_id");
    if (id.empty())
        throw Error(Failure::Invalid, "Failed to parse request. Required attribute 'security_group_id' not specified").as("HTTPBadRequest");
    const auto group = groupIn(tx, caller, id);
    target["security_group:project_id"] = target["security_group:tenant_id"] = group.standard.project;
    return target;
}

SecurityGroupRule createRule(store::Transaction& tx, const identity::Caller& caller, const Body& body, SecurityGroups& groups) {
    if (const auto remote = body.text("remote_group_id"); !remote.empty()) groupIn(tx, caller, remote);
    return groups.createRule(tx, groupIn(tx, caller, body.text("security_group_id")), projectOf(caller, body), body);
}

}

void addSecurityGroupRoutes(http::Routes& routes, SecurityGroups& groups) {
    const auto ensureDefault = [&](const identity::Caller& caller) { ensureDefaultOf(caller, groups); };
    addNoun<SecurityGroup>(routes, groups.core(),
                           {.noun = "security_group",
                            .table = securityGroupTable,
                            .missing = securityGroupNotFound,
                            .complete = completeRules,
                            .create = [&](store::Transaction& tx, const identity::Caller& caller,
                                          const Body& body) { return groups.create(tx, caller, body); },
                            .update = [&](store::Transaction& tx, const identity::Caller&, const SecurityGroup& group,
                                          const Body& body) { return groups.update(tx, group, body); },
                            .remove = [&](store::Transaction& tx, const identity::Caller& caller,
                                          const SecurityGroup& group) { groups.remove(tx, caller, group); },
                            .filters = {{"shared", filterShared}},
                            .beforeList = ensureDefault});
    addNoun<SecurityGroupRule>(
        routes, groups.core(),
        {.noun = "security_group_rule",
         .table = securityGroupRuleTable,
         .missing = missingRule,
         .about = aboutRules,
         .concern = {"$.security_group IN (SELECT id FROM security_groups WHERE project = ?)"},
         .wanted = targetOfWantedRule,
         .create = [&](store::Transaction& tx, const identity::Caller& caller,
                       const Body& body) { return createRule(tx, caller, body, groups); },
         .remove = [&](store::Transaction& tx, const identity::Caller&, const SecurityGroupRule& rule) { groups.removeRule(tx, rule); },
         .filters = {{"protocol", filterProtocol}},
         .beforeList = ensureDefault,
         .tagged = false});
}

}
