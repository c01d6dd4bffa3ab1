#include "compute/verb/migrate.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/server/server_reading.hpp"
#include "compute/server/server_verb.hpp"

namespace stratolet::compute {
namespace {

/// Error(Invalid) unless there is a host that could have it.
void requireHost(Core& core, const Server& server, const Destination& to) {
    const auto hosts = core.hypervisors.names();
    if (to.host && std::find(hosts.begin(), hosts.end(), HostName{*to.host}) == hosts.end())
        throw Error(Failure::Invalid, "Compute host ", *to.host, " could not be found.");
    if (to.host == server.host)
        throw Error(Failure::Invalid, "Unable to migrate instance (", server.id, ") to current host (", server.host,
                    ").");
    // Disks of its own would have to be carried to the other host, which no driver does yet.
    throw Error(Failure::Invalid, "No valid host was found. ",
                hosts.size() == 1 ? "There is no other host." : "No other host can have the server's disks.");
}

constexpr std::initializer_list<VmState> atRest = {VmState::Active, VmState::Stopped};

}

void migrateServer(Core& core, const identity::Caller& caller, const ServerId& id, const Destination& to) {
    const auto server = allowedServer(core.reader(), caller, id, "os_compute_api:os-migrate-server:migrate");
    requireState(server, caller, "migrate", atRest, While::Idle);
    requireHost(core, server, to);
}

void migrateServerLive(Core& core, const identity::Caller& caller, const ServerId& id, const Destination& to) {
    const auto server = allowedServer(core.reader(), caller, id, "os_compute_api:os-migrate-server:migrate_live");
    requireState(server, caller, "os-migrateLive", {VmState::Active, VmState::Paused}, While::Idle);
    requireHost(core, server, to);
}

void evacuateServer(Core& core, const identity::Caller& caller, const ServerId& id, const Destination& to) {
    const auto server = allowedServer(core.reader(), caller, id, "os_compute_api:os-evacuate");
    requireState(server, caller, "evacuate", {VmState::Active, VmState::Stopped, VmState::Error}, While::Busy);
    if (to.host == server.host) throw Error(Failure::Invalid, "The target host can't be the same one.");
    throw Error(Failure::Invalid, "Compute service of ", server.host, " is still in use.");
}

}
