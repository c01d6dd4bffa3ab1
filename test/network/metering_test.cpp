#include <catch2/catch.hpp>

#include "compute/cloud.hpp"
#include "network/metering/metering.hpp"
#include "network/network_plan.hpp"
#include "platform/cloud/cloud.hpp"
#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string v2 = "/network/v2.0/";
const std::string labels = v2 + "metering/metering-labels", rules = v2 + "metering/metering-label-rules";

Json made(const Answer& answer, std::string_view name, int status = 201) {
    INFO(answer.body);
    REQUIRE(answer.status == status);
    return answer.json().object(name);
}

std::string refusal(const Answer& answer) {
    INFO(answer.body);
    REQUIRE(answer.status >= 400);
    return std::to_string(answer.status) + " " + answer.json().object("NeutronError").text("type");
}

std::string label(const Member& who, const std::string& body) {
    return made(who.posts(labels, R"({"metering_label":{"name":"l")" + body + "}}"), "metering_label").text("id");
}

Answer addsRule(const Member& who, const std::string& to, const std::string& body) {
    return who.posts(rules, R"({"metering_label_rule":{"metering_label_id":)" + jsonText(to) + "," + body + "}}");
}

}

TEST_CASE("Metering labels and their rules are made by administrators and read by their project",
          "[network][metering]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto root = cloud.admin();
    CHECK(refusal(alice.posts(labels, R"({"metering_label":{"name":"l"}})")) == "403 PolicyNotAuthorized");
    const auto id = label(root, R"(,"description":"bills","project_id":)" + jsonText(alice.project));
    const auto shown = made(alice.gets(labels + "/" + id), "metering_label", 200);
    CHECK(shown.text("description") == "bills");
    CHECK(shown.text("tenant_id") == alice.project);
    CHECK_FALSE(shown.at("shared").boolean());
    CHECK(refusal(bob.gets(labels + "/" + id)) == "404 MeteringLabelNotFound");
    CHECK(bob.gets(labels).json().array("metering_labels").size() == 0);

    CHECK(refusal(addsRule(root, id, R"("remote_ip_prefix":"10.0.0.0/24")")) == "400 HTTPBadRequest");
    CHECK(refusal(addsRule(root, id, R"("direction":"up","remote_ip_prefix":"10.0.0.0/24")")) == "400 HTTPBadRequest");
    CHECK(refusal(addsRule(root, id, R"("direction":"ingress")")) == "400 HTTPBadRequest");
    CHECK(refusal(addsRule(root, id, R"("direction":"ingress","source_ip_prefix":"10.0.0.0/33")")) ==
          "400 HTTPBadRequest");
    CHECK(refusal(addsRule(
              root, id, R"("direction":"ingress","source_ip_prefix":"10.0.0.0/8","remote_ip_prefix":"10.0.0.0/24")")) ==
          "400 HTTPBadRequest");
    CHECK(refusal(addsRule(root, alice.project, R"("direction":"ingress","remote_ip_prefix":"10.0.0.0/24")")) ==
          "404 MeteringLabelNotFound");
    const auto rule =
        made(addsRule(root, id, R"("direction":"ingress","remote_ip_prefix":"10.0.0.7/24")"), "metering_label_rule");
    CHECK(rule.text("remote_ip_prefix") == "10.0.0.0/24");
    CHECK(rule.at("source_ip_prefix").isNull());
    CHECK_FALSE(rule.at("excluded").boolean());
    CHECK(refusal(addsRule(root, id, R"("direction":"ingress","remote_ip_prefix":"10.0.0.128/25")")) ==
          "409 MeteringLabelRuleOverlaps");
    made(addsRule(root, id, R"("direction":"egress","remote_ip_prefix":"10.0.0.128/25")"), "metering_label_rule");
    made(addsRule(root, id, R"("direction":"ingress","excluded":true,"remote_ip_prefix":"10.0.0.128/25")"),
         "metering_label_rule");
    made(addsRule(root, id,
                  R"("direction":"ingress","source_ip_prefix":"192.0.2.0/24","destination_ip_prefix":"10.0.0.0/8")"),
         "metering_label_rule");

    const auto path = rules + "/" + rule.text("id");
    made(alice.gets(path), "metering_label_rule", 200);
    CHECK(refusal(bob.gets(path)) == "404 MeteringLabelRuleNotFound");
    CHECK(alice.gets(rules + "?metering_label_id=" + id).json().array("metering_label_rules").size() == 4);
    CHECK(refusal(alice.deletes(path)) == "403 PolicyNotAuthorized");
    CHECK(root.deletes(path).status == 204);
    CHECK(root.puts(labels + "/" + id, R"({"metering_label":{"name":"x"}})").status == 405);
    CHECK(root.deletes(labels + "/" + id).status == 204);
    CHECK(root.gets(rules).json().array("metering_label_rules").size() == 0);
}

