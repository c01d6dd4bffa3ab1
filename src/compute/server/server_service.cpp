#include <algorithm>
#include <fstream>

#include <stratolet/error.hpp>

#include "compute/compute.hpp"
#include "compute/encoding.hpp"
#include "compute/server/server.hpp"
#include "compute/server/server_query.hpp"
#include "platform/bus/bus.hpp"
#include "platform/config/config.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

[[noreturn]] void absent(const ServerId& id) { throw Error(Failure::NotFound, "Instance ", id, " could not be found."); }

Target targetOf(const Server& server) { return {{"project_id", server.project.text}, {"user_id", server.user.text}}; }

/// The first free name from /dev/vdb on; the root disk has vda.
std::string freeDevice(const std::vector<VolumeTie>& ties) {
    for (char letter = 'b'; letter <= 'z'; ++letter) {
        const std::string device = std::string("/dev/vd") + letter;
        if (std::none_of(ties.begin(), ties.end(), [&](const VolumeTie& tie) { return tie.attachment.device == device; })) return device;
    }
    throw Error(Failure::Forbidden, "The server has as many volumes as it can have.");
}

constexpr std::initializer_list<VmState> anyState = {VmState::Building, VmState::Active, VmState::Stopped, VmState::Error};
constexpr std::initializer_list<VmState> withGuest = {VmState::Active, VmState::Stopped};

}

std::string payloadOf(std::int64_t action, const std::string& more) {
    return "{\"action\":" + std::to_string(action) + (more.empty() ? "" : "," + more) + "}";
}

/// What begins with a change of the task state, and ends with a job.
struct Servers::Verb {
    std::string_view rule, doing, action, event, job;
    std::initializer_list<VmState> states;
    TaskState task;
    bool idle = true; ///< only where nothing else is being done to the server
};

Servers::Servers(Parts parts, Hypervisors& hypervisors, image::Images& images, block::Block& block, network::Network& network,
                 Flavors& flavors, const Quotas& quotas)
    : parts_(parts),
      hypervisors_(hypervisors),
      images_(images),
      block_(block),
      network_(network),
      flavors_(flavors),
      quotas_(quotas) {}

Server Servers::get(store::Reader& db, const identity::Caller& caller, const ServerId& id, bool deletedToo) {
    auto server = ServerTable::find(db, id);
    if (!server || (server->deleted && !deletedToo) || (server->project != caller.project && !caller.isAdmin())) absent(id);
    return *std::move(server);
}

std::vector<VolumeTie> Servers::tiesOf(store::Reader& db, const ServerId& id) {
    auto found = tiesOf(db, std::vector{id.text});
    return store::takeOf(found, id.text);
}

store::ByOwner<VolumeTie> Servers::tiesOf(store::Reader& db, const std::vector<std::string>& servers) {
    store::ByOwner<VolumeTie> ties;
    auto known = ServerTable::ties(db, servers);
    for (auto& [server, attachments] : block_.madeByCompute(db, servers))
        for (auto& attachment : attachments) {
            auto& own = known[attachment.id.text];
            ties[server].push_back({attachment, own.root, std::move(own.tag)});
        }
    return ties;
}

ServerDetails Servers::details(store::Reader& db, const Server& server) { return std::move(details(db, std::vector{server}).front()); }

std::vector<ServerDetails> Servers::details(store::Reader& db, const std::vector<Server>& servers) {
    std::vector<std::string> ids;
    ids.reserve(servers.size());
    for (const auto& each : servers) ids.push_back(each.id.text);
    auto metadata = ServerTable::metadata(db, ids);
    auto tags = ServerTable::tags(db, ids);
    auto ports = network_.portsOf(db, ids);
    auto volumes = tiesOf(db, ids);
    std::vector<ServerDetails> all;
    all.reserve(servers.size());
    for (const auto& id : ids) {
        const auto items = store::takeOf(metadata, id);
        all.push_back({.metadata = {items.begin(), items.end()},
                       .tags = store::takeOf(tags, id),
                       .ports = store::takeOf(ports, id),
                       .volumes = store::takeOf(volumes, id)});
    }
    return all;
}

