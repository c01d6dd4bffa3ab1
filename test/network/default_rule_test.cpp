#include <catch2/catch.hpp>

#include "network/speak.hpp"

using namespace stratolet;
using namespace stratolet::test;
using namespace stratolet::test::net;

namespace {

const std::string rules = v2 + "default-security-group-rules", stateful = v2 + "security-groups-default-statefulness";

Answer addsRule(const Member& who, const std::string& body) {
    return who.posts(rules, R"({"default_security_group_rule":{)" + body + "}}");
}

/// "egress IPv4 tcp", of a group.
std::multiset<std::string> rulesOf(const Member& who, const std::string& group) {
    std::multiset<std::string> found;
    for (const auto& each :
         made(who.gets(v2 + "security-groups/" + group), "security_group", 200).array("security_group_rules").items())
        found.insert(each.text("direction") + " " + each.text("ethertype") + " " +
                     (each.at("protocol").isNull() ? "any" : each.text("protocol")) +
                     (each.at("remote_group_id").isNull()     ? ""
                      : each.text("remote_group_id") == group ? " self"
                                                              : " other"));
    return found;
}

std::string defaultGroup(const Member& who) {
    return who.gets(v2 + "security-groups?name=default").json().array("security_groups").items().at(0).text("id");
}

}

TEST_CASE("New security groups have the rules that an administrator wants in them", "[network][security_group]") {
    TestAppliance cloud;
    const auto admin = cloud.admin(), alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto first = defaultGroup(alice);
    CHECK(rulesOf(alice, first) == std::multiset<std::string>{"egress IPv4 any", "egress IPv6 any",
                                                              "ingress IPv4 any self", "ingress IPv6 any self"});
    const auto given = alice.gets(rules).json().array("default_security_group_rules").items();
    CHECK(given.size() == 4);
    CHECK(idsIn(alice.gets(rules + "?used_in_non_default_sg=true"), "default_security_group_rules").size() == 2);
    CHECK(idsIn(alice.gets(rules + "?remote_group_id=PARENT"), "default_security_group_rules").size() == 2);

    const auto ssh = made(addsRule(admin, R"("direction":"ingress","protocol":"tcp","port_range_min":"22",)"
                                          R"("port_range_max":"22","description":"ssh")"),
                          "default_security_group_rule");
    CHECK(ssh.integer("port_range_min") == 22);
    CHECK_FALSE(ssh.at("used_in_default_sg").boolean());
    CHECK(ssh.at("used_in_non_default_sg").boolean());
    CHECK(made(alice.gets(rules + "/" + ssh.text("id")), "default_security_group_rule", 200).text("ethertype") ==
          "IPv4");
    const auto mine = creates(alice, "security_group", R"("name":"mine")");
    CHECK(rulesOf(alice, mine) == std::multiset<std::string>{"egress IPv4 any", "egress IPv6 any", "ingress IPv4 tcp"});
    CHECK(rulesOf(alice, first).size() == 4); // what is there stays as it is

    made(addsRule(admin, R"("direction":"ingress","remote_group_id":"PARENT")"), "default_security_group_rule");
    const auto again = creates(alice, "security_group", R"("name":"again")");
    CHECK(rulesOf(alice, again).count("ingress IPv4 any self") == 1);
    made(addsRule(admin, R"("direction":"ingress","protocol":"icmp","used_in_default_sg":true,)"
                         R"("used_in_non_default_sg":false)"),
         "default_security_group_rule");
    CHECK(rulesOf(bob, defaultGroup(bob)).count("ingress IPv4 icmp") == 1);

    CHECK(
        refusal(addsRule(admin, R"("direction":"ingress","protocol":"tcp","port_range_min":22,"port_range_max":22)")) ==
        "409 DefaultSecurityGroupRuleExists");
    CHECK(refusal(addsRule(admin, R"("direction":"sideways")")) == "400 HTTPBadRequest");
    CHECK(refusal(addsRule(admin, R"("direction":"ingress","port_range_min":1,"port_range_max":2)")) ==
          "400 SecurityGroupProtocolRequiredWithPorts");
    CHECK(refusal(addsRule(admin, R"("direction":"ingress","remote_group_id":"nothing")")) ==
          "404 SecurityGroupNotFound");
    CHECK(refusal(addsRule(alice, R"("direction":"ingress")")) == "403 PolicyNotAuthorized");
    CHECK(refusal(alice.deletes(rules + "/" + ssh.text("id"))) == "403 PolicyNotAuthorized");
    CHECK(admin.deletes(rules + "/" + ssh.text("id")).status == 204);
    CHECK(refusal(admin.gets(rules + "/" + ssh.text("id"))) == "404 DefaultSecurityGroupRuleNotFound");
}

