#include <algorithm>
#include <exception>
#include <limits>
#include <set>

#include <stratolet/error.hpp>

#include "compute/compute.hpp"
#include "compute/server/server.hpp"
#include "platform/bus/bus.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/cloud/strays.hpp"
#include "platform/config/config.hpp"
#include "platform/log/log.hpp"
#include "platform/reconcile/reconciler.hpp"

namespace stratolet::compute {
namespace {

using jobs::Job;
using jobs::Run;
using store::Transaction;

std::string deviceName(const std::string& path) { return path.starts_with("/dev/") ? path.substr(5) : path; }

GuestNic nicOf(const network::PortFacts& port) { return {.port = port.id, .vif = Tap{port.tap}, .mac = port.mac, .mtu = port.mtu}; }

std::chrono::seconds patience(Config& config) { return config.seconds("compute", "shutdown_timeout"); }

}

HostName Servers::hostOf(const ServerId& id) {
    const auto host = reader().query("SELECT host FROM compute_servers WHERE id = ?", id).maybeText();
    if (!host) throw Error(Failure::Broken, "there is no server ", id);
    return {*host};
}

GuestSpec Servers::specOf(store::Reader& db, const Server& server) {
    GuestSpec spec{.server = server.id,
                   .host = {server.host},
                   .name = server.name,
                   .project = server.project,
                   .vcpus = static_cast<int>(server.flavor.vcpus),
                   .memory = server.flavor.ram,
                   .disks = {},
                   .nics = {}};
    if (server.image)
        spec.disks.push_back(
            {.serial = server.id.text, .source = hypervisors_.disksOn(spec.host).root(server.id), .device = "vda", .root = true});
    for (const auto& tie : tiesOf(db, server.id)) {
        const GuestDisk disk{.serial = tie.attachment.volume.text,
                             .source = block_.source(tie.attachment.volume),
                             .device = deviceName(tie.attachment.device),
                             .root = tie.root};
        tie.root ? spec.disks.insert(spec.disks.begin(), disk) : spec.disks.insert(spec.disks.end(), disk);
    }
    for (const auto& port : network_.portsOf(db, server.id)) spec.nics.push_back(nicOf(port));
    return spec;
}

void Servers::ensureDisk(const ServerId& id, const Cancelled& cancelled) {
    const auto server = ServerTable::find(reader(), id);
    if (!server || !server->image) return; // boots from a volume
    auto& disks = hypervisors_.disksOn({server->host});
    const auto most = server->flavor.disk.count > 0 ? std::optional(server->flavor.disk.bytes()) : std::nullopt;
    const auto size = disks.ensureBase(
        server->base, [&] { return images_.source(server->image, most); }, cancelled);
    if (most && size > *most) throw Error(Failure::Invalid, "the disk of image ", server->image, " is larger than the flavor's");
    disks.ensureRoot(id, server->base, server->flavor.disk.bytes());
}

void Servers::boot(const ServerId& id) {
    const auto server = ServerTable::find(reader(), id);
    if (!server) return;
    auto& hypervisor = hypervisors_.on({server->host});
    hypervisor.ensureDefined(specOf(reader(), *server));
    hypervisor.ensureRunning(id);
}

void Servers::endAction(Transaction& tx, const Run& run, bool success, std::string_view doing, const std::string& details) {
    const auto arguments = run.arguments();
    if (const auto action = arguments.find("action"))
        ServerTable::end(tx, action->integer(), success, success ? "" : "Failed to " + std::string(doing) + " the server", details,
                         parts_.ambient.now());
}

/// The good end of a job: the server is at rest in its new state, unless it is to be deleted meanwhile.
void Servers::close(Transaction& tx, const Run& run, VmState vm, PowerState power) {
    endAction(tx, run, true);
    const auto server = ServerTable::find(tx, run.id_of<ServerId>());
    if (!server || server->deleted) return;
    ServerTable::move(tx, *server, vm, server->task == TaskState::Deleting ? TaskState::Deleting : TaskState::None, power,
                      parts_.ambient.now());
}

/// The bad end of a job. The owner learns what could not be done; why is for those who run the host.
void Servers::failed(Transaction& tx, Run& run, std::string_view doing, const std::string& reason) {
    endAction(tx, run, false, doing, reason);
    const auto server = ServerTable::find(tx, run.id_of<ServerId>());
    if (!server || server->deleted || (server->task == TaskState::Deleting && run.kind != "compute.server.delete")) return;
    ServerTable::move(tx, *server, VmState::Error, TaskState::None, server->power, parts_.ambient.now());
    ServerTable::fail(tx, server->id, "Failed to " + std::string(doing) + " the server.", reason, parts_.ambient.now());
}

void Servers::release(Transaction& tx, const ServerId& id) {
    network_.releasePorts(tx, id);
    for (const auto& attachment : block_.madeByCompute(tx, id)) {
        block_.released(tx, attachment.id);
        ServerTable::untie(tx, attachment.id);
    }
}

Job Servers::createJob() {
    return Job("compute.server.create")
        .within(std::chrono::minutes(60)) // a large image takes its time to copy
        .step(
            "disk", [this](Run& run) { ensureDisk(run.id_of<ServerId>(), run.cancelled); },
            [this](Run& run) { disksOf(run.id_of<ServerId>()).discard(run.id_of<ServerId>()); }, jobs::copyLane)
        .step(
            "wire", [this](Run& run) { network_.ensureWired(run.id_of<ServerId>()); }, {}, jobs::wireLane)
        .step(
            "boot", [this](Run& run) { boot(run.id_of<ServerId>()); },
            [this](Run& run) { hypervisorOf(run.id_of<ServerId>()).ensureGone(run.id_of<ServerId>()); })
        .onDone([this](Transaction& tx, Run& run) {
            for (const auto& attachment : block_.madeByCompute(tx, run.id_of<ServerId>())) block_.attached(tx, attachment.id);
            ServerTable::launched(tx, run.id_of<ServerId>(), parts_.ambient.now());
            close(tx, run, VmState::Active, PowerState::Running);
        })
        .onFailed([this](Transaction& tx, Run& run, const std::string& reason) { failed(tx, run, "build", reason); });
}

Job Servers::deleteJob() {
    return Job("compute.server.delete")
        .step("guest", [this](Run& run) { hypervisorOf(run.id_of<ServerId>()).ensureGone(run.id_of<ServerId>()); })
        .step("disk", [this](Run& run) { disksOf(run.id_of<ServerId>()).discard(run.id_of<ServerId>()); })
        .untilDone() // it was promised: 204
        .onDone([this](Transaction& tx, Run& run) {
            endAction(tx, run, true);
            const auto server = ServerTable::find(tx, run.id_of<ServerId>());
            if (!server || server->deleted) return;
            release(tx, server->id);
            ServerTable::deleted(tx, server->id, parts_.ambient.now());
            parts_.bus.announce(tx, ServerDeleted{server->id, server->project});
            const bool baseUsed = tx.query("SELECT 1 FROM compute_servers WHERE base = ? AND deleted IS NULL", server->base).any();
            if (!baseUsed) tx.afterCommit([&reconciler = parts_.reconciler] { reconciler.kick("compute"); });
        });
}

/// Asks the guest to power off, for as long as `patience`, then pulls the plug. No thread waits meanwhile.
void Servers::powerOff(Run& run, std::chrono::seconds patience) {
    constexpr std::chrono::milliseconds look{250};
    constexpr int looksAPress = 40; // ten seconds: one that is still booting does not hear the first
    const auto id = run.id_of<ServerId>();
    auto& hypervisor = hypervisorOf(id);
    const auto power = hypervisor.powerState(id);
    if (!power || *power == PowerState::Shutdown || *power == PowerState::Crashed) return;
    if (*power == PowerState::Suspended || run.now - run.stepBegan >= patience) {
        if (patience.count() > 0) parts_.log.info("A guest did not power off when asked; it is made to", {{"server", id.text}});
        return hypervisor.ensureOff(id);
    }
    if (run.looks % looksAPress == 0) {
        hypervisor.pressPowerButton(id);
        if (hypervisor.powerState(id) == PowerState::Shutdown) return;
    }
    run.notYet(look);
}

namespace {

/// A guest lets go of a device when it likes: it is asked, looked at, and asked again for as long as it may take it to boot.
/// Error(TimedOut) where it never does. `detached(ask)` asks and looks. True once it has let go; else the step is not done.
bool letGo(Run& run, const std::function<bool(bool ask)>& detached) {
    constexpr std::chrono::milliseconds look{100};
    constexpr int looksAnAsk = 50; // five seconds
    if (detached(run.looks % looksAnAsk == 0)) return true;
    if (run.now - run.stepBegan > std::chrono::seconds(120)) throw Error(Failure::TimedOut, "the guest does not let go of the device");
    run.notYet(run.looks == 0 ? look / 10 : look);
    return false;
}

}

Job Servers::startJob() {
    return Job("compute.server.start")
        .step(
            "wire", [this](Run& run) { network_.ensureWired(run.id_of<ServerId>()); }, {}, jobs::wireLane)
        .step("boot", [this](Run& run) { boot(run.id_of<ServerId>()); })
        .onDone([this](Transaction& tx, Run& run) { close(tx, run, VmState::Active, PowerState::Running); })
        .onFailed([this](Transaction& tx, Run& run, const std::string& reason) { failed(tx, run, "start", reason); });
}

Job Servers::stopJob() {
    return Job("compute.server.stop")
        .step("stop", [this](Run& run) { powerOff(run, patience(parts_.config)); })
        .onDone([this](Transaction& tx, Run& run) { close(tx, run, VmState::Stopped, PowerState::Shutdown); })
        .onFailed([this](Transaction& tx, Run& run, const std::string& reason) { failed(tx, run, "stop", reason); });
}

Job Servers::rebootJob() {
    return Job("compute.server.reboot")
        // Off and on again instead of the hypervisor's own reboot: only this shows whether the guest has followed. One that does not answer
        // is made to.
        .step(
            "off",
            [this](Run& run) { powerOff(run, run.arguments().boolean("hard", false) ? std::chrono::seconds(0) : patience(parts_.config)); })
        .step(
            "wire", [this](Run& run) { network_.ensureWired(run.id_of<ServerId>()); }, {}, jobs::wireLane)
        .step("boot", [this](Run& run) { boot(run.id_of<ServerId>()); })
        .onDone([this](Transaction& tx, Run& run) { close(tx, run, VmState::Active, PowerState::Running); })
        .onFailed([this](Transaction& tx, Run& run, const std::string& reason) { failed(tx, run, "reboot", reason); });
}

void Servers::letGoOfVolume(Run& run, const std::string& volume) {
    letGo(run, [&](bool ask) { return hypervisorOf(run.id_of<ServerId>()).detached(run.id_of<ServerId>(), volume, ask); });
}

/// The device under a guest's interface is gone, and there is another: the guest gives the interface back, to get it on that one. True once
/// it has.
bool Servers::letGoOfLostDevice(Run& run, const network::PortFacts& port) {
    if (network_.plugged(port.id)) return true; // started anew meanwhile
    return letGo(run, [&](bool ask) { return hypervisorOf(port.server).nicUnplugged(port.server, port.mac, ask); });
}

void Servers::letGoOfNic(Run& run, const std::string& mac) {
    letGo(run, [&](bool ask) { return hypervisorOf(run.id_of<ServerId>()).nicDetached(run.id_of<ServerId>(), mac, ask); });
}

namespace {

AttachmentId attachmentOf(const Run& run) { return AttachmentId{run.arguments().text("attachment")}; }
PortId portOf(const Run& run) { return PortId{run.arguments().text("port")}; }

}

Job Servers::attachVolumeJob() {
    const auto find = [this](store::Reader& db, const Run& run) -> std::optional<block::Attachment> {
        for (auto& attachment : block_.madeByCompute(db, run.id_of<ServerId>()))
            if (attachment.id == attachmentOf(run)) return attachment;
        return std::nullopt;
    };
    return Job("compute.server.attach-volume")
        .step(
            "attach",
            [this, find](Run& run) {
                const auto attachment = find(reader(), run);
                if (!attachment) throw Error(Failure::Broken, "the attachment ", attachmentOf(run), " is gone");
                hypervisorOf(run.id_of<ServerId>())
                    .ensureAttached(run.id_of<ServerId>(), GuestDisk{.serial = attachment->volume.text,
                                                                     .source = block_.source(attachment->volume),
                                                                     .device = deviceName(attachment->device),
                                                                     .root = false});
            },
            [this, find](Run& run) {
                if (const auto attachment = find(reader(), run)) letGoOfVolume(run, attachment->volume.text);
            })
        .onDone([this](Transaction& tx, Run& run) {
            block_.attached(tx, attachmentOf(run));
            endAction(tx, run, true);
        })
        .onFailed([this](Transaction& tx, Run& run, const std::string& reason) {
            block_.released(tx, attachmentOf(run));
            ServerTable::untie(tx, attachmentOf(run));
            endAction(tx, run, false, "attach a volume to", reason);
        });
}

Job Servers::detachVolumeJob() {
    return Job("compute.server.detach-volume")
        .attempts(2) // each waits two minutes for the guest to let go
        .step("detach", [this](Run& run) { letGoOfVolume(run, run.arguments().text("volume")); })
        .onDone([this](Transaction& tx, Run& run) {
            block_.released(tx, attachmentOf(run));
            ServerTable::untie(tx, attachmentOf(run));
            endAction(tx, run, true);
        })
        .onFailed([this](Transaction& tx, Run& run, const std::string& reason) {
            block_.stillAttached(tx, attachmentOf(run));
            endAction(tx, run, false, "detach a volume from", reason);
        });
}

/// Block has made a volume larger that a guest has: the guest hears of it, and the owner sees that it did.
void Servers::volumeExtended(Transaction& tx, const ServerId& id, const VolumeId& volume) {
    const auto server = ServerTable::find(tx, id);
    if (!server || server->deleted) return;
    const Asker owner{.request = "req-" + parts_.ambient.uuid(), .user = server->user, .project = server->project};
    const auto action = record(tx, *server, owner, "extend_volume", "compute_extend_volume");
    parts_.jobs.enqueue(tx, "compute.server.extend-volume", id.text, payloadOf(action, "\"volume\":" + jsonText(volume.text)),
                        server->project.text);
}

Job Servers::extendVolumeJob() {
    return Job("compute.server.extend-volume")
        .step("tell",
              [this](Run& run) {
                  const auto server = ServerTable::find(reader(), run.id_of<ServerId>());
                  const VolumeId id{run.arguments().text("volume")};
                  const auto volume = server ? block_.find(reader(), server->project, id) : std::nullopt;
                  if (volume) hypervisors_.on({server->host}).ensureDiskSize(server->id, id.text, volume->size.bytes());
              })
        .onDone([this](Transaction& tx, Run& run) { endAction(tx, run, true); })
        .onFailed(
            [this](Transaction& tx, Run& run, const std::string& reason) { endAction(tx, run, false, "extend a volume of", reason); });
}

Job Servers::attachNicJob() {
    const auto find = [this](const Run& run) -> std::optional<network::PortFacts> {
        for (auto& port : network_.portsOf(reader(), run.id_of<ServerId>()))
            if (port.id == portOf(run)) return port;
        return std::nullopt;
    };
    const auto isAgain = [](const Run& run) { return run.arguments().boolean("again", false); };
    return Job("compute.server.attach-nic")
        .step(
            "wire", [this](Run& run) { network_.ensureWired(run.id_of<ServerId>()); }, {}, jobs::wireLane)
        .step(
            "attach",
            [this, find, isAgain](Run& run) {
                const auto port = find(run);
                if (isAgain(run) && (!port || !letGoOfLostDevice(run, *port))) return;
                if (!port) throw Error(Failure::Broken, "the port ", portOf(run), " is gone");
                hypervisorOf(run.id_of<ServerId>()).ensureAttached(run.id_of<ServerId>(), nicOf(*port));
            },
            [this, find, isAgain](Run& run) {
                if (const auto port = isAgain(run) ? std::nullopt : find(run)) letGoOfNic(run, port->mac);
            })
        .onDone([this](Transaction& tx, Run& run) { endAction(tx, run, true); })
        .onFailed([this, isAgain](Transaction& tx, Run& run, const std::string& reason) {
            if (isAgain(run)) {
                parts_.log.warning("A guest is cut off until it is started again: its interface could not be put on the new device",
                                   {{"server", run.subject}, {"port", portOf(run).text}, {"reason", reason}});
                return;
            }
            network_.releasePort(tx, portOf(run));
            endAction(tx, run, false, "attach an interface to", reason);
        });
}

void Servers::plugAgain(Transaction& tx, const ServerId& id, const PortId& port) {
    const auto server = ServerTable::find(tx, id);
    if (!server || server->deleted || server->vm != VmState::Active) return;
    parts_.jobs.enqueue(tx, "compute.server.attach-nic", id.text, "{\"port\":" + jsonText(port.text) + ",\"again\":true}",
                        server->project.text);
}

Job Servers::detachNicJob() {
    return Job("compute.server.detach-nic")
        .attempts(2)
        .step("detach", [this](Run& run) { letGoOfNic(run, run.arguments().text("mac")); })
        .onDone([this](Transaction& tx, Run& run) {
            network_.releasePort(tx, portOf(run));
            endAction(tx, run, true);
        })
        .onFailed([this](Transaction& tx, Run& run, const std::string& reason) {
            endAction(tx, run, false, "detach an interface from", reason);
        });
}

void Servers::declareJobs() {
    // libvirtd serves five requests of a connection at once. Where there is one host only, there is no other to keep threads free for.
    const int threads = hypervisors_.count() > 1 ? 2 : std::numeric_limits<int>::max();
    const auto host = [](store::Reader& db, const std::string& server) {
        return db.query("SELECT host FROM compute_servers WHERE id = ?", server).maybeText().value_or("");
    };
    for (auto make :
         {&Servers::createJob, &Servers::deleteJob, &Servers::startJob, &Servers::stopJob, &Servers::rebootJob, &Servers::attachVolumeJob,
          &Servers::detachVolumeJob, &Servers::extendVolumeJob, &Servers::attachNicJob, &Servers::detachNicJob})
        parts_.jobs.declare((this->*make)().keyedBy(host, threads));
    parts_.bus.on<network::PortUnplugged>(
        "compute.plug-again", [this](Transaction& tx, const network::PortUnplugged& event) { plugAgain(tx, event.server, event.port); });
    parts_.bus.on<block::VolumeExtended>("compute.extend-volume", [this](Transaction& tx, const block::VolumeExtended& event) {
        volumeExtended(tx, event.server, event.volume);
    });
}

// The reconciler's part: what is there, against what should be.

void Servers::mend() {
    std::exception_ptr problem; // one host's is no other's
    for (const auto& host : hypervisors_.names()) try {
            mend(host);
        } catch (const std::exception&) {
            problem = std::current_exception();
        }
    parts_.store.write([&](Transaction& tx) { ServerTable::purge(tx, parts_.ambient.now() - std::chrono::hours(7 * 24)); });
    if (problem) std::rethrow_exception(problem);
}

void Servers::mend(const HostName& host) {
    const bool restarted = hypervisors_.restarted(host);
    auto& hypervisor = hypervisors_.on(host);
    std::set<std::string> guests; // looked up before the rows: a guest that has no row by then is nobody's
    for (const auto& guest : hypervisor.guests()) guests.insert(guest.text);
    for (const auto& server : ServerTable::living(reader())) {
        if (server.host == host.text) compare(server, guests, restarted);
        guests.erase(server.id.text); // where its row is another host's it is on its way, not lost
    }
    std::set<std::string> strays;
    for (const auto& guest : guests) {
        const auto server = ServerTable::find(reader(), ServerId{guest});
        if (parts_.jobs.busy(reader(), guest) || (server && !server->deleted)) continue; // it has begun since
        if (!server) {
            strays.insert(guest);
            continue;
        }
        parts_.log.warning("Removing the guest of a server that was deleted", {{"server", guest}, {"host", host.text}});
        hypervisor.ensureGone(ServerId{guest});
    }
    tellStrays(parts_, "guest", host.text, strays);
    if (restarted) hypervisors_.rememberStart(host);
    removeUnusedBases(host);
}

void Servers::compare(const Server& server, const std::set<std::string>& guests, bool hostRestarted) {
    const bool settled = server.task == TaskState::None && (server.vm == VmState::Active || server.vm == VmState::Stopped);
    if (!settled || parts_.jobs.busy(reader(), server.id.text)) return;
    const bool there = guests.contains(server.id.text);
    const PowerState power =
        there ? hypervisors_.on({server.host}).powerState(server.id).value_or(PowerState::NoState) : PowerState::NoState;
    const bool runs = power == PowerState::Running || power == PowerState::Paused || power == PowerState::Suspended;
    const bool shouldRun = server.vm == VmState::Active;
    if (runs == shouldRun && (power == server.power || !there)) return;
    parts_.store.write([&](Transaction& tx) {
        const auto now = ServerTable::find(tx, server.id);
        if (!now || now->vm != server.vm || now->task != TaskState::None || parts_.jobs.busy(tx, server.id.text))
            return; // somebody was faster
        if (runs == shouldRun) {
            ServerTable::move(tx, *now, now->vm, TaskState::None, power, parts_.ambient.now());
        } else if (shouldRun && (hostRestarted || !there)) {
            parts_.log.info("Starting a server again that the machine has lost", {{"server", server.id.text}});
            ServerTable::move(tx, *now, now->vm, TaskState::PoweringOn, power, parts_.ambient.now());
            parts_.jobs.enqueue(tx, "compute.server.start", server.id.text, "", server.project.text);
        } else if (shouldRun) { // its own doing, from inside
            ServerTable::move(tx, *now, VmState::Stopped, TaskState::None, power, parts_.ambient.now());
        } else {
            ServerTable::move(tx, *now, now->vm, TaskState::PoweringOff, power, parts_.ambient.now());
            parts_.jobs.enqueue(tx, "compute.server.stop", server.id.text, "", server.project.text);
        }
    });
}

/// A base that no row has ever named is not ours to judge, nor is any while there are disks of which nothing is known, not even what they
/// stand on: the store may be older than they are.
void Servers::removeUnusedBases(const HostName& host) {
    auto& disks = hypervisors_.disksOn(host);
    std::set<std::string> strays;
    for (const auto& id : disks.present())
        if (!reader().query("SELECT 1 FROM compute_servers WHERE id = ?", id).any() && !parts_.jobs.busy(reader(), id.text))
            strays.insert(id.text);
    tellStrays(parts_, "guest's disk", host.text, strays);
    if (!strays.empty()) return;
    const auto used = [&](const std::string& base) {
        return reader().query("SELECT 1 FROM compute_servers WHERE base = ? AND deleted IS NULL", base).any() ||
               !reader().query("SELECT 1 FROM compute_servers WHERE base = ?", base).any();
    };
    for (const auto& base : disks.removeBases(used))
        parts_.log.info("Removed a base copy that no server uses", {{"base", base}, {"host", host.text}});
}

}
