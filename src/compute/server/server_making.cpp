#include "compute/server/server_making.hpp"
#include "compute/guest/guest_shape.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/action/action.hpp"
#include "compute/base/base_copies.hpp"
#include "compute/compute.hpp"
#include "compute/device/device_body.hpp"
#include "compute/device/injected.hpp"
#include "compute/group/server_group.hpp"
#include "compute/host/host.hpp"
#include "compute/keypair/keypair.hpp"
#include "compute/label/server_metadata.hpp"
#include "compute/label/server_tags.hpp"
#include "compute/server/server_guest.hpp"
#include "compute/server/server_reading.hpp"
#include "compute/server/server_table.hpp"
#include "compute/server/server_verb.hpp"
#include "platform/bus/bus.hpp"
#include "platform/config/config.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

using store::Transaction;

Flavor flavorFor(Core& core, store::Reader& db, const identity::Caller& caller, const FlavorId& id) {
    auto flavor = core.flavors.find(db, caller, id);
    if (!flavor) throw Error(Failure::Invalid, "Flavor ", id, " could not be found.");
    return *std::move(flavor);
}

void requireZeroDisk(const identity::Caller& caller, const Flavor& flavor) {
    // Without a disk of the flavor's the image says how much of the host's disk the server takes.
    if (flavor.disk.count == 0 &&
        !caller.may("os_compute_api:servers:create:zero_disk_flavor", {{"project_id", caller.project.text}}))
        throw Error(Failure::Forbidden, "Only volume-backed instances are allowed for flavors with zero disk.");
}

image::ImageFacts imageFor(Core& core, store::Reader& db, const identity::Caller& caller, const ImageId& id) {
    auto image = core.images.find(db, caller, id);
    if (!image) throw Error(Failure::Invalid, "Image ", id, " could not be found.");
    if (image->status != "active") throw Error(Failure::Invalid, "Image ", id, " is not active.");
    return *std::move(image);
}

/// What an image that was made of a server which boots from a volume says of its disks.
std::optional<std::vector<Device>> devicesOf(const image::ImageFacts& image) {
    const auto mapping = image.properties.find("block_device_mapping"), newer = image.properties.find("bdm_v2");
    if (mapping == image.properties.end() || newer == image.properties.end() || truthOf(newer->second) != true)
        return std::nullopt;
    return devicesInImage(mapping->second);
}

void takeKey(store::Reader& db, const identity::Caller& caller, const std::string& name, Server& model) {
    const auto keypair = Keypairs::find(db, caller.user, name);
    if (!keypair) throw Error(Failure::Invalid, "Invalid key_name provided.");
    model.keyName = keypair->name;
    model.keyType = keypair->type;
    model.publicKey = keypair->publicKey;
}

void createPort(Core& core, Transaction& tx, const identity::Caller& caller, const Server& server,
                const NewServers& wanted, const WantedNic& nic) {
    const auto port = core.network.createPort(tx, caller,
                                              {.network = nic.network,
                                               .fixedIp = nic.fixedIp,
                                               .securityGroups = wanted.securityGroups,
                                               .server = server.id,
                                               .hostname = server.hostname});
    NicTable::setTag(tx, port.id, nic.tag);
}

void addNics(Core& core, Transaction& tx, const identity::Caller& caller, const Server& server,
             const NewServers& wanted) {
    if (wanted.nics == NewServers::Nics::None) return;
    if (wanted.nics == NewServers::Nics::Automatic) {
        const auto networks = core.network.networksFor(tx, caller);
        if (networks.size() > 1)
            throw Error(Failure::Conflict, "Multiple possible networks found, use a Network ID to be more specific.");
        auto network = networks.empty() ? std::nullopt : std::optional(networks.front());
        if (!network && wanted.allocatesNetwork) {
            network = core.network.allocateNetwork(tx, caller);
            if (!network)
                throw Error(Failure::Invalid, "Unable to automatically allocate a network for project ",
                            caller.project);
        }
        if (network) createPort(core, tx, caller, server, wanted, {.network = *network, .port = {}, .fixedIp = {}});
        return;
    }
    for (const auto& nic : wanted.listed) {
        if (nic.port) {
            core.network.bindPort(tx, caller, nic.port, server.id, server.hostname);
            NicTable::setTag(tx, nic.port, nic.tag);
        } else {
            createPort(core, tx, caller, server, wanted, nic);
        }
    }
}

