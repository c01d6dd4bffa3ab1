#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "block/support.hpp"
#include "identity/token/crypto.hpp"
#include "identity/token/fernet.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string backupsPath = "/volume/v3/{project}/backups";
const HeaderList newest{{"OpenStack-API-Version", "volume 3.70"}};

std::string backsUp(TestAppliance& cloud, const Member& who, const std::string& volume, const std::string& more = "") {
    const auto answer =
        who.posts(backupsPath, R"({"backup":{"volume_id":")" + volume + R"(","name":"safe")" + more + "}}", newest);
    REQUIRE(answer.status == 202);
    cloud.settle();
    return answer.json().object("backup").text("id");
}

Json showsBackup(const Member& who, const std::string& backup) {
    const auto answer = who.gets(backupsPath + "/" + backup, newest);
    REQUIRE(answer.status == 200);
    return answer.json().object("backup");
}

Json showsVolume(const Member& who, const std::string& volume) {
    return who.gets(volumesPath + "/" + volume, newest).json().object("volume");
}

std::string restores(TestAppliance& cloud, const Member& who, const std::string& backup, const std::string& body) {
    const auto answer = who.posts(backupsPath + "/" + backup + "/restore", R"({"restore":{)" + body + "}}");
    REQUIRE(answer.status == 202);
    CHECK(answer.json().object("restore").text("backup_id") == backup);
    cloud.settle();
    return answer.json().object("restore").text("volume_id");
}

}

TEST_CASE("A backup of a volume is shown as the API has it, and listed", "[block][backup]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice);
    const auto backup = backsUp(cloud, alice, volume, R"(,"description":"of today","metadata":{"k":"v"})");
    const auto shown = showsBackup(alice, backup);
    CHECK(shown.text("status") == "available");
    CHECK(shown.text("name") == "safe");
    CHECK(shown.text("description") == "of today");
    CHECK(shown.text("volume_id") == volume);
    CHECK(shown.at("snapshot_id").isNull());
    CHECK(shown.at("size").integer() == 1);
    CHECK(shown.at("object_count").integer() == 1);
    CHECK(shown.at("fail_reason").isNull());
    CHECK(!shown.at("is_incremental").boolean());
    CHECK(!shown.at("has_dependent_backups").boolean());
    CHECK(shown.text("container") == "backups");
    CHECK(shown.object("metadata").text("k") == "v");
    CHECK(shown.text("user_id") == alice.user);
    CHECK(!shown.find("os-backup-project-attr:project_id"));
    CHECK(cloud.admin()
              .gets("/volume/v3/{project}/backups/" + backup, newest)
              .json()
              .object("backup")
              .find("os-backup-project-attr:project_id"));
    CHECK(showsVolume(alice, volume).text("status") == "available");
    CHECK(alice.gets(backupsPath + "?name=safe").json().array("backups").size() == 1);
    CHECK(alice.gets(backupsPath + "/detail?status=error").json().array("backups").size() == 0);
    CHECK(alice.gets(backupsPath + "?nonsense=1", newest).status == 400);
    CHECK(alice.puts(backupsPath + "/" + backup, R"({"backup":{"name":"safer"}})", newest).status == 200);
    CHECK(showsBackup(alice, backup).text("name") == "safer");
    CHECK(alice.puts(backupsPath + "/" + backup, R"({"backup":{}})", newest).status == 400);
}

TEST_CASE("A backup is its project's alone", "[block][backup]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto volume = makes(cloud, alice);
    const auto backup = backsUp(cloud, alice, volume);
    CHECK(bob.gets(backupsPath + "/" + backup).status == 404);
    CHECK(bob.deletes(backupsPath + "/" + backup).status == 404);
    CHECK(bob.posts(backupsPath + "/" + backup + "/restore", R"({"restore":{}})").status == 404);
    CHECK(bob.posts(backupsPath, R"({"backup":{"volume_id":")" + volume + R"("}})").status == 404);
    CHECK(bob.posts(volumesPath, R"({"volume":{"size":1,"backup_id":")" + backup + R"("}})", newest).status == 404);
    CHECK(bob.gets(backupsPath).json().array("backups").size() == 0);
    CHECK(bob.gets(backupsPath + "?marker=" + backup).status == 404);
    const auto his = makes(cloud, bob);
    CHECK(
        alice.posts(backupsPath + "/" + backup + "/restore", R"({"restore":{"volume_id":")" + his + R"("}})").status ==
        404);
    CHECK(alice.gets(backupsPath + "/" + backup + "/export_record").status == 403);
}

