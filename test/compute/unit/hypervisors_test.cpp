#include "compute/host/hypervisors.hpp"

#include <catch2/catch.hpp>

#include <stratolet/error.hpp>

#include "compute/driver/simulated.hpp"
#include "platform/resources.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using namespace stratolet::compute;

namespace {

struct OneHost {
    explicit OneHost(const std::filesystem::path& folder, const std::string& hostname)
        : hypervisor({.stateDir = folder / "hypervisor", .hostname = hostname}),
          disks(instanceFiles(folder / "instances", hypervisor.diskMaker())) {}
    SimulatedHypervisor hypervisor;
    std::unique_ptr<InstanceDisks> disks;
    HostDrivers drivers(const std::string& name = "") { return {{name}, hypervisor, *disks}; }
};

struct World {
    test::Folder folder;
    RealAmbient ambient;
    store::Store store{{.file = folder / "store.db", .durable = false}};
    World() { store.migrate(migrationsOf("compute")); }
    std::int64_t rows() { return store.reader().query("SELECT count(*) FROM compute_hosts").integer(); }
};

}

TEST_CASE("Each host has its own driver, and one that can't be reached fails nobody else", "[compute][hosts]") {
    World world;
    OneHost one(world.folder / "one", "one"), two(world.folder / "two", "two");
    Hypervisors hosts(world.store, world.ambient, {one.drivers("one"), two.drivers("two")});
    one.hypervisor.failOn("report", 1000, Failure::Busy);
    CHECK(&hosts.on({"two"}) == &two.hypervisor);
    CHECK(&hosts.disksOn({"two"}) == two.disks.get());
    CHECK(&hosts.on({"one"}) == &one.hypervisor);
    CHECK(hosts.facts({"two"}).report.hostname == "two");
    CHECK(hosts.hostnameOf({"three"}) == "three");
    CHECK_THROWS_AS(hosts.facts({"one"}), Error);
    CHECK_THROWS_AS(hosts.on({"three"}), Error);
    CHECK(hosts.names() == std::vector<HostName>{{"one"}, {"two"}});
}

TEST_CASE("A host keeps the name that it was met under, though its machine is called otherwise since",
          "[compute][hosts]") {
    World world;
    {
        OneHost before(world.folder.path(), "before");
        Hypervisors hosts(world.store, world.ambient, {before.drivers()});
        CHECK(hosts.facts(hosts.next()).name.text == "before");
    }
    OneHost after(world.folder.path(), "after");
    Hypervisors hosts(world.store, world.ambient, {after.drivers()});
    CHECK(&hosts.on({"before"}) == &after.hypervisor);
    CHECK(after.hypervisor.calls("report") == 0); // its name is known without it
    CHECK(hosts.hostnameOf({"before"}) == "after");
    CHECK(world.rows() == 1);
}

TEST_CASE("A machine that was started anew is known by what its driver says", "[compute][hosts]") {
    World world;
    OneHost one(world.folder.path(), "one");
    Hypervisors hosts(world.store, world.ambient, {one.drivers()});
    const auto host = hosts.next();
    CHECK_FALSE(hosts.restarted(host));
    one.hypervisor.loseHost();
    CHECK(hosts.restarted(host));
    CHECK(hosts.restarted(host)); // until somebody has done what it takes
    hosts.rememberStart(host);
    CHECK_FALSE(hosts.restarted(host));
}

TEST_CASE("Rows that a renamed machine has left become one host, which has all servers", "[compute][hosts]") {
    const test::Folder folder;
    store::Store store({.file = folder / "store.db", .durable = false});
    const auto all = migrationsOf("compute");
    store.migrate(std::vector{all.front()});
    store.write([](store::Transaction& tx) {
        for (const auto* name : {"a", "b"})
            tx.execute("INSERT INTO compute_hosts VALUES (?1, (SELECT count(*) + 1 FROM compute_hosts), ?1, ?1 || "
                       "'-service', 'boot', 0)",
                       name);
        for (const auto* name : {"a", "b"})
            tx.execute("INSERT INTO compute_servers (id, project, user, name, hostname, host, vm_state, image, base, "
                       "flavor, flavor_name, vcpus, "
                       "ram, disk, ephemeral, swap, extra_specs, zone, disk_config, reservation, launch_index, "
                       "created, updated) VALUES "
                       "(?1 || '-server', '', '', '', '', ?1, 'active', '', '', '', '', 1, 1, 1, 0, 0, '{}', '', '', "
                       "'', 0, 0, 0)",
                       name);
    });
    store.migrate(all);
    CHECK(store.reader().query("SELECT name FROM compute_hosts").texts() == std::vector<std::string>{"b"});
    CHECK(store.reader().query("SELECT DISTINCT host FROM compute_servers").texts() == std::vector<std::string>{"b"});
}
