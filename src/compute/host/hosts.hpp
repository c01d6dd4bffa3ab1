#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compute/host/host.hpp"
#include "compute/host/hypervisors.hpp"
#include "platform/config/config.hpp"
#include "platform/store/store.hpp"

namespace stratolet::compute {

/// A change of what an administrator says of a host; what isn't there stays as it is.
struct ServiceChange {
    std::optional<bool> disabled, forcedDown;
    std::optional<std::string> reason; ///< of `disabled`; goes where the host is enabled
};

/// [compute]: what of hosts may be promised.
std::vector<ConfigOption> promiseOptions();

/// Hosts as rows, and what is said of them: no driver is asked. Owned by compute; any thread.
class Hosts {
public:
    Hosts(store::Store& store, const Config& config, Hypervisors& hypervisors);

    std::vector<Host> all(store::Reader& db) const; ///< in the order in which they were met
    std::optional<Host> find(store::Reader& db, const HostName& name) const;

    /// What the API names by a number, or from 2.53 on by a UUID. Error(Invalid) for what is neither, Error(NotFound).
    Host hypervisor(store::Reader& db, const std::string& id, bool byUuid) const;
    Host service(store::Reader& db, const std::string& id, bool byUuid) const;

    /// The host as it is then. Error(NotFound).
    Host change(const HostName& name, const ServiceChange& wanted);

    /// Error(Conflict) where it has servers. One that has a driver comes back when that is asked next.
    void remove(const HostName& name);

private:
    Host& complete(Host& host) const;

    store::Store& store_;
    Hypervisors& hypervisors_;
    Promises promises_;
};

}
