#include "compute/host/hypervisors.hpp"

#include <catch2/catch.hpp>

#include <stratolet/error.hpp>

#include "compute/driver/simulated.hpp"
#include "compute/host/host_table.hpp"
#include "platform/resources.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using namespace stratolet::compute;

namespace {

constexpr int all = 1000;

/// The platform's migrations, and compute's to this one.
std::vector<store::Migration> upTo(int number) {
    auto some = migrationsOf("platform");
    for (const auto& each : migrationsOf("compute"))
        if (each.number <= number) some.push_back(each);
    return some;
}

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
    World() { store.migrate(upTo(all)); }
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
    CHECK_THROWS_AS(hosts.look({"one"}), Error);
    CHECK_FALSE(hosts.answers({"one"}));
    CHECK_FALSE(hosts.answers({"two"})); // nobody has asked it yet
    hosts.look({"two"});
    CHECK(hosts.answers({"two"}));
    CHECK(host_table::find(world.store.reader(), {"two"})->hostname == "two");
    CHECK_FALSE(hosts.answers({"three"}));
    hosts.forget({"two"});
    CHECK_THROWS_AS(hosts.lookAtAll(), Error); // one's trouble
    CHECK(hosts.answers({"two"}));
    CHECK_THROWS_AS(hosts.on({"three"}), Error);
    CHECK(hosts.names() == std::vector<HostName>{{"one"}, {"two"}});
}

TEST_CASE("A host keeps the name that it was met under, though its machine is called otherwise since",
          "[compute][hosts]") {
    World world;
    {
        OneHost before(world.folder.path(), "before");
        Hypervisors hosts(world.store, world.ambient, {before.drivers()});
        hosts.look(hosts.names().front());
        CHECK(hosts.names().front().text == "before");
    }
    OneHost after(world.folder.path(), "after");
    Hypervisors hosts(world.store, world.ambient, {after.drivers()});
    CHECK(&hosts.on({"before"}) == &after.hypervisor);
    CHECK(after.hypervisor.calls("report") == 0); // its name is known without it
    hosts.look({"before"});
    CHECK(host_table::find(world.store.reader(), {"before"})->hostname == "after");
    CHECK(world.rows() == 1);
}

TEST_CASE("A machine that was started anew is known by what its driver says", "[compute][hosts]") {
    World world;
    OneHost one(world.folder.path(), "one");
    Hypervisors hosts(world.store, world.ambient, {one.drivers()});
    const auto host = hosts.names().front();
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
    store.migrate(upTo(1));
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
    store.migrate(upTo(all));
    CHECK(store.reader().query("SELECT name FROM compute_hosts").texts() == std::vector<std::string>{"b"});
    CHECK(store.reader().query("SELECT DISTINCT host FROM compute_servers").texts() == std::vector<std::string>{"b"});
}

TEST_CASE("A host's load is what its living servers take, whatever happens to them", "[compute][hosts]") {
    const test::Folder folder;
    store::Store store({.file = folder / "store.db", .durable = false});
    store.migrate(upTo(5)); // from before there were loads
    const auto insert = [&](const std::string& id, const std::string& host, const std::string& image) {
        store.write([&](store::Transaction& tx) {
            tx.execute("INSERT INTO compute_servers (id, project, user, name, hostname, host, vm_state, image, base, "
                       "flavor, flavor_name, vcpus, ram, disk, ephemeral, swap, extra_specs, zone, disk_config, "
                       "reservation, launch_index, created, updated) VALUES "
                       "(?, '', '', '', '', ?, 'active', ?, '', '', '', 2, 512, 10, 1, 100, '{}', '', '', '', 0, 0, 0)",
                       id, host, image);
        });
    };
    const auto change = [&](const std::string& sql) { store.write([&](store::Transaction& tx) { tx.execute(sql); }); };
    const auto load = [&](const std::string& host) {
        auto rows = store.reader().query("SELECT servers, running, tasks, vcpus, ram, disk FROM compute_host_loads "
                                         "WHERE host = ?",
                                         host);
        std::vector<std::int64_t> numbers;
        if (rows.next())
            for (int column = 0; column < 6; ++column) numbers.push_back(rows.row().integer(column));
        return numbers;
    };
    using Numbers = std::vector<std::int64_t>;
    insert("a", "one", "image");
    store.migrate(upTo(all));
    CHECK(load("one") == Numbers{1, 1, 0, 2, 512, 12}); // the swap disk is rounded up
    insert("b", "one", "");                             // from a volume
    CHECK(load("one") == Numbers{2, 2, 0, 4, 1024, 14});
    insert("c", "", "image"); // nowhere
    change("UPDATE compute_servers SET vm_state = 'stopped', task_state = 'powering-on' WHERE id = 'a'");
    CHECK(load("one") == Numbers{2, 1, 1, 4, 1024, 14});
    change("UPDATE compute_servers SET host = 'two', vcpus = 3 WHERE id = 'a'");
    CHECK(load("one") == Numbers{1, 1, 0, 2, 512, 2});
    CHECK(load("two") == Numbers{1, 0, 1, 3, 512, 12});
    change("UPDATE compute_servers SET deleted = 1, vm_state = 'deleted', task_state = NULL WHERE id = 'a'");
    change("DELETE FROM compute_servers WHERE id = 'a'");
    CHECK(load("two") == Numbers{0, 0, 0, 0, 0, 0});
    change("DELETE FROM compute_servers WHERE id = 'b'");
    CHECK(load("one") == Numbers{0, 0, 0, 0, 0, 0});
}
