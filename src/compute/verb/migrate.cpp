#include "compute/verb/migrate.hpp"

#include <algorithm>
#include <chrono>

#include <stratolet/error.hpp>

#include "compute/action/action.hpp"
#include "compute/device/device.hpp"
#include "compute/host/host_table.hpp"
#include "compute/migration/migration.hpp"
#include "compute/scheduler/scheduler.hpp"
#include "compute/server/server_guest.hpp"
#include "compute/server/server_reading.hpp"
#include "compute/server/server_table.hpp"
#include "compute/server/server_verb.hpp"
#include "compute/verb/rebuild.hpp"
#include "compute/verb/resize.hpp"
#include "compute/verb/resize_table.hpp"

namespace stratolet::compute {
namespace {

using jobs::Job;
using jobs::Run;
using store::Transaction;

constexpr std::initializer_list<VmState> atRest = {VmState::Active, VmState::Stopped};
constexpr std::initializer_list<VmState> orBroken = {VmState::Active, VmState::Stopped, VmState::Error};

/// Error(Invalid) for a host that there isn't, or the server's own.
void requireOther(Core& core, const Server& server, const Destination& to) {
    const auto hosts = core.hypervisors.names();
    if (to.host && std::find(hosts.begin(), hosts.end(), HostName{*to.host}) == hosts.end())
        throw Error(Failure::Invalid, "Compute host ", *to.host, " could not be found.");
    if (to.host == server.host)
        throw Error(Failure::Invalid, "Unable to migrate instance (", server.id, ") to current host (", server.host,
                    ").");
    if (hosts.size() == 1) throw Error(Failure::Invalid, "No valid host was found. There is no other host.");
}

Error nobodyHasItsDisks() {
    return Error(Failure::Invalid, "No valid host was found. No other host can have the server's disks.");
}

/// Another host that has room for it, in the transaction that counts it there.
Placed placeElsewhere(Core& core, Transaction& tx, const Server& server, const Destination& to, Placing& placing) {
    placing = placingOf(server);
    placing.image = server.imageProperties;
    placing.notOn = {server.host};
    if (to.host) placing.host = {*to.host};
    auto placed = core.scheduler.choose(tx, placing);
    if (!placed) throw Error(Failure::Invalid, placed.fault);
    return placed;
}

Migration record(Core& core, const identity::Caller& caller, const Server& server, const HostName& to,
                 std::string_view kind, std::string_view status) {
    const auto now = core.now();
    return {.id = core.parts.ambient.uuid(),
            .server = server.id,
            .kind = std::string(kind),
            .status = std::string(status),
            .source = server.host,
            .destination = to.text,
            .oldFlavor = server.flavor.id,
            .newFlavor = server.flavor.id,
            .user = caller.user,
            .project = caller.project,
            .created = now,
            .updated = now};
}

void leaveHost(Core& core, const Run& run) {
    const auto id = run.id_of<ServerId>();
    hypervisorOf(core, run).ensureGone(id); // it was asked to power off before
    disksOf(core, run).discard(id);         // a config drive, which is made anew where it goes
}

/// On the host that it goes to, while what it takes is held on the one that it left, or the other way round.
void standOn(Core& core, const Run& run, bool there) {
    core.parts.store.write([&](Transaction& tx) {
        const auto server = ServerTable::find(tx, run.id_of<ServerId>());
        const auto before = server ? ResizeTable::find(tx, server->id) : std::nullopt;
        if (before) changeHosts(core, tx, *server, {there ? run.arguments().text("to") : before->host});
    });
}

}

void changeHosts(Core& core, Transaction& tx, const Server& server, const HostName& to) {
    if (to.text == server.host) return;
    const auto host = core.hosts.find(tx, to);
    const auto placing = placingOf(server);
    host_table::letGo(tx, server.id);
    host_table::hold(tx, server.id, {server.host}, placing.vcpus, placing.ram, placing.disk);
    ServerTable::setHost(tx, server.id, to, host ? host->zone : server.zone);
}

void migrateServer(Core& core, const identity::Caller& caller, const ServerId& id, const Destination& to) {
    core.parts.store.write([&](Transaction& tx) {
        const auto server = allowedServer(tx, caller, id, "os_compute_api:os-migrate-server:migrate");
        requireState(server, caller, "migrate", atRest, While::Idle);
        requireOther(core, server, to);
        const auto devices = DeviceTable::of(tx, id);
        if (std::any_of(devices.begin(), devices.end(), [](const Device& each) { return each.local; }))
            throw nobodyHasItsDisks();
        Placing placing;
        const auto placed = placeElsewhere(core, tx, server, to, placing);
        beginVerb(core, tx, caller, id,
                  {.rule = "os_compute_api:os-migrate-server:migrate",
                   .doing = "migrate",
                   .action = "migrate",
                   .event = "cold_migrate",
                   .job = "migrate",
                   .states = atRest,
                   .task = TaskState::ResizePrep},
                  "\"to\":" + jsonText(placed.host.text));
        const auto move = record(core, caller, server, placed.host, "migration", "migrating");
        MigrationTable::insert(tx, move);
        ResizeTable::insert(tx, {id, server.vm, server.flavor, server.host, move.id});
        host_table::hold(tx, id, placed.host, placing.vcpus, placing.ram, placing.disk);
    });
}

void migrateServerLive(Core& core, const identity::Caller& caller, const ServerId& id, const Destination& to) {
    const auto server = allowedServer(core.reader(), caller, id, "os_compute_api:os-migrate-server:migrate_live");
    requireState(server, caller, "os-migrateLive", {VmState::Active, VmState::Paused}, While::Idle);
    requireOther(core, server, to);
    throw nobodyHasItsDisks(); // nor its memory: no driver carries that yet
}

void evacuateServer(Core& core, const identity::Caller& caller, const ServerId& id, const Destination& to) {
    core.parts.store.write([&](Transaction& tx) {
        const auto server = allowedServer(tx, caller, id, "os_compute_api:os-evacuate");
        requireState(server, caller, "evacuate", orBroken, While::Busy);
        if (to.host == server.host) throw Error(Failure::Invalid, "The target host can't be the same one.");
        const auto host = core.hosts.find(tx, {server.host});
        if (!host || host->up()) throw Error(Failure::Invalid, "Compute service of ", server.host, " is still in use.");
        requireOther(core, server, to);
        Placing placing;
        const auto placed = placeElsewhere(core, tx, server, to, placing);
        const auto move = record(core, caller, server, placed.host, "evacuation", "accepted");
        MigrationTable::insert(tx, move);
        core.parts.jobs.cancelAll(tx, "compute.server.", id.text); // it waits for a host that doesn't answer
        beginVerb(core, tx, caller, id,
                  {.rule = "os_compute_api:os-evacuate",
                   .doing = "evacuate",
                   .action = "evacuate",
                   .event = "compute_rebuild_instance",
                   .job = "evacuate",
                   .states = orBroken,
                   .task = TaskState::Rebuilding,
                   .when = While::Busy,
                   .launchedOnly = false},
                  "\"runs\":" + std::string(server.vm == VmState::Stopped ? "false" : "true") +
                      ",\"migration\":" + jsonText(move.id));
        ServerTable::setHost(tx, id, placed.host, placed.zone); // which is its claim there
    });
}

Job migrateServerJob(Core& core) {
    auto begun = Job("compute.server.migrate")
                     .within(std::chrono::hours(2))
                     .step(
                         "off", [&core](Run& run) { powerOff(core, run, shutdownPatience(core)); },
                         [&core](Run& run) { goOn(core, run); })
                     .step(
                         "leave", [&core](Run& run) { leaveHost(core, run); },
                         [&core](Run& run) { ensureConfigDrive(core, run.id_of<ServerId>(), run.cancelled); })
                     .step(
                         "move", [&core](Run& run) { standOn(core, run, true); },
                         [&core](Run& run) { standOn(core, run, false); });
    const auto nothingOfItsOwn = [](Run&) { return true; };
    return resized(wired(disksMade(std::move(begun), core, nothingOfItsOwn,
                                   [&core](Run& run) { disksOf(core, run).discard(run.id_of<ServerId>()); }),
                         core)
                       .step(
                           "boot", [&core](Run& run) { bootUnlessStopped(core, run); },
                           [&core](Run& run) { hypervisorOf(core, run).ensureGone(run.id_of<ServerId>()); }),
                   core, "migrate");
}

Job evacuateServerJob(Core& core) {
    const auto disks = [&core](Run& run) {
        ensureDisks(core, run.id_of<ServerId>(), run.cancelled);
        return true;
    };
    return wired(disksMade(Job("compute.server.evacuate").within(std::chrono::minutes(60)), core, disks), core)
        .step("boot", [&core](Run& run) { bootWhereItRan(core, run); })
        .onDone([&core](Transaction& tx, Run& run) {
            MigrationTable::setStatus(tx, run.arguments().text("migration"), "done", core.now());
            closeWhereItRan(core, tx, run);
        })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            MigrationTable::setStatus(tx, run.arguments().text("migration"), "failed", core.now());
            gaveUp(core, tx, run, "evacuate", reason, VmState::Error);
        });
}

}
