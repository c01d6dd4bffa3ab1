#include "compute/server/server_making.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/action/action.hpp"
#include "compute/compute.hpp"
#include "compute/group/server_group.hpp"
#include "compute/host/host.hpp"
#include "compute/keypair/keypair.hpp"
#include "compute/label/server_metadata.hpp"
#include "compute/label/server_tags.hpp"
#include "compute/server/server_reading.hpp"
#include "compute/server/server_table.hpp"
#include "compute/server/server_verb.hpp"
#include "platform/bus/bus.hpp"

namespace stratolet::compute {
namespace {

using store::Transaction;

Flavor flavorFor(Core& core, store::Reader& db, const identity::Caller& caller, const FlavorId& id) {
    auto flavor = core.flavors.find(db, caller, id);
    if (!flavor) throw Error(Failure::Invalid, "Flavor ", id, " could not be found.");
    if (flavor->ephemeral.count > 0 || flavor->swap.count > 0)
        throw Error(Failure::Invalid, "Flavor ", id,
                    " has an ephemeral or a swap disk; servers with those are not offered here.");
    return *std::move(flavor);
}

void requireFit(const image::ImageFacts& image, const Flavor& flavor) {
    if (image.status != "active") throw Error(Failure::Invalid, "Image ", image.id, " is not active.");
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

/// The name of the base copy that its disk stands on.
std::string baseFor(Core& core, store::Reader& db, const identity::Caller& caller, const ImageId& id,
                    const Flavor& flavor, Properties& properties) {
    const auto image = core.images.find(db, caller, id);
    if (!image) throw Error(Failure::Invalid, "Image ", id, " could not be found.");
    // Without a disk of the flavor's the image says how much of the host's disk the server takes.
    if (flavor.disk.count == 0 &&
        !caller.may("os_compute_api:servers:create:zero_disk_flavor", {{"project_id", caller.project.text}}))
        throw Error(Failure::Forbidden, "Only volume-backed instances are allowed for flavors with zero disk.");
    requireFit(*image, flavor);
    properties = image->properties;
    return image->id.text + "-" + image->checksum;
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
    core.network.createPort(tx, caller,
                            {.network = nic.network,
                             .fixedIp = nic.fixedIp,
                             .securityGroups = wanted.securityGroups,
                             .server = server.id,
                             .hostname = server.hostname});
}

void addNics(Core& core, Transaction& tx, const identity::Caller& caller, const Server& server,
             const NewServers& wanted) {
    if (wanted.nics == NewServers::Nics::None) return;
    if (wanted.nics == NewServers::Nics::Automatic) {
        const auto networks = core.network.networksFor(tx, caller);
        if (networks.size() > 1)
            throw Error(Failure::Conflict, "Multiple possible networks found, use a Network ID to be more specific.");
        if (!networks.empty())
            createPort(core, tx, caller, server, wanted, {.network = networks.front(), .port = {}, .fixedIp = {}});
        return;
    }
    for (const auto& nic : wanted.listed) {
        if (nic.port)
            core.network.bindPort(tx, caller, nic.port, server.id, server.hostname);
        else
            createPort(core, tx, caller, server, wanted, nic);
    }
}

void addVolumes(Core& core, Transaction& tx, const Server& server, const NewServers& wanted) {
    std::vector<VolumeTie> ties;
    for (const auto& volume : wanted.volumes) {
        const auto facts = core.block.find(tx, server.project, volume.volume);
        if (!facts)
            throw Error(Failure::Invalid, "Block Device Mapping is Invalid: failed to get volume ", volume.volume, ".");
        if (volume.root && !facts->bootable)
            throw Error(Failure::Invalid, "Block Device ", volume.volume, " is not bootable.");
        const std::string device = volume.root ? "/dev/vda" : freeDevice(ties);
        ties.push_back(
            {core.block.reserve(tx, server.project, volume.volume, server.id, device), volume.root, volume.tag});
        TieTable::insert(tx, server.id, ties.back());
    }
}

/// What all of them have in common. Asks in the order in which the API refuses.
Server modelOf(Core& core, store::Reader& db, const identity::Caller& caller, const NewServers& wanted,
               Properties& image) {
    Server model;
    core.scheduler.requireKnown(db, wanted.placing);
    model.flavor = flavorFor(core, db, caller, wanted.flavor);
    if (wanted.image) model.base = baseFor(core, db, caller, wanted.image, model.flavor, image);
    if (wanted.keyName) takeKey(db, caller, *wanted.keyName, model);
    model.project = caller.project;
    model.user = caller.user;
    model.description = wanted.description;
    model.task = TaskState::Scheduling;
    model.image = wanted.image;
    model.userData = wanted.userData;
    model.accessIpv4 = wanted.accessIpv4;
    model.accessIpv6 = wanted.accessIpv6;
    model.pinnedZone = wanted.pinnedZone;
    model.hints = wanted.hints;
    model.diskConfig = wanted.diskConfig;
    return model;
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
    if (placing.hints.group) joinGroup(core, tx, caller, server.id, placing.hints.group);
    MetadataTable::set(tx, server.id, wanted.metadata);
    for (const auto& tag : wanted.tags) TagTable::add(tx, server.id, tag);
    if (server.host.empty()) { // it takes no address and no volume: there is nowhere to have them
        const auto action =
            beginAction(tx, server, askerOf(caller), "create", "conductor_schedule_and_build_instances", core.now());
        ActionTable::end(tx, action, false, *server.fault, *server.faultDetails, core.now());
        return server;
    }
    addNics(core, tx, caller, server, wanted);
    addVolumes(core, tx, server, wanted);
    enqueueVerb(core, tx, server, askerOf(caller), "create", "create", "compute__do_build_and_run_instance");
    core.parts.bus.announce(tx, ServerPlanned{server.id, server.project});
    return server;
}

}

std::vector<Server> createServers(Core& core, const identity::Caller& caller, const NewServers& wanted) {
    return core.parts.store.write([&](Transaction& tx) {
        Properties image;
        Server model = modelOf(core, tx, caller, wanted, image);
        const auto placing = placingFor(model, wanted, std::move(image));
        core.claimMetadata(tx, caller.project, wanted.metadata.size());
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

void removeServer(Core& core, const identity::Caller& caller, const ServerId& id) {
    core.parts.store.write([&](Transaction& tx) {
        const Server server = allowedServer(tx, caller, id, "os_compute_api:servers:delete");
        requireState(server, caller, "delete", anyState, While::Busy);
        if (server.task == TaskState::Deleting) return; // under way already
        ServerTable::move(tx, server, server.vm, TaskState::Deleting, server.power, core.now());
        for (const char* kind : {"create", "start", "stop", "reboot", "attach-volume", "detach-volume", "extend-volume",
                                 "attach-nic", "detach-nic"})
            core.parts.jobs.cancel(tx, std::string("compute.server.") + kind, id.text);
        enqueueVerb(core, tx, server, askerOf(caller), "delete", "delete", "compute_terminate_instance");
    });
}

}