/// All that it gets: what was asked for, its image's disk, and what the flavor has besides.
std::vector<Device> devicesFor(const NewServers& wanted, const Server& server) {
    const auto invalid = [](std::string_view why) {
        return Error(Failure::Invalid, "Block Device Mapping is Invalid: ", why);
    };
    auto all = wanted.devices;
    if (rootOf(all) == nullptr) {
        Device root;
        root.source = "image";
        root.local = root.deleteOnTermination = true;
        root.image = server.image;
        root.bootIndex = 0;
        if (const auto bus = busFor(server.imageProperties, false); !bus.empty()) root.bus = bus;
        all.insert(all.begin(), root);
    }
    MiB ephemeral, swap;
    for (auto& each : all) {
        if (!each.local || each.source != "blank") continue;
        auto& sum = each.isSwap() ? swap : ephemeral;
        const auto flavors = each.isSwap() ? server.flavor.swap : MiB{server.flavor.ephemeral.count * 1024};
        if (each.size.count == 0) each.size = flavors;
        sum.count += each.size.count;
        if (sum > flavors || each.size.count == 0)
            throw invalid(each.isSwap() ? "Swap drive requested is larger than instance type allows."
                                        : "Ephemeral disks requested are larger than the instance type allows.");
    }
    const auto blank = [&](MiB size, std::string_view format) {
        Device device;
        device.local = device.deleteOnTermination = true;
        device.size = size;
        device.format = format;
        if (const auto bus = busFor(server.imageProperties, false); !bus.empty()) device.bus = bus;
        all.push_back(device);
    };
    if (ephemeral.count == 0 && server.flavor.ephemeral.count > 0) blank({server.flavor.ephemeral.count * 1024}, "");
    if (swap.count == 0 && server.flavor.swap.count > 0) blank(server.flavor.swap, "swap");
    const auto ephemerals =
        std::count_if(all.begin(), all.end(), [](const Device& each) { return each.local && each.source == "blank"; });
    if (ephemerals > InstanceDisk::ephemeralsMax) throw invalid("there are too many local disks.");
    return all;
}

/// A volume that is there already is the server's from now on; others are made, and tied to it when they are there.
void takeVolume(Core& core, Transaction& tx, const identity::Caller& caller, const Server& server, Device& device) {
    if (device.source == "volume") {
        const auto facts = core.block.find(tx, server.project, device.volume);
        if (!facts)
            throw Error(Failure::Invalid, "Block Device Mapping is Invalid: failed to get volume ", device.volume, ".");
        if (device.bootIndex == 0 && !facts->bootable)
            throw Error(Failure::Invalid, "Block Device ", device.volume, " is not bootable.");
        device.attachment = core.block.reserve(tx, server.project, device.volume, server.id, device.name).id;
        return;
    }
    if (device.source == "snapshot" && !core.block.findSnapshot(tx, server.project, device.snapshot))
        throw Error(Failure::Invalid, "Block Device Mapping is Invalid: failed to get snapshot ", device.snapshot, ".");
    block::VolumeOrder order;
    order.name = device.source == "blank" ? std::optional(server.id.text + "-blank-vol") : std::nullopt;
    if (device.size.count > 0) order.size = GiB{(device.size.count + 1023) / 1024};
    order.image = device.image;
    order.snapshot = device.snapshot;
    order.type = device.volumeType;
    device.volume = core.block.createVolume(tx, caller, order);
}

void addDevices(Core& core, Transaction& tx, const identity::Caller& caller, const Server& server,
                const NewServers& wanted) {
    std::vector<std::string> taken;
    for (auto& device : devicesFor(wanted, server)) {
        device.id = core.parts.ambient.uuid();
        device.server = server.id;
        if (device.name.empty() || std::find(taken.begin(), taken.end(), device.name) != taken.end())
            device.name = freeName(taken, device.bus, device.bootIndex == 0);
        taken.push_back(device.name);
        if (!device.local) takeVolume(core, tx, caller, server, device);
        DeviceTable::insert(tx, device);
    }
}

