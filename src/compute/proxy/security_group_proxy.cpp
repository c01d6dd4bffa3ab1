#include <algorithm>
#include <map>

#include <stratolet/error.hpp>

#include "compute/proxy/proxy.hpp"
#include "compute/proxy/services_below.hpp"
#include "compute/server/server_reading.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

const std::string groups = "/network/v2.0/security-groups", rules = "/network/v2.0/security-group-rules";

struct GroupName {
    std::string name, project;
};
using GroupNames = std::map<std::string, GroupName>; ///< by id

GroupNames namesOf(const std::vector<Json>& all) {
    GroupNames names;
    for (const auto& each : all) names[each.text("id")] = {each.text("name"), each.text("project_id", "")};
    return names;
}

std::vector<Json> groupsOf(const Call& call, Core& core, bool allProjects) {
    const std::string mine = allProjects ? "" : "?project_id=" + http::percentEncoded(call.caller.project.text);
    return core.below.get(call.request, groups + mine).array("security_groups").items();
}

std::string idOf(const std::string& id, std::string_view what) {
    if (!isUuid(id)) throw Error(Failure::Invalid, what, " id should be uuid");
    return id;
}

/// One of network's own would be, to it, something that is in the way; here it is a mistake of who asks.
Json askOrRefuse(const Call& call, Core& core, const ServicesBelow::Question& question) {
    try {
        return core.below.ask(call.request, question);
    } catch (const Error& error) {
        if (error.failure() == Failure::Conflict) throw Error(Failure::Invalid, error.what());
        throw;
    }
}

/// All ports of TCP and UDP have numbers here; of others none is -1.
std::int64_t portOf(const Json& rule, std::string_view name, std::int64_t all) {
    const Json port = rule.at(name);
    if (!port.isNull()) return port.integer();
    const auto protocol = rule.maybeText("protocol").value_or("");
    return protocol == "tcp" || protocol == "udp" ? all : -1;
}

void writeRule(JsonWriter& out, const Json& rule, const GroupNames& names) {
    const auto scope = out.object();
    out.field("id", rule.text("id"));
    out.field("parent_group_id", rule.text("security_group_id"));
    out.field("ip_protocol", rule.maybeText("protocol"));
    const bool any = !rule.maybeText("protocol");
    out.key("from_port");
    any ? out.value(nullptr) : out.value(portOf(rule, "port_range_min", 1));
    out.key("to_port");
    any ? out.value(nullptr) : out.value(portOf(rule, "port_range_max", 65535));
    const auto remote = rule.maybeText("remote_group_id");
    {
        const auto group = out.object("group");
        if (const auto found = names.find(remote.value_or("")); found != names.end()) {
            out.field("name", found->second.name);
            out.field("tenant_id", found->second.project);
        }
    }
    const auto range = out.object("ip_range");
    if (remote) return;
    const bool six = rule.text("ethertype", "IPv4") == "IPv6";
    out.field("cidr", rule.maybeText("remote_ip_prefix").value_or(six ? "::/0" : "0.0.0.0/0"));
}

void writeGroup(JsonWriter& out, const Json& group, const GroupNames& names) {
    const auto scope = out.object();
    out.field("id", group.text("id"));
    out.field("name", group.text("name"));
    out.field("description", group.text("description"));
    out.field("tenant_id", group.text("project_id"));
    const auto list = out.array("rules");
    for (const auto& rule : group.array("security_group_rules").items()) {
        const auto remote = rule.maybeText("remote_group_id");
        if (rule.text("direction") == "ingress" && (!remote || names.contains(*remote))) writeRule(out, rule, names);
    }
}

Response groupAnswer(const Call& call, Core& core, const Json& group) {
    const auto names = namesOf(groupsOf(call, core, false));
    return http::jsonResponse(200, "security_group", [&](JsonWriter& out) { writeGroup(out, group, names); });
}

Response list(Call& call, Core& core) {
    call.caller.enforce();
    const auto& query = call.request.query;
    const auto all = groupsOf(call, core, query.flag("all_tenants") && call.caller.isAdmin());
    const auto names = namesOf(all);
    const auto size = static_cast<std::int64_t>(all.size());
    const auto from = std::min(query.integer("offset", 0, INT64_MAX).value_or(0), size);
    const auto until = from + std::min(pageOf(query).limit, size - from);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("security_groups");
        for (auto at = from; at < until; ++at) writeGroup(out, all[static_cast<std::size_t>(at)], names);
    });
}