TEST_CASE("A label counts for the routers of its project, a shared one for all, and keeps what was counted",
          "[network][metering]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto root = cloud.admin();
    const auto outside =
        alice.gets(v2 + "networks?router:external=true").json().array("networks").items()[0].text("id");
    const auto router = [&](const Member& who) {
        return made(who.posts(v2 + "routers",
                              R"({"router":{"external_gateway_info":{"network_id":)" + jsonText(outside) + "}}}"),
                    "router")
            .text("id");
    };
    const auto hers = router(alice), his = router(bob);
    auto& store = cloud.appliance().store();
    network::KeptPlan kept({.host = hostName(), .dnsDomain = "openstacklocal"});
    const auto metersOf = [&](const std::string& id, const std::set<std::string>& changed) {
        const auto plan =
            store.read([&](store::Reader& db) { return kept.empty() ? kept.whole(db) : kept.follow(db, changed); });
        CHECK(plan == store.read([&](store::Reader& db) {
            return network::networkPlan(db, {.host = hostName(), .dnsDomain = "openstacklocal"});
        }));
        for (const auto& each : plan.routers)
            if (each.id.text == id) return each.meters;
        FAIL("no router " << id);
        return std::vector<PlannedMeter>();
    };
    CHECK(metersOf(hers, {}).empty());

    const auto own = label(root, R"(,"project_id":)" + jsonText(alice.project)), all = label(root, R"(,"shared":true)");
    made(addsRule(root, own, R"("direction":"egress","remote_ip_prefix":"10.0.0.0/24")"), "metering_label_rule");
    made(addsRule(root, own, R"("direction":"ingress","source_ip_prefix":"192.0.2.0/24")"), "metering_label_rule");
    made(addsRule(root, all, R"("direction":"ingress","excluded":true,"remote_ip_prefix":"10.0.0.0/24")"),
         "metering_label_rule");
    const std::vector<PlannedMeterRule> expected{
        {.ingress = false, .excluded = false, .source = "10.0.0.0/24", .destination = ""},
        {.ingress = true, .excluded = false, .source = "192.0.2.0/24", .destination = ""}};
    auto meters = metersOf(hers, {own, all});
    REQUIRE(meters.size() == 2);
    for (const auto& each : meters)
        if (each.id.text == own) CHECK(each.rules == expected);
    meters = metersOf(his, {});
    REQUIRE(meters.size() == 1);
    CHECK(meters[0].id.text == all);
    CHECK(meters[0].rules == std::vector<PlannedMeterRule>{
                                 {.ingress = true, .excluded = true, .source = "", .destination = "10.0.0.0/24"}});

    for (int times = 0; times < 2; ++times)
        store.write([&](store::Transaction& tx) {
            network::addReadings(tx, {{{own}, {hers}, 3, 300}, {{hers}, {hers}, 1, 1}}, Time());
        });
    CHECK(network::readingsOf(store.reader(), {own}) == std::vector<MeterReading>{{{own}, {hers}, 6, 600}});
    CHECK(root.deletes(labels + "/" + own).status == 204);
    CHECK(network::readingsOf(store.reader(), {own}).empty());
    CHECK(metersOf(hers, {own}).size() == 1);
}
