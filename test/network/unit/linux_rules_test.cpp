#include <catch2/catch.hpp>

#include "network/unit/linux_bed.hpp"
#include "network/unit/linux_rule_kinds.hpp"
#include "platform/os/process.hpp"

using namespace stratolet;
using namespace stratolet::network;
using namespace stratolet::network::test;

namespace {

/// Two guests with addresses of both versions, the second behind a group of its own.
NetworkPlan guestsOfBoth() {
    auto plan = twoGuests();
    plan.networks[0].subnets.push_back({subnet(9), "fd00:1::/64", "", false, {}, {}});
    plan.ports[0].fixedIps.push_back({subnet(9), "fd00:1::11"});
    plan.ports[1].fixedIps.push_back({subnet(9), "fd00:1::12"});
    plan.securityGroups = {everything(1), outgoing(2), outgoing(3)};
    plan.ports[1].securityGroups = {group(2)};
    return plan;
}

const std::string oneAt = "fd00:1::11", twoAt = "fd00:1::12";

}

TEST_CASE("A rule of each kind lets in of IPv6 what it says and nothing beside it, till it goes",
          "[network][linux][security][ipv6]") {
    NEEDS_ROOT();
    Host host;
    auto plan = guestsOfBoth();
    CHECK(host.driver->apply(plan).empty());
    auto one = host.guest(1), two = host.guest(2);
    one.has(oneAt + "/64");
    two.has(twoAt + "/64");
    REQUIRE(two.pings(oneAt)); // addresses are looked for duplicates first
    checkEachKind(
        host, plan, one, two, twoAt, EtherType::IPv6,
        {
            {"ICMPv6", " ping", [](PlannedRule& rule) { rule.protocol = 58; }},
            {"ICMP, which it is as well", " ping", [](PlannedRule& rule) { rule.protocol = 1; }},
            {"a type of ICMPv6", " ping", [](PlannedRule& rule) { rule.protocol = 58, rule.portRangeMin = 128; }},
            {"a type and code", " ping", portsOf(58, 128, 0)},
            {"another type", "", [](PlannedRule& rule) { rule.protocol = 58, rule.portRangeMin = 1; }},
            {"another code", "", portsOf(58, 128, 1)},
            {"an address", " tcp80",
             [](PlannedRule& rule) { portsOf(6, 80, 80)(rule), rule.remotePrefix = oneAt + "/128"; }},
            {"another address", "", [](PlannedRule& rule) { rule.remotePrefix = "fd00:1::10/128"; }},
            {"a block", " udp80",
             [](PlannedRule& rule) { portsOf(17, 80, 80)(rule), rule.remotePrefix = "fd00:1::/64"; }},
            {"a group", " ping", [](PlannedRule& rule) { rule.protocol = 58, rule.remoteGroup = group(1); }},
            {"an address group", " tcp90",
             [](PlannedRule& rule) {
                 portsOf(6, 90, 90)(rule), rule.remoteAddresses = {"fd00:1::10/124", "fd00:2::/64"};
             }},
            {"an address group of others", "", [](PlannedRule& rule) { rule.remoteAddresses = {"fd00:2::/64"}; }},
            {"the other family", "", [](PlannedRule& rule) { rule.ethertype = EtherType::IPv4; }},
        });
}

TEST_CASE("An IPv6 connection goes on while some rule allows it, and ends with the last",
          "[network][linux][security][ipv6]") {
    NEEDS_ROOT();
    Host host;
    auto plan = guestsOfBoth();
    auto web = rule(260, RuleDirection::Ingress, EtherType::IPv6);
    portsOf(6, 80, 80)(web);
    plan.securityGroups[1].rules.push_back(web);
    host.driver->apply(plan);
    auto one = host.guest(1), two = host.guest(2);
    one.has(oneAt + "/64");
    two.has(twoAt + "/64");
    REQUIRE(two.pings(oneAt));
    const auto listening = listensIn(two.name(), twoAt, 80);
    Stream stream(one.name(), oneAt, listening, twoAt, 80);
    REQUIRE(stream.lives());
    CHECK(stream.answers());

    auto& rules = plan.securityGroups[1].rules;
    auto other = rule(261, RuleDirection::Ingress, EtherType::IPv6);
    SECTION("by its address") { other.remotePrefix = oneAt + "/128"; }
    SECTION("by its group") { other.remoteGroup = group(1); }
    SECTION("by an address group") { other.remoteAddresses = {oneAt + "/128"}; }
    rules.push_back(other);
    host.driver->apply(plan);
    rules.erase(rules.end() - 2); // the port's
    host.driver->apply(plan);
    CHECK(stream.lives());
    CHECK(stream.answers());
    // A rule that allows something else keeps nothing open.
    rules.back().remotePrefix = "fd00:1::99/128";
    rules.back().remoteGroup.reset();
    rules.back().remoteAddresses.reset();
    host.driver->apply(plan);
    CHECK_FALSE(stream.lives());
    CHECK_FALSE(stream.answers());
}

