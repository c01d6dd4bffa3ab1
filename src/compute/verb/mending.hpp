#pragma once

#include <mutex>
#include <set>
#include <utility>

#include "compute/core.hpp"

namespace stratolet::compute {

/// The reconciler's part: each host's guests and disks against what the store says there should be. A guest that was
/// lost is started again, one whose server is gone is removed; what no row has ever known is told of and left alone.
/// Called by the reconciler, on its thread, at start, when kicked and now and then; a host that can't be reached delays
/// no other, and is thrown about at the end.
void mendServers(Core& core);

/// Servers whose guests are said to have changed, until somebody looks. Any thread.
class ChangedServers {
public:
    void add(const ServerId& server) {
        const std::lock_guard guard(lock_);
        servers_.insert(server);
    }
    std::set<ServerId> take() {
        const std::lock_guard guard(lock_);
        return std::exchange(servers_, {});
    }

private:
    std::mutex lock_;
    std::set<ServerId> servers_;
};

/// The same for those servers alone, soon after something has become of their guests.
void lookAtChanged(Core& core, ChangedServers& changed);

}
