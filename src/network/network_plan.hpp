#pragma once

#include <stratolet/driver/network.hpp>

#include <string>

#include "platform/store/store.hpp"

namespace stratolet::network {

/// What the host should look like, from the store alone. A network is planned where something on this host uses it: a guest, a router, or
/// the way outside.
NetworkPlan networkPlan(store::Reader& db, const std::string& dnsDomain);

}
