#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <sstream>

#include "appliance/operator/archive.hpp"
#include "appliance/operator/backup.hpp"
#include "compute/cloud.hpp"
#include "platform/os/process.hpp"

using namespace stratolet;
using namespace stratolet::test;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

std::string backsUp(const TestAppliance& cloud, const std::filesystem::path& file, bool disks) {
    const Settings settings;
    std::ostringstream out;
    const int code = backUp(Asked{settings, cloud.folder(), false, out}, file, disks, std::nullopt);
    if (code != 0) throw std::runtime_error(out.str());
    return out.str();
}

std::string restores(const std::filesystem::path& file, const std::filesystem::path& stateDir) {
    const Settings settings;
    std::ostringstream out;
    const int code = restore(Asked{settings, stateDir, false, out}, file);
    if (code != 0) throw std::runtime_error(out.str());
    return out.str();
}

/// The machine has burned down; another one stands in its place, with a backup on it.
void comesBack(TestAppliance& cloud, const std::filesystem::path& file) {
    cloud.restart([&] {
        for (const auto& each : std::filesystem::directory_iterator(cloud.folder()))
            std::filesystem::remove_all(each.path());
        restores(file, cloud.folder());
    });
    cloud.settle();
}

/// An archive with these files, made by hand.
void writeArchive(const std::filesystem::path& file, const std::vector<std::pair<std::string, std::string>>& files) {
    const Fd out(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    ArchiveWriter archive(out);
    for (const auto& [name, text] : files) archive.addText(name, text);
    archive.finish();
}

}

