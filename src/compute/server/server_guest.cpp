#include "compute/server/server_guest.hpp"

#include <optional>

#include <stratolet/error.hpp>

#include "compute/action/action.hpp"
#include "compute/attachment/volume_attachment.hpp"
#include "compute/server/server_table.hpp"
#include "platform/log/log.hpp"

namespace stratolet::compute {
namespace {

using jobs::Run;
using store::Transaction;

std::string deviceName(const std::string& path) { return path.starts_with("/dev/") ? path.substr(5) : path; }

GuestSpec specOf(Core& core, store::Reader& db, const Server& server) {
    GuestSpec spec{.server = server.id,
                   .host = {server.host},
                   .name = server.name,
                   .project = server.project,
                   .vcpus = static_cast<int>(server.flavor.vcpus),
                   .memory = server.flavor.ram,
                   .disks = {},
                   .nics = {}};
    if (server.image)
        spec.disks.push_back({.serial = server.id.text,
                              .source = core.hypervisors.disksOn(spec.host).root(server.id),
                              .device = "vda",
                              .root = true});
    for (const auto& tie : tiesOf(core, db, server.id))
        spec.disks.insert(tie.root ? spec.disks.begin() : spec.disks.end(), diskOf(core, tie.attachment, tie.root));
    for (const auto& port : core.network.portsOf(db, server.id)) spec.nics.push_back(nicOf(port));
    return spec;
}

void endAction(Core& core, Transaction& tx, const Run& run, bool success, const std::string& message,
               const std::string& details) {
    const auto arguments = run.arguments();
    const auto action = arguments.find("action");
    if (!action) return;
    ActionTable::end(tx, action->integer(), success, message, details, core.now());
    ActionTable::setSteps(tx, action->integer(), run.stages);
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

GuestNic nicOf(const network::PortFacts& port) {
    return {.port = port.id, .vif = Tap{port.tap}, .mac = port.mac, .mtu = port.mtu};
}

GuestDisk diskOf(Core& core, const block::Attachment& attachment, bool root) {
    return {.serial = attachment.volume.text,
            .source = core.block.source(attachment.volume),
            .device = deviceName(attachment.device),
            .root = root,
            .limits = core.block.limits(core.reader(), attachment.volume)};
}

void ensureDisk(Core& core, const ServerId& id, const Cancelled& cancelled) {
    const auto server = ServerTable::find(core.reader(), id);
    if (!server || !server->image) return; // boots from a volume
    auto& disks = core.hypervisors.disksOn({server->host});
    const auto most = server->flavor.disk.count > 0 ? std::optional(server->flavor.disk.bytes()) : std::nullopt;
    const auto size = disks.ensureBase(
        server->base, [&] { return core.images.source(server->image, most); }, cancelled);
    if (most && size > *most)
        throw Error(Failure::Invalid, "the disk of image ", server->image, " is larger than the flavor's");
    disks.ensureRoot(id, server->base, server->flavor.disk.bytes());
}

void boot(Core& core, const ServerId& id) {
    const auto server = ServerTable::find(core.reader(), id);
    if (!server) return;
    auto& hypervisor = core.hypervisors.on({server->host});
    hypervisor.ensureDefined(specOf(core, core.reader(), *server));
    hypervisor.ensureRunning(id);
}

jobs::Job wired(jobs::Job&& job, Core& core) {
    return std::move(job).step(
        "wire", [&core](Run& run) { core.network.ensureWired(run.id_of<ServerId>()); }, {}, jobs::wireLane);
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
    if (*power == PowerState::Suspended || run.now - run.stepBegan >= patience) {
        if (patience.count() > 0)
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

void failed(Core& core, Transaction& tx, const Run& run, std::string_view doing, const std::string& reason) {
    failAction(core, tx, run, doing, reason);
    const auto server = ServerTable::find(tx, run.id_of<ServerId>());
    if (!server || server->deleted || (server->task == TaskState::Deleting && run.kind != "compute.server.delete"))
        return;
    ServerTable::move(tx, *server, VmState::Error, TaskState::None, server->power, core.now());
    ServerTable::fail(tx, server->id, "Failed to " + std::string(doing) + " the server.", reason, core.now());
}

}
