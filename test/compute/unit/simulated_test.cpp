#include "compute/driver/simulated.hpp"

#include <catch2/catch.hpp>

#include <stratolet/driver/local_path.hpp>

#include <fstream>
#include <stdlib.h>

using namespace stratolet;
using namespace stratolet::compute;
using namespace std::chrono_literals;

namespace {

struct Folder {
    std::filesystem::path path;
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "simulated-XXXXXX").string();
        REQUIRE(mkdtemp(pattern.data()));
        path = pattern;
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
};

const ServerId server{"0d1c4b5e-7d5e-4c7f-9d43-3a0f1b1c2d3e"};

GuestSpec spec() {
    return {.server = server,
            .host = {},
            .name = "web",
            .project = {},
            .vcpus = 1,
            .memory = MiB{64},
            .disks = {{.serial = "root", .source = {}, .device = "vda"}},
            .nics = {{.port = {}, .vif = Tap{"tap"}, .mac = "fa:16:3e:00:00:01"}}};
}

}

TEST_CASE("A simulated guest goes through its life, each verb twice", "[compute][simulated]") {
    SimulatedHypervisor hypervisor;
    CHECK_FALSE(hypervisor.powerState(server));
    for (int time = 0; time < 2; ++time) hypervisor.ensureDefined(spec());
    CHECK(hypervisor.powerState(server) == PowerState::Shutdown);
    for (int time = 0; time < 2; ++time) hypervisor.ensureRunning(server);
    CHECK(hypervisor.powerState(server) == PowerState::Running);
    for (int time = 0; time < 2; ++time)
        hypervisor.ensureAttached(server, GuestDisk{.serial = "data", .source = {}, .device = "vdb"});
    CHECK(hypervisor.disksOf(server) == std::vector<std::string>{"root", "data"});
    for (int time = 0; time < 2; ++time) CHECK(hypervisor.detached(server, "data", true));
    CHECK(hypervisor.disksOf(server) == std::vector<std::string>{"root"});
    for (int time = 0; time < 2; ++time) hypervisor.pressPowerButton(server);
    CHECK(hypervisor.powerState(server) == PowerState::Shutdown);
    for (int time = 0; time < 2; ++time) hypervisor.ensureGone(server);
    CHECK(hypervisor.guests().empty());
}

TEST_CASE("Simulated guests outlive their hypervisor's process where they are kept", "[compute][simulated]") {
    const Folder folder;
    {
        SimulatedHypervisor before({.stateDir = folder.path});
        before.ensureDefined(spec());
        before.ensureRunning(server);
    }
    SimulatedHypervisor after({.stateDir = folder.path});
    CHECK(after.guests() == std::vector<ServerId>{server});
    CHECK(after.powerState(server) == PowerState::Running);
    CHECK(after.disksOf(server) == std::vector<std::string>{"root"});
    CHECK(after.nicsOf(server) == std::vector<std::string>{"fa:16:3e:00:00:01"});
    after.ensureGone(server);
    CHECK(SimulatedHypervisor({.stateDir = folder.path}).guests().empty());
}

TEST_CASE("A simulated hypervisor fails as often as it is told to", "[compute][simulated]") {
    SimulatedHypervisor hypervisor;
    hypervisor.ensureDefined(spec());
    hypervisor.failOn("ensureRunning", 2, Failure::TimedOut);
    for (int time = 0; time < 2; ++time) CHECK_THROWS_AS(hypervisor.ensureRunning(server), Error);
    CHECK(hypervisor.powerState(server) == PowerState::Shutdown);
    CHECK_NOTHROW(hypervisor.ensureRunning(server));
    CHECK(hypervisor.calls("ensureRunning") == 3);
}

TEST_CASE("A simulated root disk is sparse and as large as asked", "[compute][simulated]") {
    const Folder folder;
    SimulatedHypervisor hypervisor;
    const auto disks = instanceFiles(folder.path / "instances", hypervisor.diskMaker());
    const auto image = [&] { return DiskSource{FileDisk{folder.path / "image"}}; };
    CHECK_THROWS_AS(disks->ensureBase("base", image, {}), Error);
    std::ofstream(folder.path / "image") << std::string(1000, 'i');
    CHECK(disks->ensureBase("base", image, {}) == Bytes{1024});
    CHECK(std::filesystem::file_size(localPath(disks->ensureLayer(server, {}, "base", GiB{1}.bytes()))) ==
          std::uintmax_t{1} << 30);
    CHECK(disks->capacity() == GiB{65536}.bytes());
}

TEST_CASE("A console shows its last lines", "[compute][simulated]") {
    SimulatedHypervisor hypervisor;
    hypervisor.ensureDefined(spec());
    hypervisor.ensureRunning(server);
    CHECK(hypervisor.console(server, 2) == "boot 1\nlogin: ");
    CHECK(hypervisor.console(server, 0).empty());
    CHECK(hypervisor.console(server, -1).ends_with("login: \n"));
}

TEST_CASE("A disk whose secret nobody knows reaches no guest", "[compute][simulated]") {
    SimulatedHypervisor hypervisor;
    const ServerId server{"00000000-0000-4000-8000-000000000001"};
    GuestSpec spec;
    spec.server = server;
    hypervisor.ensureDefined(spec);
    GuestDisk disk{.serial = "locked", .source = {}, .device = "vdb"};
    disk.source.luks = {"key"};
    CHECK_THROWS_AS(hypervisor.ensureAttached(server, disk), Error);
    hypervisor.useSecrets([](const SecretId& secret) { return secret.text == "key" ? "word" : ""; });
    hypervisor.ensureAttached(server, disk);
    CHECK(hypervisor.liveDisk(server, "locked"));
    CHECK_FALSE(hypervisor.liveDisk(server, "another"));
}