std::vector<Server> Servers::list(const identity::Caller& caller, const ServerQuery& query) {
    ServerQuery mine = query;
    if (!query.allProjects) mine.project = caller.project;
    return parts_.store.read([&](store::Reader& db) {
        for (const auto& wanted : query.addresses) { // the network knows them; which servers are meant is said here
            const auto among = ServerTable::idsIn(db, mine);
            mine.where.add("id IN (SELECT value FROM json_each(?))", store::asList(network_.withAddress(db, among, wanted)));
        }
        return ServerTable::list(db, mine);
    });
}

void Servers::refuseUnless(const Server& server, const identity::Caller& caller, std::string_view doing,
                           std::initializer_list<VmState> states, bool idle) const {
    const auto refuse = [&](std::string_view what, std::string_view value) {
        throw Error(Failure::Conflict, "Cannot '", doing, "' instance ", server.id, " while it is in ", what, " ", value);
    };
    if (!server.lockedBy.empty() && !caller.isAdmin()) throw Error(Failure::Conflict, "Instance ", server.id, " is locked");
    if (std::find(states.begin(), states.end(), server.vm) == states.end()) refuse("vm_state", nameOf(server.vm));
    if (idle && server.task != TaskState::None) refuse("task_state", nameOf(server.task));
}

std::int64_t Servers::record(store::Transaction& tx, const identity::Caller& caller, const Server& server, std::string_view action,
                             std::string_view event) {
    return record(tx, server, {.request = caller.requestId, .user = caller.user, .project = caller.project}, action, event);
}

std::int64_t Servers::record(store::Transaction& tx, const Server& server, const Asker& asker, std::string_view action,
                             std::string_view event) {
    ServerAction begun;
    begun.server = server.id;
    begun.action = action;
    begun.event = event;
    begun.request = asker.request;
    begun.user = asker.user;
    begun.project = asker.project;
    begun.host = server.host;
    begun.started = begun.updated = parts_.ambient.now();
    return ServerTable::begin(tx, begun);
}

// Creating.

void Servers::checkImage(const image::ImageFacts& image, const Flavor& flavor) const {
    if (image.status != "active") throw Error(Failure::Invalid, "Image ", image.id, " is not active.");
    if (image.minRam > flavor.ram) throw Error(Failure::Invalid, "Flavor's memory is too small for requested image.");
    if (flavor.disk.count == 0) return; // as large as the image
    if (image.virtualSize > flavor.disk.bytes() || image.size > flavor.disk.bytes())
        throw Error(Failure::Invalid, "Flavor's disk is too small for requested image. Flavor disk is ", flavor.disk.bytes().count,
                    " bytes, image is ", std::max(image.virtualSize, image.size).count, " bytes.");
    if (image.minDisk > flavor.disk)
        throw Error(Failure::Invalid, "Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is ",
                    flavor.disk.bytes().count, " bytes, minimum size is ", image.minDisk.bytes().count, " bytes.");
}

/// As many servers as the quotas still allow, not more than wanted. Error(OverLimit) where that is fewer than the least.
std::int64_t Servers::affordable(store::Reader& db, const ProjectId& project, const Flavor& flavor, const NewServers& wanted) const {
    const auto used = ServerTable::usage(db, project);
    std::int64_t count = wanted.most;
    const auto bound = [&](const char* resource, std::int64_t has, std::int64_t each) {
        const std::int64_t limit = quotas_.limit(db, project.text, resource);
        if (limit >= 0 && each > 0) count = std::min(count, std::max<std::int64_t>((limit - has) / each, 0));
    };
    bound("instances", used.servers, 1);
    bound("cores", used.cores, flavor.vcpus);
    bound("ram", used.ram, flavor.ram.count);
    if (count >= wanted.least) return count;
    quotas_.claim(db, project.text, "instances", used.servers, wanted.least);
    quotas_.claim(db, project.text, "cores", used.cores, wanted.least * flavor.vcpus);
    quotas_.claim(db, project.text, "ram", used.ram, wanted.least * flavor.ram.count);
    return count;
}

void Servers::addNics(store::Transaction& tx, const identity::Caller& caller, const Server& server, const NewServers& wanted) {
    const auto create = [&](const NetworkId& network, const std::string& fixedIp) {
        network_.createPort(tx, caller,
                            {.network = network,
                             .fixedIp = fixedIp,
                             .securityGroups = wanted.securityGroups,
                             .server = server.id,
                             .hostname = server.hostname});
    };
    if (wanted.nics == NewServers::Nics::None) return;
    if (wanted.nics == NewServers::Nics::Automatic) {
        const auto networks = network_.networksFor(tx, caller);
        if (networks.size() > 1) throw Error(Failure::Conflict, "Multiple possible networks found, use a Network ID to be more specific.");
        if (!networks.empty()) create(networks.front(), "");
        return;
    }
    for (const auto& nic : wanted.listed) {
        if (nic.port)
            network_.bindPort(tx, caller, nic.port, server.id, server.hostname);
        else
            create(nic.network, nic.fixedIp);
    }
}

