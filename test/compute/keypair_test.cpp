#include <catch2/catch.hpp>

#include "compute/cloud.hpp"
#include "platform/text/text.hpp"

using namespace stratolet;
using namespace stratolet::test;

TEST_CASE("A key pair is made, shown and deleted, by version", "[compute][keypair]") {
    TestAppliance appliance;
    const auto alice = appliance.member("alice"), bob = appliance.member("bob");
    const HeaderList newer{{"OpenStack-API-Version", "compute 2.2"}};
    const auto old = alice.posts("/compute/v2.1/os-keypairs", R"({"keypair":{"name":"mine"}})");
    CHECK(old.status == 200);
    CHECK(old.json().object("keypair").text("private_key").starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    CHECK_FALSE(old.json().object("keypair").has("type"));
    CHECK(alice.posts("/compute/v2.1/os-keypairs", R"({"keypair":{"name":"mine"}})").status == 409);
    const std::string key = old.json().object("keypair").text("public_key");
    const auto imported = alice.posts("/compute/v2.1/os-keypairs",
                                      R"({"keypair":{"name":"again","public_key":)" + jsonText(key) + "}}", newer);
    CHECK(imported.status == 201);
    CHECK(imported.json().object("keypair").text("fingerprint") == old.json().object("keypair").text("fingerprint"));
    CHECK_FALSE(imported.json().object("keypair").has("private_key"));
    const std::string two = key + "\nssh-ed25519 and another line\n"; // the first line counts, the rest is taken along
    const auto lines = alice.posts("/compute/v2.1/os-keypairs",
                                   R"({"keypair":{"name":"lines","public_key":)" + jsonText(two) + "}}", newer);
    CHECK(lines.status == 201);
    CHECK(lines.json().object("keypair").text("public_key") == two);
    CHECK(lines.json().object("keypair").text("fingerprint") == imported.json().object("keypair").text("fingerprint"));
    CHECK(alice.deletes("/compute/v2.1/os-keypairs/lines", newer).status == 204);
    CHECK(alice.gets("/compute/v2.1/os-keypairs").json().array("keypairs").size() == 2);
    CHECK(bob.gets("/compute/v2.1/os-keypairs").json().array("keypairs").size() == 0);
    CHECK(bob.gets("/compute/v2.1/os-keypairs/mine").status == 404);
    CHECK(bob.gets("/compute/v2.1/os-keypairs/mine?user_id=" + alice.user, {{"OpenStack-API-Version", "compute 2.10"}})
              .status == 403);
    CHECK(
        alice.posts("/compute/v2.1/os-keypairs", R"({"keypair":{"name":"bad","public_key":"ssh-rsa JUNK"}})").status ==
        400);
    CHECK(alice.posts("/compute/v2.1/os-keypairs", R"({"keypair":{"name":"no@where"}})").status == 400);
    CHECK(alice
              .posts("/compute/v2.1/os-keypairs", R"({"keypair":{"name":"none"}})",
                     {{"OpenStack-API-Version", "compute 2.92"}})
              .status == 400);
    CHECK(alice.deletes("/compute/v2.1/os-keypairs/mine").status == 202);
    CHECK(alice.deletes("/compute/v2.1/os-keypairs/again", newer).status == 204);
    CHECK(alice.deletes("/compute/v2.1/os-keypairs/again", newer).status == 404);
}

TEST_CASE("A certificate is made for guests that take those", "[compute][keypair]") {
    TestAppliance appliance;
    const auto alice = appliance.member("alice");
    const HeaderList newer{{"OpenStack-API-Version", "compute 2.2"}};
    const auto made = alice.posts("/compute/v2.1/os-keypairs", R"({"keypair":{"name":"windows","type":"x509"}})", newer)
                          .json()
                          .object("keypair");
    CHECK(made.text("type") == "x509");
    CHECK(made.text("public_key").starts_with("-----BEGIN CERTIFICATE-----"));
    const auto again = alice.posts(
        "/compute/v2.1/os-keypairs",
        R"({"keypair":{"name":"again","type":"x509","public_key":)" + jsonText(made.text("public_key")) + "}}", newer);
    CHECK(again.json().object("keypair").text("fingerprint") == made.text("fingerprint"));
    CHECK(lowered(made.text("fingerprint")) == made.text("fingerprint"));
    CHECK(alice
              .posts("/compute/v2.1/os-keypairs",
                     R"({"keypair":{"name":"bad","type":"x509","public_key":"ssh-rsa AAAA"}})", newer)
              .status == 400);
    CHECK(alice.posts("/compute/v2.1/os-keypairs", R"({"keypair":{"name":"bad","type":"pgp"}})", newer).status == 400);
}

TEST_CASE("Keys of every kind that OpenSSH makes are taken, with their fingerprint", "[compute][keypair]") {
    TestAppliance appliance;
    const auto alice = appliance.member("alice");
    const std::pair<const char*, const char*> keys[] = {
        {"ed25519", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f x"},
        {"sk",
         "sk-ssh-ed25519@openssh.com "
         "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAABHNzaDo= x"}};
    for (const auto& [name, key] : keys) {
        const auto answer =
            alice.posts("/compute/v2.1/os-keypairs",
                        std::string(R"({"keypair":{"name":")") + name + R"(","public_key":)" + jsonText(key) + "}}",
                        {{"OpenStack-API-Version", "compute 2.92"}});
        INFO(answer.body);
        CHECK(answer.status == 201);
        CHECK(answer.json().object("keypair").text("fingerprint").size() == 47); // MD5, in pairs
    }
}

TEST_CASE("Names of key pairs have the letters of their version", "[compute][keypair]") {
    TestAppliance appliance;
    const auto alice = appliance.member("alice");
    const std::string key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
    const auto makes = [&](const std::string& name, const char* version) {
        return alice
            .posts("/compute/v2.1/os-keypairs",
                   R"({"keypair":{"name":)" + jsonText(name) + R"(,"public_key":)" + jsonText(key) + "}}",
                   {{"OpenStack-API-Version", version}})
            .status;
    };
    CHECK(makes("a b-c_d", "compute 2.91") == 201);
    CHECK(makes("me@home.example", "compute 2.91") == 400);
    CHECK(makes("me@home.example", "compute 2.92") == 201);
    CHECK(makes("me/home", "compute 2.92") == 400);
    CHECK(makes(" a", "compute 2.92") == 400);
    CHECK(makes("", "compute 2.92") == 400);
    CHECK(makes(std::string(256, 'a'), "compute 2.92") == 400);
}

TEST_CASE("Key pairs are listed in pages from 2.35 on, and those of others for administrators from 2.10 on",
          "[compute][keypair]") {
    TestAppliance appliance;
    const auto alice = appliance.member("alice"), admin = appliance.admin();
    for (const char* name : {"a", "b", "c"})
        REQUIRE(
            alice.posts("/compute/v2.1/os-keypairs", std::string(R"({"keypair":{"name":")") + name + "\"}}").status ==
            200);
    const auto names = [&](const Member& who, const std::string& query, const char* version) {
        std::string all;
        const auto answer = who.gets("/compute/v2.1/os-keypairs" + query, {{"OpenStack-API-Version", version}});
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        for (const auto& each : answer.json().array("keypairs").items()) all += each.object("keypair").text("name");
        return all;
    };
    CHECK(names(alice, "?limit=1", "compute 2.34") == "abc");
    CHECK(names(alice, "?limit=1", "compute 2.35") == "a");
    CHECK(names(alice, "?limit=1&marker=a", "compute 2.35") == "b");
    CHECK(names(alice, "?marker=a", "compute 2.35") == "bc");
    CHECK(names(admin, "?user_id=" + alice.user, "compute 2.9").empty());
    CHECK(names(admin, "?user_id=" + alice.user, "compute 2.10") == "abc");
    CHECK(alice.gets("/compute/v2.1/os-keypairs?marker=x", {{"OpenStack-API-Version", "compute 2.35"}}).status == 400);
    CHECK(alice.gets("/compute/v2.1/os-keypairs?a=b", {{"OpenStack-API-Version", "compute 2.74"}}).status == 200);
    CHECK(alice.gets("/compute/v2.1/os-keypairs?a=b", {{"OpenStack-API-Version", "compute 2.75"}}).status == 400);
    CHECK(alice.gets("/compute/v2.1/os-keypairs/a?a=b", {{"OpenStack-API-Version", "compute 2.75"}}).status == 400);
    const auto shown =
        admin.gets("/compute/v2.1/os-keypairs/a?user_id=" + alice.user, {{"OpenStack-API-Version", "compute 2.10"}});
    CHECK(shown.json().object("keypair").text("user_id") == alice.user);
    CHECK_FALSE(shown.json().object("keypair").boolean("deleted", true));
    CHECK(shown.json().object("keypair").at("deleted_at").isNull());
    const std::string fresh = R"({"keypair":{"name":"given","user_id":")" + alice.user + "\"}}";
    CHECK(admin.posts("/compute/v2.1/os-keypairs", fresh, {{"OpenStack-API-Version", "compute 2.9"}}).status == 400);
    CHECK(admin.posts("/compute/v2.1/os-keypairs", fresh, {{"OpenStack-API-Version", "compute 2.10"}}).status == 201);
    CHECK(names(alice, "", "compute 2.35") == "abcgiven");
    CHECK(admin
              .deletes("/compute/v2.1/os-keypairs/given?user_id=" + alice.user,
                       {{"OpenStack-API-Version", "compute 2.10"}})
              .status == 204);
}

TEST_CASE("Key pairs are counted against the limit of their user", "[compute][keypair][quota]") {
    TestAppliance appliance;
    const auto alice = appliance.member("alice"), anna = appliance.colleague(alice, "anna", "member"),
               admin = appliance.admin();
    const auto makes = [](const Member& who, const std::string& name) {
        return who.posts("/compute/v2.1/os-keypairs", R"({"keypair":{"name":")" + name + "\"}}").status;
    };
    REQUIRE(admin
                .puts("/compute/v2.1/os-quota-sets/" + alice.project + "?user_id=" + anna.user,
                      R"({"quota_set":{"key_pairs":1}})")
                .status == 200);
    CHECK(makes(anna, "one") == 200);
    CHECK(makes(anna, "two") == 403);
    CHECK(makes(alice, "one") == 200);
    CHECK(makes(alice, "two") == 200);
}
