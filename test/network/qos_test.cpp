#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "compute/cloud.hpp"
#include "network/core.hpp"
#include "network/network_plan.hpp"
#include "platform/cloud/cloud.hpp"
#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string v2 = "/network/v2.0/";
const std::string policies = v2 + "qos/policies";

Json made(const Answer& answer, std::string_view name, int status = 201) {
    INFO(answer.body);
    REQUIRE(answer.status == status);
    return answer.json().object(name);
}

/// "409 QosPolicyInUse"
std::string refusal(const Answer& answer) {
    INFO(answer.body);
    REQUIRE(answer.status >= 400);
    return std::to_string(answer.status) + " " + answer.json().object("NeutronError").text("type");
}

Json create(const Member& who, const std::string& path, const std::string& noun, const std::string& body) {
    return made(who.posts(v2 + path, "{\"" + noun + "\":{" + body + "}}"), noun);
}

std::string policy(const Member& who, const std::string& more = "") {
    return create(who, "qos/policies", "policy", R"("name":"p")" + more).text("id");
}

Answer addsRule(const Member& who, const std::string& to, const std::string& kind, const std::string& body) {
    return who.posts(policies + "/" + to + "/" + kind + "_rules", "{\"" + kind + "_rule\":{" + body + "}}");
}

Json rule(const Member& who, const std::string& to, const std::string& kind, const std::string& body) {
    return made(addsRule(who, to, kind, body), kind + "_rule");
}

/// What the host should have, as it was asked for last.
NetworkPlan planOf(TestAppliance& cloud) {
    return cloud.appliance().store().read([](store::Reader& db) {
        return network::networkPlan(db, {.host = hostName(), .dnsDomain = "openstacklocal"});
    });
}

}

TEST_CASE("A policy of QoS and its rules are made by administrators and read by their project", "[network][qos]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto root = cloud.admin();
    CHECK(refusal(alice.posts(policies, R"({"policy":{"name":"mine"}})")) == "403 PolicyNotAuthorized");

    const auto first = create(root, "qos/policies", "policy",
                              R"("name":"10Mbit","description":"slow","project_id":)" + jsonText(alice.project));
    const auto id = first.text("id");
    CHECK(first.text("project_id") == alice.project);
    CHECK(first.integer("revision_number") == 1);
    CHECK(first.array("rules").size() == 0);
    CHECK_FALSE(first.at("is_default").boolean());
    CHECK_FALSE(first.at("shared").boolean());

    const auto limit = rule(root, id, "bandwidth_limit", R"("max_kbps":"10000")");
    CHECK(limit.integer("max_kbps") == 10000);
    CHECK(limit.integer("max_burst_kbps") == 0);
    CHECK(limit.text("direction") == "egress");
    rule(root, id, "dscp_marking", R"("dscp_mark":26)");

    const auto shown = made(alice.gets(policies + "/" + id), "policy", 200);
    CHECK(shown.integer("revision_number") == 3);
    const auto rules = shown.array("rules").items();
    REQUIRE(rules.size() == 2);
    CHECK(rules[0].text("type") == "bandwidth_limit");
    CHECK(rules[0].text("qos_policy_id") == id);
    CHECK(rules[0].integer("max_kbps") == 10000);
    CHECK(rules[1].integer("dscp_mark") == 26);
    CHECK_FALSE(rules[1].has("direction"));

    CHECK(refusal(bob.gets(policies + "/" + id)) == "404 QosPolicyNotFound");
    CHECK(bob.gets(policies).json().array("policies").size() == 0);
    CHECK(alice.gets(policies + "?name=10Mbit").json().array("policies").size() == 1);
    CHECK(refusal(bob.gets(policies + "/" + id + "/bandwidth_limit_rules")) == "404 QosPolicyNotFound");
    CHECK(alice.gets(policies + "/" + id + "/bandwidth_limit_rules").json().array("bandwidth_limit_rules").size() == 1);
    CHECK(refusal(addsRule(alice, id, "bandwidth_limit", R"("max_kbps":1,"direction":"ingress")")) ==
          "403 PolicyNotAuthorized");

    made(root.puts(policies + "/" + id, R"({"policy":{"name":"slow","shared":true}})"), "policy", 200);
    CHECK(made(bob.gets(policies + "/" + id), "policy", 200).at("shared").boolean());
    CHECK(refusal(bob.gets(policies + "/" + id + "/bandwidth_limit_rules")) == "403 PolicyNotAuthorized");
    CHECK(root.puts(policies + "/" + id + "/tags/slow", "").status == 201);
    CHECK(root.gets(v2 + "policies/" + id + "/tags").json().array("tags").size() == 1);
    CHECK(root.deletes(policies + "/" + id).status == 204);
    CHECK(refusal(root.gets(policies + "/" + id)) == "404 QosPolicyNotFound");
}