void Servers::addVolumes(store::Transaction& tx, const Server& server, const NewServers& wanted) {
    std::vector<VolumeTie> ties;
    for (const auto& volume : wanted.volumes) {
        const auto facts = block_.find(tx, server.project, volume.volume);
        if (!facts) throw Error(Failure::Invalid, "Block Device Mapping is Invalid: failed to get volume ", volume.volume, ".");
        if (volume.root && !facts->bootable) throw Error(Failure::Invalid, "Block Device ", volume.volume, " is not bootable.");
        const std::string device = volume.root ? "/dev/vda" : freeDevice(ties);
        ties.push_back({block_.reserve(tx, server.project, volume.volume, server.id, device), volume.root, volume.tag});
        ServerTable::tie(tx, server.id, ties.back());
    }
}

std::vector<Server> Servers::create(const identity::Caller& caller, const NewServers& wanted) {
    const auto host = hypervisors_.facts(hypervisors_.next());
    return parts_.store.write([&](store::Transaction& tx) {
        const auto flavor = flavors_.find(tx, caller, wanted.flavor);
        if (!flavor) throw Error(Failure::Invalid, "Flavor ", wanted.flavor, " could not be found.");
        if (flavor->ephemeral.count > 0 || flavor->swap.count > 0)
            throw Error(Failure::Invalid, "Flavor ", wanted.flavor,
                        " has an ephemeral or a swap disk; servers with those are not offered here.");
        Server model;
        if (wanted.image) {
            const auto image = images_.find(tx, caller, wanted.image);
            if (!image) throw Error(Failure::Invalid, "Image ", wanted.image, " could not be found.");
            // Without a disk of the flavor's the image says how much of the host's disk the server takes.
            if (flavor->disk.count == 0 &&
                !caller.may("os_compute_api:servers:create:zero_disk_flavor", {{"project_id", caller.project.text}}))
                throw Error(Failure::Forbidden, "Only volume-backed instances are allowed for flavors with zero disk.");
            checkImage(*image, *flavor);
            model.base = image->id.text + "-" + image->checksum;
        }
        if (wanted.keyName) {
            const auto keypair = Keypairs::find(tx, caller.user, *wanted.keyName);
            if (!keypair) throw Error(Failure::Invalid, "Invalid key_name provided.");
            model.keyName = keypair->name;
            model.keyType = keypair->type;
            model.publicKey = keypair->publicKey;
        }
        if (const auto most = quotas_.limit(tx, caller.project.text, "metadata_items");
            most >= 0 && static_cast<std::int64_t>(wanted.metadata.size()) > most)
            throw Error(Failure::OverLimit, "Maximum number of metadata items exceeds ", most);
        const std::int64_t count = affordable(tx, caller.project, *flavor, wanted);
        model.project = caller.project;
        model.user = caller.user;
        model.description = wanted.description;
        model.host = host.name.text;
        model.task = TaskState::Scheduling;
        model.image = wanted.image;
        model.flavor = *flavor;
        model.userData = wanted.userData;
        model.accessIpv4 = wanted.accessIpv4;
        model.accessIpv6 = wanted.accessIpv6;
        model.zone = defaultZone;
        model.diskConfig = wanted.diskConfig;
        model.reservation = "r-" + parts_.ambient.hexId().substr(0, 8);
        model.created = model.updated = parts_.ambient.now();
        std::vector<Server> made;
        for (std::int64_t index = 0; index < count; ++index) {
            Server server = model;
            const std::string suffix = wanted.most > 1 ? "-" + std::to_string(index + 1) : "";
            server.id.text = parts_.ambient.uuid();
            server.name = wanted.name + suffix;
            server.hostname = wanted.hostname ? *wanted.hostname + suffix : hostnameFrom(server.name, server.id);
            server.launchIndex = index;
            ServerTable::insert(tx, server);
            ServerTable::setMetadata(tx, server.id, wanted.metadata);
            for (const auto& tag : wanted.tags) ServerTable::addTag(tx, server.id, tag);
            addNics(tx, caller, server, wanted);
            addVolumes(tx, server, wanted);
            const auto action = record(tx, caller, server, "create", "compute__do_build_and_run_instance");
            parts_.jobs.enqueue(tx, "compute.server.create", server.id.text, payloadOf(action, ""), server.project.text);
            parts_.bus.announce(tx, ServerPlanned{server.id, server.project});
            made.push_back(std::move(server));
        }
        return made;
    });
}

