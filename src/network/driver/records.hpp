#pragma once

#include <stratolet/driver/network.hpp>

#include <memory>

namespace stratolet::network {

/// Keeps what it is told and does nothing to the host: for a cloud whose servers are records only.
std::unique_ptr<NetworkDriver> recordsNetworkDriver();

}
