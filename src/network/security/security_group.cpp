#include "network/security/security_group.hpp"

#include <stratolet/error.hpp>

#include "network/collection.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

void showRules(JsonWriter& out, const SecurityGroup& group) {
    const auto list = out.array();
    for (const auto& each : group.rules) show(out, securityGroupRuleTable, each);
}

/// The rules, without tags: no rule has any.
void completeRules(store::Reader& db, std::vector<SecurityGroup>& groups) {
    store::ByOwner<SecurityGroupRule> rules;
    for (auto& each : securityGroupRuleTable.where(
             db, "WHERE r.security_group IN (SELECT value FROM json_each(?)) ORDER BY r.created, r.id",
             store::asList(idsOf(groups)))) {
        auto& its = rules[each.group.text];
        its.push_back(std::move(each));
    }
    for (auto& each : groups) each.rules = store::takeOf(rules, each.id.text);
}

std::unordered_map<std::string, std::string> columnOf(store::Reader& db, std::string_view column, const Texts& groups) {
    std::unordered_map<std::string, std::string> found;
    auto rows = db.query("SELECT id, " + std::string(column) +
                             " FROM security_groups WHERE id IN (SELECT value FROM json_each(?))",
                         store::asList(groups));
    while (rows.next()) found.emplace(rows.row().text(0), rows.row().text(1));
    return found;
}

}

const Table<SecurityGroup>
    securityGroupTable("security_groups", 'g',
                       joined(withStandard<SecurityGroup>({
                                  attribute<&SecurityGroup::stateful>("stateful", Post | Put | Show | Find),
                                  computed<SecurityGroup>("security_group_rules", Kind::Other, Show, showRules),
                              }),
                              sharingAttributes<SecurityGroup>(0)));

std::unordered_map<std::string, std::string> projectsOf(store::Reader& db, const Texts& groups) {
    return columnOf(db, "project", groups);
}
std::unordered_map<std::string, std::string> namesOf(store::Reader& db, const Texts& groups) {
    return columnOf(db, "name", groups);
}

/// A caller's project has a default group, made when somebody first looks.
void ensureDefaultOf(const identity::Caller& caller, SecurityGroups& groups) {
    auto& store = groups.core().parts.store;
    if (!caller.project.empty() &&
        !store.reader()
             .query("SELECT 1 FROM security_groups WHERE project = ? AND name = 'default'", caller.project)
             .any())
        store.write([&](store::Transaction& tx) { groups.ensureDefault(tx, caller.project.text); });
}

/// A group that the caller may see.
SecurityGroup securityGroupIn(store::Reader& db, const identity::Caller& caller, const std::string& id) {
    auto group = securityGroupTable.find(db, {id});
    if (!group || !mayOn(caller, "get_security_group", ownedAndShared(group->standard.project, group->sharing)))
        throw securityGroupNotFound(id);
    return *std::move(group);
}

void addSecurityGroupRoutes(http::Routes& routes, SecurityGroups& groups) {
    addNoun<SecurityGroup>(routes, groups.core(),
                           servedBy<SecurityGroup>(groups, {.noun = "security_group",
                                                            .table = securityGroupTable,
                                                            .missing = securityGroupNotFound,
                                                            .about = aboutShared<SecurityGroup>,
                                                            .concern = {ownOrShared.begin(), ownOrShared.end()},
                                                            .complete = completeRules,
                                                            .beforeList = [&](const identity::Caller& caller) {
                                                                ensureDefaultOf(caller, groups);
                                                            }}));
    addSecurityGroupRuleRoutes(routes, groups);
}

}
