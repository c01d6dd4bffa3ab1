#include <algorithm>
#include <cctype>
#include <map>

#include <stratolet/error.hpp>

#include "network/security/default_rule.hpp"
#include "platform/text/text.hpp"

namespace stratolet::network {

namespace {

const std::map<std::string, int, std::less<>> protocols{
    {"ah", 51},        {"dccp", 33},       {"egp", 8},        {"esp", 50},       {"gre", 47},
    {"hopopt", 0},     {"icmp", 1},        {"icmpv6", 58},    {"igmp", 2},       {"ip", 0},
    {"ipip", 4},       {"ipv6-encap", 41}, {"ipv6-frag", 44}, {"ipv6-icmp", 58}, {"ipv6-nonxt", 59},
    {"ipv6-opts", 60}, {"ipv6-route", 43}, {"ospf", 89},      {"pgm", 113},      {"rsvp", 46},
    {"sctp", 132},     {"tcp", 6},         {"udp", 17},       {"udplite", 136},  {"vrrp", 112}};

bool hasPorts(int protocol) {
    return protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132 || protocol == 136;
}
bool isIcmp(int protocol) { return protocol == 1 || protocol == 58; }

std::optional<std::int64_t> wholeIn(const Body& body, std::string_view name) {
    return body.has(name) && !body.isNull(name) ? std::optional(body.whole(name, 0)) : std::nullopt;
}

std::optional<std::string> textIn(const Body& body, std::string_view name) {
    const auto text = body.text(name);
    return text.empty() ? std::nullopt : std::optional(text);
}

Error badPort(std::int64_t port) {
    return Error(Failure::Invalid, "Invalid value for port ", port).as("SecurityGroupInvalidPortValue");
}

void checkPorts(const SecurityGroupRule& rule, int protocol) {
    const auto outside = [](const std::optional<std::int64_t>& number, std::int64_t least, std::int64_t most) {
        return number && (*number < least || *number > most);
    };
    if (isIcmp(protocol)) {
        for (const auto& [field, number, what] :
             {std::tuple{"port_range_min", rule.portMin, "type"}, {"port_range_max", rule.portMax, "code"}})
            if (outside(number, 0, 255))
                throw Error(Failure::Invalid, "Invalid value for ICMP ", what, " (", field, ") ", *number,
                            ". It must be 0 to 255.")
                    .as("SecurityGroupInvalidIcmpValue");
        if (!rule.portMin && rule.portMax)
            throw Error(Failure::Invalid, "ICMP code (port-range-max) ", *rule.portMax,
                        " is provided but ICMP type (port-range-min) is missing.")
                .as("SecurityGroupMissingIcmpType");
        return;
    }
    if (!rule.portMin && !rule.portMax) return;
    if (!hasPorts(protocol))
        throw Error(Failure::Invalid, "Invalid port range specified for protocol ", rule.protocol.value_or(""))
            .as("SecurityGroupInvalidProtocolForPort");
    for (const auto& number : {rule.portMin, rule.portMax})
        if (outside(number, 1, 65535)) throw badPort(*number);
    if (!rule.portMin || !rule.portMax || *rule.portMin > *rule.portMax)
        throw Error(Failure::Invalid, "For TCP/UDP protocols, port_range_min must be <= port_range_max")
            .as("SecurityGroupInvalidPortRange");
}

}

std::optional<int> protocolNumber(const std::string& text, bool six) {
    const auto word = lowered(text);
    if (six && (word == "icmp" || word == "1")) return 58;
    if (const auto found = protocols.find(word); found != protocols.end()) return found->second;
    if (word.empty() || word.size() > 3 ||
        !std::all_of(word.begin(), word.end(), [](unsigned char each) { return std::isdigit(each); }))
        return std::nullopt;
    const int number = std::stoi(word);
    return number <= 255 ? std::optional(number) : std::nullopt;
}

bool sameRule(const SecurityGroupRule& one, const SecurityGroupRule& other) {
    const auto number = [](const SecurityGroupRule& rule) {
        return rule.protocol ? protocolNumber(*rule.protocol, rule.ethertype == "IPv6").value_or(-2) : -1;
    };
    const auto block = [](const SecurityGroupRule& rule) { // everything is the same as nothing said
        const auto prefix = rule.prefix ? Prefix::parse(*rule.prefix) : std::nullopt;
        return prefix && prefix->length > 0 ? prefix->text() : std::string();
    };
    return one.direction == other.direction && one.ethertype == other.ethertype && number(one) == number(other) &&
           one.portMin == other.portMin && one.portMax == other.portMax && block(one) == block(other) &&
           one.remoteGroup == other.remoteGroup && one.remoteAddresses == other.remoteAddresses;
}

void readRule(SecurityGroupRule& rule, const Body& body) {
    rule.direction = lowered(body.text("direction"));
    if (rule.direction != "ingress" && rule.direction != "egress")
        refuseInput("direction", "'" + body.text("direction") + "' is not in ['ingress', 'egress'].");
    const auto ethertype = body.text("ethertype", "IPv4");
    rule.ethertype = lowered(ethertype) == "ipv4" ? "IPv4" : lowered(ethertype) == "ipv6" ? "IPv6" : "";
    if (rule.ethertype.empty())
        throw Error(Failure::Invalid, "Security group rule for ethertype '", ethertype,
                    "' not supported. Allowed values are ['IPv4', 'IPv6'].")
            .as("SecurityGroupRuleInvalidEtherType");
    const bool six = rule.ethertype == "IPv6";

    if (const auto given = body.find("protocol"); given && !given->isNull()) {
        const auto text = given->isInteger() ? std::to_string(given->integer()) : given->isText() ? given->text() : "?";
        if (lowered(text) != "any") {
            const auto number = protocolNumber(text, six);
            if (!number)
                throw Error(
                    Failure::Invalid, "Security group rule protocol ", text,
                    " not supported. Only protocol values [None, any, ah, dccp, egp, esp, gre, icmp, icmpv6, igmp, ",
                    "ipip, ipv6-encap, ipv6-frag, ipv6-icmp, ipv6-nonxt, ipv6-opts, ipv6-route, ospf, pgm, rsvp, sctp, "
                    "tcp, udp, "
                    "udplite, vrrp] and integer representations ",
                    "[0 to 255] are supported.")
                    .as("SecurityGroupRuleInvalidProtocol");
            if (*number == 58 && !six && !text.empty() && lowered(text) != "icmp")
                throw Error(Failure::Invalid, "Invalid ethertype IPv4 for protocol ", text, ".")
                    .as("SecurityGroupEthertypeConflictWithProtocol");
            rule.protocol = lowered(text);
        }
    }
    rule.portMin = wholeIn(body, "port_range_min");
    rule.portMax = wholeIn(body, "port_range_max");
    if ((rule.portMin || rule.portMax) && !rule.protocol)
        throw Error(Failure::Invalid, "Must also specify protocol if port range is given.")
            .as("SecurityGroupProtocolRequiredWithPorts");
    if (rule.protocol) checkPorts(rule, protocolNumber(*rule.protocol, six).value());

    rule.remoteGroup = textIn(body, "remote_group_id");
    rule.remoteAddresses = textIn(body, "remote_address_group_id");
    if (const auto text = textIn(body, "remote_ip_prefix")) {
        const auto block = Prefix::parseLoosely(*text);
        if (!block) refuseInput("remote_ip_prefix", "'" + *text + "' is not a valid CIDR.");
        if (block->version() != (six ? 6 : 4))
            throw Error(Failure::Invalid, "Conflicting value ethertype ", rule.ethertype, " for CIDR ", *text)
                .as("SecurityGroupRuleParameterConflict");
        rule.prefix = text->find('/') == std::string::npos ? block->text() : *text;
    }
    if (rule.remoteGroup.has_value() + rule.prefix.has_value() + rule.remoteAddresses.has_value() > 1)
        throw Error(Failure::Invalid,
                    "Only remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.")
            .as("SecurityGroupMultipleRemoteEntitites");
}

Error securityGroupNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Security group ", id, " does not exist").as("SecurityGroupNotFound");
}