/// Whether block storage is to make volumes for it. A server without doesn't wait for any back end.
bool ordersVolumes(Core& core, const identity::Caller& caller, const NewServers& wanted) {
    if (std::any_of(wanted.devices.begin(), wanted.devices.end(), [](const Device& each) { return !each.local; }))
        return true;
    const auto image = wanted.image ? core.images.find(core.reader(), caller, wanted.image) : std::nullopt;
    return image && image->properties.contains("block_device_mapping");
}

/// Whether it is to have a config drive: as was asked, or as its image must have, or all must here.
bool wantsConfigDrive(Core& core, const NewServers& wanted, const image::ImageFacts* image) {
    if (wanted.configDrive || core.parts.config.boolean("compute", "force_config_drive")) return true;
    const auto property = image == nullptr ? std::string() : imageProperty(*image, "img_config_drive");
    return property == "mandatory";
}

/// What all of them have in common. Asks in the order in which the API refuses.
Server modelOf(Core& core, store::Reader& db, const identity::Caller& caller, NewServers& wanted,
               Properties& properties) {
    Server model;
    core.scheduler.requireKnown(db, wanted.placing);
    model.flavor = flavorFor(core, db, caller, wanted.flavor);
    std::optional<image::ImageFacts> image;
    if (wanted.image) {
        image = imageFor(core, db, caller, wanted.image);
        properties = image->properties;
        if (auto devices = devicesOf(*image); devices && rootOf(wanted.devices) == nullptr) {
            wanted.devices.insert(wanted.devices.begin(), devices->begin(), devices->end());
        } else {
            requireZeroDisk(caller, model.flavor);
            requireFit(*image, model.flavor);
            model.image = wanted.image;
            model.base = baseNameOf(image->id, image->checksum);
        }
    }
    static_cast<void>(shapeOf(model.flavor, properties)); // or why no guest can be like that
    if (model.image) model.imageProperties = properties;
    if (wanted.keyName) takeKey(db, caller, *wanted.keyName, model);
    model.project = caller.project;
    model.user = caller.user;
    model.description = wanted.description;
    model.task = TaskState::Scheduling;
    model.userData = wanted.userData;
    model.accessIpv4 = wanted.accessIpv4;
    model.accessIpv6 = wanted.accessIpv6;
    model.pinnedZone = wanted.pinnedZone;
    model.hints = wanted.hints;
    model.diskConfig = wanted.diskConfig;
    model.configDrive = wantsConfigDrive(core, wanted, image ? &*image : nullptr);
    return model;
}

/// Error(OverLimit) for more, longer or larger files than the project may send.
void claimFiles(Core& core, store::Reader& db, const ProjectId& project, const NewServers& wanted) {
    const auto refuse = [&](std::string_view resource, std::size_t has, std::string_view what) {
        const auto most = core.quotas.limit(db, project.text, resource);
        if (most >= 0 && has > static_cast<std::size_t>(most)) throw Error(Failure::OverLimit, what);
    };
    refuse("injected_files", wanted.files.size(), "Maximum number of injected files exceeded");
    for (const auto& [path, content] : wanted.files) {
        refuse("injected_file_path_bytes", path.size(), "Personality file path exceeds the limit");
        refuse("injected_file_content_bytes", content.size(), "Personality file content exceeds the limit");
    }
}

/// What the server needs, with what was asked for and what its image says.
Placing placingFor(const Server& model, const NewServers& wanted, Properties image) {
    auto placing = placingOf(model);
    placing.zone = wanted.placing.zone;
    placing.host = wanted.placing.host;
    placing.hypervisor = wanted.placing.hypervisor;
    placing.forced = wanted.placing.forced;
    placing.image = std::move(image);
    return placing;
}