Server Servers::update(const identity::Caller& caller, const ServerId& id, const std::function<void(Server&)>& change) {
    return parts_.store.write([&](store::Transaction& tx) {
        Server server = get(tx, caller, id);
        caller.enforce("os_compute_api:servers:update", targetOf(server));
        change(server);
        server.updated = parts_.ambient.now();
        ServerTable::describe(tx, server, server.updated);
        return server;
    });
}

// Verbs with a job.

void Servers::begin(const identity::Caller& caller, const ServerId& id, const Verb& verb, const std::string& more) {
    parts_.store.write([&](store::Transaction& tx) {
        const Server server = get(tx, caller, id);
        caller.enforce(verb.rule, targetOf(server));
        refuseUnless(server, caller, verb.doing, verb.states, verb.idle);
        if (!server.launched) throw Error(Failure::Conflict, "Cannot '", verb.doing, "' instance ", id, " while it is in launched_at None");
        ServerTable::move(tx, server, server.vm, verb.task, server.power, parts_.ambient.now());
        parts_.jobs.enqueue(tx, verb.job, id.text, payloadOf(record(tx, caller, server, verb.action, verb.event), more),
                            server.project.text);
    });
}

void Servers::start(const identity::Caller& caller, const ServerId& id) {
    begin(caller, id,
          {"os_compute_api:servers:start",
           "start",
           "start",
           "compute_start_instance",
           "compute.server.start",
           {VmState::Stopped},
           TaskState::PoweringOn});
}

void Servers::stop(const identity::Caller& caller, const ServerId& id) {
    begin(caller, id,
          {"os_compute_api:servers:stop",
           "stop",
           "stop",
           "compute_stop_instance",
           "compute.server.stop",
           {VmState::Active, VmState::Error},
           TaskState::PoweringOff});
}

void Servers::reboot(const identity::Caller& caller, const ServerId& id, bool hard) {
    if (!hard) {
        begin(caller, id,
              {"os_compute_api:servers:reboot",
               "reboot",
               "reboot",
               "compute_reboot_instance",
               "compute.server.reboot",
               {VmState::Active},
               TaskState::Rebooting});
        return;
    }
    {
        const Server server = get(reader(), caller, id);
        if (server.task != TaskState::None && server.task != TaskState::Rebooting && server.task != TaskState::RebootingHard)
            refuseUnless(server, caller, "reboot", anyState, true);
    }
    begin(caller, id,
          {"os_compute_api:servers:reboot",
           "reboot",
           "reboot",
           "compute_reboot_instance",
           "compute.server.reboot",
           {VmState::Active, VmState::Stopped, VmState::Error},
           TaskState::RebootingHard,
           false},
          "\"hard\":true");
}

void Servers::remove(const identity::Caller& caller, const ServerId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const Server server = get(tx, caller, id);
        caller.enforce("os_compute_api:servers:delete", targetOf(server));
        refuseUnless(server, caller, "delete", anyState, false);
        if (server.task == TaskState::Deleting) return; // under way already
        ServerTable::move(tx, server, server.vm, TaskState::Deleting, server.power, parts_.ambient.now());
        for (const char* kind :
             {"create", "start", "stop", "reboot", "attach-volume", "detach-volume", "extend-volume", "attach-nic", "detach-nic"})
            parts_.jobs.cancel(tx, std::string("compute.server.") + kind, id.text);
        parts_.jobs.enqueue(tx, "compute.server.delete", id.text,
                            payloadOf(record(tx, caller, server, "delete", "compute_terminate_instance"), ""), server.project.text);
    });
}

// Verbs without one.