TEST_CASE("Each kind of QoS rule takes its own words and values, and no others", "[network][qos]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto id = policy(root);
    const std::vector<std::vector<std::string>> kinds{
        {"bandwidth_limit", R"("max_kbps":500,"max_burst_kbps":50,"direction":"ingress")", R"("max_kbps":600)",
         R"("max_kbps":-1)", R"("direction":"any","max_kbps":1)", R"("dscp_mark":26)"},
        {"dscp_marking", R"("dscp_mark":46)", R"("dscp_mark":0)", R"("dscp_mark":47)",
         R"("dscp_mark":8,"direction":"egress")", R"("max_kbps":1)"},
        {"minimum_bandwidth", R"("min_kbps":100,"direction":"egress")", R"("min_kbps":200)", R"("min_kbps":2147483648)",
         R"("min_kbps":1,"max_burst_kbps":2)", R"("min_kpps":1)"},
        {"packet_rate_limit", R"("max_kpps":2,"max_burst_kpps":1,"direction":"egress")", R"("max_kpps":3)",
         R"("max_kpps":"x")", R"("max_kpps":1,"direction":"sideways")", R"("max_kbps":1)"},
        {"minimum_packet_rate", R"("min_kpps":7,"direction":"any")", R"("min_kpps":8)", R"("min_kpps":-7)",
         R"("min_kpps":1,"direction":"none")", R"("min_kbps":1)"},
    };
    for (const auto& each : kinds) {
        const auto& kind = each[0];
        INFO(kind);
        for (std::size_t wrong = 3; wrong < each.size(); ++wrong)
            CHECK(refusal(addsRule(root, id, kind, each[wrong])) == "400 HTTPBadRequest");
        CHECK(refusal(addsRule(root, id, kind, "")) == "400 HTTPBadRequest");
        const auto its = rule(root, id, kind, each[1]).text("id");
        CHECK(refusal(addsRule(root, id, kind, each[1])) == "409 QoSRulesConflict");

        const auto plural = policies + "/" + id + "/" + kind + "_rules";
        CHECK(root.gets(plural).json().array(kind + "_rules").size() == 1);
        CHECK(made(root.puts(plural + "/" + its, "{\"" + kind + "_rule\":{" + each[2] + "}}"), kind + "_rule", 200)
                  .text("id") == its);
        CHECK(refusal(root.puts(plural + "/" + its, "{\"" + kind + "_rule\":{" + each[3] + "}}")) ==
              "400 HTTPBadRequest");
        made(root.gets(plural + "/" + its), kind + "_rule", 200);
        const auto other = policy(root);
        CHECK(refusal(root.gets(policies + "/" + other + "/" + kind + "_rules/" + its)) == "404 QosRuleNotFound");
        CHECK(refusal(root.deletes(policies + "/" + other + "/" + kind + "_rules/" + its)) == "404 QosRuleNotFound");

        const auto alias = v2 + "qos/alias_" + kind + "_rules/" + its;
        if (kind == "packet_rate_limit") {
            CHECK(root.gets(alias).status == 404);
        } else {
            CHECK(made(root.gets(alias), "alias_" + kind + "_rule", 200).text("id") == its);
            for (const std::string prefix : {"alias_", ""})
                made(root.puts(alias, "{\"" + prefix + kind + "_rule\":{" + each[2] + "}}"), "alias_" + kind + "_rule",
                     200);
            CHECK(refusal(root.puts(alias, "{\"alias_" + kind + "_rule\":{" + each[3] + "}}")) == "400 HTTPBadRequest");
        }
    }
    CHECK(refusal(root.gets(v2 + "qos/alias_dscp_marking_rules/" + id)) == "404 QosRuleNotFound");
    CHECK(made(root.gets(policies + "/" + id), "policy", 200).array("rules").size() == kinds.size());
}

