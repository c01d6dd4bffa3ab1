#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "block/backends.hpp"
#include "block/scheduler/pool.hpp"
#include "platform/parts.hpp"
#include "platform/store/store.hpp"

namespace stratolet::block {

/// Scheduler hints of a request: ids of volumes that the new one is to share a back end with, or not to.
struct Hints {
    std::vector<std::string> sameHost, differentHost;
};

/// Decides where volumes go. Owned by the module; any thread.
class Scheduler {
public:
    Scheduler(Parts parts, const Backends& backends);

    /// Reads the capacities of back ends whose last reading is older than a second: asks drivers, so never inside a
    /// transaction. Where another thread is at it, or a driver fails, what was read before counts.
    void refresh();

    /// What pools there are, as they were read last: one statement, and no driver is asked.
    std::vector<Pool> pools(store::Reader& db) const;

    /// Where the volume goes, or Placed without a host: the caller records a message then (Doing::PlaceVolume,
    /// Wrong::NoBackend) and the verdicts are in the log. Asks no driver; call refresh() before the transaction.
    Placed place(store::Reader& db, const Placement& wanted) const;

    /// Adds what hints ask for. What they name and the project doesn't have is as if it weren't there.
    void apply(store::Reader& db, const ProjectId& project, const Hints& hints, Placement& wanted) const;

private:
    bool never() const; ///< no driver has been asked yet

    Parts parts_;
    const Backends& backends_;
    mutable std::mutex lock_; ///< of what follows
    std::mutex reading_;      ///< who asks the drivers has it
    std::vector<Pool> last_;  ///< in the order of the configuration; without what rows say
    Time read_{};
};

}