SecurityGroup ensureDefaultGroup(Core& core, store::Transaction& tx, const std::string& project) {
    store::Conditions wanted;
    wanted.add("g.project = ?", project).add("g.name = 'default'");
    if (auto found = securityGroupTable.list(tx, wanted, ""); !found.empty()) return found.front();
    SecurityGroup group;
    group.id.text = core.uuid();
    group.standard = {project, "default", "Default security group", 1, core.now(), core.now()};
    group.stateful = isStatefulByDefault(tx, project);
    securityGroupTable.insert(tx, group);
    for (const auto& each : defaultRulesOf(core, tx, group)) securityGroupRuleTable.insert(tx, each);
    return group;
}

SecurityGroup SecurityGroups::ensureDefault(store::Transaction& tx, const std::string& project) {
    return ensureDefaultGroup(core_, tx, project);
}

SecurityGroup SecurityGroups::create(store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    SecurityGroup group;
    group.standard = freshStandard(core_, caller, body);
    ensureDefault(tx, group.standard.project);
    if (lowered(group.standard.name) == "default")
        throw Error(Failure::Conflict, "Default security group already exists.")
            .as("SecurityGroupDefaultAlreadyExists");
    core_.claim(tx, group.standard.project, "security_group");
    group.id.text = core_.uuid();
    const auto rules = defaultRulesOf(core_, tx, group);
    if (!rules.empty())
        core_.claim(tx, group.standard.project, "security_group_rule", static_cast<std::int64_t>(rules.size()));
    group.stateful = body.truth("stateful", isStatefulByDefault(tx, group.standard.project));
    securityGroupTable.insert(tx, group);
    for (const auto& each : rules) securityGroupRuleTable.insert(tx, each);
    return group;
}