TEST_CASE("A minimum is not above the limit of its policy, nor a limit below the minimum", "[network][qos]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto id = policy(root);
    rule(root, id, "bandwidth_limit", R"("max_kbps":1000)");
    CHECK(refusal(addsRule(root, id, "minimum_bandwidth", R"("min_kbps":1001)")) == "409 QoSRuleParameterConflict");
    const auto least = rule(root, id, "minimum_bandwidth", R"("min_kbps":1000)").text("id");
    CHECK(refusal(addsRule(root, id, "bandwidth_limit", R"("max_kbps":999,"direction":"ingress")")) ==
          "409 QoSRuleParameterConflict");
    CHECK(refusal(root.puts(policies + "/" + id + "/minimum_bandwidth_rules/" + least,
                            R"({"minimum_bandwidth_rule":{"min_kbps":2000}})")) == "409 QoSRuleParameterConflict");
    rule(root, id, "minimum_packet_rate", R"("min_kpps":1,"direction":"ingress")");
    CHECK(refusal(addsRule(root, id, "minimum_packet_rate", R"("min_kpps":1,"direction":"any")")) ==
          "409 QoSRulesConflict");
    rule(root, id, "minimum_packet_rate", R"("min_kpps":1)");
}

TEST_CASE("The kinds of QoS rules are listed, each with the values that it takes", "[network][qos]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto types = v2 + "qos/rule-types";
    CHECK(alice.gets(types).json().array("rule_types").size() == 5);
    CHECK(alice.gets(types + "?type=dscp_marking").json().array("rule_types").size() == 1);
    CHECK(alice.gets(types + "?all_supported=True").json().array("rule_types").size() == 5);
    CHECK(refusal(alice.gets(types + "?all_supported=True&all_rules=True")) == "400 InvalidInput");
    CHECK(refusal(alice.gets(types + "?colour=red")) == "400 HTTPBadRequest");
    const auto limit = made(alice.gets(types + "/bandwidth_limit"), "rule_type", 200);
    const auto driver = limit.array("drivers").items().at(0);
    CHECK(driver.text("name") == "linuxbridge");
    std::set<std::string> parameters;
    for (const auto& each : driver.array("supported_parameters").items())
        parameters.insert(each.text("parameter_name") + " " + each.text("parameter_type"));
    CHECK(parameters == std::set<std::string>{"max_kbps range", "max_burst_kbps range", "direction choices"});
    CHECK(refusal(alice.gets(types + "/wishes")) == "404 QosRuleTypeNotFound");
}

TEST_CASE("New networks of a project have its default policy, of which there is one", "[network][qos]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto root = cloud.admin();
    const auto of = R"(,"is_default":true,"project_id":)" + jsonText(alice.project);
    const auto id = policy(root, of);
    CHECK(refusal(root.posts(policies, R"({"policy":{"name":"p")" + of + "}}")) == "409 QoSPolicyDefaultAlreadyExists");
    const auto other = policy(root, R"(,"project_id":)" + jsonText(alice.project));
    CHECK(refusal(root.puts(policies + "/" + other, R"({"policy":{"is_default":true}})")) ==
          "409 QoSPolicyDefaultAlreadyExists");

    CHECK(create(alice, "networks", "network", "").text("qos_policy_id") == id);
    CHECK(create(alice, "networks", "network", R"("qos_policy_id":null)").at("qos_policy_id").isNull());
    CHECK(create(alice, "networks", "network", R"("qos_policy_id":)" + jsonText(other)).text("qos_policy_id") == other);
    CHECK(create(root, "networks", "network", "").at("qos_policy_id").isNull());
    made(root.puts(policies + "/" + id, R"({"policy":{"is_default":false}})"), "policy", 200);
    CHECK(create(alice, "networks", "network", "").at("qos_policy_id").isNull());
    made(root.puts(policies + "/" + other, R"({"policy":{"is_default":true}})"), "policy", 200);
}

