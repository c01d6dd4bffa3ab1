#include <catch2/catch.hpp>

#include "network/speak.hpp"

using namespace stratolet;
using namespace stratolet::test;
using namespace stratolet::test::net;

namespace {

const std::string logs = v2 + "log/logs";

std::string logged(const Member& who, const std::string& body) {
    return made(who.posts(logs, R"({"log":{"resource_type":"security_group")" + body + "}}"), "log").text("id");
}

std::string refused(const Member& who, const std::string& body) {
    return refusal(who.posts(logs, R"({"log":{)" + body + "}}"));
}

}

TEST_CASE("What security groups do is logged as an administrator says", "[network][logging]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto root = cloud.admin();
    CHECK(refused(alice, R"("resource_type":"security_group")") == "403 PolicyNotAuthorized");
    CHECK(refusal(alice.gets(v2 + "log/loggable-resources")) == "403 PolicyNotAuthorized");
    const auto loggable = root.gets(v2 + "log/loggable-resources").json().array("loggable_resources");
    REQUIRE(loggable.size() == 1);
    CHECK(loggable.items().at(0).text("type") == "security_group");
    CHECK(root.gets(v2 + "extensions/logging").status == 200);

    const auto group = creates(alice, "security_group", R"("name":"g")");
    const auto network = networkWith(alice, "10.1.0.0/24");
    const auto port = creates(
        alice, "port", R"("network_id":)" + inQuotes(network) + R"(,"security_groups":[)" + inQuotes(group) + "]");
    const auto other = creates(alice, "port", R"("network_id":)" + inQuotes(network));

    CHECK(refused(root, "") == "400 HTTPBadRequest");
    CHECK(refused(root, R"("resource_type":"firewall")") == "400 InvalidLogResourceType");
    CHECK(refused(root, R"("resource_type":"security_group","event":"SOME")") == "400 HTTPBadRequest");
    CHECK(refused(root, R"("resource_type":"security_group","resource_id":)" + inQuotes(port)) ==
          "404 ResourceNotFound");
    CHECK(refused(root, R"("resource_type":"security_group","target_id":)" + inQuotes(group)) ==
          "404 TargetResourceNotFound");
    CHECK(refused(root, R"("resource_type":"security_group","resource_id":)" + inQuotes(group) + R"(,"target_id":)" +
                            inQuotes(other)) == "400 InvalidResourceConstraint");

    const auto id =
        logged(root, R"(,"name":"l","description":"d","resource_id":)" + inQuotes(group) + R"(,"target_id":)" +
                         inQuotes(port) + R"(,"project_id":)" + inQuotes(alice.project));
    const auto shown = made(root.gets(logs + "/" + id), "log", 200);
    CHECK(shown.text("name") == "l");
    CHECK(shown.text("description") == "d");
    CHECK(shown.text("project_id") == alice.project);
    CHECK(shown.at("enabled").boolean());
    CHECK(shown.text("event") == "ALL");
    CHECK(shown.text("resource_type") == "security_group");
    CHECK(shown.text("resource_id") == group);
    CHECK(shown.text("target_id") == port);
    CHECK(shown.integer("revision_number") == 1);
    CHECK(shown.has("created_at"));
    CHECK(shown.has("updated_at"));
    CHECK(refusal(alice.gets(logs + "/" + id)).starts_with("40"));
    CHECK(idsIn(root.gets(logs + "?resource_id=" + group), "logs") == std::set<std::string>{id});
    CHECK(idsIn(root.gets(logs + "?event=DROP"), "logs").empty());

    const auto change = [&](const std::string& body) {
        return root.puts(logs + "/" + id, R"({"log":{)" + body + "}}");
    };
    CHECK_FALSE(made(change(R"("enabled":false,"name":"x")"), "log", 200).at("enabled").boolean());
    CHECK(made(root.gets(logs + "/" + id), "log", 200).integer("revision_number") == 2);
    CHECK(refusal(change(R"("event":"DROP")")) == "400 HTTPBadRequest");
    CHECK(refusal(change(R"("resource_id":)" + inQuotes(group))) == "400 HTTPBadRequest");

    // It goes with what it is about.
    const auto ofOther = logged(root, R"(,"target_id":)" + inQuotes(other));
    CHECK(alice.deletes(v2 + "ports/" + other).status == 204);
    CHECK(refusal(root.gets(logs + "/" + ofOther)) == "404 LogResourceNotFound");
    const auto ofGroup = logged(root, R"(,"resource_id":)" + inQuotes(group));
    CHECK(alice.deletes(v2 + "ports/" + port).status == 204);
    CHECK(idsIn(root.gets(logs), "logs") == std::set<std::string>{ofGroup});
    CHECK(alice.deletes(v2 + "security-groups/" + group).status == 204);
    CHECK(idsIn(root.gets(logs), "logs").empty());
    CHECK(refusal(root.deletes(logs + "/" + ofGroup)) == "404 LogResourceNotFound");
}

TEST_CASE("A project's manager logs what is the project's and nothing else", "[network][logging][security]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice", "manager"), bob = cloud.member("bob");
    const auto hers = creates(alice, "security_group", R"("name":"g")"),
               his = creates(bob, "security_group", R"("name":"g")");
    const auto network = networkWith(bob, "10.1.0.0/24");
    const auto port = creates(bob, "port", R"("network_id":)" + inQuotes(network));
    CHECK(refused(alice, R"("resource_type":"security_group","resource_id":)" + inQuotes(his)) ==
          "404 ResourceNotFound");
    CHECK(refused(alice, R"("resource_type":"security_group","target_id":)" + inQuotes(port)) ==
          "404 TargetResourceNotFound");
    CHECK(refused(alice, R"("resource_type":"security_group","project_id":)" + inQuotes(bob.project)) ==
          "400 HTTPBadRequest");
    const auto id = logged(alice, R"(,"resource_id":)" + inQuotes(hers));
    CHECK(alice.deletes(logs + "/" + id).status == 204);
}
