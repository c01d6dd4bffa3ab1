#include "compute/verb/resize.hpp"

#include <chrono>

#include <stratolet/error.hpp>

#include "compute/host/host_table.hpp"
#include "compute/migration/migration.hpp"
#include "compute/scheduler/scheduler.hpp"
#include "compute/server/server_guest.hpp"
#include "compute/server/server_making.hpp"
#include "compute/server/server_reading.hpp"
#include "compute/server/server_table.hpp"
#include "compute/server/server_verb.hpp"
#include "compute/verb/migrate.hpp"
#include "compute/verb/resize_table.hpp"
#include "platform/config/config.hpp"

namespace stratolet::compute {
namespace {

using jobs::Job;
using jobs::Run;
using store::Transaction;

constexpr InstanceDisk aside{InstanceDisk::Role::Aside}, swapDisk{InstanceDisk::Role::Swap};

/// What it takes more of than it has, within what project and user may have.
void claim(Core& core, store::Reader& db, const Server& server, const Flavor& flavor) {
    const auto used = ServerTable::usage(db, server.project);
    if (const auto more = flavor.vcpus - server.flavor.vcpus; more > 0)
        core.quotas.claim(db, server.project.text, "cores", used.cores, more);
    if (const auto more = flavor.ram.count - server.flavor.ram.count; more > 0)
        core.quotas.claim(db, server.project.text, "ram", used.ram, more);
}

void requireOther(Core& core, store::Reader& db, const identity::Caller& caller, const Server& server,
                  const Flavor& flavor) {
    if (flavor.id == server.flavor.id) throw Error(Failure::Invalid, "When resizing, instances must change flavor!");
    if (!server.image) return; // its disks are volumes
    if (flavor.disk.count == 0 && server.flavor.disk.count != 0)
        throw Error(Failure::Invalid, "Resize to flavor with zero root disk is not allowed.");
    if (flavor.disk.count > 0 && flavor.disk < server.flavor.disk)
        throw Error(Failure::Invalid, "Flavor's disk is too small for requested image: a disk cannot be made smaller.");
    if (const auto image = core.images.find(db, caller, server.image)) requireFit(*image, flavor);
}

/// It stays on its host, which must have room for what it is to be.
void requireRoom(Core& core, store::Reader& db, const Server& server, const Flavor& flavor) {
    auto other = server;
    other.flavor = flavor;
    auto placing = placingOf(other);
    placing.host = {server.host};
    if (const auto placed = core.scheduler.choose(db, placing); !placed) throw Error(Failure::Invalid, placed.fault);
}

/// The disks that are of the flavor's making, as the new one has them.
void resizeDevices(Core& core, Transaction& tx, const Server& server, const Flavor& flavor) {
    bool hasSwap = false;
    for (const auto& device : DeviceTable::of(tx, server.id)) {
        if (!device.isSwap()) continue;
        hasSwap = true;
        flavor.swap.count > 0 ? DeviceTable::setSize(tx, device.id, flavor.swap) : DeviceTable::remove(tx, device.id);
    }
    if (hasSwap || flavor.swap.count == 0) return;
    std::vector<std::string> taken;
    for (const auto& device : DeviceTable::of(tx, server.id)) taken.push_back(device.name);
    Device swap;
    swap.id = core.parts.ambient.uuid();
    swap.server = server.id;
    swap.local = swap.deleteOnTermination = true;
    swap.size = flavor.swap;
    swap.format = "swap";
    swap.name = freeName(taken, swap.bus, false);
    DeviceTable::insert(tx, swap);
}

void setFlavor(Core& core, Transaction& tx, const Server& server, const Flavor& flavor) {
    ServerTable::setFlavor(tx, server.id, flavor);
    resizeDevices(core, tx, server, flavor);
}

void setTask(Core& core, const Run& run, TaskState task) {
    core.parts.store.write([&](Transaction& tx) {
        const auto server = ServerTable::find(tx, run.id_of<ServerId>());
        if (server && server->task != TaskState::Deleting)
            ServerTable::move(tx, *server, server->vm, task, server->power, core.now());
    });
}

bool isStopped(Core& core, const ServerId& id) {
    const auto before = ResizeTable::find(core.reader(), id);
    return before && before->vm == VmState::Stopped;
}

void keepAside(Core& core, const Run& run) {
    setTask(core, run, TaskState::ResizeMigrating);
    const auto id = run.id_of<ServerId>();
    hypervisorOf(core, run).ensureOff(id); // it was asked before
    auto& disks = disksOf(core, run);
    if (disks.find(id, {})) disks.setAside(id, run.cancelled);
}

void grow(Core& core, const Run& run) {
    setTask(core, run, TaskState::ResizeFinish);
    const auto server = ServerTable::find(core.reader(), run.id_of<ServerId>());
    if (!server) return;
    auto& disks = core.hypervisors.disksOn({server->host});
    if (disks.find(server->id, {}) && server->flavor.disk.count > 0)
        disks.grow(server->id, server->flavor.disk.bytes());
    disks.remove(server->id, swapDisk); // nothing in it is worth keeping
    ensureDisks(core, server->id, run.cancelled);
}

/// Back on the host that it was on before it was migrated, where it left nothing but its place.
void goHome(Core& core, const Run& run) {
    const auto id = run.id_of<ServerId>();
    const auto before = ResizeTable::find(core.reader(), id);
    if (!before || before->host == hostOf(core, id).text) return;
    hypervisorOf(core, run).ensureGone(id);
    disksOf(core, run).discard(id);
    core.parts.store.write([&](Transaction& tx) {
        if (const auto server = ServerTable::find(tx, id)) changeHosts(core, tx, *server, {before->host});
    });
}

/// As it was, on the host; what the store says of it is said already.
void takeBack(Core& core, const Run& run) {
    const auto id = run.id_of<ServerId>();
    goHome(core, run);
    hypervisorOf(core, run).ensureOff(id);
    auto& disks = disksOf(core, run);
    disks.takeBack(id);
    disks.remove(id, swapDisk);
    ensureDisks(core, id, {});
    if (!disks.find(id, {InstanceDisk::Role::ConfigDrive}) && !disks.find(id, {InstanceDisk::Role::ConfigDisk}))
        ensureConfigDrive(core, id, run.cancelled);
}

/// The flavor that it had before is its own again.
void forget(Core& core, Transaction& tx, const ServerId& id, std::string_view outcome) {
    const auto before = ResizeTable::find(tx, id);
    if (!before) return;
    MigrationTable::setStatus(tx, before->migration, outcome, core.now());
    ResizeTable::remove(tx, id);
    host_table::letGo(tx, id);
}

}

void bootUnlessStopped(Core& core, const Run& run) {
    const auto id = run.id_of<ServerId>();
    isStopped(core, id) ? define(core, id) : boot(core, id);
}

void goOn(Core& core, const Run& run) {
    const auto id = run.id_of<ServerId>();
    core.parts.store.write([&](Transaction& tx) {
        const auto server = ServerTable::find(tx, id);
        const auto before = ResizeTable::find(tx, id);
        if (server && before) setFlavor(core, tx, *server, before->flavor);
    });
    const auto server = ServerTable::find(core.reader(), id);
    if (server && server->task != TaskState::Deleting) bootUnlessStopped(core, run);
}

Job resized(Job&& job, Core& core, const char* doing) {
    return std::move(job)
        .onDone([&core](Transaction& tx, Run& run) {
            const auto id = run.id_of<ServerId>();
            const auto before = ResizeTable::find(tx, id);
            if (before) MigrationTable::setStatus(tx, before->migration, "finished", core.now());
            ResizeTable::done(tx, id, core.now());
            close(core, tx, run, VmState::Resized,
                  before && before->vm == VmState::Stopped ? PowerState::Shutdown : PowerState::Running);
        })
        .onFailed([&core, doing](Transaction& tx, Run& run, const std::string& reason) {
            const auto before = ResizeTable::find(tx, run.id_of<ServerId>());
            forget(core, tx, run.id_of<ServerId>(), "error");
            gaveUp(core, tx, run, doing, reason, before ? before->vm : VmState::Active);
        });
}

void resizeServer(Core& core, const identity::Caller& caller, const ServerId& id, const FlavorId& wanted,
                  const std::optional<std::string>& diskConfig) {
    core.parts.store.write([&](Transaction& tx) {
        const auto server = beginVerb(core, tx, caller, id,
                                      {.rule = "os_compute_api:servers:resize",
                                       .doing = "resize",
                                       .action = "resize",
                                       .event = "compute_prep_resize",
                                       .job = "resize",
                                       .states = {VmState::Active, VmState::Stopped},
                                       .task = TaskState::ResizePrep});
        const auto flavor = core.flavors.find(tx, caller, wanted);
        if (!flavor) throw Error(Failure::Invalid, "Flavor ", wanted, " could not be found.");
        requireOther(core, tx, caller, server, *flavor);
        claim(core, tx, server, *flavor);
        requireRoom(core, tx, server, *flavor);
        if (diskConfig) {
            auto changed = server;
            changed.diskConfig = *diskConfig;
            ServerTable::describe(tx, changed);
        }
        const auto now = core.now();
        Migration record{.id = core.parts.ambient.uuid(),
                         .server = id,
                         .kind = "resize",
                         .status = "migrating",
                         .source = server.host,
                         .destination = server.host,
                         .oldFlavor = server.flavor.id,
                         .newFlavor = flavor->id,
                         .user = caller.user,
                         .project = caller.project,
                         .created = now,
                         .updated = now};
        MigrationTable::insert(tx, record);
        ResizeTable::insert(tx, {id, server.vm, server.flavor, server.host, record.id});
        setFlavor(core, tx, server, *flavor);
    });
}

void confirmResize(Core& core, const identity::Caller& caller, const ServerId& id) {
    beginVerb(core, caller, id,
              {.rule = "os_compute_api:servers:confirm_resize",
               .doing = "confirmResize",
               .action = "confirmResize",
               .event = "compute_confirm_resize",
               .job = "confirm-resize",
               .states = {VmState::Resized},
               .task = TaskState::ResizeConfirming});
}

void revertResize(Core& core, const identity::Caller& caller, const ServerId& id) {
    core.parts.store.write([&](Transaction& tx) {
        const auto server = beginVerb(core, tx, caller, id,
                                      {.rule = "os_compute_api:servers:revert_resize",
                                       .doing = "revertResize",
                                       .action = "revertResize",
                                       .event = "compute_revert_resize",
                                       .job = "revert-resize",
                                       .states = {VmState::Resized},
                                       .task = TaskState::ResizeReverting});
        const auto before = ResizeTable::find(tx, id);
        if (!before) throw Error(Failure::Broken, "nobody knows what server ", id, " was before it was resized");
        setFlavor(core, tx, server, before->flavor);
        MigrationTable::setStatus(tx, before->migration, "reverting", core.now());
    });
}

void confirmOldResizes(Core& core) {
    const auto window = core.parts.config.seconds("compute", "resize_confirm_window");
    if (window.count() == 0) return;
    for (const auto& id : ResizeTable::doneBefore(core.reader(), core.now() - window))
        core.parts.store.write([&](Transaction& tx) {
            const auto server = ServerTable::find(tx, id);
            if (!server || server->vm != VmState::Resized || server->task != TaskState::None) return;
            ServerTable::move(tx, *server, server->vm, TaskState::ResizeConfirming, server->power, core.now());
            enqueueVerb(core, tx, *server, ownAsker(core, *server), "confirm-resize", "confirmResize",
                        "compute_confirm_resize");
        });
}

Job resizeServerJob(Core& core) {
    const auto undoBoot = [&core](Run& run) { hypervisorOf(core, run).ensureOff(run.id_of<ServerId>()); };
    auto job = wired(Job("compute.server.resize")
                         .within(std::chrono::hours(2))
                         .step(
                             "off", [&core](Run& run) { powerOff(core, run, shutdownPatience(core)); },
                             [&core](Run& run) { goOn(core, run); })
                         .step(
                             "aside", [&core](Run& run) { keepAside(core, run); },
                             [&core](Run& run) { disksOf(core, run).takeBack(run.id_of<ServerId>()); }, jobs::copyLane)
                         .step(
                             "disk", [&core](Run& run) { grow(core, run); }, {}, jobs::copyLane),
                     core)
                   .step(
                       "boot", [&core](Run& run) { bootUnlessStopped(core, run); }, undoBoot);
    return resized(std::move(job), core, "resize");
}

Job confirmResizeJob(Core& core) {
    return Job("compute.server.confirm-resize")
        .step("clear", [&core](Run& run) { disksOf(core, run).remove(run.id_of<ServerId>(), aside); })
        .untilDone()
        .onDone([&core](Transaction& tx, Run& run) {
            const auto server = ServerTable::find(tx, run.id_of<ServerId>());
            const bool stopped = server && server->power != PowerState::Running;
            forget(core, tx, run.id_of<ServerId>(), "confirmed");
            close(core, tx, run, stopped ? VmState::Stopped : VmState::Active,
                  stopped ? PowerState::Shutdown : PowerState::Running);
        });
}

Job revertResizeJob(Core& core) {
    return wired(Job("compute.server.revert-resize")
                     .within(std::chrono::hours(2))
                     .step("off", [&core](Run& run) { powerOff(core, run, shutdownPatience(core)); })
                     .step(
                         "disk", [&core](Run& run) { takeBack(core, run); }, {}, jobs::copyLane),
                 core)
        .step("boot", [&core](Run& run) { bootUnlessStopped(core, run); })
        .onDone([&core](Transaction& tx, Run& run) {
            const auto before = ResizeTable::find(tx, run.id_of<ServerId>());
            const bool stopped = before && before->vm == VmState::Stopped;
            forget(core, tx, run.id_of<ServerId>(), "reverted");
            close(core, tx, run, stopped ? VmState::Stopped : VmState::Active,
                  stopped ? PowerState::Shutdown : PowerState::Running);
        })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            forget(core, tx, run.id_of<ServerId>(), "error");
            gaveUp(core, tx, run, "revert the resize of", reason, VmState::Error);
        });
}

}
