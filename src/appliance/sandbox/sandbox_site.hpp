#pragma once

#include <functional>
#include <string>

#include "appliance/sandbox/faults.hpp"
#include "appliance/sandbox/snapshots.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/http/http.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/reconcile/reconciler.hpp"

namespace stratolet {

/// What the owner of a sandbox may do to it, below /sandbox and without a token: make things go wrong
/// (/sandbox/faults), let time pass (/sandbox/clock), and have it as it was before (/sandbox/snapshots). There in a
/// sandbox only. All that is given outlives the site.
struct SandboxParts {
    Faults& faults;
    ShiftedAmbient& clock;
    Reconciler& reconciler;
    jobs::Jobs& jobs;
    store::Store& store;
    Snapshots& snapshots;
    std::function<void(const Snapshot& snapshot)> goBack; ///< what is asked after this returned is asked of the other
};

http::Site sandboxSite(const SandboxParts& parts);

}
