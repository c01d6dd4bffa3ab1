#pragma once

#include <functional>
#include <string>
#include <vector>

#include "network/unit/linux_bed.hpp"

namespace stratolet::network::test {

/// Gives a rule a protocol and ports, or the type and code of ICMP.
inline auto portsOf(int protocol, int least, int most) {
    return [=](PlannedRule& rule) {
        rule.protocol = protocol;
        rule.portRangeMin = least;
        rule.portRangeMax = most;
    };
}

/// A kind of rule, and which probes it lets through.
struct RuleKind {
    const char *what, *lets;
    std::function<void(PlannedRule&)> set;
};
using RuleKinds = std::vector<RuleKind>;

/// Those that are the same whatever the IP version.
inline RuleKinds kindsOfEither() {
    return {
        {"any", " tcp80 tcp90 udp80 udp90 ping", [](PlannedRule&) {}},
        {"a protocol", " tcp80 tcp90", [](PlannedRule& rule) { rule.protocol = 6; }},
        {"another", " udp80 udp90", [](PlannedRule& rule) { rule.protocol = 17; }},
        {"a port", " tcp80", portsOf(6, 80, 80)},
        {"a port of UDP", " udp90", portsOf(17, 90, 90)},
        {"a range of ports", " tcp80 tcp90", portsOf(6, 1, 1000)},
        {"a range beside", "", portsOf(6, 81, 89)},
        {"a group that nobody is in", "", [](PlannedRule& rule) { rule.remoteGroup = group(3); }},
    };
}

/// Each kind in turn lets in what it says, from the first guest of `plan` to the second, whose group (2) has no other
/// rule that lets anything in; and once it is gone, nothing. Then the same of a rule that lets the first one send.
/// `kinds`: those beside kindsOfEither(). `at`: the second guest's address.
inline void checkEachKind(Host& host, NetworkPlan plan, const Guest& one, const Guest& two, const std::string& at,
                          EtherType version, const RuleKinds& kinds) {
    const auto low = listensIn(two.name(), at, 80), high = listensIn(two.name(), at, 90);
    const auto passes = [&] { // which of the probes do
        std::string out;
        if (connectsIn(one.name(), at, 80, 400)) out += " tcp80";
        if (connectsIn(one.name(), at, 90, 400)) out += " tcp90";
        if (datagramArrives(one.name(), two.name(), at, 80)) out += " udp80";
        if (datagramArrives(one.name(), two.name(), at, 90)) out += " udp90";
        if (pingsIn(one.name(), at, 1)) out += " ping";
        return out;
    };
    auto all = kindsOfEither();
    all.insert(all.end(), kinds.begin(), kinds.end());
    const auto closed = plan.securityGroups[1].rules;
    CHECK(passes().empty());
    for (const auto& each : all) {
        INFO(each.what);
        auto opens = rule(260, RuleDirection::Ingress, version);
        each.set(opens);
        plan.securityGroups[1].rules.push_back(opens);
        CHECK(host.driver->apply(plan).empty());
        CHECK(passes() == each.lets);
        plan.securityGroups[1].rules = closed;
        host.driver->apply(plan);
        CHECK_FALSE(connectsIn(one.name(), at, 80, 200));
        CHECK_FALSE(pingsIn(one.name(), at, 1));
    }
    // What a guest may send is said the same way.
    plan.securityGroups[1] = everything(2);
    plan.securityGroups[0].rules = {rule(270, RuleDirection::Ingress, version)};
    host.driver->apply(plan);
    CHECK(passes().empty());
    auto sends = rule(271, RuleDirection::Egress, version);
    portsOf(6, 90, 90)(sends);
    plan.securityGroups[0].rules.push_back(sends);
    host.driver->apply(plan);
    CHECK(passes() == " tcp90");
}

}
