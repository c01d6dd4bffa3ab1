#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/metering/metering.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

/// What is counted together: the traffic of routers with the outside that its rules name.
struct MeteringLabel {
    MeteringLabelId id;
    Standard standard;
    bool shared = false;
};

struct MeteringRule {
    Id<MeteringRule> id;
    Standard standard; ///< its label's project, and when it was made
    MeteringLabelId label;
    std::string direction;
    bool excluded = false;
    std::string remote, source, destination; ///< CIDR; empty: none
};

const Table<MeteringLabel>
    labelTable("metering_labels", 'm',
               {attribute<&MeteringLabel::id>("id", Show | Find),
                computed<MeteringLabel>(
                    "tenant_id", Kind::Text, Post | Show | Find,
                    [](JsonWriter& out, const MeteringLabel& it) { out.value(it.standard.project); }, "$.project"),
                attribute<&MeteringLabel::standard, &Standard::project>("project_id", Post | Show | Find)
                    .in("project")
                    .readByHook(),
                attribute<&MeteringLabel::standard, &Standard::name>("name", Post | Show | Find),
                attribute<&MeteringLabel::standard, &Standard::description>("description", Post | Show | Find),
                attribute<&MeteringLabel::shared>("shared", Post | Show | Find),
                column<&MeteringLabel::standard, &Standard::revision>("revision"),
                column<&MeteringLabel::standard, &Standard::created>("created"),
                column<&MeteringLabel::standard, &Standard::updated>("updated")});

void readDirection(MeteringRule& rule, const Json& value, const Reading&) {
    rule.direction = value.isText() ? value.text() : "";
    if (rule.direction != "ingress" && rule.direction != "egress")
        refuseInput("direction", "'" + rule.direction + "' is not in ['ingress', 'egress'].");
}

const Table<MeteringRule>
    ruleTable("metering_label_rules", 'q',
              {attribute<&MeteringRule::id>("id", Show | Find), computed<MeteringRule>("tenant_id", Kind::Text, Post),
               computed<MeteringRule>("project_id", Kind::Text, Post),
               column<&MeteringRule::standard, &Standard::project>("project"),
               attribute<&MeteringRule::label>("metering_label_id", Post | Show | Find).in("label"),
               attribute<&MeteringRule::direction>("direction", Post | Show | Find).readBy(readDirection),
               attribute<&MeteringRule::excluded>("excluded", Post | Show | Find),
               maybe<&MeteringRule::remote>("remote_ip_prefix", Post | Show | Find).in("remote"),
               maybe<&MeteringRule::source>("source_ip_prefix", Post | Show | Find).in("source"),
               maybe<&MeteringRule::destination>("destination_ip_prefix", Post | Show | Find).in("destination"),
               column<&MeteringRule::standard, &Standard::created>("created")});

Error labelNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Metering label ", id, " does not exist").as("MeteringLabelNotFound");
}
Error ruleNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Metering label rule ", id, " does not exist").as("MeteringLabelRuleNotFound");
}

MeteringLabel createLabel(Core& core, store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    MeteringLabel label;
    label.standard = freshStandard(core, caller, body);
    label.id.text = core.uuid();
    body.readInto(label, labelTable);
    labelTable.insert(tx, label);
    return label;
}

/// The label that a body names: one that the caller may see.
MeteringLabel labelIn(store::Reader& db, const identity::Caller& caller, const Body& body) {
    const auto id = body.text("metering_label_id");
    const auto label = labelTable.find(db, id);
    if (!label || !mayOn(caller, "get_metering_label", ownedBy(label->standard.project))) throw labelNotFound(id);
    return *label;
}

void normalize(std::string_view name, std::string& prefix) {
    if (prefix.empty()) return;
    const auto block = Prefix::parseLoosely(prefix);
    if (!block) refuseInput(name, "'" + prefix + "' is not a valid IP subnet.");
    prefix = block->text();
}

bool overlap(const std::string& one, const std::string& other) {
    return one.empty() || other.empty() || Prefix::parse(one)->overlaps(*Prefix::parse(other));
}

MeteringRule createRule(Core& core, store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    const auto label = labelIn(tx, caller, body);
    MeteringRule rule;
    rule.id.text = core.uuid();
    rule.standard.project = label.standard.project;
    rule.standard.created = core.now();
    if (!body.has("direction")) throw notSpecified("direction");
    body.readInto(rule, ruleTable);
    normalize("remote_ip_prefix", rule.remote);
    normalize("source_ip_prefix", rule.source);
    normalize("destination_ip_prefix", rule.destination);
    if (rule.remote.empty() == (rule.source.empty() && rule.destination.empty()))
        refuseInput("remote_ip_prefix",
                    "A rule has either this or a source_ip_prefix, a destination_ip_prefix, or both.");
    for (const auto& other : ruleTable.where(tx, "WHERE q.label = ? AND q.direction = ? AND q.excluded = ?", label.id,
                                             rule.direction, rule.excluded))
        if (rule.remote.empty() == other.remote.empty() && overlap(rule.remote, other.remote) &&
            overlap(rule.source, other.source) && overlap(rule.destination, other.destination))
            throw Error(Failure::Conflict, "Metering label rule with remote_ip_prefix '",
                        rule.remote.empty() ? rule.source + "' and '" + rule.destination : rule.remote,
                        "' overlaps another")
                .as("MeteringLabelRuleOverlaps");
    ruleTable.insert(tx, rule);
    core.changed(tx, label.id.text);
    return rule;
}

}

void addMeteringRoutes(http::Routes& routes, Core& core) {
    using Tx = store::Transaction;
    using identity::Caller;
    addNoun<MeteringLabel>(routes, core,
                           {.noun = "metering_label",
                            .table = labelTable,
                            .missing = labelNotFound,
                            .create = [&core](Tx& tx, const Caller& caller,
                                              const Body& body) { return createLabel(core, tx, caller, body); },
                            .remove =
                                [&core](Tx& tx, const Caller&, const MeteringLabel& label) {
                                    core.changed(tx, label.id.text);
                                    labelTable.remove(tx, label.id);
                                },
                            .tagged = false,
                            .path = "/v2.0/metering/metering-labels"});
    addNoun<MeteringRule>(
        routes, core,
        {.noun = "metering_label_rule",
         .table = ruleTable,
         .missing = ruleNotFound,
         .wanted = [](Tx& tx, const Caller& caller,
                      const Body& body) { return ownedBy(labelIn(tx, caller, body).standard.project); },
         .create = [&core](Tx& tx, const Caller& caller,
                           const Body& body) { return createRule(core, tx, caller, body); },
         .remove =
             [&core](Tx& tx, const Caller&, const MeteringRule& rule) {
                 core.changed(tx, rule.label.text);
                 ruleTable.remove(tx, rule.id);
             },
         .tagged = false,
         .path = "/v2.0/metering/metering-label-rules"});
}

}