void Servers::lock(const identity::Caller& caller, const ServerId& id, const std::optional<std::string>& reason) {
    parts_.store.write([&](store::Transaction& tx) {
        const Server server = get(tx, caller, id);
        caller.enforce("os_compute_api:os-lock-server:lock", targetOf(server));
        ServerTable::setLock(tx, id, server.project == caller.project && !caller.isAdmin() ? "owner" : "admin", reason,
                             parts_.ambient.now());
        ServerTable::end(tx, record(tx, caller, server, "lock", "api_lock"), true, "", "", parts_.ambient.now());
    });
}

void Servers::unlock(const identity::Caller& caller, const ServerId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const Server server = get(tx, caller, id);
        caller.enforce("os_compute_api:os-lock-server:unlock", targetOf(server));
        if (server.lockedBy == "admin") caller.enforce("os_compute_api:os-lock-server:unlock:unlock_override", targetOf(server));
        ServerTable::setLock(tx, id, "", std::nullopt, parts_.ambient.now());
        ServerTable::end(tx, record(tx, caller, server, "unlock", "api_unlock"), true, "", "", parts_.ambient.now());
    });
}

std::string Servers::console(const identity::Caller& caller, const ServerId& id, int lines) {
    const Server server = get(reader(), caller, id);
    caller.enforce("os_compute_api:os-console-output", targetOf(server));
    if (!server.launched || server.task == TaskState::Deleting) throw Error(Failure::Conflict, "Instance ", id, " is not ready");
    return asUtf8(hypervisors_.on({server.host}).console(id, lines));
}

void Servers::setMetadata(const identity::Caller& caller, const ServerId& id, const std::map<std::string, std::string>& items,
                          bool replace) {
    parts_.store.write([&](store::Transaction& tx) {
        const Server server = get(tx, caller, id);
        caller.enforce(targetOf(server));
        refuseUnless(server, caller, "update metadata", withGuest, false);
        if (replace)
            for (const auto& [name, value] : ServerTable::metadata(tx, id)) ServerTable::removeMetadata(tx, id, name);
        ServerTable::setMetadata(tx, id, items);
        const auto most = quotas_.limit(tx, server.project.text, "metadata_items");
        if (most >= 0 && static_cast<std::int64_t>(ServerTable::metadata(tx, id).size()) > most)
            throw Error(Failure::OverLimit, "Maximum number of metadata items exceeds ", most);
    });
}

void Servers::removeMetadata(const identity::Caller& caller, const ServerId& id, const std::string& name) {
    parts_.store.write([&](store::Transaction& tx) {
        const Server server = get(tx, caller, id);
        caller.enforce(targetOf(server));
        if (!ServerTable::metadata(tx, id).contains(name)) throw Error(Failure::NotFound, "Metadata item was not found");
        refuseUnless(server, caller, "delete metadata", withGuest, false);
        ServerTable::removeMetadata(tx, id, name);
    });
}

void Servers::setTags(const identity::Caller& caller, const ServerId& id, const std::set<std::string>& tags) {
    parts_.store.write([&](store::Transaction& tx) {
        const Server server = get(tx, caller, id);
        caller.enforce(targetOf(server));
        for (const auto& tag : ServerTable::tags(tx, id)) ServerTable::removeTag(tx, id, tag);
        for (const auto& tag : tags) ServerTable::addTag(tx, id, tag);
    });
}

bool Servers::addTag(const identity::Caller& caller, const ServerId& id, const std::string& tag) {
    return parts_.store.write([&](store::Transaction& tx) {
        const Server server = get(tx, caller, id);
        caller.enforce(targetOf(server));
        const bool fresh = ServerTable::addTag(tx, id, tag);
        if (ServerTable::tags(tx, id).size() > 50) throw Error(Failure::Invalid, "The number of tags exceeded the per-server limit 50");
        return fresh;
    });
}

void Servers::removeTag(const identity::Caller& caller, const ServerId& id, const std::string& tag) {
    parts_.store.write([&](store::Transaction& tx) {
        const Server server = get(tx, caller, id);
        caller.enforce(targetOf(server));
        if (!ServerTable::removeTag(tx, id, tag)) throw Error(Failure::NotFound, "Server ", id, " has no tag '", tag, "'");
    });
}

// Volumes and interfaces.

