#include "block/support.hpp"

#include <stratolet/disk.hpp>

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string typesPath = "/volume/v3/{project}/types";

std::string makesType(const Member& admin, const std::string& name, const std::string& provider) {
    const auto type =
        admin.posts(typesPath, R"({"volume_type":{"name":")" + name + "\"}}").json().object("volume_type").text("id");
    REQUIRE(
        admin
            .posts(typesPath + "/" + type + "/encryption",
                   R"({"encryption":{"provider":")" + provider + R"(","control_location":"front-end","key_size":256}})")
            .status == 200);
    return type;
}

/// What lies on the host's disk, at the beginning.
std::string header(const TestAppliance& cloud, const std::string& volume) { return bytesOf(cloud, volume, 4); }
const std::string luks = "LUKS";

std::int64_t secretsIn(TestAppliance& cloud) {
    return cloud.appliance().store().reader().query("SELECT count(*) FROM volume_secrets").integer();
}

std::string passphraseOf(TestAppliance& cloud, const Member& who, const std::string& volume) {
    const auto key =
        who.gets(volumesPath + "/" + volume, {since(64)}).json().object("volume").text("encryption_key_id");
    return cloud.appliance().secret(SecretId{key});
}

}

TEST_CASE("A volume of an encrypted type is sealed on the host, and opened by a passphrase of its own",
          "[block][encryption]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    makesType(cloud.admin(), "sealed", "luks");
    const auto image = uploads(alice, "raw", std::string(1 << 20, 'm'));
    const auto first = makes(cloud, alice, R"(,"volume_type":"sealed")");
    const auto second = makes(cloud, alice, R"(,"volume_type":"sealed","imageRef":")" + image + "\"");
    for (const auto& each : {first, second}) {
        CHECK(statusOf(alice, each) == "available");
        CHECK(shows(alice, each).at("encrypted").boolean());
        CHECK(header(cloud, each) == luks);
        CHECK(bytesOf(cloud, each, 8 << 20).find("mmmmmmmm") == std::string::npos);
    }
    CHECK(passphraseOf(cloud, alice, first).size() == 43);
    CHECK(passphraseOf(cloud, alice, first) != passphraseOf(cloud, alice, second));
    CHECK_FALSE(shows(alice, makes(cloud, alice)).at("encrypted").boolean());
    for (const auto& each : {first, second}) REQUIRE(alice.deletes(volumesPath + "/" + each).status == 202);
    cloud.settle();
    CHECK(secretsIn(cloud) == 0);
}

TEST_CASE("What is made from a sealed volume stays sealed, by the same passphrase", "[block][encryption]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    makesType(cloud.admin(), "sealed", "luks");
    const auto volume = makes(cloud, alice, R"(,"volume_type":"sealed")");
    const auto passphrase = passphraseOf(cloud, alice, volume);
    const auto snapshot = snaps(cloud, alice, volume);
    const auto backup = alice.posts("/volume/v3/{project}/backups", R"({"backup":{"volume_id":")" + volume + "\"}}")
                            .json()
                            .object("backup")
                            .text("id");
    cloud.settle();
    const auto clone = makes(cloud, alice, R"(,"source_volid":")" + volume + "\"");
    const auto restored = alice.posts("/volume/v3/{project}/backups/" + backup + "/restore", R"({"restore":{}})");
    REQUIRE(restored.status == 202);
    cloud.settle();
    for (const auto& each : {makes(cloud, alice, R"(,"snapshot_id":")" + snapshot + "\""), clone,
                             restored.json().object("restore").text("volume_id")}) {
        CHECK(statusOf(alice, each) == "available");
        CHECK(shows(alice, each).at("encrypted").boolean());
        CHECK(header(cloud, each) == luks);
        CHECK(passphraseOf(cloud, alice, each) == passphrase);
    }
    CHECK(
        alice
            .posts(volumesPath, R"({"volume":{"size":1,"volume_type":"__DEFAULT__","source_volid":")" + volume + "\"}}")
            .status == 400);
    CHECK(acts(alice, volume, R"({"os-volume_upload_image":{"image_name":"x"}})").status == 400);
    // The volume's passphrase goes with it; those of the others are their own.
    REQUIRE(alice.deletes(snapshotsPath + "/" + snapshot).status == 202);
    cloud.settle();
    REQUIRE(alice.deletes(volumesPath + "/" + volume).status == 202);
    cloud.settle();
    CHECK(passphraseOf(cloud, alice, clone) == passphrase);
}

TEST_CASE("An encryption that nobody here can do is refused, not pretended", "[block][encryption]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    makesType(cloud.admin(), "other", "nova.volume.encryptors.cryptsetup.CryptsetupEncryptor");
    const auto answer = alice.posts(volumesPath, R"({"volume":{"size":1,"volume_type":"other"}})");
    CHECK(answer.status == 400);
    CHECK_THAT(messageOf(answer, "badRequest"), Catch::Contains("CryptsetupEncryptor"));
}
