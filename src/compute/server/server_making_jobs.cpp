#include <algorithm>
#include <chrono>

#include <stratolet/error.hpp>

#include "compute/action/action.hpp"
#include "compute/device/device.hpp"
#include "compute/host/host_table.hpp"
#include "compute/scheduler/scheduler.hpp"
#include "compute/server/server_guest.hpp"
#include "compute/server/server_making.hpp"
#include "compute/server/server_table.hpp"
#include "platform/config/config.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

using jobs::Job;
using jobs::Run;
using store::Transaction;

void created(Core& core, Transaction& tx, const Run& run) {
    const auto id = run.id_of<ServerId>();
    for (const auto& attachment : core.block.madeByCompute(tx, id)) core.block.attached(tx, attachment.id);
    ServerTable::launched(tx, id, core.now());
    if (const auto host = ServerTable::hostOf(tx, id)) host_table::made(tx, {*host}, true);
    close(core, tx, run, VmState::Active, PowerState::Running);
}

/// What is left of a build that failed on a host: where it was tried, and whether it goes on elsewhere.
struct Retry {
    std::vector<std::string> tried; ///< this host the last
    std::string why;                ///< it goes nowhere else; empty: it does
};

/// Its volumes would be no better on another host.
bool lacksVolume(Core& core, store::Reader& db, const Server& server) {
    const auto devices = DeviceTable::of(db, server.id);
    return std::any_of(devices.begin(), devices.end(), [&](const Device& each) {
        if (each.local) return false;
        const auto volume = core.block.find(db, server.project, each.volume);
        return !volume || volume->status.starts_with("error");
    });
}

/// A server that could not be made on its host is made on the next that fits, as often as that may be tried (Nova:
/// max_attempts): it is there already when this returns without a reason.
Retry retry(Core& core, Transaction& tx, const Run& run, const Server& server) {
    const auto arguments = run.arguments();
    const auto most = static_cast<std::size_t>(core.parts.config.integer("compute", "max_attempts"));
    Retry retry;
    if (const auto before = arguments.find("tried"))
        for (const auto& each : before->items()) retry.tried.push_back(each.text());
    retry.tried.push_back(server.host);
    const auto no = [&](std::string why) { return retry.why = std::move(why), retry; };
    if (arguments.boolean("stays", false)) return no("it was asked to be there");
    if (lacksVolume(core, tx, server)) return no("its volumes are missing");
    if (retry.tried.size() >= most) return no("it may be tried " + std::to_string(most) + " times");
    auto placing = placingOf(server);
    placing.image = server.imageProperties;
    placing.notOn = retry.tried;
    const auto placed = core.scheduler.choose(tx, placing);
    if (!placed) return no(placed.fault);
    ServerTable::setHost(tx, server.id, placed.host, placed.zone);
    const auto action = arguments.integer("action"), before = arguments.integer("steps", 0);
    ActionTable::setSteps(tx, action, run.stages, before);
    std::string tried;
    for (const auto& each : retry.tried) tried += (tried.empty() ? "" : ",") + jsonText(each);
    const auto steps = before + static_cast<std::int64_t>(run.stages.size());
    core.parts.jobs.enqueue(tx, run.kind, run.subject,
                            payloadOf(action, "\"steps\":" + std::to_string(steps) + ",\"tried\":[" + tried + "]"),
                            server.project.text);
    return retry;
}

/// The step at which it ended, where, and why nowhere else: for those who run the hosts.
std::string detailsOf(const Run& run, const Retry& retry, const std::string& reason) {
    std::string step;
    for (const auto& each : run.stages)
        if (!each.error.empty()) step = each.step;
    return "Step " + step + " failed on host " + retry.tried.back() + ": " + reason + "; tried on " +
           joined(retry.tried) + ", and on no other: " + retry.why;
}

void notBuilt(Core& core, Transaction& tx, const Run& run, const std::string& reason) {
    const auto server = ServerTable::find(tx, run.id_of<ServerId>());
    if (!server || server->deleted || server->task == TaskState::Deleting)
        return failAction(core, tx, run, "build", reason); // its owner gave it up, which says nothing against its host
    host_table::made(tx, {server->host}, false);
    const auto next = retry(core, tx, run, *server);
    if (next.why.empty()) return;
    gaveUp(core, tx, run, "build", detailsOf(run, next, reason), VmState::Error);
    if (next.tried.size() > 1)
        ServerTable::fail(tx, server->id,
                          "Exceeded maximum number of retries. Exhausted all hosts available for retrying build "
                          "failures for instance " +
                              server->id.text + ".",
                          detailsOf(run, next, reason), core.now());
}

/// Volumes that are made for it become its own as they are there; block storage makes them meanwhile. True once all
/// are.
bool haveVolumes(Core& core, Run& run) {
    constexpr std::chrono::milliseconds look{100};
    const auto server = ServerTable::find(core.reader(), run.id_of<ServerId>());
    if (!server) return true;
    for (const auto& device : DeviceTable::of(core.reader(), server->id)) {
        if (device.local || device.attachment) continue;
        const auto volume = core.block.find(core.reader(), server->project, device.volume);
        if (!volume || volume->status.starts_with("error"))
            throw Error(Failure::Invalid, "the volume ", device.volume, " could not be made");
        if (volume->status != "available") return run.notYet(look), false;
        core.parts.store.write([&](Transaction& tx) {
            const auto attachment = core.block.reserve(tx, server->project, device.volume, server->id, device.name);
            DeviceTable::setAttachment(tx, device.id, attachment.id, device.name);
        });
    }
    return true;
}

}

Job createServerJob(Core& core) {
    auto job = disksMade(
        Job("compute.server.create").within(std::chrono::minutes(60)), // a large image takes its time to copy
        core,
        [&core](Run& run) {
            if (!haveVolumes(core, run)) return false;
            ensureDisks(core, run.id_of<ServerId>(), run.cancelled);
            return true;
        },
        [&core](Run& run) { disksOf(core, run).discard(run.id_of<ServerId>()); });
    return booted(std::move(job), core,
                  [&core](Run& run) { hypervisorOf(core, run).ensureGone(run.id_of<ServerId>()); })
        .onDone([&core](Transaction& tx, Run& run) { created(core, tx, run); })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) { notBuilt(core, tx, run, reason); });
}

}
