#include <stratolet/error.hpp>

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
            {"port_range_min", Type::Whole, "$.port_min", true, false},
            {"port_range_max", Type::Whole, "$.port_max", true, false},
            {"remote_ip_prefix", Type::Text, "$.prefix", true, false},
            {"remote_group_id", Type::Text, "$.remote_group", true, false},
            {"normalized_cidr", Type::Other},
        },
        false);
    return all;
}

/// No group is shared with other projects.
void filterShared(store::Conditions& conditions, const std::vector<std::string>& values) {
    const auto truth = truthOf(values.front());
    if (!truth) refuseInput("shared", "'" + values.front() + "' cannot be converted to boolean.");
    if (*truth) conditions.add("0");
}

void writeRule(JsonWriter& json, const SecurityGroupRule& rule, const Fields& fields, store::Reader& db) {
    const auto object = json.object();
    Out out(json, fields);
    writeStandard(out, rule.id.text, rule.standard, tagsOf(db, rule.id.text), false);
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

void write(JsonWriter& json, const SecurityGroup& group, const Fields& fields, store::Reader& db) {
    const auto object = json.object();
    Out out(json, fields);
    writeStandard(out, group.id.text, group.standard, tagsOf(db, group.id.text));
    out.field("stateful", group.stateful);
    out.field("shared", false);
    out.when("security_group_rules", [&](JsonWriter& writer) {
        const auto list = writer.array();
        for (const auto& each : security_group_table::rulesOf(db, group.id)) writeRule(writer, each, Fields(), db);
    });
}

Error missing(const Request& request) { return securityGroupNotFound(request.param("security_group_id")); }

SecurityGroup found(const Request& request, store::Reader& db) {
    auto group = security_group_table::find(db, {request.param("security_group_id")});
    if (!group) throw missing(request);
    return *std::move(group);
}

Response list(Request& request, SecurityGroups& groups) {
    const auto& caller = identity::callerOf(request);
    auto& db = groups.core().parts.store.reader();
    // Everybody has a default group, made when somebody first looks.
    if (!caller.project.empty() && !db.query("SELECT 1 FROM security_groups WHERE project = ? AND name = 'default'", caller.project).any())
        groups.core().parts.store.write([&](store::Transaction& tx) { groups.ensureDefault(tx, caller.project.text); });
    auto listing = listingOf(request, db, "security_groups g", attributes(), {{"shared", filterShared}});
    if (!seesAll(caller, "get_security_group")) listing.conditions.add("g.project = ?", caller.project);
    auto rows = security_group_table::list(db, listing.conditions, listing.order);
    dropUnseen(rows, caller, "get_security_group", [&](const auto& each) { return ownedBy(each.standard.project); });
    std::vector<std::string> ids;
    for (const auto& each : rows) ids.push_back(each.id.text);
    const Fields fields(request.query);
    return listResponse(request, "security_groups", listing, ids,
                        [&](JsonWriter& json, std::size_t index) { write(json, rows[index], fields, db); });
}

Response answer(const Request& request, int status, const SecurityGroup& it, store::Reader& db) {
    return jsonResponse(status, [&](JsonWriter& json) {
        const auto body = json.object();
        json.key("security_group");
        write(json, it, Fields(request.query), db);
    });
}

Response show(Request& request, SecurityGroups& groups) {
    auto& db = groups.core().parts.store.reader();
    const auto it = found(request, db);
    if (!identity::callerOf(request).may("get_security_group", ownedBy(it.standard.project))) throw missing(request);
    return answer(request, 200, it, db);
}

Response create(Request& request, SecurityGroups& groups) {
    const auto& caller = identity::callerOf(request);
    const auto wanted = posted(request, "security_group", "security_groups");
    return groups.core().parts.store.write([&](store::Transaction& tx) {
        std::vector<SecurityGroup> all;
        for (const auto& each : wanted.items) {
            const Body body(each, attributes(), true);
            const auto target = ownedBy(projectOf(caller, body));
            caller.enforce("create_security_group", target);
            enforceAttributes(caller, "create_security_group", body, target, true);
            all.push_back(groups.create(tx, caller, body));
        }
        if (!wanted.bulk) return answer(request, 201, all.front(), tx);
        return jsonResponse(201, [&](JsonWriter& json) {
            const auto body = json.object();
            const auto items = json.array("security_groups");
            for (const auto& each : all) write(json, each, Fields(request.query), tx);
        });
    });
}

Response update(Request& request, SecurityGroups& groups) {
    const auto& caller = identity::callerOf(request);
    const Json wanted = put(request, "security_group");
    return groups.core().parts.store.write([&](store::Transaction& tx) {
        const auto it = found(request, tx);
        enforceOn(caller, "update_security_group", "get_security_group", ownedBy(it.standard.project), missing(request));
        const Body body(wanted, attributes(), false);
        enforceAttributes(caller, "update_security_group", body, ownedBy(it.standard.project), false);
        checkRevision(request, "security_group", it.id.text, it.standard.revision);
        return answer(request, 200, groups.update(tx, it, body), tx);
    });
}

Response remove(Request& request, SecurityGroups& groups) {
    const auto& caller = identity::callerOf(request);
    groups.core().parts.store.write([&](store::Transaction& tx) {
        const auto it = found(request, tx);
        enforceOn(caller, "delete_security_group", "get_security_group", ownedBy(it.standard.project), missing(request));
        checkRevision(request, "security_group", it.id.text, it.standard.revision);
        groups.remove(tx, caller, it);
    });
    return emptyResponse(204);
}

Target ownedBy(const SecurityGroupRule& rule, store::Reader& db) {
    auto target = network::ownedBy(rule.standard.project);
    const auto group = security_group_table::find(db, rule.group);
    target["security_group:project_id"] = target["security_group:tenant_id"] = group ? group->standard.project : "";
    return target;
}

Error missingRule(const std::string& id) {
    return Error(Failure::NotFound, "Security group rule ", id, " does not exist").as("SecurityGroupRuleNotFound");
}

SecurityGroupRule foundRule(const Request& request, store::Reader& db) {
    auto rule = security_group_table::findRule(db, {request.param("rule_id")});
    if (!rule) throw missingRule(request.param("rule_id"));
    return *std::move(rule);
}

/// Protocols are kept as they were named; a filter finds them by that name.
void filterProtocol(store::Conditions& conditions, const std::vector<std::string>& values) {
    conditions.in("COALESCE(r.protocol, '')", values);
}

Response listRules(Request& request, SecurityGroups& groups) {
    const auto& caller = identity::callerOf(request);
    auto& db = groups.core().parts.store.reader();
    if (!caller.project.empty() && !db.query("SELECT 1 FROM security_groups WHERE project = ? AND name = 'default'", caller.project).any())
        groups.core().parts.store.write([&](store::Transaction& tx) { groups.ensureDefault(tx, caller.project.text); });
    auto listing = listingOf(request, db, "security_group_rules r", ruleAttributes(), {{"protocol", filterProtocol}});
    if (!seesAll(caller, "get_security_group_rule"))
        listing.conditions.add("EXISTS (SELECT 1 FROM security_groups g WHERE g.id = r.security_group AND g.project = ?)", caller.project);
    auto rows = security_group_table::listRules(db, listing.conditions, listing.order);
    dropUnseen(rows, caller, "get_security_group_rule", [&](const auto& each) { return ownedBy(each, db); });
    std::vector<std::string> ids;
    for (const auto& each : rows) ids.push_back(each.id.text);
    const Fields fields(request.query);
    return listResponse(request, "security_group_rules", listing, ids,
                        [&](JsonWriter& json, std::size_t index) { writeRule(json, rows[index], fields, db); });
}

Response answerRule(const Request& request, int status, const SecurityGroupRule& rule, store::Reader& db) {
    return jsonResponse(status, [&](JsonWriter& json) {
        const auto body = json.object();
        json.key("security_group_rule");
        writeRule(json, rule, Fields(request.query), db);
    });
}

Response showRule(Request& request, SecurityGroups& groups) {
    auto& db = groups.core().parts.store.reader();
    const auto rule = foundRule(request, db);
    if (!identity::callerOf(request).may("get_security_group_rule", ownedBy(rule, db))) throw missingRule(rule.id.text);
    return answerRule(request, 200, rule, db);
}

Response createRule(Request& request, SecurityGroups& groups) {
    const auto& caller = identity::callerOf(request);
    const auto wanted = posted(request, "security_group_rule", "security_group_rules");
    return groups.core().parts.store.write([&](store::Transaction& tx) {
        std::vector<SecurityGroupRule> all;
        for (const auto& each : wanted.items) {
            const Body body(each, ruleAttributes(), true);
            const auto project = projectOf(caller, body);
            const auto id = body.text("security_group_id");
            if (id.empty())
                throw Error(Failure::Invalid, "Failed to parse request. Required attribute 'security_group_id' not specified")
                    .as("HTTPBadRequest");
            const auto group = security_group_table::find(tx, {id});
            if (!group || !caller.may("get_security_group", network::ownedBy(group->standard.project))) throw securityGroupNotFound(id);
            auto target = network::ownedBy(project);
            target["security_group:project_id"] = target["security_group:tenant_id"] = group->standard.project;
            caller.enforce("create_security_group_rule", target);
            if (const auto remote = body.text("remote_group_id"); !remote.empty()) {
                const auto other = security_group_table::find(tx, {remote});
                if (!other || !caller.may("get_security_group", network::ownedBy(other->standard.project)))
                    throw securityGroupNotFound(remote);
            }
            all.push_back(groups.createRule(tx, *group, project, body));
        }
        if (!wanted.bulk) return answerRule(request, 201, all.front(), tx);
        return jsonResponse(201, [&](JsonWriter& json) {
            const auto body = json.object();
            const auto items = json.array("security_group_rules");
            for (const auto& each : all) writeRule(json, each, Fields(request.query), tx);
        });
    });
}

Response removeRule(Request& request, SecurityGroups& groups) {
    const auto& caller = identity::callerOf(request);
    groups.core().parts.store.write([&](store::Transaction& tx) {
        const auto rule = foundRule(request, tx);
        enforceOn(caller, "delete_security_group_rule", "get_security_group_rule", ownedBy(rule, tx), missingRule(rule.id.text));
        groups.removeRule(tx, rule);
    });
    return emptyResponse(204);
}

}

