#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/security_group.hpp"

namespace stratolet::network {

namespace {

using namespace http;

const Attributes& attributes() {
    static const Attributes all = withStandard({
        {"stateful", Type::Truth, "$.stateful", true, true},
        {"security_group_rules", Type::Other},
        {"shared", Type::Other},
    });
    return all;
}

const Attributes& ruleAttributes() {
    static const Attributes all = withStandard(
        {
            {"security_group_id", Type::Text, "$.security_group", true, false},
            {"direction", Type::Text, "$.direction", true, false},
            {"ethertype", Type::Text, "$.ethertype", true, false},
            {"protocol", Type::Other, {}, true, false},
            {"port_range_min", Type::Whole, "coalesce($.port_min, '')", true, false},
            {"port_range_max", Type::Whole, "coalesce($.port_max, '')", true, false},
            {"remote_ip_prefix", Type::Text, "coalesce($.prefix, '')", true, false},
            {"remote_group_id", Type::Text, "coalesce($.remote_group, '')", true, false},
            {"normalized_cidr", Type::Other},
        },
        false);
    return all;
}

/// No group is shared with other projects.
store::Begin filterShared(store::Conditions& conditions, const std::vector<std::string>& values) {
    const auto truth = truthOf(values.front());
    if (!truth) refuseInput("shared", "'" + values.front() + "' cannot be converted to boolean.");
    if (*truth) conditions.add("0");
    return store::Begin::WithEither;
}

using ShownRule = Shown<SecurityGroupRule, Nothing>;

/// With its rules.
using ShownGroup = Shown<SecurityGroup, std::vector<SecurityGroupRule>>;

void addRules(store::Reader& db, std::vector<ShownGroup>& groups) {
    Texts ids;
    for (const auto& each : groups) ids.push_back(each.record.id.text);
    auto rules = security_group_table::rulesOf(db, ids);
    for (auto& each : groups) each.more = store::takeOf(rules, each.record.id.text);
}

void writeRule(JsonWriter& json, const SecurityGroupRule& rule, const Texts& tags, const Fields& fields) {
    const auto object = json.object();
    Out out(json, fields);
    writeStandard(out, rule.id.text, rule.standard, tags, false);
    out.field("security_group_id", rule.group);
    out.field("direction", rule.direction);
    out.field("ethertype", rule.ethertype);
    out.field("protocol", rule.protocol);
    out.field("port_range_min", rule.portMin);
    out.field("port_range_max", rule.portMax);
    out.field("remote_ip_prefix", rule.prefix);
    out.field("remote_group_id", rule.remoteGroup);
    const auto block = rule.prefix ? Prefix::parse(*rule.prefix) : std::nullopt;
    out.field("normalized_cidr", block ? std::optional(block->text()) : std::nullopt);
}

void write(JsonWriter& json, const ShownGroup& shown, const Fields& fields, identity::Rights&) {
    const auto& group = shown.record;
    const auto object = json.object();
    Out out(json, fields);
    writeStandard(out, group.id.text, group.standard, shown.tags);
    out.field("stateful", group.stateful);
    out.field("shared", false);
    out.when("security_group_rules", [&](JsonWriter& writer) {
        const auto list = writer.array();
        for (const auto& each : shown.more) writeRule(writer, each, {}, Fields()); // no rule has tags
    });
}

std::vector<identity::About> aboutRules(store::Reader& db, const std::vector<SecurityGroupRule>& rules) {
    Texts ids;
    for (const auto& each : rules) ids.push_back(each.group.text);
    const auto owners = security_group_table::projectsOf(db, ids);
    const auto ownerOf = [&](const SecurityGroupRule& rule) {
        const auto found = owners.find(rule.group.text);
        return found == owners.end() ? std::string() : found->second;
    };
    return identity::aboutEach(
        rules, [&](const SecurityGroupRule& each) { return std::pair(each.standard.project, ownerOf(each)); },
        [&](const SecurityGroupRule& each) {
            auto target = network::ownedBy(each.standard.project);
            target["security_group:project_id"] = target["security_group:tenant_id"] = ownerOf(each);
            return target;
        });
}

Error missingRule(const std::string& id) {
    return Error(Failure::NotFound, "Security group rule ", id, " does not exist").as("SecurityGroupRuleNotFound");
}

/// Protocols are kept as they were named; a filter finds them by that name.
store::Begin filterProtocol(store::Conditions& conditions, const std::vector<std::string>& values) {
    conditions.in("COALESCE(r.protocol, '')", values);
    return store::Begin::WithEither;
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
    auto group = security_group_table::find(db, {id});
    if (!group || !caller.may("get_security_group", network::ownedBy(group->standard.project))) throw securityGroupNotFound(id);
    return *std::move(group);
}

Target targetOfWantedRule(store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    auto target = network::ownedBy(projectOf(caller, body));
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

void addSecurityGroupRoutes(Routes& routes, SecurityGroups& groups) {
    const auto ensureDefault = [&](const identity::Caller& caller) { ensureDefaultOf(caller, groups); };
    addCollection<SecurityGroup, std::vector<SecurityGroupRule>>(
        routes, {.core = groups.core(),
                 .noun = "security_group",
                 .table = "security_groups g",
                 .attributes = attributes(),
                 .missing = securityGroupNotFound,
                 .find = [](store::Reader& db, const std::string& id) { return security_group_table::find(db, {id}); },
                 .list = security_group_table::list,
                 .about = aboutOwned<SecurityGroup>,
                 .concern =
                     [](const ProjectId& project) {
                         return std::vector<store::Alternative>{{"g.project = ?", {project}}};
                     },
                 .complete = addRules,
                 .write = write,
                 .create = [&](store::Transaction& tx, const identity::Caller& caller,
                               const Body& body) { return groups.create(tx, caller, body); },
                 .update = [&](store::Transaction& tx, const identity::Caller&, const SecurityGroup& group,
                               const Body& body) { return groups.update(tx, group, body); },
                 .remove = [&](store::Transaction& tx, const identity::Caller& caller,
                               const SecurityGroup& group) { groups.remove(tx, caller, group); },
                 .filters = {{"shared", filterShared}},
                 .beforeList = ensureDefault});
    addCollection<SecurityGroupRule>(
        routes,
        {.core = groups.core(),
         .noun = "security_group_rule",
         .table = "security_group_rules r",
         .attributes = ruleAttributes(),
         .missing = missingRule,
         .find = [](store::Reader& db, const std::string& id) { return security_group_table::findRule(db, {id}); },
         .list = security_group_table::listRules,
         .about = aboutRules,
         .concern =
             [](const ProjectId& project) {
                 return std::vector<store::Alternative>{
                     {"r.security_group IN (SELECT id FROM security_groups WHERE project = ?)", {project}}};
             },
         .write = [](JsonWriter& json, const ShownRule& shown, const Fields& fields,
                     identity::Rights&) { writeRule(json, shown.record, shown.tags, fields); },
         .wanted = targetOfWantedRule,
         .create = [&](store::Transaction& tx, const identity::Caller& caller,
                       const Body& body) { return createRule(tx, caller, body, groups); },
         .remove = [&](store::Transaction& tx, const identity::Caller&, const SecurityGroupRule& rule) { groups.removeRule(tx, rule); },
         .filters = {{"protocol", filterProtocol}},
         .beforeList = ensureDefault,
         .tagged = false});
}

}