Response show(Call& call, Core& core) {
    call.caller.enforce();
    const auto id = idOf(call.param("id"), "Security group");
    return groupAnswer(call, core, core.below.get(call.request, groups + "/" + id).object("security_group"));
}

/// The body of a creation or a change, in network's words.
std::string groupBody(const Call& call) {
    const Json body = call.body("security_group");
    call.onlyKnows(body, {"name", "description"});
    const auto text = [&](std::string_view name) {
        const Json value = body.at(name);
        const std::string given = textOf(value, name == "name" ? 1 : 0, 255);
        if (name == "name" && trimmed(given).empty()) value.refuse("It is too short");
        return jsonText(given);
    };
    return R"({"security_group":{"name":)" + text("name") + R"(,"description":)" + text("description") + "}}";
}

Response create(Call& call, Core& core) {
    call.caller.enforce();
    const auto made = askOrRefuse(call, core, {.method = Method::Post, .target = groups, .body = groupBody(call)});
    return groupAnswer(call, core, made.object("security_group"));
}

Response update(Call& call, Core& core) {
    call.caller.enforce();
    const auto id = idOf(call.param("id"), "Security group");
    const auto changed =
        askOrRefuse(call, core, {.method = Method::Put, .target = groups + "/" + id, .body = groupBody(call)});
    return groupAnswer(call, core, changed.object("security_group"));
}

Response remove(Call& call, Core& core, const std::string& collection, std::string_view what) {
    call.caller.enforce();
    const auto id = idOf(call.param("id"), what);
    askOrRefuse(call, core, {.method = Method::Delete, .target = collection + "/" + id});
    return http::emptyResponse(202);
}

/// A port of a rule: a number, or a text of one. -1: all.
std::optional<std::int64_t> portIn(const Json& body, std::string_view name) {
    const auto value = body.find(name);
    if (!value || value->isNull()) return std::nullopt;
    const auto port = integerOf(*value, -1, 65535);
    return port == -1 ? std::nullopt : std::optional(port);
}

std::string ruleBody(const Json& body) {
    std::string text;
    JsonWriter out(text);
    {
        const auto whole = out.object();
        const auto rule = out.object("security_group_rule");
        out.field("direction", "ingress");
        out.field("security_group_id", idOf(textOf(body.at("parent_group_id"), 1, 255), "Security group"));
        const auto protocol = body.maybeText("ip_protocol");
        const auto group = body.maybeText("group_id");
        if (!protocol && !group) body.at("ip_protocol").refuse("A rule without group_id has a protocol and ports.");
        if (protocol) out.field("protocol", lowered(*protocol));
        const auto from = portIn(body, "from_port"), to = portIn(body, "to_port");
        if (from && to && *from > *to)
            throw Error(Failure::Invalid, "Invalid port range ", *from, ":", *to,
                        ". Former value cannot be greater than the later");
        if (from) out.field("port_range_min", *from);
        if (to) out.field("port_range_max", *to);
        const auto cidr = body.maybeText("cidr");
        if (group && !group->empty())
            out.field("remote_group_id", idOf(*group, "Security group"));
        else if (cidr && !cidr->empty())
            out.field("remote_ip_prefix", *cidr);
        out.field("ethertype", cidr && cidr->find(':') != std::string::npos ? "IPv6" : "IPv4");
    }
    return text;
}

Response createRule(Call& call, Core& core) {
    call.caller.enforce();
    const Json body = call.body("security_group_rule");
    const auto made = askOrRefuse(call, core, {.method = Method::Post, .target = rules, .body = ruleBody(body)})
                          .object("security_group_rule");
    const auto names = namesOf(groupsOf(call, core, false));
    return http::jsonResponse(200, "security_group_rule", [&](JsonWriter& out) { writeRule(out, made, names); });
}

std::vector<std::string> groupIdsOf(const Json& port) {
    std::vector<std::string> ids;
    for (const auto& each : port.array("security_groups").items()) ids.push_back(each.text());
    return ids;
}

bool has(const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

Response listOfServer(Call& call, Core& core) {
    const Server server = allowedServer(core.reader(), call.caller, ServerId{call.param("id")});
    std::vector<std::string> ids;
    for (const auto& port : portsOf(call, core, server.id))
        for (const auto& id : groupIdsOf(port))
            if (!has(ids, id)) ids.push_back(id);
    std::string which = "?project_id=" + http::percentEncoded(server.project.text);
    const auto all = core.below.get(call.request, groups + which).array("security_groups").items();
    const auto names = namesOf(all);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("security_groups");
        for (const auto& each : all)
            if (has(ids, each.text("id"))) writeGroup(out, each, names);
    });
}