TEST_CASE("A restored volume says what the backed up one said", "[block][backup]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice);
    writes(cloud, volume, "of yesterday", 5 << 20);
    const auto backup = backsUp(cloud, alice, volume);
    writes(cloud, volume, "of todayyyyy", 5 << 20);
    writes(cloud, volume, "more", 900 << 20);

    SECTION("a new one") {
        const auto fresh = restores(cloud, alice, backup, "");
        CHECK(showsVolume(alice, fresh).text("name") == "restore_backup_" + backup);
        CHECK(showsVolume(alice, fresh).text("status") == "available");
        CHECK(bytesOf(cloud, fresh, 12, 5 << 20) == "of yesterday");
        CHECK(bytesOf(cloud, fresh, 4, 900 << 20) == std::string(4, '\0'));
    }
    SECTION("itself") {
        CHECK(restores(cloud, alice, backup, R"("volume_id":")" + volume + "\"") == volume);
        CHECK(showsVolume(alice, volume).text("status") == "available");
        CHECK(bytesOf(cloud, volume, 12, 5 << 20) == "of yesterday");
        CHECK(bytesOf(cloud, volume, 4, 900 << 20) == std::string(4, '\0'));
    }
    SECTION("one that is made from it, and may be larger") {
        const auto answer =
            alice.posts(volumesPath, R"({"volume":{"size":2,"backup_id":")" + backup + R"("}})", newest);
        REQUIRE(answer.status == 202);
        cloud.settle();
        const auto fresh = answer.json().object("volume").text("id");
        CHECK(showsVolume(alice, fresh).text("status") == "available");
        CHECK(showsVolume(alice, fresh).at("size").integer() == 2);
        CHECK(bytesOf(cloud, fresh, 12, 5 << 20) == "of yesterday");
    }
    CHECK(showsBackup(alice, backup).text("status") == "available");
}

TEST_CASE("An incremental backup stands on the one before, which stays as long", "[block][backup]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice);
    CHECK(alice.posts(backupsPath, R"({"backup":{"volume_id":")" + volume + R"(","incremental":true}})").status == 400);
    writes(cloud, volume, std::string(3 << 20, 'a'), 0);
    const auto first = backsUp(cloud, alice, volume);
    writes(cloud, volume, "changed", 1 << 20);
    const auto second = backsUp(cloud, alice, volume, R"(,"incremental":true)");
    CHECK(showsBackup(alice, second).at("is_incremental").boolean());
    CHECK(showsBackup(alice, first).at("has_dependent_backups").boolean());
    CHECK(alice.deletes(backupsPath + "/" + first).status == 400);
    CHECK(
        cloud.admin().posts("/volume/v3/{project}/backups/" + first + "/action", R"({"os-force_delete":{}})").status ==
        400);
    CHECK(bytesOf(cloud, restores(cloud, alice, second, ""), 11, (1 << 20) - 2) == "aachangedaa");
    CHECK(alice.deletes(backupsPath + "/" + second).status == 202);
    cloud.settle();
    CHECK(alice.gets(backupsPath + "/" + second).status == 404);
    CHECK(alice.deletes(backupsPath + "/" + first).status == 202);
    cloud.settle();
    CHECK(std::filesystem::is_empty(cloud.folder() / "backups"));
}

TEST_CASE("What can't be backed up or restored is refused, and why is said", "[block][backup]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice);
    const auto backup = backsUp(cloud, alice, volume);
    const auto refused = [&](const std::string& path, const std::string& body, const std::string& why) {
        const auto answer = alice.posts(path, body, newest);
        CHECK(answer.status == 400);
        CHECK_THAT(answer.body, Catch::Contains(why));
    };
    refused(backupsPath, R"({"backup":{"name":"x"}})", "volume_id");
    refused(backupsPath, R"({"backup":{"volume_id":"x"}})", "UUID");
    refused(backupsPath, R"({"backup":{"volume_id":")" + volume + R"(","colour":"red"}})", "colour");
    refused(backupsPath, R"({"backup":{"volume_id":")" + volume + R"(","availability_zone":"moon"}})", "moon");
    CHECK(cloud.admin()
              .posts("/volume/v3/{project}/volumes/" + volume + "/action", R"({"os-reset_status":{"status":"in-use"}})")
              .status == 202);
    refused(backupsPath, R"({"backup":{"volume_id":")" + volume + R"("}})", "force");
    refused(backupsPath + "/" + backup + "/restore", R"({"restore":{"volume_id":")" + volume + R"("}})", "available");
    CHECK(alice.posts(backupsPath + "/" + backup + "/action", R"({"os-reset_status":{"status":"error"}})").status ==
          403);
    CHECK(cloud.admin()
              .posts("/volume/v3/{project}/backups/" + backup + "/action", R"({"os-reset_status":{"status":"error"}})")
              .status == 202);
    CHECK(showsBackup(alice, backup).text("status") == "error");
    refused(backupsPath + "/" + backup + "/restore", R"({"restore":{}})", "only an available one");
    CHECK(cloud.admin()
              .posts("/volume/v3/{project}/backups/" + backup + "/action",
                     R"({"os-reset_status":{"status":"restoring"}})")
              .status == 400);
}