/// Puts the server where the scheduler says, or says why there is no such place.
void placeIt(Core& core, Transaction& tx, Server& server, Placing placing) {
    placing.server = server.id;
    const auto placed = core.scheduler.choose(tx, placing);
    server.host = placed.host.text;
    server.zone = placed ? placed.zone : server.pinnedZone.value_or("");
    if (placed) return;
    server.vm = VmState::Error;
    server.task = TaskState::None;
    server.fault = placed.fault;
    server.faultDetails = placed.details;
    server.faultTime = server.created;
}

Server createOne(Core& core, Transaction& tx, const identity::Caller& caller, const NewServers& wanted, Server server,
                 const Placing& placing, std::int64_t index) {
    const std::string suffix = wanted.most > 1 ? "-" + std::to_string(index + 1) : "";
    server.id.text = core.parts.ambient.uuid();
    server.name = wanted.name + suffix;
    server.hostname = wanted.hostname ? *wanted.hostname + suffix : hostnameFrom(server.name, server.id);
    server.launchIndex = index;
    placeIt(core, tx, server, placing);
    ServerTable::insert(tx, server);
    ServerTable::setBootRoles(tx, server.id, joined(caller.roles, ","));
    if (placing.hints.group) joinGroup(core, tx, caller, server.id, placing.hints.group);
    MetadataTable::set(tx, server.id, wanted.metadata);
    for (const auto& tag : wanted.tags) TagTable::add(tx, server.id, tag);
    for (const auto& [path, content] : wanted.files) FileTable::add(tx, server.id, path, content);
    if (server.host.empty()) { // it takes no address and no volume: there is nowhere to have them
        const auto action =
            beginAction(tx, server, askerOf(caller), "create", "conductor_schedule_and_build_instances", core.now());
        ActionTable::end(tx, action, false, *server.fault, *server.faultDetails, core.now());
        return server;
    }
    addNics(core, tx, caller, server, wanted);
    addDevices(core, tx, caller, server, wanted);
    enqueueVerb(core, tx, server, askerOf(caller), "create", "create", "compute__do_build_and_run_instance",
                placing.host || !placing.hypervisor.empty() ? "\"stays\":true" : "");
    core.parts.bus.announce(tx, ServerPlanned{server.id, server.project});
    return server;
}

}

void requireFit(const image::ImageFacts& image, const Flavor& flavor) {
    if (image.properties.contains("cinder_encryption_key_id")) // a guest would see sealed bytes
        throw Error(Failure::Invalid, "Direct booting of an image uploaded from an encrypted volume is unsupported.");
    if (image.minRam > flavor.ram) throw Error(Failure::Invalid, "Flavor's memory is too small for requested image.");
    if (flavor.disk.count == 0) return; // as large as the image
    if (image.virtualSize > flavor.disk.bytes() || image.size > flavor.disk.bytes())
        throw Error(Failure::Invalid, "Flavor's disk is too small for requested image. Flavor disk is ",
                    flavor.disk.bytes().count, " bytes, image is ", std::max(image.virtualSize, image.size).count,
                    " bytes.");
    if (image.minDisk > flavor.disk)
        throw Error(Failure::Invalid,
                    "Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is ",
                    flavor.disk.bytes().count, " bytes, minimum size is ", image.minDisk.bytes().count, " bytes.");
}

std::vector<Server> createServers(Core& core, const identity::Caller& caller, const NewServers& asked) {
    NewServers wanted = asked;
    if (ordersVolumes(core, caller, wanted)) core.block.refreshPools();
    return core.parts.store.write([&](Transaction& tx) {
        Properties image;
        Server model = modelOf(core, tx, caller, wanted, image);
        const auto placing = placingFor(model, wanted, std::move(image));
        core.claimMetadata(tx, caller.project, wanted.metadata.size());
        claimFiles(core, tx, caller.project, wanted);
        const std::int64_t count = core.quotas.claimServers(
            tx, caller.project, caller.user, {.cores = model.flavor.vcpus, .ram = model.flavor.ram.count}, wanted.least,
            wanted.most);
        model.reservation = "r-" + core.parts.ambient.hexId().substr(0, 8);
        model.created = model.updated = core.now();
        std::vector<Server> made;
        for (std::int64_t index = 0; index < count; ++index)
            made.push_back(createOne(core, tx, caller, wanted, model, placing, index));
        return made;
    });
}

}