TEST_CASE("A policy serves a port, a network, a floating IP and a gateway, and stays while it does", "[network][qos]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto root = cloud.admin();
    const auto own = R"(,"project_id":)" + jsonText(alice.project);
    const auto first = policy(root, own), second = policy(root, own);
    const auto has = [](const std::string& id) { return R"("qos_policy_id":)" + jsonText(id); };

    const auto network = create(alice, "networks", "network", has(first)).text("id");
    create(alice, "subnets", "subnet", R"("ip_version":4,"cidr":"10.1.0.0/24","network_id":)" + jsonText(network));
    const auto port = create(alice, "ports", "port", R"("network_id":)" + jsonText(network));
    CHECK(port.at("qos_policy_id").isNull());
    CHECK(port.text("qos_network_policy_id") == first);
    const auto portPath = v2 + "ports/" + port.text("id");
    CHECK(made(alice.puts(portPath, "{\"port\":{" + has(second) + "}}"), "port", 200).text("qos_policy_id") == second);
    CHECK(made(alice.gets(portPath), "port", 200).text("qos_network_policy_id") == first);
    CHECK(refusal(alice.puts(portPath, "{\"port\":{" + has(port.text("id")) + "}}")) == "404 QosPolicyNotFound");
    CHECK(refusal(bob.posts(v2 + "networks", "{\"network\":{" + has(first) + "}}")) == "404 QosPolicyNotFound");
    for (const auto& each : {first, second})
        CHECK(refusal(root.deletes(policies + "/" + each)) == "409 QosPolicyInUse");
    made(alice.puts(portPath, R"({"port":{"qos_policy_id":null}})"), "port", 200);
    made(alice.puts(v2 + "networks/" + network, R"({"network":{"qos_policy_id":null}})"), "network", 200);
    CHECK(made(alice.gets(portPath), "port", 200).at("qos_network_policy_id").isNull());

    const auto outside =
        alice.gets(v2 + "networks?router:external=true").json().array("networks").items()[0].text("id");
    const auto router =
        create(alice, "routers", "router",
               R"("external_gateway_info":{"network_id":)" + jsonText(outside) + "," + has(first) + "}");
    CHECK(router.object("external_gateway_info").text("qos_policy_id") == first);
    const auto floating =
        create(alice, "floatingips", "floatingip", R"("floating_network_id":)" + jsonText(outside) + "," + has(second));
    CHECK(floating.text("qos_policy_id") == second);
    CHECK(floating.at("qos_network_policy_id").isNull());
    for (const auto& each : {first, second})
        CHECK(refusal(root.deletes(policies + "/" + each)) == "409 QosPolicyInUse");

    const auto routerPath = v2 + "routers/" + router.text("id");
    made(alice.puts(routerPath, R"({"router":{"external_gateway_info":null}})"), "router", 200);
    made(alice.puts(v2 + "floatingips/" + floating.text("id"), R"({"floatingip":{"qos_policy_id":null}})"),
         "floatingip", 200);
    for (const auto& each : {first, second}) CHECK(root.deletes(policies + "/" + each).status == 204);
}

TEST_CASE("A policy shared with one project is used by it, and not taken back while it is", "[network][qos][rbac]") {
    TestAppliance cloud;
    const auto bob = cloud.member("bob"), carol = cloud.member("carol");
    const auto root = cloud.admin();
    const auto id = policy(root);
    const auto share =
        made(root.posts(v2 + "rbac-policies", R"({"rbac_policy":{"object_type":"qos_policy","object_id":)" +
                                                  jsonText(id) + R"(,"action":"access_as_shared","target_tenant":)" +
                                                  jsonText(bob.project) + "}}"),
             "rbac_policy")
            .text("id");
    CHECK(made(bob.gets(policies + "/" + id), "policy", 200).at("shared").boolean());
    CHECK(refusal(carol.gets(policies + "/" + id)) == "404 QosPolicyNotFound");
    const auto network = create(bob, "networks", "network", R"("qos_policy_id":)" + jsonText(id)).text("id");
    CHECK(refusal(root.deletes(v2 + "rbac-policies/" + share)) == "409 RbacPolicyInUse");
    made(bob.puts(v2 + "networks/" + network, R"({"network":{"qos_policy_id":null}})"), "network", 200);
    CHECK(root.deletes(v2 + "rbac-policies/" + share).status == 204);
    CHECK(refusal(bob.gets(policies + "/" + id)) == "404 QosPolicyNotFound");
}

