#pragma once

#include <stratolet/ids.hpp>

#include <string>
#include <vector>

#include "compute/host/hosts.hpp"
#include "compute/scheduler/place.hpp"
#include "platform/log/log.hpp"
#include "platform/store/store.hpp"

namespace stratolet::compute {

struct Server;

/// What a server that there is needs of a host, and what was asked for when it was made: for those that are moved,
/// unshelved or resized. What its image says is the caller's to add.
Placing placingOf(const Server& server);

/// Hints as a server's row has them, and as it keeps them: a JSON object.
Hints hintsIn(const std::string& json);

/// Decides where servers go, by what rows say of hosts. Owned by compute; any thread.
class Scheduler {
public:
    Scheduler(const Hosts& hosts, Log& log) : hosts_(hosts), log_(log) {}

    /// Where the server goes; in the transaction that writes it into the server's row, so that no two count on the same
    /// room. Asks no driver. The log has each host's verdict where none fits.
    Placed choose(store::Reader& db, const Placing& wanted) const;

    /// Error(Invalid) for a zone that has no host in use, and for a host or hypervisor that there isn't.
    void requireKnown(store::Reader& db, const Placing& wanted) const;

private:
    const Hosts& hosts_;
    Log& log_;
};

}