/// The group that the caller's project calls so, by name or id.
std::string groupNamed(const Call& call, Core& core, const std::string& name) {
    std::vector<std::string> found;
    for (const auto& each : groupsOf(call, core, false)) {
        if (each.text("id") == name) return name;
        if (each.text("name") == name) found.push_back(each.text("id"));
    }
    if (found.empty())
        throw Error(Failure::NotFound, "Security group ", name, " not found for project ", call.caller.project, ".");
    if (found.size() > 1)
        throw Error(Failure::Conflict, "Multiple security_groups matches found for name '", name,
                    "', use an ID to be more specific.");
    return found.front();
}

struct ServerAndGroup {
    Server server;
    std::string name, group;
    std::vector<Json> ports;
};

ServerAndGroup argumentsOf(Call& call, Core& core, const Json& arguments, std::string_view rule) {
    ServerAndGroup both;
    both.server = allowedServer(core.reader(), call.caller, ServerId{call.param("id")}, rule);
    call.onlyKnows(arguments, {"name"});
    const Json name = arguments.at("name");
    both.name = textOf(name, 1, 255);
    if (trimmed(both.name).empty()) name.refuse("It is too short");
    both.group = groupNamed(call, core, both.name);
    both.ports = portsOf(call, core, both.server.id);
    return both;
}

void setGroups(const Call& call, Core& core, const Json& port, const std::vector<std::string>& ids) {
    std::vector<std::string> texts;
    for (const auto& each : ids) texts.push_back(jsonText(each));
    updatePort(call, core, port.text("id"), R"("security_groups":)" + jsonList(texts));
}

}

Response addSecurityGroup(Call& call, Core& core, const Json& arguments) {
    const auto both = argumentsOf(call, core, arguments, "os_compute_api:os-security-groups:add");
    if (both.ports.empty())
        throw Error(Failure::Invalid, "Security group ", both.name, " cannot be applied to instance ", both.server.id,
                    ", which has no port.");
    for (const auto& port : both.ports) {
        auto ids = groupIdsOf(port);
        if (has(ids, both.group)) continue;
        ids.push_back(both.group);
        setGroups(call, core, port, ids);
    }
    return http::emptyResponse(202);
}

Response removeSecurityGroup(Call& call, Core& core, const Json& arguments) {
    const auto both = argumentsOf(call, core, arguments, "os_compute_api:os-security-groups:remove");
    bool found = false;
    for (const auto& port : both.ports) {
        auto ids = groupIdsOf(port);
        if (std::erase(ids, both.group) == 0) continue;
        found = true;
        setGroups(call, core, port, ids);
    }
    if (!found)
        throw Error(Failure::NotFound, "Security group ", both.name, " not associated with the instance ",
                    both.server.id);
    return http::emptyResponse(202);
}

void addSecurityGroupProxies(http::Routes& routes, Core& core) {
    const std::string rule = "os_compute_api:os-security-groups:", all = "/os-security-groups", one = all + "/{id}";
    constexpr Span old{.until = 35};
    constexpr auto ensures = http::Runs::Worker; // network makes a project's default group when it is first asked
    const auto with = [&](Response (*handler)(Call&, Core&)) {
        return [&core, handler](Call& call) { return handler(call, core); };
    };
    addRoute(routes, Method::Get, all, rule + "get", with(list), old, ensures);
    addRoute(routes, Method::Post, all, rule + "create", with(create), old);
    addRoute(routes, Method::Get, one, rule + "show", with(show), old, ensures);
    addRoute(routes, Method::Put, one, rule + "update", with(update), old);
    addRoute(
        routes, Method::Delete, one, rule + "delete",
        [&](Call& call) { return remove(call, core, groups, "Security group"); }, old);
    addRoute(routes, Method::Post, "/os-security-group-rules", rule + "rule:create", with(createRule), old);
    addRoute(
        routes, Method::Delete, "/os-security-group-rules/{id}", rule + "rule:delete",
        [&](Call& call) { return remove(call, core, rules, "Security group rule"); }, old);
    addRoute(routes, Method::Get, "/servers/{id}/os-security-groups", rule + "list", with(listOfServer), {}, ensures);
}

}
