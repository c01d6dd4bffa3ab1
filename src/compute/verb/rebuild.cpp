#include "compute/verb/rebuild.hpp"
#include "compute/guest/guest_shape.hpp"

#include <chrono>

#include <stratolet/error.hpp>

#include "compute/base/base_copies.hpp"
#include "compute/device/injected.hpp"
#include "compute/keypair/keypair.hpp"
#include "compute/label/server_metadata.hpp"
#include "compute/server/server_guest.hpp"
#include "compute/server/server_making.hpp"
#include "compute/server/server_reading.hpp"
#include "compute/server/server_table.hpp"
#include "compute/server/server_verb.hpp"

namespace stratolet::compute {
namespace {

using jobs::Job;
using jobs::Run;
using store::Transaction;

void takeKey(store::Reader& db, const identity::Caller& caller, const std::optional<std::string>& name,
             Server& server) {
    server.keyName = name;
    server.keyType = server.publicKey = "";
    if (!name) return;
    const auto keypair = Keypairs::find(db, caller.user, *name);
    if (!keypair) throw Error(Failure::Invalid, "Invalid key_name provided.");
    server.keyType = keypair->type;
    server.publicKey = keypair->publicKey;
}

/// The disk that it boots from gets the image: its own, or a volume.
void takeImage(Core& core, Transaction& tx, const identity::Caller& caller, const Server& server,
               const Rebuild& wanted) {
    const auto image = core.images.find(tx, caller, wanted.image);
    if (!image) throw Error(Failure::Invalid, "Cannot find image for rebuild");
    if (image->status != "active") throw Error(Failure::Invalid, "Image ", wanted.image, " is not active.");
    const auto devices = DeviceTable::of(tx, server.id);
    const auto* const root = rootOf(devices);
    if (root == nullptr || root->local) {
        requireFit(*image, server.flavor);
        static_cast<void>(shapeOf(server.flavor, image->properties)); // or why it can't be
        ServerTable::setImageProperties(tx, server.id, image->properties);
        ServerTable::setBase(tx, server.id, wanted.image, baseNameOf(image->id, image->checksum));
        if (root != nullptr) DeviceTable::setImage(tx, root->id, wanted.image);
        return;
    }
    const auto volume = core.block.find(tx, server.project, root->volume);
    if (volume && volume->image() == wanted.image) return; // it has those bytes, and what its owner did to them
    if (!wanted.volumesToo)
        throw Error(Failure::Invalid,
                    "Unable to rebuild with a different image for a volume-backed server before 2.93.");
    core.block.reimage(tx, caller, root->volume, wanted.image);
}

/// Another image: its own disk is made anew. Twice is harmless only until a guest runs from it again, which the next
/// step is for.
void remakeDisks(Core& core, const Run& run) {
    const auto id = run.id_of<ServerId>();
    auto& disks = disksOf(core, run);
    hypervisorOf(core, run).ensureOff(id);
    std::vector<Device> before;
    for (const auto& device : DeviceTable::of(core.reader(), id)) {
        const auto disk = instanceDiskOf(device, before);
        const bool kept = device.source == "blank" && run.arguments().boolean("keep", false);
        if (device.local && !kept) disks.remove(id, disk);
        before.push_back(device);
    }
    ensureDisks(core, id, run.cancelled);
}

void awaitVolume(Core& core, Run& run) {
    const auto server = ServerTable::find(core.reader(), run.id_of<ServerId>());
    if (!server) return;
    for (const auto& device : DeviceTable::of(core.reader(), server->id)) {
        if (device.local || device.bootIndex != 0) continue;
        const auto volume = core.block.find(core.reader(), server->project, device.volume);
        if (!volume || volume->status.starts_with("error"))
            throw Error(Failure::Broken, "the volume ", device.volume, " did not get the image");
        if (volume->status == "downloading") run.notYet(std::chrono::milliseconds(100));
    }
}

}

Server rebuildServer(Core& core, const identity::Caller& caller, const ServerId& id, const Rebuild& wanted) {
    return core.parts.store.write([&](Transaction& tx) {
        auto server = serverFor(tx, caller, id);
        if (server.host.empty())
            throw Error(Failure::Conflict, "Cannot 'rebuild' instance ", id, " while it is on no host");
        const bool running = server.vm != VmState::Stopped;
        beginVerb(core, tx, caller, id,
                  {.rule = "os_compute_api:servers:rebuild",
                   .doing = "rebuild",
                   .action = "rebuild",
                   .event = "compute_rebuild_instance",
                   .job = "rebuild",
                   .states = {VmState::Active, VmState::Stopped, VmState::Error},
                   .task = TaskState::Rebuilding,
                   .launchedOnly = false},
                  std::string("\"runs\":") + (running ? "true" : "false") +
                      ",\"keep\":" + (wanted.preserveEphemeral ? "true" : "false"));
        takeImage(core, tx, caller, server, wanted);
        if (wanted.change) wanted.change(server);
        if (wanted.keyName) takeKey(tx, caller, *wanted.keyName, server);
        if (wanted.userData) server.userData = *wanted.userData;
        server.updated = core.now();
        ServerTable::describe(tx, server);
        ServerTable::setGuestFacts(tx, server);
        if (wanted.metadata) {
            core.claimMetadata(tx, server.project, wanted.metadata->size());
            for (const auto& [name, value] : MetadataTable::of(tx, id)) MetadataTable::remove(tx, id, name);
            MetadataTable::set(tx, id, *wanted.metadata);
        }
        if (wanted.files) {
            FileTable::removeAll(tx, id);
            for (const auto& [path, content] : *wanted.files) FileTable::add(tx, id, path, content);
        }
        return ServerTable::find(tx, id).value();
    });
}

void bootWhereItRan(Core& core, const Run& run) {
    const auto id = run.id_of<ServerId>();
    run.arguments().boolean("runs", true) ? boot(core, id) : define(core, id);
}

void closeWhereItRan(Core& core, Transaction& tx, const Run& run) {
    const bool runs = run.arguments().boolean("runs", true);
    close(core, tx, run, runs ? VmState::Active : VmState::Stopped, runs ? PowerState::Running : PowerState::Shutdown);
}

Job rebuildServerJob(Core& core) {
    auto job = Job("compute.server.rebuild")
                   .within(std::chrono::minutes(60))
                   .step("off", [&core](Run& run) { hypervisorOf(core, run).ensureOff(run.id_of<ServerId>()); })
                   .step("volume", [&core](Run& run) { awaitVolume(core, run); });
    const auto disks = [&core](Run& run) {
        remakeDisks(core, run);
        return true;
    };
    return wired(disksMade(std::move(job), core, disks), core)
        .step("boot", [&core](Run& run) { bootWhereItRan(core, run); })
        .onDone([&core](Transaction& tx, Run& run) {
            ServerTable::launched(tx, run.id_of<ServerId>(), core.now());
            closeWhereItRan(core, tx, run);
        })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            gaveUp(core, tx, run, "rebuild", reason, VmState::Error);
        });
}

}