TEST_CASE("Default rules name address groups, whose addresses new security groups let in, and which stay as long",
          "[network][security_group][address_group]") {
    TestAppliance cloud;
    const auto admin = cloud.admin(), alice = cloud.member("alice");
    const auto addresses = creates(admin, "address_group", R"("addresses":["192.0.2.0/24"])");
    const auto named = R"("direction":"ingress","remote_address_group_id":)" + inQuotes(addresses);
    const auto rule = made(addsRule(admin, named), "default_security_group_rule");
    CHECK(rule.text("remote_address_group_id") == addresses);
    CHECK(rule.at("remote_group_id").isNull());
    CHECK(idsIn(admin.gets(rules + "?remote_address_group_id=" + addresses), "default_security_group_rules") ==
          std::set{rule.text("id")});
    CHECK(refusal(addsRule(admin, named)) == "409 DefaultSecurityGroupRuleExists");
    CHECK(refusal(addsRule(admin, named + R"(,"remote_ip_prefix":"10.0.0.0/8")")) ==
          "400 SecurityGroupMultipleRemoteEntitites");
    CHECK(refusal(addsRule(admin, R"("direction":"ingress","remote_address_group_id":"nothing")")) ==
          "404 AddressGroupNotFound");

    const auto group = creates(alice, "security_group", R"("name":"mine")");
    const auto its = alice.gets(v2 + "security-group-rules?direction=ingress&security_group_id=" + group)
                         .json()
                         .array("security_group_rules")
                         .items();
    REQUIRE(its.size() == 1);
    CHECK(its.at(0).text("remote_address_group_id") == addresses);

    REQUIRE(alice.deletes(v2 + "security-groups/" + group).status == 204);
    CHECK(refusal(admin.deletes(v2 + "address-groups/" + addresses)) == "409 AddressGroupInUse");
    REQUIRE(admin.deletes(rules + "/" + rule.text("id")).status == 204);
    CHECK(admin.deletes(v2 + "address-groups/" + addresses).status == 204);
}

TEST_CASE("Default rules are listed in the order in which they were made, in every cloud",
          "[network][security_group]") {
    const auto listed = [](const Member& who) {
        std::string all;
        for (const auto& each : who.gets(rules).json().array("default_security_group_rules").items())
            all += each.text("direction") + " " + each.text("ethertype") + ", ";
        return all;
    };
    for (int clouds = 0; clouds < 3; ++clouds) { // each with ids of its own
        TestAppliance cloud;
        const auto admin = cloud.admin();
        CHECK(listed(admin) == "egress IPv4, egress IPv6, ingress IPv4, ingress IPv6, ");
        made(addsRule(admin, R"("direction":"egress","protocol":"tcp")"), "default_security_group_rule");
        CHECK(listed(admin) == "egress IPv4, egress IPv6, ingress IPv4, ingress IPv6, egress IPv4, ");
    }
}

TEST_CASE("The rules of a new group count against the quota, however many there are",
          "[network][security_group][quota]") {
    TestAppliance cloud;
    const auto admin = cloud.admin(), alice = cloud.member("alice");
    defaultGroup(alice); // four of them
    REQUIRE(admin.puts(v2 + "quotas/" + alice.project, R"({"quota":{"security_group_rule":6}})").status == 200);
    made(addsRule(admin, R"("direction":"ingress","protocol":"tcp")"), "default_security_group_rule");
    CHECK(refusal(alice.posts(v2 + "security-groups", R"({"security_group":{"name":"x"}})")) == "409 OverQuota");
    REQUIRE(admin.puts(v2 + "quotas/" + alice.project, R"({"quota":{"security_group_rule":7}})").status == 200);
    creates(alice, "security_group", R"("name":"x")");
}

TEST_CASE("New security groups look at connections or don't, by default as an administrator says",
          "[network][security_group]") {
    TestAppliance cloud;
    const auto admin = cloud.admin(), alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto group = [](const Member& who, const std::string& more = "") {
        return made(who.posts(v2 + "security-groups", R"({"security_group":{"name":"g")" + more + "}}"),
                    "security_group")
            .at("stateful")
            .boolean();
    };
    const auto sets = [](const Member& who, const std::string& project, const std::string& value) {
        return who.posts(stateful, R"({"security_groups_default_statefulness":{"project_id":)" + project +
                                       R"(,"stateful":)" + value + "}}");
    };
    const std::string noun = "security_groups_default_statefulness";
    CHECK(group(alice));
    const auto all = made(sets(admin, "null", "false"), noun);
    CHECK(all.at("project_id").isNull());
    CHECK_FALSE(group(alice));
    CHECK(group(alice, R"(,"stateful":true)"));
    const auto own = made(sets(admin, inQuotes(bob.project), "true"), noun);
    CHECK(group(bob));
    CHECK_FALSE(group(alice));
    CHECK(idsIn(admin.gets(stateful), noun).size() == 2);
    CHECK(idsIn(bob.gets(stateful), noun) == std::set{own.text("id")});
    CHECK(idsIn(alice.gets(stateful), noun).empty());
    const auto one = stateful + "/" + own.text("id");
    CHECK(made(bob.gets(one), noun, 200).text("project_id") == bob.project);
    CHECK(refusal(alice.gets(one)) == "404 SecurityGroupsDefaultStatefulnessNotFound");
    CHECK(refusal(sets(admin, inQuotes(bob.project), "true")) == "409 SecurityGroupsDefaultStatefulnessExists");
    CHECK(refusal(sets(alice, inQuotes(alice.project), "true")) == "403 PolicyNotAuthorized");
    CHECK(refusal(sets(alice, "null", "true")) == "403 PolicyNotAuthorized");
    CHECK(refusal(sets(admin, "null", "7")) == "400 HTTPBadRequest");
    CHECK(refusal(bob.deletes(one)) == "403 PolicyNotAuthorized");
    made(admin.puts(one, R"({"security_groups_default_statefulness":{"stateful":false}})"), noun, 200);
    CHECK_FALSE(group(bob));
    CHECK(admin.deletes(one).status == 204);
    CHECK(admin.deletes(stateful + "/" + all.text("id")).status == 204);
    CHECK(group(bob));
}
