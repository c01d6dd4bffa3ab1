#pragma once

#include <functional>
#include <future>
#include <string>
#include <utility>
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
    // Side by side: to wait for what doesn't come is most of this.
    const auto begun = [](auto probe) { return std::async(std::launch::async, probe); };
    const auto passes = [&] { // which of the probes do
        std::pair<const char*, std::future<bool>> probes[] = {
            {" tcp80", begun([&] { return connectsIn(one.name(), at, 80, 400); })},
            {" tcp90", begun([&] { return connectsIn(one.name(), at, 90, 400); })},
            {" udp80", begun([&] { return datagramArrives(one.name(), two.name(), at, 80); })},
            {" udp90", begun([&] { return datagramArrives(one.name(), two.name(), at, 90); })},
            {" ping", begun([&] { return pingsIn(one.name(), at, 1); })},
        };
        std::string out;
        for (auto& [name, passed] : probes) out += passed.get() ? name : "";
        return out;
    };
    // On a busy machine one of them may come too late: what is let in is let in the next time, too, and nothing more.
    const auto let = [&](const std::string& wanted) { return passes() == wanted || passes() == wanted; };
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
        CHECK(let(each.lets));
        plan.securityGroups[1].rules = closed;
        host.driver->apply(plan);
        auto pings = begun([&] { return pingsIn(one.name(), at, 1); });
        CHECK_FALSE(connectsIn(one.name(), at, 80, 200));
        CHECK_FALSE(pings.get());
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
    CHECK(let(" tcp90"));
}

}