TEST_CASE("What was backed up while the cloud ran comes back on a bare machine: servers, tokens, images",
          "[appliance][operator][backup]") {
    Cloud cloud;
    const Folder elsewhere;
    const auto server = cloud.boots(cloud.alice, "kept");
    cloud.does(cloud.alice, server, R"({"os-stop":null})");
    const auto volume = cloud.createsVolume(cloud.alice);
    const auto file = elsewhere / "backup.tar.zst";
    const auto said = backsUp(cloud.appliance, file, true);
    CHECK_THAT(said, Contains(file.string()) && !Contains("left out"));
    struct stat found {};
    REQUIRE(::stat(file.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
    const auto later = cloud.boots(cloud.alice, "later");

    comesBack(cloud.appliance, file);
    CHECK(cloud.status(cloud.alice, server) == "SHUTOFF"); // by a token from before: its keys came along
    CHECK(cloud.alice.gets("/compute/v2.1/servers/" + later).status == 404);
    CHECK(cloud.alice.gets("/image/v2/images/" + cloud.image + "/file").body == std::string(1024, 'x'));
    CHECK(cloud.volumeStatus(cloud.alice, volume) == "available");
    CHECK(std::filesystem::exists(cloud.appliance.folder() / "volumes" / ("volume-" + volume)));
    cloud.does(cloud.alice, server, R"({"os-start":null})");
    CHECK(cloud.status(cloud.alice, server) == "ACTIVE");
    CHECK(cloud.appliance.appliance().store().reader().query("SELECT epoch FROM cloud").integer() == 2);
    CHECK_FALSE(cloud.appliance.logsIn("admin", "secret", "admin").empty());
}

TEST_CASE("A backup without disks has no data of images, and one with disks none that a running guest writes to",
          "[appliance][operator][backup]") {
    Cloud cloud;
    const Folder elsewhere;
    const auto server = cloud.boots(cloud.alice, "runs");
    const auto listed = [](const std::filesystem::path& file) {
        return process::run({.argv = {"tar", "--zstd", "-tf", file.string()}, .timeout = 20s}).out;
    };
    backsUp(cloud.appliance, elsewhere / "small", false);
    const auto small = listed(elsewhere / "small");
    CHECK_THAT(small, Contains("state/stratolet.db\n") && Contains("state/fernet-keys/0\n") &&
                          Contains("state/credential-keys/") && Contains("state/admin-openrc\n"));
    CHECK_THAT(small, !Contains("state/images") && !Contains("state/instances") && !Contains("operator.sock") &&
                          !Contains("state/lock") && !Contains("stratolet.db-"));
    const auto said = backsUp(cloud.appliance, elsewhere / "large", true);
    CHECK_THAT(said, Contains("left out, a running guest writes to it: instances/" + server));
    const auto large = listed(elsewhere / "large");
    CHECK_THAT(large, Contains("state/images/" + cloud.image) && !Contains("state/instances/" + server));
}

TEST_CASE("The configuration, policy and certificates come along, for whoever wants them",
          "[appliance][operator][backup]") {
    TestAppliance cloud;
    const Folder elsewhere, policies;
    std::ofstream(policies / "own.yaml") << "\"get_images\": \"!\"\n";
    std::ofstream(elsewhere / "own.conf") << "[DEFAULT]\npolicy_dir = " << policies.path().string() << "\n";
    const auto backup =
        process::run({.argv = {STRATOLET_PROGRAM, "backup", (elsewhere / "file").string(), "--config",
                               (elsewhere / "own.conf").string(), "--state-dir", cloud.folder().string()},
                      .timeout = 20s});
    CHECK(backup.exitCode == 0);
    INFO(backup.err);
    CHECK_THAT(restores(elsewhere / "file", elsewhere / "new"), Contains((elsewhere / "new/configuration").string()));
    CHECK(contentOf(elsewhere / "new/configuration/policy.d/own.yaml") == "\"get_images\": \"!\"\n");
    CHECK_THAT(contentOf(elsewhere / "new/configuration/stratolet.conf"), Contains("policy_dir"));
}

TEST_CASE("A backup is restored where nothing is yet, and only one that this program can read; else nothing is left",
          "[appliance][operator][backup]") {
    TestAppliance cloud;
    const Folder elsewhere;
    const auto file = elsewhere / "backup", target = elsewhere / "new";
    backsUp(cloud, file, false);
    CHECK_THROWS_WITH(backsUp(cloud, file, false), Contains("is there already"));
    CHECK_THROWS_WITH(restores(file, cloud.folder()), Contains("is not empty"));
    const auto refused = [&](const std::filesystem::path& archive, const std::string& why) {
        CHECK_THROWS_WITH(restores(archive, target), Contains(why));
        CHECK_FALSE(std::filesystem::exists(target));
        CHECK_FALSE(std::filesystem::exists(target.string() + ".restoring"));
    };
    const std::string manifest = R"({"format":1,"made":"","host":"h","disks":false,"state_dir":"/","schema":{)";
    writeArchive(elsewhere / "newer", {{"manifest.json", manifest + R"("compute":9999}})"}});
    refused(elsewhere / "newer", "newer version (compute 9999");
    writeArchive(elsewhere / "format", {{"manifest.json", R"({"format":2})"}});
    refused(elsewhere / "format", "format 2");
    writeArchive(elsewhere / "other", {{"something", "else"}});
    refused(elsewhere / "other", "does not begin with manifest.json");
    writeArchive(elsewhere / "empty", {{"manifest.json", manifest + "}}"}});
    refused(elsewhere / "empty", "no store");
    for (const auto* name : {"../out", "/out", "state/../../out"}) {
        writeArchive(elsewhere / "evil", {{"manifest.json", manifest + "}}"}, {name, "x"}});
        refused(elsewhere / "evil", "leads out of it");
    }
    std::ofstream(elsewhere / "text") << "no archive";
    refused(elsewhere / "text", (elsewhere / "text").string());
    std::filesystem::copy_file(file, elsewhere / "half");
    std::filesystem::resize_file(elsewhere / "half", std::filesystem::file_size(file) / 2);
    refused(elsewhere / "half", "damaged");

    std::filesystem::create_directory(target); // one that is there and empty is taken
    restores(file, target);
    CHECK(std::filesystem::exists(target / "stratolet.db"));
    CHECK_FALSE(std::filesystem::exists(target / ".restoring"));
}

TEST_CASE("Links and holes of layered disks are the same after they were unpacked", "[appliance][operator][backup]") {
    const Folder from, to, files;
    std::filesystem::create_directories(from / "volume-1.layers");
    std::filesystem::create_directories(from / "volume-2.layers");
    std::ofstream(from / "volume-1.layers" / "base.raw") << "bytes";
    std::filesystem::resize_file(from / "volume-1.layers" / "base.raw", 4 << 20);
    std::filesystem::create_hard_link(from / "volume-1.layers" / "base.raw", from / "volume-2.layers" / "base.raw");
    std::ofstream(from / "hole");
    std::filesystem::resize_file(from / "hole", 1 << 20);
    std::filesystem::create_symlink("base.raw", from / "volume-1.layers" / "head");
    {
        const Fd out(::open((files / "a").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        ArchiveWriter archive(out);
        archive.add(from.path(), "volumes");
        archive.finish();
    }
    CHECK(std::filesystem::file_size(files / "a") < 100'000);
    unpack(files / "a", to.path());
    const auto one = to / "volumes" / "volume-1.layers" / "base.raw";
    CHECK(std::filesystem::hard_link_count(one) == 2);
    CHECK(std::filesystem::equivalent(one, to / "volumes" / "volume-2.layers" / "base.raw"));
    CHECK(std::filesystem::read_symlink(to / "volumes" / "volume-1.layers" / "head") == "base.raw");
    CHECK(contentOf(one) == contentOf(from / "volume-1.layers" / "base.raw"));
    CHECK(contentOf(to / "volumes" / "hole") == std::string(1 << 20, '\0'));
    struct stat found {};
    REQUIRE(::stat(one.c_str(), &found) == 0);
    CHECK(found.st_blocks * 512 < 1 << 20);
}