TEST_CASE("An address group that shrinks closes what came from the address that left it",
          "[network][linux][security]") {
    NEEDS_ROOT();
    Host host;
    auto plan = guestsOfBoth();
    auto web = rule(260, RuleDirection::Ingress);
    web.remoteAddresses = {"10.1.0.11/32", "10.1.0.13/32"};
    plan.securityGroups[1].rules.push_back(web);
    host.driver->apply(plan);
    auto one = host.guest(1), two = host.guest(2);
    one.has("10.1.0.11/24");
    two.has("10.1.0.12/24");
    const auto listening = listensIn(two.name(), "10.1.0.12", 80);
    Stream stream(one.name(), "10.1.0.11", listening, "10.1.0.12", 80);
    REQUIRE(stream.lives());
    plan.securityGroups[1].rules.back().remoteAddresses = {"10.1.0.11/32"};
    host.driver->apply(plan);
    CHECK(stream.lives());
    plan.securityGroups[1].rules.back().remoteAddresses = {"10.1.0.13/32"};
    host.driver->apply(plan);
    CHECK_FALSE(stream.lives());
}

TEST_CASE("A stateless group lets in answers by a rule of their own only", "[network][linux][security]") {
    NEEDS_ROOT();
    Host host;
    auto plan = guestsOfBoth();
    plan.securityGroups[1].stateful = false; // all may go out, nothing comes in
    host.driver->apply(plan);
    auto one = host.guest(1), two = host.guest(2);
    one.has("10.1.0.11/24");
    one.has(oneAt + "/64");
    two.has("10.1.0.12/24");
    two.has(twoAt + "/64");
    usleep(2'500'000); // addresses are looked for duplicates first
    const auto four = listensIn(one.name(), "10.1.0.11", 80), six = listensIn(one.name(), oneAt, 80);
    CHECK_FALSE(pingsIn(two.name(), "10.1.0.11", 1));
    CHECK_FALSE(pingsIn(two.name(), oneAt, 1));
    CHECK_FALSE(connectsIn(two.name(), "10.1.0.11", 80));
    CHECK_FALSE(connectsIn(two.name(), oneAt, 80));
    CHECK(datagramArrives(two.name(), one.name(), "10.1.0.11", 90)); // what needs no answer gets there
    CHECK(datagramArrives(two.name(), one.name(), oneAt, 90));

    auto answers = rule(260, RuleDirection::Ingress), answers6 = rule(261, RuleDirection::Ingress, EtherType::IPv6);
    portsOf(1, 0, 0)(answers);
    portsOf(58, 129, 0)(answers6); // echo replies
    plan.securityGroups[1].rules.push_back(answers);
    plan.securityGroups[1].rules.push_back(answers6);
    host.driver->apply(plan);
    CHECK(pingsIn(two.name(), "10.1.0.11"));
    CHECK(pingsIn(two.name(), oneAt));
    CHECK_FALSE(pingsIn(one.name(), "10.1.0.12", 1)); // no requests
    CHECK_FALSE(pingsIn(one.name(), twoAt, 1));
    CHECK_FALSE(connectsIn(two.name(), "10.1.0.11", 80));
    auto back = rule(262, RuleDirection::Ingress), back6 = rule(263, RuleDirection::Ingress, EtherType::IPv6);
    portsOf(6, 1024, 65535)(back);
    portsOf(6, 1024, 65535)(back6);
    plan.securityGroups[1].rules.push_back(back);
    plan.securityGroups[1].rules.push_back(back6);
    host.driver->apply(plan);
    CHECK(connectsIn(two.name(), "10.1.0.11", 80, 3000));
    CHECK(connectsIn(two.name(), oneAt, 80, 3000));

    // Beside a stateful one, the port looks at connections.
    plan.securityGroups[1].rules = outgoing(2).rules;
    plan.ports[1].securityGroups = {group(2), group(3)};
    host.driver->apply(plan);
    CHECK(pingsIn(two.name(), "10.1.0.11"));
    CHECK(connectsIn(two.name(), oneAt, 80, 3000));
}

TEST_CASE("A removed rule of a stateless group cuts what it let through at once", "[network][linux][security]") {
    NEEDS_ROOT();
    Host host;
    auto plan = guestsOfBoth();
    plan.securityGroups[1].stateful = false;
    auto web = rule(260, RuleDirection::Ingress);
    portsOf(6, 80, 80)(web);
    plan.securityGroups[1].rules.push_back(web);
    host.driver->apply(plan);
    auto one = host.guest(1), two = host.guest(2);
    one.has("10.1.0.11/24");
    two.has("10.1.0.12/24");
    const auto listening = listensIn(two.name(), "10.1.0.12", 80);
    Stream stream(one.name(), "10.1.0.11", listening, "10.1.0.12", 80);
    REQUIRE(stream.lives());
    CHECK(stream.answers());
    plan.securityGroups[1].rules.pop_back();
    host.driver->apply(plan);
    CHECK_FALSE(stream.lives());
}
