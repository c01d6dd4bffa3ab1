#include "block/support.hpp"

#include <filesystem>
#include <fstream>

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

TEST_CASE("A sealed volume becomes a sealed image, whose passphrase is its own and goes with it",
          "[block][encryption][image]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    makesType(cloud.admin(), "sealed", "luks");
    const auto first = uploads(alice, "raw", std::string(1 << 20, 'm'));
    const auto volume = makes(cloud, alice, R"(,"volume_type":"sealed","imageRef":")" + first + "\"");
    const auto passphrase = passphraseOf(cloud, alice, volume);
    const auto upload = [&](const std::string& more) {
        return acts(alice, volume, R"({"os-volume_upload_image":{"image_name":"x")" + more + "}}");
    };
    CHECK(upload(R"(,"disk_format":"qcow2")").status == 400);
    const auto answer = upload("");
    REQUIRE(answer.status == 202);
    cloud.settle();
    const auto image = answer.json().object("os-volume_upload_image").text("image_id");
    const auto shown = alice.gets("/image/v2/images/" + image).json();
    CHECK(shown.text("status") == "active");
    CHECK(shown.text("cinder_encryption_key_deletion_policy") == "on_image_deletion");
    const auto key = shown.text("cinder_encryption_key_id");
    CHECK(cloud.appliance().secret(SecretId{key}) == passphrase);
    CHECK(key != alice.gets(volumesPath + "/" + volume, {since(64)}).json().object("volume").text("encryption_key_id"));
    // The image store has what the host has: sealed bytes.
    std::size_t files = 0;
    for (const auto& each : std::filesystem::recursive_directory_iterator(cloud.folder() / "images"))
        if (each.is_regular_file() && each.path().filename().string().find(image) != std::string::npos) {
            ++files;
            std::ifstream file(each.path(), std::ios::binary);
            std::string bytes(8 << 20, '\0');
            file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
            CHECK(bytes.substr(0, 4) == luks);
            CHECK(bytes.find("mmmmmmmm") == std::string::npos);
        }
    CHECK(files == 1);

    // What a volume made from it says is what the first one said, and the volume has a passphrase of its own.
    const auto copy = makes(cloud, alice, R"(,"volume_type":"sealed","imageRef":")" + image + "\"");
    CHECK(statusOf(alice, copy) == "available");
    CHECK(passphraseOf(cloud, alice, copy) == passphrase);
    CHECK(bytesOf(cloud, copy, 8 << 20) == bytesOf(cloud, volume, 8 << 20));
    CHECK_FALSE(shows(alice, copy).object("volume_image_metadata").has("cinder_encryption_key_id"));
    // Of a type that isn't encrypted its bytes would be of no use; nor can it go into a volume with another passphrase.
    const auto plain = R"({"volume":{"size":1,"volume_type":"__DEFAULT__","imageRef":")" + image + "\"}}";
    CHECK(alice.posts(volumesPath, plain).status == 400);
    CHECK(acts(alice, volume, R"({"os-reimage":{"image_id":")" + image + "\"}}", {since(68)}).status == 400);

    const auto root = cloud.admin();
    const auto flavor = root.posts("/compute/v2.1/flavors", R"({"flavor":{"name":"f","ram":64,"vcpus":1,"disk":1}})")
                            .json()
                            .object("flavor")
                            .text("id");
    const auto boot = alice.posts("/compute/v2.1/servers",
                                  R"({"server":{"name":"s","networks":"none","imageRef":")" + image +
                                      R"(","flavorRef":")" + flavor + "\"}}",
                                  {{"OpenStack-API-Version", "compute 2.37"}});
    CHECK(boot.status == 400);
    CHECK_THAT(boot.body, Catch::Contains("encrypted volume"));

    // An image that merely says whose passphrase it has doesn't get it.
    const auto liar = uploads(bob, "raw", std::string(1 << 20, 'x'), R"(,"cinder_encryption_key_id":")" + key + "\"");
    const auto lied = makes(cloud, bob, R"(,"volume_type":"sealed","imageRef":")" + liar + "\"");
    CHECK(statusOf(bob, lied) == "available");
    CHECK(passphraseOf(cloud, bob, lied) != passphrase);
    REQUIRE(bob.deletes("/image/v2/images/" + liar).status == 204);
    cloud.settle();
    CHECK(cloud.appliance().secret(SecretId{key}) == passphrase);

    REQUIRE(alice.deletes("/image/v2/images/" + image).status == 204);
    cloud.settle();
    CHECK(cloud.appliance().secret(SecretId{key}).empty());
    CHECK(passphraseOf(cloud, alice, copy) == passphrase);
}