TEST_CASE("A damaged backup is not restored: the volume says so, the backup stays", "[block][backup]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice);
    writes(cloud, volume, std::string(1 << 20, 'a'), 0);
    const auto backup = backsUp(cloud, alice, volume);
    {
        std::fstream file(cloud.folder() / "backups" / ("backup-" + backup) / "000001",
                          std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(20);
        file << "xx";
    }
    const auto answer = alice.posts(backupsPath + "/" + backup + "/restore", R"({"restore":{}})");
    REQUIRE(answer.status == 202);
    cloud.settle();
    const auto fresh = answer.json().object("restore").text("volume_id");
    CHECK(showsVolume(alice, fresh).text("status") == "error_restoring");
    CHECK(showsBackup(alice, backup).text("status") == "available");
    CHECK(alice.deletes(volumesPath + "/" + fresh).status == 202);
    cloud.settle();
    CHECK(alice.gets(volumesPath + "/" + fresh).status == 404);
}

TEST_CASE("Backups count in their project's quota until they are gone", "[block][backup]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice);
    REQUIRE(cloud.admin()
                .puts("/volume/v3/{project}/os-quota-sets/" + alice.project, R"({"quota_set":{"backups":1}})")
                .status == 200);
    const auto backup = backsUp(cloud, alice, volume);
    CHECK(alice.posts(backupsPath, R"({"backup":{"volume_id":")" + volume + R"("}})").status == 413);
    CHECK(showsVolume(alice, volume).text("status") == "available");
    const auto used = [&] {
        return alice.gets("/volume/v3/{project}/os-quota-sets/" + alice.project + "?usage=true")
            .json()
            .object("quota_set")
            .object("backups")
            .at("in_use")
            .integer();
    };
    CHECK(used() == 1);
    CHECK(alice.deletes(backupsPath + "/" + backup).status == 202);
    cloud.settle();
    CHECK(used() == 0);
}

TEST_CASE("A backup that the store has forgotten is known again by its record", "[block][backup]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    const auto volume = makes(cloud, admin);
    writes(cloud, volume, "kept", 0);
    const auto backup = backsUp(cloud, admin, volume);
    const auto record = admin.gets(backupsPath + "/" + backup + "/export_record");
    REQUIRE(record.status == 200);
    CHECK(admin.posts(backupsPath + "/import_record", record.body).status == 400); // it is there
    cloud.appliance().store().write(
        [&](store::Transaction& tx) { tx.execute("DELETE FROM backups WHERE id = ?", backup); });
    const auto imported = admin.posts(backupsPath + "/import_record", record.body);
    REQUIRE(imported.status == 201);
    CHECK(imported.json().object("backup").text("id") == backup);
    cloud.settle();
    CHECK(showsBackup(admin, backup).text("status") == "available");
    CHECK(bytesOf(cloud, restores(cloud, admin, backup, ""), 4) == "kept");
    // Under another id, as clients do that want to see both: the bytes go with the last of them.
    const std::string other = "55555555-0000-4000-8000-000000000000";
    auto url = record.json().object("backup-record").text("backup_url");
    for (auto& each : url) each = each == '+' ? '-' : each == '/' ? '_' : each;
    url.erase(url.find_last_not_of('=') + 1);
    auto fields = identity::fromBase64Url(url).value();
    fields.replace(fields.find(backup), backup.size(), other);
    REQUIRE(
        admin
            .posts(
                backupsPath + "/import_record",
                R"({"backup-record":{"backup_service":"cinder.backup.drivers.posix.PosixBackupDriver","backup_url":")" +
                    identity::base64(fields) + "\"}}")
            .status == 201);
    cloud.settle();
    REQUIRE(admin.deletes(backupsPath + "/" + backup).status == 202);
    cloud.settle();
    CHECK(bytesOf(cloud, restores(cloud, admin, other, ""), 4) == "kept");
    REQUIRE(admin.deletes(backupsPath + "/" + other).status == 202);
    cloud.settle();
    CHECK(std::filesystem::is_empty(cloud.folder() / "backups"));
    CHECK(
        admin
            .posts(backupsPath + "/import_record", R"({"backup-record":{"backup_service":"other","backup_url":"e30"}})")
            .status == 400);
    CHECK(
        admin
            .posts(
                backupsPath + "/import_record",
                R"({"backup-record":{"backup_service":"cinder.backup.drivers.posix.PosixBackupDriver","backup_url":"e30"}})")
            .status == 400);
}