TEST_CASE("A change of one rule changes the plan of what its policy serves, and of nothing else", "[network][qos]") {
    Cloud bed;
    auto& cloud = bed.appliance;
    const auto& alice = bed.alice;
    const auto root = cloud.admin();
    const auto own = R"(,"project_id":)" + jsonText(alice.project);
    const auto slow = policy(root, own), slower = policy(root, own);
    const auto limit = rule(root, slow, "bandwidth_limit", R"("max_kbps":1000)").text("id");
    rule(root, slower, "bandwidth_limit", R"("max_kbps":100,"direction":"ingress")");
    rule(root, slower, "dscp_marking", R"("dscp_mark":10)");
    rule(root, slower, "packet_rate_limit", R"("max_kpps":2)");

    const auto network =
        create(alice, "networks", "network", R"("name":"n","qos_policy_id":)" + jsonText(slow)).text("id");
    create(alice, "subnets", "subnet", R"("ip_version":4,"cidr":"10.1.0.0/24","network_id":)" + jsonText(network));
    std::map<std::string, std::string> ports;
    for (const std::string name : {"plain", "own"}) {
        ports[name] = create(alice, "ports", "port", R"("network_id":)" + jsonText(network)).text("id");
        const auto answer = alice.posts("/compute/v2.1/servers",
                                        R"({"server":{"name":"s","flavorRef":"1","imageRef":)" + jsonText(bed.image) +
                                            R"(,"networks":[{"port":)" + jsonText(ports[name]) + "}]}}");
        INFO(answer.body);
        REQUIRE(answer.status == 202);
        cloud.settle();
    }
    made(alice.puts(v2 + "ports/" + ports["own"], R"({"port":{"qos_policy_id":)" + jsonText(slower) + "}}"), "port",
         200);

    network::KeptPlan kept({.host = hostName(), .dnsDomain = "openstacklocal"});
    auto& store = cloud.appliance().store();
    const auto follow = [&](const std::set<std::string>& changed) {
        return store.read([&](store::Reader& db) { return kept.empty() ? kept.whole(db) : kept.follow(db, changed); });
    };
    const auto qosOf = [&](const NetworkPlan& plan, const std::string& name) {
        for (const auto& each : plan.ports)
            if (each.id.text == ports[name]) return each.qos;
        FAIL("no port " << name);
        return PlannedQos{};
    };
    auto plan = follow({});
    CHECK(qosOf(plan, "plain") == PlannedQos{.egress = {.kbps = 1000}});
    CHECK(qosOf(plan, "own") == PlannedQos{.egress = {.packets = 2000}, .ingress = {.kbps = 100}, .dscp = 10});

    made(root.puts(policies + "/" + slow + "/bandwidth_limit_rules/" + limit,
                   R"({"bandwidth_limit_rule":{"max_kbps":2000,"max_burst_kbps":500}})"),
         "bandwidth_limit_rule", 200);
    plan = follow({slow});
    CHECK(qosOf(plan, "plain") == PlannedQos{.egress = {.kbps = 2000, .burstKbits = 500}});
    CHECK(qosOf(plan, "own").ingress.kbps == 100);
    CHECK(plan == planOf(cloud));

    made(alice.puts(v2 + "networks/" + network, R"({"network":{"qos_policy_id":null}})"), "network", 200);
    plan = follow({network});
    CHECK(qosOf(plan, "plain") == PlannedQos{});
    CHECK(plan == planOf(cloud));
}
