#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/security/address_group.hpp"
#include "network/security/security_group.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

void showNormalized(JsonWriter& out, const SecurityGroupRule& rule) {
    const auto block = rule.prefix ? Prefix::parse(*rule.prefix) : std::nullopt;
    out.value(block ? std::optional(block->text()) : std::nullopt);
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

Target targetOfWantedRule(store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    auto target = ownedBy(projectOf(caller, body));
    const auto id = body.text("security_group_id");
    if (id.empty()) throw notSpecified("security_group_id");
    const auto group = securityGroupIn(tx, caller, id);
    target["security_group:project_id"] = target["security_group:tenant_id"] = group.standard.project;
    return target;
}

SecurityGroupRule createRule(store::Transaction& tx, const identity::Caller& caller, const Body& body,
                             SecurityGroups& groups) {
    if (const auto remote = body.text("remote_group_id"); !remote.empty()) securityGroupIn(tx, caller, remote);
    if (const auto addresses = body.text("remote_address_group_id"); !addresses.empty())
        checkAddressGroup(tx, caller, addresses);
    return groups.createRule(tx, securityGroupIn(tx, caller, body.text("security_group_id")), projectOf(caller, body),
                             body);
}

}

const Table<SecurityGroupRule> securityGroupRuleTable(
    "security_group_rules", 'r',
    withStandard<SecurityGroupRule>(
        {
            attribute<&SecurityGroupRule::group>("security_group_id", Post | Show | Find)
                .in("security_group")
                .readByHook(),
            attribute<&SecurityGroupRule::direction>("direction", Post | Show | Find).readByHook(),
            attribute<&SecurityGroupRule::ethertype>("ethertype", Post | Show | Find).readByHook(),
            attribute<&SecurityGroupRule::protocol>("protocol", Post | Show)
                .as(Kind::Other)
                .readByHook(), // found by a filter of its own
            attribute<&SecurityGroupRule::portMin>("port_range_min", Post | Show | Find).in("port_min").readByHook(),
            attribute<&SecurityGroupRule::portMax>("port_range_max", Post | Show | Find).in("port_max").readByHook(),
            attribute<&SecurityGroupRule::prefix>("remote_ip_prefix", Post | Show | Find).in("prefix").readByHook(),
            attribute<&SecurityGroupRule::remoteGroup>("remote_group_id", Post | Show | Find)
                .in("remote_group")
                .readByHook(),
            attribute<&SecurityGroupRule::remoteAddresses>("remote_address_group_id", Post | Show | Find)
                .in("remote_address_group")
                .readByHook(),
            computed<SecurityGroupRule>("normalized_cidr", Kind::Other, Show, showNormalized),
        },
        HasTags));

std::vector<SecurityGroupRule> rulesOf(store::Reader& db, const SecurityGroupId& group) {
    return securityGroupRuleTable.where(db, "WHERE r.security_group = ? ORDER BY r.created, r.id", group);
}

void addSecurityGroupRuleRoutes(http::Routes& routes, SecurityGroups& groups) {
    addNoun<SecurityGroupRule>(routes, groups.core(),
                               {.noun = "security_group_rule",
                                .table = securityGroupRuleTable,
                                .missing = missingRule,
                                .about = aboutRules,
                                .concern = {"$.security_group IN (SELECT id FROM security_groups WHERE project = ?)"},
                                .wanted = targetOfWantedRule,
                                .create = [&](store::Transaction& tx, const identity::Caller& caller,
                                              const Body& body) { return createRule(tx, caller, body, groups); },
                                .remove = [&](store::Transaction& tx, const identity::Caller&,
                                              const SecurityGroupRule& rule) { groups.removeRule(tx, rule); },
                                .filters = {{"protocol", filterProtocol}},
                                .beforeList = [&](const identity::Caller& caller) { ensureDefaultOf(caller, groups); },
                                .tagged = false});
}

}
