#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compute/attachment/volume_attachment.hpp"
#include "compute/core.hpp"
#include "compute/server/server.hpp"
#include "identity/caller.hpp"
#include "network/network.hpp"

// Finding servers, and what an answer shows of them beside their rows. All of it may be called on any thread, and waits
// for nothing but the store; console() alone asks the hypervisor.

namespace stratolet::compute {

struct ServerQuery; // server_query.hpp

/// All that a detailed view of a server shows beside its row.
struct ServerDetails {
    std::map<std::string, std::string> metadata;
    std::vector<std::string> tags;
    std::vector<network::PortFacts> ports;
    std::vector<VolumeTie> volumes;
    std::string group = {}; ///< that it is in; only of one that is shown by itself
};

/// Whether a server that is deleted, whose row is kept for a while, is there. (No bool: a rule's name would turn into
/// one.)
enum class Deleted { IsGone, IsThere };

/// A server that exists for this caller: its own project's, any for an admin. Error(NotFound).
Server serverFor(store::Reader& db, const identity::Caller& caller, const ServerId& id,
                 Deleted deleted = Deleted::IsGone);

/// The same, and the caller may do to it what the route's rule says. Error(Forbidden).
Server allowedServer(store::Reader& db, const identity::Caller& caller, const ServerId& id,
                     Deleted deleted = Deleted::IsGone);

/// The same with another rule than the route's.
Server allowedServer(store::Reader& db, const identity::Caller& caller, const ServerId& id, std::string_view rule);

ServerDetails detailsOf(Core& core, store::Reader& db, const Server& server);
std::vector<ServerDetails> detailsOf(Core& core, store::Reader& db,
                                     const std::vector<Server>& servers); ///< in a fixed number of statements

/// The caller's project's, or all projects' where the query says so: whether it may is asked before.
std::vector<Server> listServers(Core& core, const identity::Caller& caller, const ServerQuery& query);

/// The end of what the guest wrote to its console; all of it where `lines` is -1. Error(Conflict) before it has run.
std::string console(Core& core, const identity::Caller& caller, const ServerId& id, int lines);

}