void addSecurityGroupRoutes(Routes& routes, SecurityGroups& groups) {
    routes.push_back({Method::Get, "/v2.0/security-groups", policy("get_security_group"),
                      [&](Request& request) { return list(request, groups); }, Runs::Worker});
    routes.push_back({Method::Post, "/v2.0/security-groups", policy("create_security_group"),
                      [&](Request& request) { return create(request, groups); }});
    routes.push_back({Method::Get, "/v2.0/security-groups/{security_group_id}", policy("get_security_group"),
                      [&](Request& request) { return show(request, groups); }});
    routes.push_back({Method::Put, "/v2.0/security-groups/{security_group_id}", policy("update_security_group"),
                      [&](Request& request) { return update(request, groups); }});
    routes.push_back({Method::Delete, "/v2.0/security-groups/{security_group_id}", policy("delete_security_group"),
                      [&](Request& request) { return remove(request, groups); }});
    routes.push_back({Method::Get, "/v2.0/security-group-rules", policy("get_security_group_rule"),
                      [&](Request& request) { return listRules(request, groups); }, Runs::Worker});
    routes.push_back({Method::Post, "/v2.0/security-group-rules", policy("create_security_group_rule"),
                      [&](Request& request) { return createRule(request, groups); }});
    routes.push_back({Method::Get, "/v2.0/security-group-rules/{rule_id}", policy("get_security_group_rule"),
                      [&](Request& request) { return showRule(request, groups); }});
    routes.push_back({Method::Delete, "/v2.0/security-group-rules/{rule_id}", policy("delete_security_group_rule"),
                      [&](Request& request) { return removeRule(request, groups); }});
}

}
