#include "compute/verb/rescue.hpp"

#include <chrono>

#include <stratolet/error.hpp>

#include "compute/base/base_copies.hpp"
#include "compute/server/server_guest.hpp"
#include "compute/server/server_reading.hpp"
#include "compute/server/server_table.hpp"
#include "compute/server/server_verb.hpp"

namespace stratolet::compute {
namespace {

using jobs::Job;
using jobs::Run;
using store::Transaction;

constexpr InstanceDisk rescueDisk{InstanceDisk::Role::Rescue};

/// What it is rescued with where nobody says: its own image, or that of the volume it boots from.
ImageId ownImage(Core& core, store::Reader& db, const Server& server) {
    if (server.image) return server.image;
    if (const auto volume = rootVolumeOf(core, db, server); volume && volume->image()) return volume->image();
    throw Error(Failure::Invalid, "Instance ", server.id, " cannot be rescued: it has no image, and none was named.");
}

void remake(Core& core, const Run& run) {
    const auto server = ServerTable::find(core.reader(), run.id_of<ServerId>());
    if (!server) return;
    auto& hypervisor = core.hypervisors.on({server->host});
    hypervisor.ensureOff(server->id);
    boot(core, server->id);
}

void removeDisk(Core& core, const Run& run) { disksOf(core, run).remove(run.id_of<ServerId>(), rescueDisk); }

}

void rescueServer(Core& core, const identity::Caller& caller, const ServerId& id, const ImageId& image) {
    core.parts.store.write([&](Transaction& tx) {
        const auto server = beginVerb(core, tx, caller, id,
                                      {.rule = "os_compute_api:os-rescue",
                                       .doing = "rescue",
                                       .action = "rescue",
                                       .event = "compute_rescue_instance",
                                       .job = "rescue",
                                       .states = {VmState::Active, VmState::Stopped, VmState::Error},
                                       .task = TaskState::Rescuing});
        const auto wanted = image ? image : ownImage(core, tx, server);
        const auto facts = core.images.find(tx, caller, wanted);
        if (!facts || facts->status != "active")
            throw Error(Failure::Invalid, "Image ", wanted, " could not be found, or is not active.");
        ServerTable::setRescue(tx, id, wanted, baseNameOf(facts->id, facts->checksum));
    });
}

void unrescueServer(Core& core, const identity::Caller& caller, const ServerId& id) {
    core.parts.store.write([&](Transaction& tx) {
        const auto server = beginVerb(core, tx, caller, id,
                                      {.rule = "os_compute_api:os-unrescue",
                                       .doing = "unrescue",
                                       .action = "unrescue",
                                       .event = "compute_unrescue_instance",
                                       .job = "unrescue",
                                       .states = {VmState::Rescued},
                                       .task = TaskState::Unrescuing});
        ServerTable::setRescue(tx, id, server.rescueImage, "");
    });
}

Job rescueServerJob(Core& core) {
    const auto prepare = [&core](Run& run) {
        const auto server = ServerTable::find(core.reader(), run.id_of<ServerId>());
        if (server) ensureLayer(core, *server, rescueDisk, server->rescueImage, server->rescueBase, run.cancelled);
    };
    const auto off = [&core](Run& run) { powerOff(core, run, shutdownPatience(core)); };
    return booted(Job("compute.server.rescue")
                      .within(std::chrono::minutes(60))
                      .step(
                          "disk", prepare, [&core](Run& run) { removeDisk(core, run); }, jobs::copyLane)
                      .step("off", off),
                  core, [&core](Run& run) { hypervisorOf(core, run).ensureOff(run.id_of<ServerId>()); })
        .onDone([&core](Transaction& tx, Run& run) { close(core, tx, run, VmState::Rescued, PowerState::Running); })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            ServerTable::setRescue(tx, run.id_of<ServerId>(), {}, "");
            gaveUp(core, tx, run, "rescue", reason, VmState::Error);
        });
}

Job unrescueServerJob(Core& core) {
    return closing(wired(Job("compute.server.unrescue"), core)
                       .step("boot", [&core](Run& run) { remake(core, run); })
                       .step("clear", [&core](Run& run) { removeDisk(core, run); }),
                   core, VmState::Active, PowerState::Running, "unrescue", VmState::Error);
}

}
