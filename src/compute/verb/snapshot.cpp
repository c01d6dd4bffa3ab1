#include "compute/verb/snapshot.hpp"

#include <chrono>
#include <fcntl.h>
#include <filesystem>

#include <stratolet/error.hpp>

#include "compute/server/server_guest.hpp"
#include "compute/server/server_reading.hpp"
#include "compute/server/server_table.hpp"
#include "compute/server/server_verb.hpp"
#include "platform/config/config.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/folder.hpp"

namespace stratolet::compute {
namespace {

using jobs::Job;
using jobs::Run;
using store::Transaction;
using Properties = std::map<std::string, std::string>;

constexpr InstanceDisk overlay{InstanceDisk::Role::Overlay};

std::filesystem::path fileFor(Core& core, const Run& run) {
    return std::filesystem::path(core.parts.config.text("DEFAULT", "state_dir")) / "instance-uploads" /
           (imageIn(run).text + ".raw");
}

/// From here on a guest that runs writes beside its disk.
void freeze(Core& core, const Run& run) {
    const auto id = run.id_of<ServerId>();
    const auto live = hypervisorOf(core, run).liveDisk(id, id.text);
    if (!live) return;
    const auto power = hypervisorOf(core, run).powerState(id);
    if (!power || *power == PowerState::Shutdown || *power == PowerState::Crashed) return;
    live->switchTo(disksOf(core, run).ensureOverlay(id));
}

/// What it has written there goes into its disk again.
void thaw(Core& core, const Run& run, const Cancelled& cancelled) {
    const auto id = run.id_of<ServerId>();
    auto& disks = disksOf(core, run);
    if (!disks.find(id, overlay)) return;
    const auto live = hypervisorOf(core, run).liveDisk(id, id.text);
    if (live && live->mergeInto(disks.have(id, {}), cancelled)) return disks.remove(id, overlay);
    disks.foldOverlay(id, cancelled);
}

void save(Core& core, const Run& run) {
    const auto file = fileFor(core, run);
    ensureFolder(file.parent_path(), Lets::Nobody);
    disksOf(core, run).save(run.id_of<ServerId>(), file, run.cancelled);
    std::filesystem::permissions(file, std::filesystem::perms(0644)); // a program that converts it is nobody we know
}

void upload(Core& core, const Run& run) {
    core.parts.store.write([&](Transaction& tx) {
        const auto server = ServerTable::find(tx, run.id_of<ServerId>());
        if (server && server->task == TaskState::ImageSnapshot)
            ServerTable::move(tx, *server, server->vm, TaskState::ImageUploading, server->power, core.now());
    });
    core.images.fill(imageIn(run), fileFor(core, run), run.cancelled);
}

void clear(Core& core, const Run& run) { std::filesystem::remove(fileFor(core, run)); }

/// What an image says of where it comes from, and what of its own image goes along with it.
Properties inherited(Core& core, store::Reader& db, const identity::Caller& caller, const Server& server) {
    Properties properties;
    if (server.image)
        if (const auto base = core.images.find(db, caller, server.image))
            for (const auto& [name, value] : base->properties)
                if (!name.starts_with("os_glance") && name != "bdm_v2" && name != "block_device_mapping" &&
                    !name.starts_with("img_signature"))
                    properties[name] = value;
    properties["instance_uuid"] = server.id.text;
    properties["user_id"] = caller.user.text;
    properties["image_type"] = "snapshot";
    properties["image_location"] = "snapshot";
    if (server.image) properties["base_image_ref"] = server.image.text;
    return properties;
}

/// Snapshots of its volumes, as the property that a like server is made from.
std::string snapshotsOf(Core& core, Transaction& tx, const identity::Caller& caller, const Server& server,
                        const std::string& name) {
    std::string text;
    JsonWriter out(text);
    {
        const auto list = out.array();
        for (const auto& device : DeviceTable::of(tx, server.id)) {
            if (device.local && !device.isSwap()) continue;
            const auto item = out.object();
            out.field("boot_index", device.bootIndex);
            out.field("device_name", device.name);
            out.field("device_type", device.type);
            out.field("disk_bus", device.bus);
            out.field("delete_on_termination", device.deleteOnTermination);
            out.field("guest_format", device.format);
            out.field("destination_type", device.local ? "local" : "volume");
            out.field("source_type", device.local ? "blank" : "snapshot");
            if (device.local) {
                out.field("volume_size", device.size.count);
                continue;
            }
            const auto volume = core.block.find(tx, server.project, device.volume);
            out.field("volume_size", volume ? volume->size.count : 0);
            out.field("snapshot_id", core.block.createSnapshot(tx, caller, device.volume, "snapshot for " + name));
        }
    }
    return text;
}

bool bootsFromVolume(store::Reader& db, const Server& server) {
    const auto devices = DeviceTable::of(db, server.id);
    const auto* const root = rootOf(devices);
    return root != nullptr && !root->local;
}

/// What every image of a server has.
image::NewImage imageOf(Core& core, store::Reader& db, const identity::Caller& caller, const Server& server,
                        const std::string& name, const Properties& more) {
    image::NewImage wanted;
    wanted.name = name;
    wanted.containerFormat = "bare";
    wanted.visibility = "private";
    wanted.properties = inherited(core, db, caller, server);
    for (const auto& [key, value] : more) wanted.properties[key] = value;
    return wanted;
}

constexpr std::initializer_list<VmState> imaged = {VmState::Active, VmState::Stopped, VmState::Paused,
                                                   VmState::Suspended};

}

ImageId imageIn(const Run& run) { return {run.arguments().text("image", "")}; }

ImageId plannedImage(Core& core, Transaction& tx, const identity::Caller& caller, const Server& server,
                     const std::string& name, const Properties& properties) {
    auto wanted = imageOf(core, tx, caller, server, name, properties);
    wanted.diskFormat = "qcow2";
    wanted.minDisk = server.flavor.disk;
    if (const auto base = server.image ? core.images.find(tx, caller, server.image) : std::nullopt)
        wanted.minRam = base->minRam;
    return core.images.create(tx, caller, wanted);
}

ImageId createImage(Core& core, const identity::Caller& caller, const ServerId& id, const std::string& name,
                    const Properties& metadata) {
    return core.parts.store.write([&](Transaction& tx) {
        const auto server = allowedServer(tx, caller, id, "os_compute_api:servers:create_image");
        core.claimMetadata(tx, caller.project, metadata.size());
        if (!bootsFromVolume(tx, server)) {
            const auto image = plannedImage(core, tx, caller, server, name, metadata);
            beginVerb(core, tx, caller, id,
                      {.rule = "os_compute_api:servers:create_image",
                       .doing = "createImage",
                       .action = "createImage",
                       .event = "compute_snapshot_instance",
                       .job = "create-image",
                       .states = imaged,
                       .task = TaskState::ImageSnapshot},
                      "\"image\":" + jsonText(image.text));
            return image;
        }
        caller.enforce("os_compute_api:servers:create_image:allow_volume_backed", targetOf(server));
        requireState(server, caller, "createImage", imaged, While::Idle);
        auto wanted = imageOf(core, tx, caller, server, name, metadata);
        wanted.diskFormat = "raw"; // of no bytes: what it is made from are the snapshots
        wanted.properties["block_device_mapping"] = snapshotsOf(core, tx, caller, server, name);
        wanted.properties["bdm_v2"] = "True";
        wanted.properties["root_device_name"] = "/dev/vda";
        const auto image = core.images.create(tx, caller, wanted);
        enqueueVerb(core, tx, server, askerOf(caller), "describe-image", "createImage", "compute_snapshot_instance",
                    "\"image\":" + jsonText(image.text));
        return image;
    });
}

ImageId createBackup(Core& core, const identity::Caller& caller, const ServerId& id, const std::string& name,
                     const std::string& type, std::int64_t rotation, const Properties& metadata) {
    return core.parts.store.write([&](Transaction& tx) {
        const auto server = allowedServer(tx, caller, id, "os_compute_api:os-create-backup");
        core.claimMetadata(tx, caller.project, metadata.size());
        if (bootsFromVolume(tx, server))
            throw Error(Failure::Invalid, "It is not supported to backup volume backed instance.");
        auto properties = metadata;
        properties["image_type"] = "backup";
        properties["backup_type"] = type;
        const auto image = rotation > 0 ? plannedImage(core, tx, caller, server, name, properties) : ImageId();
        beginVerb(core, tx, caller, id,
                  {.rule = "os_compute_api:os-create-backup",
                   .doing = "createBackup",
                   .action = "createBackup",
                   .event = "compute_backup_instance",
                   .job = "create-image",
                   .states = imaged,
                   .task = TaskState::ImageBackup},
                  "\"image\":" + jsonText(image.text) + ",\"type\":" + jsonText(type) +
                      ",\"rotation\":" + std::to_string(rotation));
        return image;
    });
}

Job saved(Job&& job, Core& core) {
    const auto when = [](auto work) {
        return [work](Run& run) {
            if (imageIn(run)) work(run);
        };
    };
    return std::move(job)
        .step("freeze", when([&core](Run& run) { freeze(core, run); }), [&core](Run& run) { thaw(core, run, {}); })
        .step(
            "save", when([&core](Run& run) { save(core, run); }), [&core](Run& run) { clear(core, run); },
            jobs::copyLane)
        .step("thaw", when([&core](Run& run) { thaw(core, run, run.cancelled); }), {}, jobs::copyLane)
        .step("upload", when([&core](Run& run) { upload(core, run); }), {}, jobs::copyLane)
        .step("clear", when([&core](Run& run) { clear(core, run); }));
}

Job createImageJob(Core& core) {
    return saved(Job("compute.server.create-image").within(std::chrono::hours(6)), core)
        .onDone([&core](Transaction& tx, Run& run) {
            const auto server = ServerTable::find(tx, run.id_of<ServerId>());
            const auto type = run.arguments().text("type", "");
            if (server && !type.empty()) { // a backup: only so many of them are kept
                const auto kept = static_cast<std::size_t>(run.arguments().integer("rotation"));
                const auto all = core.images.withProperties(
                    tx, server->project, {{"instance_uuid", server->id.text}, {"backup_type", type}});
                for (std::size_t index = kept; index < all.size(); ++index) core.images.discard(tx, all[index]);
            }
            if (server) close(core, tx, run, server->vm, server->power);
        })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            core.images.abandon(tx, imageIn(run));
            gaveUp(core, tx, run, "make an image of", reason);
        });
}

Job describeImageJob(Core& core) {
    const auto describe = [&core](Run& run) {
        const auto file = fileFor(core, run);
        ensureFolder(file.parent_path(), Lets::Nobody);
        const Fd empty(static_cast<int>(
            check(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), "make the data of an image")));
        core.images.fill(imageIn(run), file, run.cancelled);
        clear(core, run);
    };
    return Job("compute.server.describe-image")
        .step("describe", describe)
        .onDone([&core](Transaction& tx, Run& run) { endAction(core, tx, run); })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            core.images.abandon(tx, imageIn(run));
            failAction(core, tx, run, "make an image of", reason);
        });
}

}
