#include "compute/server/server_guest.hpp"

#include <algorithm>
#include <optional>

#include <stratolet/error.hpp>

#include "compute/action/action.hpp"
#include "compute/attachment/volume_attachment.hpp"
#include "compute/device/config_drive.hpp"
#include "compute/guest/guest_shape.hpp"
#include "compute/metadata/metadata_tree.hpp"
#include "compute/metadata/vendor_data.hpp"
#include "compute/server/server_table.hpp"
#include "platform/config/config.hpp"
#include "platform/log/log.hpp"

namespace stratolet::compute {
namespace {

using jobs::Run;
using store::Transaction;

constexpr InstanceDisk configDrive{InstanceDisk::Role::ConfigDrive}, configDisk{InstanceDisk::Role::ConfigDisk};

std::string deviceName(const std::string& path) { return path.starts_with("/dev/") ? path.substr(5) : path; }

std::vector<std::string> namesOf(const std::vector<GuestDisk>& disks) {
    std::vector<std::string> names;
    for (const auto& each : disks) names.push_back("/dev/" + each.device);
    return names;
}

/// A disk that the server has on its host.
GuestDisk ownDisk(Core& core, const Server& server, const Device& device, const std::vector<Device>& before) {
    const auto disk = instanceDiskOf(device, before);
    return {.serial = ownSerial(device),
            .source = core.hypervisors.disksOn({server.host}).have(server.id, disk),
            .device = deviceName(device.name),
            .root = device.bootIndex == 0,
            .bus = device.bus,
            .cdrom = device.type == "cdrom",
            .limits = diskLimits(server.flavor)};
}

}

std::optional<block::VolumeFacts> rootVolumeOf(Core& core, store::Reader& db, const Server& server) {
    const auto devices = DeviceTable::of(db, server.id);
    const auto* const root = rootOf(devices);
    return root != nullptr && root->volume ? core.block.find(db, server.project, root->volume) : std::nullopt;
}

namespace {

/// What its image says of machines: of one that boots from a volume, the image that the volume was made of.
ImageProperties propertiesOf(Core& core, store::Reader& db, const Server& server) {
    if (server.image) return server.imageProperties;
    const auto volume = rootVolumeOf(core, db, server);
    return volume ? ImageProperties(volume->imageMetadata.begin(), volume->imageMetadata.end()) : ImageProperties();
}

/// An IDE drive where nobody wants another, which is what a PC has; a q35 machine has none.
GuestDisk configDriveDisk(DiskSource source, const std::vector<GuestDisk>& others, const ImageProperties& image) {
    auto bus = busFor(image, true);
    const auto machine = image.find("hw_machine_type");
    if (bus.empty()) bus = machine != image.end() && machine->second.find("q35") != std::string::npos ? "sata" : "ide";
    return {.serial = "config-drive",
            .source = std::move(source),
            .device = bus == "ide" ? "hdd" : freeName(namesOf(others), bus, false).substr(5),
            .bus = bus,
            .cdrom = true};
}

std::vector<GuestDisk> disksOf(Core& core, store::Reader& db, const Server& server, const ImageProperties& image) {
    auto& own = core.hypervisors.disksOn({server.host});
    const auto ties = tiesOf(core, db, server.id);
    std::vector<GuestDisk> disks;
    std::vector<Device> before;
    for (const auto& device : DeviceTable::of(db, server.id)) {
        if (device.local) disks.push_back(ownDisk(core, server, device, before));
        before.push_back(device);
        const auto tie = std::find_if(ties.begin(), ties.end(),
                                      [&](const VolumeTie& each) { return device.attachment == each.attachment.id; });
        if (tie != ties.end()) disks.push_back(diskOf(core, *tie));
    }
    std::stable_sort(disks.begin(), disks.end(),
                     [](const auto& one, const auto& other) { return one.root > other.root; });
    if (!server.rescueBase.empty()) { // it is booted from, and the others are there to be looked at
        for (auto& each : disks) each.root = false;
        disks.insert(disks.begin(), {.serial = "rescue-" + server.id.text.substr(0, 8),
                                     .source = own.have(server.id, {InstanceDisk::Role::Rescue}),
                                     .device = freeName(namesOf(disks), "virtio", true).substr(5),
                                     .root = true});
    }
    if (!disks.empty()) disks.front().bootOrder = 1;
    // A CD has sectors of 2 KiB, which no kernel mounts a vfat of: that is a disk, whose name nobody else gets.
    if (auto drive = own.find(server.id, configDrive))
        disks.push_back(configDriveDisk(*std::move(drive), disks, image));
    if (auto drive = own.find(server.id, configDisk))
        disks.push_back({.serial = "config-drive", .source = *std::move(drive), .device = "vdz"});
    return disks;
}

GuestNic nicOf(const network::PortFacts& port, const Flavor& flavor, const ImageProperties& image) {
    GuestNic nic{.port = port.id, .vif = Tap{port.tap}, .mac = port.mac, .mtu = port.mtu};
    shapeNic(nic, flavor, image);
    return nic;
}

GuestSpec specOf(Core& core, store::Reader& db, const Server& server) {
    const auto image = propertiesOf(core, db, server);
    GuestSpec spec{.server = server.id,
                   .host = {server.host},
                   .name = server.name,
                   .project = server.project,
                   .vcpus = static_cast<int>(server.flavor.vcpus),
                   .memory = server.flavor.ram,
                   .disks = disksOf(core, db, server, image),
                   .nics = {},
                   .shape = shapeOf(server.flavor, image)};
    for (const auto& port : core.network.portsOf(db, server.id)) spec.nics.push_back(nicOf(port, server.flavor, image));
    return spec;
}

void endAction(Core& core, Transaction& tx, const Run& run, bool success, const std::string& message,
               const std::string& details) {
    const auto arguments = run.arguments();
    const auto action = arguments.find("action");
    if (!action) return;
    ActionTable::end(tx, action->integer(), success, message, details, core.now());
    ActionTable::setSteps(tx, action->integer(), run.stages, arguments.integer("steps", 0));
}

}

HostName hostOf(Core& core, const ServerId& id) {
    const auto host = ServerTable::hostOf(core.reader(), id);
    if (!host) throw Error(Failure::Broken, "there is no server ", id);
    return {*host};
}

Hypervisor& hypervisorOf(Core& core, const Run& run) {
    return core.hypervisors.on(hostOf(core, run.id_of<ServerId>()));
}

InstanceDisks& disksOf(Core& core, const Run& run) {
    return core.hypervisors.disksOn(hostOf(core, run.id_of<ServerId>()));
}

GuestNic nicOf(Core& core, store::Reader& db, const Server& server, const network::PortFacts& port) {
    return nicOf(port, server.flavor, propertiesOf(core, db, server));
}

GuestDisk diskOf(Core& core, const VolumeTie& tie) {
    return {.serial = tie.serial(),
            .source = core.block.source(tie.attachment.volume),
            .device = deviceName(tie.attachment.device),
            .root = tie.isRoot(),
            .bus = tie.device.bus,
            .cdrom = tie.device.type == "cdrom",
            .limits = core.block.limits(core.reader(), tie.attachment.volume)};
}

bool hasGuest(Core& core, const Run& run) {
    const auto server = ServerTable::find(core.reader(), run.id_of<ServerId>());
    return server && server->vm != VmState::ShelvedOffloaded;
}

std::string imageProperty(const image::ImageFacts& image, const std::string& name) {
    const auto found = image.properties.find(name);
    return found == image.properties.end() ? std::string() : found->second;
}

void ensureLayer(Core& core, const Server& server, InstanceDisk disk, const ImageId& image, const std::string& base,
                 const Cancelled& cancelled) {
    auto& disks = core.hypervisors.disksOn({server.host});
    const auto most = server.flavor.disk.count > 0 ? std::optional(server.flavor.disk.bytes()) : std::nullopt;
    const auto size = disks.ensureBase(
        base, [&] { return core.images.source(image, most); }, cancelled);
    if (most && size > *most)
        throw Error(Failure::Invalid, "the disk of image ", image, " is larger than the flavor's");
    disks.ensureLayer(server.id, disk, base, server.flavor.disk.bytes());
}

void ensureDisks(Core& core, const ServerId& id, const Cancelled& cancelled) {
    const auto server = ServerTable::find(core.reader(), id);
    if (!server) return;
    auto& disks = core.hypervisors.disksOn({server->host});
    std::vector<Device> before;
    for (const auto& device : DeviceTable::of(core.reader(), id)) {
        const auto disk = instanceDiskOf(device, before);
        before.push_back(device);
        if (!device.local) continue;
        if (disk.role == InstanceDisk::Role::Root)
            ensureLayer(core, *server, disk, server->image, server->base, cancelled);
        else if (disk.role == InstanceDisk::Role::Swap)
            disks.ensureBlank(id, disk, device.size.bytes(), DiskFilling::Swap, "swap");
        else
            disks.ensureBlank(id, disk, device.size.bytes(),
                              device.format == "vfat" ? DiskFilling::Vfat : DiskFilling::Ext4,
                              "ephemeral" + std::to_string(disk.number));
    }
}

void ensureConfigDrive(Core& core, const ServerId& id, const Cancelled& cancelled) {
    const auto server = ServerTable::find(core.reader(), id);
    if (!server || !server->configDrive) return;
    std::map<std::string, std::string> files; // EC2's documents are the metadata service's alone
    for (const auto& [path, content] :
         metadataOf(core, core.reader(), *server, core.vendor.ask(core, core.reader(), *server, cancelled)))
        if (path.starts_with("openstack/")) files[path] = content;
    const bool vfat = core.parts.config.text("compute", "config_drive_format") == "vfat";
    auto& disks = core.hypervisors.disksOn({server->host});
    disks.put(id, vfat ? configDisk : configDrive,
              configDriveOf(files, vfat ? ConfigDriveFormat::Vfat : ConfigDriveFormat::Iso9660));
    disks.remove(id, vfat ? configDrive : configDisk); // the configuration may have been another
}

void define(Core& core, const ServerId& id) {
    if (const auto server = ServerTable::find(core.reader(), id))
        core.hypervisors.on({server->host}).ensureDefined(specOf(core, core.reader(), *server));
}

void boot(Core& core, const ServerId& id) {
    const auto server = ServerTable::find(core.reader(), id);
    if (!server) return;
    define(core, id);
    core.hypervisors.on({server->host}).ensureRunning(id);
}

jobs::Job wired(jobs::Job&& job, Core& core) {
    return std::move(job).step(
        "wire",
        [&core](Run& run) {
            const auto id = run.id_of<ServerId>();
            if (const auto server = ServerTable::find(core.reader(), id)) {
                const auto image = propertiesOf(core, core.reader(), *server);
                core.network.setMultiqueue(id, queuesOf(server->flavor, image) > 1);
            }
            core.network.ensureWired(id);
        },
        {}, jobs::wireLane);
}

jobs::Job disksMade(jobs::Job&& job, Core& core, const std::function<bool(Run&)>& disks, jobs::Job::Work undo) {
    const auto drive = [&core](Run& run) { ensureConfigDrive(core, run.id_of<ServerId>(), run.cancelled); };
    if (core.vendor.any())
        return std::move(job)
            .step("disk", disks, std::move(undo), jobs::copyLane)
            .step("config-drive", drive, {}, jobs::transferLane);
    const auto both = [disks, drive](Run& run) {
        if (disks(run)) drive(run);
    };
    return std::move(job).step("disk", both, std::move(undo), jobs::copyLane);
}

jobs::Job booted(jobs::Job&& job, Core& core, jobs::Job::Work undo) {
    return wired(std::move(job), core)
        .step(
            "boot", [&core](Run& run) { boot(core, run.id_of<ServerId>()); }, std::move(undo));
}

void powerOff(Core& core, Run& run, std::chrono::seconds patience) {
    constexpr std::chrono::milliseconds look{250};
    constexpr int looksAPress = 40; // ten seconds: one that is still booting does not hear the first
    const auto id = run.id_of<ServerId>();
    auto& hypervisor = hypervisorOf(core, run);
    const auto power = hypervisor.powerState(id);
    if (!power || *power == PowerState::Shutdown || *power == PowerState::Crashed) return;
    // Nothing in a guest that stands still hears the button.
    const bool hears = *power != PowerState::Suspended && *power != PowerState::Paused;
    if (!hears || run.now - run.stepBegan >= patience) {
        if (hears && patience.count() > 0)
            core.parts.log.info("A guest did not power off when asked; it is made to", {{"server", id.text}});
        return hypervisor.ensureOff(id);
    }
    if (run.looks % looksAPress == 0) {
        hypervisor.pressPowerButton(id);
        if (hypervisor.powerState(id) == PowerState::Shutdown) return;
    }
    run.notYet(look);
}

bool letGo(Run& run, const std::function<bool(bool ask)>& detached) {
    constexpr std::chrono::milliseconds look{100};
    constexpr int looksAnAsk = 50; // five seconds
    if (detached(run.looks % looksAnAsk == 0)) return true;
    if (run.now - run.stepBegan > std::chrono::seconds(120))
        throw Error(Failure::TimedOut, "the guest does not let go of the device");
    run.notYet(run.looks == 0 ? look / 10 : look);
    return false;
}

void endAction(Core& core, Transaction& tx, const Run& run) { endAction(core, tx, run, true, "", ""); }

void failAction(Core& core, Transaction& tx, const Run& run, std::string_view doing, const std::string& details) {
    endAction(core, tx, run, false, "Failed to " + std::string(doing) + " the server", details);
}

void close(Core& core, Transaction& tx, const Run& run, VmState vm, PowerState power) {
    endAction(core, tx, run);
    const auto server = ServerTable::find(tx, run.id_of<ServerId>());
    if (!server || server->deleted) return;
    ServerTable::move(tx, *server, vm, server->task == TaskState::Deleting ? TaskState::Deleting : TaskState::None,
                      power, core.now());
}

std::chrono::seconds shutdownPatience(Core& core) { return core.parts.config.seconds("compute", "shutdown_timeout"); }

jobs::Job closing(jobs::Job&& job, Core& core, VmState vm, PowerState power, const char* doing,
                  std::optional<VmState> otherwise) {
    return std::move(job)
        .onDone([&core, vm, power](Transaction& tx, Run& run) { close(core, tx, run, vm, power); })
        .onFailed([&core, doing, otherwise](Transaction& tx, Run& run, const std::string& reason) {
            gaveUp(core, tx, run, doing, reason, otherwise);
        });
}

void gaveUp(Core& core, Transaction& tx, const Run& run, std::string_view doing, const std::string& reason,
            std::optional<VmState> vm) {
    failAction(core, tx, run, doing, reason);
    const auto server = ServerTable::find(tx, run.id_of<ServerId>());
    if (!server || server->deleted || server->task == TaskState::Deleting) return;
    ServerTable::move(tx, *server, vm.value_or(server->vm), TaskState::None, server->power, core.now());
    ServerTable::fail(tx, server->id, "Failed to " + std::string(doing) + " the server.", reason, core.now());
}

}
