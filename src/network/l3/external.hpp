#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "network/address.hpp"
#include "network/core.hpp"
#include "platform/config/config.hpp"

namespace stratolet::network {

/// The way outside that the configuration wants: [network] external_network, external_cidr and external_pool.
struct ExternalOptions {
    bool nat = false;
    std::string device;                              ///< the interface, or bridge, that the host lends; empty: none
    std::optional<Prefix> cidr;                      ///< of nat; none: one that the host doesn't reach already
    std::optional<std::pair<Address, Address>> pool; ///< first and last, with a device
};

/// Error(Invalid) where options don't go together.
ExternalOptions externalOptions(const Config& config);
std::vector<ConfigOption> externalConfigOptions();

/// The way outside, looked after until it is there. One, of the reconciler; `ensure` is called before it runs.
class External {
public:
    explicit External(Core& core) : core_(core) {}

    /// Has the driver join what the host lends, and makes the external network where there is none of that kind.
    /// Error(Invalid) names the option that is wrong, and nothing has been touched.
    void ensure();

    /// The same again where the host was not on the network itself yet, or could not be joined to it: after a minute,
    /// and then after four times as long each, a day at most, since each try may silence the host for seconds.
    void follow();

private:
    enum class Way { There, NoAddress, Failed };
    Way tried();

    Core& core_;
    std::optional<Time> again_; ///< nothing: there is no more to do
    std::chrono::seconds rest_{0};
};

/// Of each block of an external network that leads through this host and that the host has another way to: what is
/// wrong, and what helps.
std::vector<std::string> externalCollisions(store::Reader& db, NetworkDriver& driver);

}
