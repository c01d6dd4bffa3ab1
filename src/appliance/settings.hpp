#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "platform/config/config.hpp"
#include "platform/jobs/jobs.hpp"

namespace stratolet {

/// Every option that stratolet.conf can have: the appliance's own and those of the services.
std::vector<ConfigOption> allConfigOptions();

/// Where the program is listened to.
struct ListenAddress {
    std::string address;
    std::uint16_t port = 0; ///< 0 takes a free one
};

/// "127.0.0.1:8780", "[::1]:0"; Error(Invalid) for anything else.
ListenAddress parseListenAddress(const std::string& text);

/// What stands in links, in the catalog and in the administrator's files: the option `endpoint` without a slash at its
/// end. Empty where it isn't given.
std::string publicEndpoint(const Config& config);

struct Settings;

/// Where the API is to be served.
std::vector<ListenAddress> addressesIn(const Settings& settings);

/// How one run of the program differs from another, beside its configuration.
struct Settings {
    Config config{allConfigOptions()};
    std::vector<ListenAddress> listen;        ///< empty: what the configuration says
    std::filesystem::path stateDir;           ///< empty: what the configuration says
    std::optional<std::string> adminPassword; ///< for the bootstrap; a random one otherwise
    bool sandbox = false;                     ///< simulated hypervisor, records-only networks, files
    bool durable = true;                      ///< a throw-away cloud need not survive a power cut
    std::optional<jobs::CrashPoint> crash;
};

}
