#include "network/security_group.hpp"

#include <unordered_map>

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
        false));

void completeRules(store::Reader& db, std::vector<SecurityGroup>& groups) {
    Texts ids;
    std::unordered_map<std::string_view, SecurityGroup*> byId;
    for (auto& each : groups) {
        ids.push_back(each.id.text);
        byId.emplace(each.id.text, &each);
    }
    auto rules = securityGroupRuleTable.where(db, "WHERE r.security_group IN (SELECT value FROM json_each(?)) ORDER BY r.created, r.id",
                                              encodedTexts(ids));
    completeTags(db, rules);
    for (auto& each : rules) byId.at(each.group.text)->rules.push_back(std::move(each));
}

std::vector<SecurityGroupRule> rulesOf(store::Reader& db, const SecurityGroupId& group) {
    return securityGroupRuleTable.where(db, "WHERE r.security_group = ? ORDER BY r.created, r.id", group);
}

}