SecurityGroup SecurityGroups::update(store::Transaction& tx, SecurityGroup group, const Body& body) {
    const auto name = body.text("name", group.standard.name);
    if (group.standard.name == "default" && name != "default")
        throw Error(Failure::Conflict, "Updating default security group not allowed.")
            .as("SecurityGroupCannotUpdateDefault");
    if (group.standard.name != "default" && lowered(name) == "default")
        throw Error(Failure::Conflict, "Default security group already exists.")
            .as("SecurityGroupDefaultAlreadyExists");
    const bool stateful = body.truth("stateful", group.stateful);
    if (stateful != group.stateful &&
        tx.query("SELECT 1 FROM port_security_groups WHERE security_group = ?", group.id).any())
        throw Error(Failure::Conflict, "Security Group ", group.id, " in use.").as("SecurityGroupInUse");
    group.stateful = stateful;
    changeStandard(core_, group.standard, body);
    securityGroupTable.update(tx, group);
    return group;
}

void SecurityGroups::remove(store::Transaction& tx, const identity::Caller& caller, const SecurityGroup& group) {
    if (tx.query("SELECT 1 FROM port_security_groups WHERE security_group = ?", group.id).any())
        throw Error(Failure::Conflict, "Security Group ", group.id, " in use.").as("SecurityGroupInUse");
    if (group.standard.name == "default" && !caller.isAdmin())
        throw Error(Failure::Conflict, "Insufficient rights for removing default security group.")
            .as("SecurityGroupCannotRemoveDefault");
    forgetTags(tx, group.id.text);
    const std::string naming =
        "SELECT DISTINCT security_group FROM security_group_rules WHERE remote_group = ?"; // those rules go with it
    for (const auto& each : tx.query(naming, group.id).texts()) core_.changed(tx, each);
    securityGroupTable.remove(tx, group.id);
    core_.changed(tx, group.id.text);
}

SecurityGroupRule SecurityGroups::createRule(store::Transaction& tx, const SecurityGroup& group,
                                             const std::string& project, const Body& body) {
    core_.claim(tx, project, "security_group_rule");
    SecurityGroupRule rule;
    rule.id.text = core_.uuid();
    rule.group = group.id;
    rule.standard = {project, "", body.text("description"), 1, core_.now(), core_.now()};
    readRule(rule, body);
    if (rule.remoteGroup && !securityGroupTable.find(tx, {*rule.remoteGroup}))
        throw securityGroupNotFound(*rule.remoteGroup);

    for (const auto& other : rulesOf(tx, group.id))
        if (sameRule(rule, other))
            throw Error(Failure::Conflict, "Security group rule already exists. Rule id is ", other.id, ".")
                .as("SecurityGroupRuleExists");
    securityGroupRuleTable.insert(tx, rule);
    touch(tx, "security_groups", group.id.text, core_.now());
    core_.changed(tx, group.id.text);
    return rule;
}

void SecurityGroups::removeRule(store::Transaction& tx, const SecurityGroupRule& rule) {
    securityGroupRuleTable.remove(tx, rule.id);
    touch(tx, "security_groups", rule.group.text, core_.now());
    core_.changed(tx, rule.group.text);
}

}
