#pragma once

#include "appliance/sandbox/faults.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/http/http.hpp"
#include "platform/reconcile/reconciler.hpp"

namespace stratolet {

/// What the owner of a sandbox may do to it, below /sandbox and without a token: make things go wrong (/sandbox/faults)
/// and let time pass (/sandbox/clock). There in a sandbox only. All that is given outlives the site.
http::Site sandboxSite(Faults& faults, ShiftedAmbient& clock, Reconciler& reconciler, const jobs::Jobs& jobs);

}
