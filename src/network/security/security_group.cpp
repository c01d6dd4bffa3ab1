#include "network/security/security_group.hpp"

#include "network/collection.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

void showRules(JsonWriter& out, const SecurityGroup& group) {
    const auto list = out.array();
    for (const auto& each : group.rules) show(out, securityGroupRuleTable, each);
}

void showNormalized(JsonWriter& out, const SecurityGroupRule& rule) {
    const auto block = rule.prefix ? Prefix::parse(*rule.prefix) : std::nullopt;
    out.value(block ? std::optional(block->text()) : std::nullopt);
}

}

const Table<SecurityGroup> securityGroupTable("security_groups", 'g',
                                              withStandard<SecurityGroup>({
                                                  attribute<&SecurityGroup::stateful>("stateful", Post | Put | Show | Find),
                                                  computed<SecurityGroup>("shared", Kind::Other, Show,
                                                                          [](JsonWriter& out, const SecurityGroup&) { out.value(false); }),
                                                  computed<SecurityGroup>("security_group_rules", Kind::Other, Show, showRules),
                                              }));

const Table<SecurityGroupRule> securityGroupRuleTable(
    "security_group_rules", 'r',
    withStandard<SecurityGroupRule>(
        {
            attribute<&SecurityGroupRule::group>("security_group_id", Post | Show | Find).in("security_group").readByHook(),
            attribute<&SecurityGroupRule::direction>("direction", Post | Show | Find).readByHook(),
            attribute<&SecurityGroupRule::ethertype>("ethertype", Post | Show | Find).readByHook(),
            attribute<&SecurityGroupRule::protocol>("protocol", Post | Show).as(Kind::Other).readByHook(), // found by a filter of its own
            attribute<&SecurityGroupRule::portMin>("port_range_min", Post | Show | Find).in("port_min").readByHook(),
            attribute<&SecurityGroupRule::portMax>("port_range_max", Post | Show | Find).in("port_max").readByHook(),
            attribute<&SecurityGroupRule::prefix>("remote_ip_prefix", Post | Show | Find).in("prefix").readByHook(),
            attribute<&SecurityGroupRule::remoteGroup>("remote_group_id", Post | Show | Find).in("remote_group").readByHook(),
            computed<SecurityGroupRule>("normalized_cidr", Kind::Other, Show, showNormalized),
        },
        HasTags));

void completeRules(store::Reader& db, std::vector<SecurityGroup>& groups) {
    store::ByOwner<SecurityGroupRule> rules;
    for (auto& each : securityGroupRuleTable.where(
             db, "WHERE r.security_group IN (SELECT value FROM json_each(?)) ORDER BY r.created, r.id", store::asList(idsOf(groups)))) {
        auto& its = rules[each.group.text];
        its.push_back(std::move(each));
    }
    for (auto& each : groups) each.rules = store::takeOf(rules, each.id.text);
}

namespace {

std::unordered_map<std::string, std::string> columnOf(store::Reader& db, std::string_view column, const Texts& groups) {
    std::unordered_map<std::string, std::string> found;
    auto rows = db.query("SELECT id, " + std::string(column) + " FROM security_groups WHERE id IN (SELECT value FROM json_each(?))",
                         store::asList(groups));
    while (rows.next()) found.emplace(rows.row().text(0), rows.row().text(1));
    return found;
}

}

std::unordered_map<std::string, std::string> projectsOf(store::Reader& db, const Texts& groups) { return columnOf(db, "project", groups); }
std::unordered_map<std::string, std::string> namesOf(store::Reader& db, const Texts& groups) { return columnOf(db, "name", groups); }

std::vector<SecurityGroupRule> rulesOf(store::Reader& db, const SecurityGroupId& group) {
    return securityGroupRuleTable.where(db, "WHERE r.security_group = ? ORDER BY r.created, r.id", group);
}

}
