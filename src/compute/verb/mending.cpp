#include "compute/verb/mending.hpp"

#include <chrono>
#include <exception>
#include <set>
#include <string>

#include "compute/aggregate/cached_image.hpp"
#include "compute/base/base_copies.hpp"
#include "compute/migration/migration.hpp"
#include "compute/server/server_table.hpp"
#include "compute/usage/usage.hpp"
#include "compute/verb/removal.hpp"
#include "compute/verb/resize.hpp"
#include "compute/verb/shelve.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/cloud/strays.hpp"
#include "platform/config/config.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/log/log.hpp"
#include "platform/metrics/metrics.hpp"

namespace stratolet::compute {
namespace {

using store::Transaction;

bool runs(PowerState power) {
    return power == PowerState::Running || power == PowerState::Paused || power == PowerState::Suspended;
}

/// One that was resized while it was stopped waits, stopped, for an answer.
bool shouldRunNow(const Server& server) {
    return hasGuestOn(server.vm) && !(server.vm == VmState::Resized && server.power == PowerState::Shutdown);
}

bool settled(Core& core, store::Reader& db, const Server& server) {
    return server.task == TaskState::None && server.vm != VmState::Building && server.vm != VmState::Error &&
           server.vm != VmState::Deleted && server.vm != VmState::ShelvedOffloaded &&
           !core.parts.jobs.busy(db, server.id.text);
}

void enqueue(Core& core, Transaction& tx, const Server& server, TaskState task, PowerState power, const char* job) {
    ServerTable::move(tx, server, server.vm, task, power, core.now());
    core.parts.jobs.enqueue(tx, job, server.id.text, "", server.project.text);
}

/// What is to be done where the guest is not as the server should be. `lost`: not the guest's own doing.
void follow(Core& core, Transaction& tx, const Server& server, PowerState power, bool lost) {
    const bool shouldRun = shouldRunNow(server);
    if (runs(power) == shouldRun) {
        ServerTable::move(tx, server, server.vm, TaskState::None, power, core.now());
    } else if (shouldRun && lost) {
        ++mendedOf(core.parts.metrics, "guest");
        core.parts.log.info("Starting a server again that the machine has lost", {{"server", server.id.text}});
        enqueue(core, tx, server, TaskState::PoweringOn, power, "compute.server.start");
    } else if (shouldRun) { // its own doing, from inside
        ServerTable::move(tx, server, VmState::Stopped, TaskState::None, power, core.now());
    } else {
        enqueue(core, tx, server, TaskState::PoweringOff, power, "compute.server.stop");
    }
}

/// A guest that its host has no more is lost; one that is off since its host was started anew was, where servers are to
/// go on then ([compute] resume_guests_state_on_host_boot).
bool isLost(Core& core, bool there, bool hostRestarted) {
    return hostRestarted ? core.parts.config.boolean("compute", "resume_guests_state_on_host_boot") : !there;
}

void compare(Core& core, const Server& server, bool there, bool hostRestarted) {
    if (!settled(core, core.reader(), server)) return;
    const PowerState power =
        there ? core.hypervisors.on({server.host}).powerState(server.id).value_or(PowerState::NoState)
              : PowerState::NoState;
    if (runs(power) == shouldRunNow(server) && (power == server.power || !there)) return;
    core.parts.store.write([&](Transaction& tx) {
        const auto now = ServerTable::find(tx, server.id);
        if (now && now->vm == server.vm && settled(core, tx, *now)) // else somebody was faster
            follow(core, tx, *now, power, isLost(core, there, hostRestarted));
    });
}

/// Guests that no living server has: those of deleted ones go, others are told of.
void removeLeftovers(Core& core, const HostName& host, const std::set<std::string>& guests) {
    std::set<std::string> strays;
    for (const auto& guest : guests) {
        const auto server = ServerTable::find(core.reader(), ServerId{guest});
        if (core.parts.jobs.busy(core.reader(), guest) || (server && !server->deleted)) continue; // it has begun since
        if (!server) {
            strays.insert(guest);
            continue;
        }
        ++mendedOf(core.parts.metrics, "guest");
        core.parts.log.warning("Removing the guest of a server that was deleted",
                               {{"server", guest}, {"host", host.text}});
        core.hypervisors.on(host).ensureGone(ServerId{guest});
        core.hypervisors.disksOn(host).discard(ServerId{guest}); // where it was made anew elsewhere, nobody else has
    }
    tellStrays(core.parts, "guest", host.text, strays);
}

/// A base that no row has ever named is not ours to judge, nor is any while there are disks of which nothing is known,
/// not even what they stand on: the store may be older than they are.
void removeUnusedBases(Core& core, const HostName& host) {
    auto& disks = core.hypervisors.disksOn(host);
    std::set<std::string> strays;
    for (const auto& id : disks.present())
        if (!ServerTable::hostOf(core.reader(), id) && !core.parts.jobs.busy(core.reader(), id.text))
            strays.insert(id.text);
    tellStrays(core.parts, "guest's disk", host.text, strays);
    if (!strays.empty()) return;
    constexpr std::chrono::hours kept{
        24}; // of one that nobody uses yet (Nova, remove_unused_original_minimum_age_seconds)
    const auto used = [&](const std::string& base) {
        auto& db = core.reader();
        return ServerTable::baseUsed(db, base) || BaseCopyTable::isPinned(db, base) ||
               cached_image::wantedSince(db, base, core.now() - kept) ||
               (!ServerTable::baseKnown(db, base) && !cached_image::known(db, base) && !BaseCopyTable::knows(db, base));
    };
    for (const auto& base : disks.removeBases(used)) {
        core.parts.store.write([&](Transaction& tx) {
            cached_image::remove(tx, base);
            BaseCopyTable::forget(tx, base);
        });
        core.parts.log.info("Removed a base copy that no server uses", {{"base", base}, {"host", host.text}});
    }
}

/// What its host still has of a server that was made anew elsewhere while the host was down.
void removeEvacuated(Core& core, const HostName& host, const ServerId& server) {
    if (core.parts.jobs.busy(core.reader(), server.text) ||
        !MigrationTable::evacuatedFrom(core.reader(), server, host.text))
        return;
    ++mendedOf(core.parts.metrics, "guest");
    core.parts.log.warning("Removing the guest of a server that was evacuated",
                           {{"server", server.text}, {"host", host.text}});
    core.hypervisors.on(host).ensureGone(server);
    core.hypervisors.disksOn(host).discard(server);
}

void mendHost(Core& core, const HostName& host) {
    const bool restarted = core.hypervisors.restarted(host);
    std::set<std::string> guests; // looked up before the rows: a guest that has no row by then is nobody's
    for (const auto& guest : core.hypervisors.on(host).guests()) guests.insert(guest.text);
    for (const auto& server : ServerTable::living(core.reader())) {
        const bool there = guests.erase(server.id.text) > 0;
        if (server.host == host.text)
            compare(core, server, there, restarted);
        else if (there) // it is on its way, not lost; but of two that run on the same volumes one is too many
            removeEvacuated(core, host, server.id);
    }
    removeLeftovers(core, host, guests);
    if (restarted) core.hypervisors.rememberStart(host);
    removeUnusedBases(core, host);
}

}

void lookAtChanged(Core& core, ChangedServers& changed) {
    for (const auto& id : changed.take()) {
        const auto server = ServerTable::find(core.reader(), id);
        // One that isn't there any more may be on its way: the timer tells, not the event.
        if (!server || server->deleted || !core.hypervisors.on({server->host}).powerState(id)) continue;
        compare(core, *server, true, core.hypervisors.restarted({server->host}));
    }
}

void mendServers(Core& core) {
    constexpr std::chrono::hours kept{7 * 24}; // for changes-since and for those who ask what became of one
    const Time began = core.now();
    std::exception_ptr problem; // one host's is no other's
    for (const auto& host : core.hypervisors.names()) try {
            mendHost(core, host);
        } catch (const std::exception&) {
            problem = std::current_exception();
        }
    core.parts.store.write([&](Transaction& tx) {
        ServerTable::purge(tx, core.now() - kept);
        purgeUsage(tx, core);
        if (!problem) forgetGoneBases(core, tx, began);
    });
    reclaimServers(core);
    confirmOldResizes(core);
    offloadOldShelved(core);
    if (problem) std::rethrow_exception(problem);
}

}