VolumeTie Servers::attachVolume(const identity::Caller& caller, const ServerId& id, const VolumeId& volume,
                                const std::optional<std::string>& tag) {
    return parts_.store.write([&](store::Transaction& tx) {
        const Server server = get(tx, caller, id);
        caller.enforce(targetOf(server));
        refuseUnless(server, caller, "attach_volume", withGuest, true);
        const auto ties = tiesOf(tx, id);
        if (std::any_of(ties.begin(), ties.end(), [&](const VolumeTie& tie) { return tie.attachment.volume == volume; }))
            throw Error(Failure::Invalid, "Invalid volume: volume ", volume, " already attached");
        const VolumeTie tie{block_.reserve(tx, server.project, volume, id, freeDevice(ties)), false, tag};
        ServerTable::tie(tx, id, tie);
        const auto action = record(tx, caller, server, "attach_volume", "compute_attach_volume");
        parts_.jobs.enqueue(tx, "compute.server.attach-volume", id.text,
                            payloadOf(action, "\"attachment\":" + jsonText(tie.attachment.id.text)), server.project.text);
        return tie;
    });
}

void Servers::detachVolume(const identity::Caller& caller, const ServerId& id, const VolumeId& volume) {
    parts_.store.write([&](store::Transaction& tx) {
        const Server server = get(tx, caller, id);
        caller.enforce(targetOf(server));
        const auto ties = tiesOf(tx, id);
        const auto tie = std::find_if(ties.begin(), ties.end(), [&](const VolumeTie& each) { return each.attachment.volume == volume; });
        if (tie == ties.end()) throw Error(Failure::NotFound, "Instance ", id, " is not attached to volume ", volume, ".");
        refuseUnless(server, caller, "detach_volume", withGuest, true);
        if (tie->root) throw Error(Failure::Invalid, "Cannot detach a root device volume");
        block_.detaching(tx, tie->attachment.id);
        const auto action = record(tx, caller, server, "detach_volume", "compute_detach_volume");
        parts_.jobs.enqueue(
            tx, "compute.server.detach-volume", id.text,
            payloadOf(action, "\"attachment\":" + jsonText(tie->attachment.id.text) + ",\"volume\":" + jsonText(volume.text)),
            server.project.text);
    });
}

network::PortFacts Servers::attachNic(const identity::Caller& caller, const ServerId& id, const WantedNic& wanted) {
    return parts_.store.write([&](store::Transaction& tx) {
        const Server server = get(tx, caller, id);
        caller.enforce(targetOf(server));
        refuseUnless(server, caller, "attach_interface", withGuest, true);
        NetworkId network = wanted.network;
        if (!wanted.port && !network) {
            const auto networks = network_.networksFor(tx, caller);
            if (networks.size() != 1)
                throw Error(Failure::Invalid, networks.empty() ? "No network to attach the interface to."
                                                               : "Multiple possible networks found, use a Network ID to be more specific.");
            network = networks.front();
        }
        auto port =
            wanted.port
                ? network_.bindPort(tx, caller, wanted.port, id, server.hostname)
                : network_.createPort(
                      tx, caller,
                      {.network = network, .fixedIp = wanted.fixedIp, .securityGroups = {}, .server = id, .hostname = server.hostname});
        const auto action = record(tx, caller, server, "attach_interface", "compute_attach_interface");
        parts_.jobs.enqueue(tx, "compute.server.attach-nic", id.text, payloadOf(action, "\"port\":" + jsonText(port.id.text)),
                            server.project.text);
        return port;
    });
}

void Servers::detachNic(const identity::Caller& caller, const ServerId& id, const PortId& port) {
    parts_.store.write([&](store::Transaction& tx) {
        const Server server = get(tx, caller, id);
        caller.enforce(targetOf(server));
        const auto ports = network_.portsOf(tx, id);
        const auto found = std::find_if(ports.begin(), ports.end(), [&](const auto& each) { return each.id == port; });
        if (found == ports.end()) throw Error(Failure::NotFound, "Port ", port, " not found on instance ", id);
        refuseUnless(server, caller, "detach_interface", withGuest, true);
        const auto action = record(tx, caller, server, "detach_interface", "compute_detach_interface");
        parts_.jobs.enqueue(tx, "compute.server.detach-nic", id.text,
                            payloadOf(action, "\"port\":" + jsonText(port.text) + ",\"mac\":" + jsonText(found->mac)), server.project.text);
    });
}

std::vector<ServerAction> Servers::actions(const identity::Caller& caller, const ServerId& id, bool deletedToo) {
    return parts_.store.read([&](store::Reader& db) {
        const Server server = get(db, caller, id, deletedToo);
        caller.enforce(targetOf(server));
        return ServerTable::actions(db, id);
    });
}

}
