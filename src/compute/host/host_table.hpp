#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compute/host/host.hpp"
#include "platform/store/many.hpp"
#include "platform/store/store.hpp"

// SQL of hosts, and nothing else.

namespace stratolet::compute::host_table {

std::vector<Host> all(store::Reader& db); ///< in the order in which they were met
std::optional<Host> find(store::Reader& db, const HostName& name);
std::vector<std::string> names(store::Reader& db);

/// Its first row: it gets the next number.
void insert(store::Transaction& tx, const Host& host, const std::string& boot, Time now);

/// What its driver found.
void found(store::Transaction& tx, const Host& host);

/// Its servers are in the zone that it is in now.
void zoneChanged(store::Transaction& tx, const HostName& name);

/// What an administrator has said of it.
void setService(store::Transaction& tx, const Host& host);

bool remove(store::Transaction& tx, const HostName& name); ///< false where there was none

/// Whether a server could be made there.
void made(store::Transaction& tx, const HostName& name, bool well);

/// What a server that moves takes of a host that it is not on; one hold of a server at a time. It goes with the server.
void hold(store::Transaction& tx, const ServerId& server, const HostName& host, std::int64_t vcpus, MiB ram, GiB disk);
void letGo(store::Transaction& tx, const ServerId& server);

/// The start of its machine in which its guests were last seen.
std::string bootOf(store::Reader& db, const HostName& name);
void setBoot(store::Transaction& tx, const HostName& name, const std::string& boot);

/// A server of a host, for lists of hosts.
struct Resident {
    std::string id, name;
};
store::ByOwner<Resident> serversOn(store::Reader& db, const std::vector<Host>& hosts); ///< by the name of their host

/// What a project's servers take of a host.
struct ProjectLoad {
    std::string project;
    HostLoad load;
};
std::vector<ProjectLoad> loadsByProject(store::Reader& db, const HostName& name);

}
