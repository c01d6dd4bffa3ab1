#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <csignal>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include <stratolet/error.hpp>

#include "block/driver/file.hpp"
#include "block/driver/iscsi.hpp"
#include "block/unit/driver_conformance.hpp"
#include "platform/os/process.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using namespace stratolet::block;
using test::reads;
using test::write;

namespace {

constexpr std::int64_t mib = 1 << 20;
const VolumeId one{"00000000-0000-4000-8000-000000000001"};
const Connector near{.host = "here", .address = "127.0.0.1", .initiator = {}},
    far{.host = "there", .address = "127.0.0.1", .initiator = {}},
    farther{.host = "elsewhere", .address = "127.0.0.1", .initiator = {}};

std::uint16_t freePort() {
    const Fd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    REQUIRE(::bind(probe.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
    return ntohs(address.sin_port);
}

/// A tgtd of its own, on a port and with a control socket of its own, that ends with this.
class Target {
public:
    Target() : port_(freePort()) {}
    ~Target() { stop(); }
    Target(const Target&) = delete;

    std::unique_ptr<VolumeDriver> start(bool always = false) {
        return iscsiVolumeDriver(
            fileVolumeDriver({.folder = folder_ / "volumes", .copies = true}),
            {.host = "here",
             .always = always,
             .target = {
                 .address = "127.0.0.1", .port = port_, .control = port_ % 32767 + 1, .folder = folder_ / "target"}});
    }

    void stop() {
        const auto mark = "portal=127.0.0.1:" + std::to_string(port_);
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            const auto name = entry.path().filename().string();
            if (name.find_first_not_of("0123456789") == std::string::npos && process::runs(std::stoi(name), mark))
                process::end(std::stoi(name), mark, std::chrono::seconds(1));
        }
    }

    const std::filesystem::path& folder() const { return folder_.path(); }

private:
    test::Folder folder_;
    std::uint16_t port_;
};

/// By QEMU's own initiator, as a guest would.
process::Outcome remotely(const DiskSource& disk, const std::string& password, const std::string& command) {
    const auto& network = std::get<NetworkDisk>(disk.at);
    const auto unit = network.name.find('/');
    return process::run(
        {.argv = {"qemu-io", "--object", "secret,id=chap,data=" + password, "-c", command, "--image-opts",
                  "driver=raw,file.driver=iscsi,file.transport=tcp,file.portal=" + network.hosts[0].host + ":" +
                      std::to_string(network.hosts[0].port) + ",file.target=" + network.name.substr(0, unit) +
                      ",file.lun=" + network.name.substr(unit + 1) + ",file.user=" + network.user +
                      ",file.password-secret=chap"},
         .timeout = std::chrono::seconds(30)});
}

bool there() {
    for (const auto* each : {"tgtd", "qemu-io"})
        if (process::run({.argv = {each, "--help"}}).exitCode == 127) {
            WARN("skipped: there is no " << each);
            return false;
        }
    if (process::run({.argv = {"qemu-img", "info", "iscsi://127.0.0.1:1/x/1"}}).err.find("Unknown protocol") !=
        std::string::npos) {
        WARN("skipped: this QEMU speaks no iSCSI");
        return false;
    }
    return ::geteuid() == 0; // tgtd's control socket is in a folder of root's
}

}

TEST_CASE("Volumes that are served by iSCSI are volumes as every driver's are", "[block][iscsi]") {
    if (!there()) return;
    Target target;
    test::conforms({.start = [&] { return target.start(); }, .folder = target.folder(), .snapshotsMax = 3});
}

TEST_CASE("A volume is reached by iSCSI from another host, with its password alone, and not after it was let go",
          "[block][iscsi]") {
    if (!there()) return;
    Target target;
    const auto driver = target.start();
    driver->ensure(one, GiB{1});
    write(driver->source(one), 1, 0, mib);
    CHECK(std::holds_alternative<FileDisk>(driver->connect(one, near).at));
    const auto disk = driver->connect(one, far);
    CHECK(driver->connect(one, far) == disk);
    const auto& network = std::get<NetworkDisk>(disk.at);
    const auto password = driver->secret(network.secret);
    CHECK(password.size() >= 16);
    CHECK(driver->secret({"00000000-0000-4000-8000-0000000000ff"}).empty());

    CHECK(remotely(disk, password, "read -P 1 0 1M").succeeded());
    CHECK(remotely(disk, password, "write -P 2 1M 1M").succeeded());
    CHECK(reads(driver->source(one), 2, mib, mib));
    CHECK_FALSE(remotely(disk, "not-the-password", "read -P 1 0 1M").succeeded());
    auto nobody = disk;
    std::get<NetworkDisk>(nobody.at).user = "nobody";
    CHECK_FALSE(remotely(nobody, password, "read -P 1 0 1M").succeeded());

    const auto other = driver->connect(one, farther); // each connection has a password of its own
    CHECK(std::get<NetworkDisk>(other.at).secret != network.secret);
    driver->disconnect(one, far);
    driver->disconnect(one, far);
    CHECK_FALSE(remotely(disk, password, "read -P 1 0 1M").succeeded());
    CHECK(driver->secret(network.secret).empty());
    const auto theirs = driver->secret(std::get<NetworkDisk>(other.at).secret);
    CHECK(remotely(other, theirs, "read -P 1 0 1M").succeeded());

    driver->ensure(one, GiB{2});
    CHECK(remotely(other, theirs, "read -P 0 1536M 1M").succeeded());
    driver->discard(one); // S9: nobody has it before its bytes go
    CHECK_FALSE(remotely(other, theirs, "read 0 1M").succeeded());
}

TEST_CASE("Connections outlive the program and tgtd", "[block][iscsi]") {
    if (!there()) return;
    Target target;
    DiskSource disk;
    {
        const auto driver = target.start(true);
        driver->ensure(one, GiB{1});
        write(driver->source(one), 3, 0, mib);
        disk = driver->connect(one, near); // even on its own host
        CHECK(remotely(disk, driver->secret(std::get<NetworkDisk>(disk.at).secret), "read -P 3 0 1M").succeeded());
    }
    target.stop();
    const auto driver = target.start(true);
    CHECK(driver->connect(one, near) == disk);
    CHECK(remotely(disk, driver->secret(std::get<NetworkDisk>(disk.at).secret), "read -P 3 0 1M").succeeded());
    for (const auto& entry : std::filesystem::directory_iterator(target.folder() / "target"))
        if (entry.path().filename() != "tgtd.log")
            CHECK((std::filesystem::status(entry.path()).permissions() & std::filesystem::perms::others_all) ==
                  std::filesystem::perms::none);
    driver->disconnect(one, near);
    driver->discard(one);
}

TEST_CASE("S15: what names a host can't be an option or a line for tgtadm", "[block][iscsi][security]") {
    if (!there()) return;
    Target target;
    const auto driver = target.start();
    driver->ensure(one, GiB{1});
    for (const auto* each : {"--force", "a b", "a\nb", "a;b", "\xff"}) {
        CHECK_THROWS_AS(driver->connect(one, {.host = each, .address = "127.0.0.1"}), Error);
        CHECK_THROWS_AS(driver->connect(one, {.host = "host", .address = each}), Error);
        CHECK_THROWS_AS(driver->connect(one, {.host = "host", .address = "127.0.0.1", .initiator = each}), Error);
    }
}
