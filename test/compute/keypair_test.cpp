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
