#pragma once

#include <optional>
#include <string>

#include "network/address.hpp"
#include "network/core.hpp"
#include "platform/config/config.hpp"

namespace stratolet::network {

/// The way outside that the configuration wants: [network] external_network, external_cidr and external_pool.
struct ExternalOptions {
    bool nat = false;
    std::string device;                              ///< the interface, or bridge, that the host lends; empty: none
    std::optional<Prefix> cidr;                      ///< of nat
    std::optional<std::pair<Address, Address>> pool; ///< first and last, with a device
};

/// Error(Invalid) where options don't go together.
ExternalOptions externalOptions(const Config& config);
std::vector<ConfigOption> externalConfigOptions();

/// Has the driver join what the host lends, and makes the external network where there is none of that kind. False
/// where the host is not on the network itself yet: to be called again. Error(Invalid) names the option that is wrong,
/// and nothing has been touched.
bool ensureExternal(Core& core);

}
