#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <stratolet/host.hpp>
#include <stratolet/sizes.hpp>

#include "platform/ambient/ambient.hpp"
#include "platform/http/http.hpp"

namespace stratolet::compute {

struct Core;

/// The availability zone of hosts that no aggregate says another of.
inline constexpr std::string_view defaultZone = "nova";

/// What the servers of a host take of it.
struct HostLoad {
    std::int64_t servers = 0, running = 0;
    std::int64_t tasks = 0; ///< servers to which something is being done
    std::int64_t vcpus = 0;
    MiB ram = {};
    GiB disk = {};
};

/// How much of a host may be promised to servers: a multiple of what it has beyond what is kept for itself.
struct Promises {
    double vcpus = 4, ram = 1, disk = 1;
    MiB reservedRam = {};
};

/// A host as its row says: what its driver found when it was last asked, and what an administrator has said of it. A
/// value; nothing here asks a driver.
struct Host {
    HostName name = {};
    std::int64_t number = 0; ///< what the API called it, and its service, before 2.53
    std::string hypervisorId = {}, serviceId = {};
    std::string hostname = {}; ///< what the machine calls itself
    std::string uri = {}, address = {};
    std::string type = {}; ///< of the hypervisor: "QEMU"
    std::int64_t version = 0;
    std::string virtType = {}, architecture = {}; ///< empty: it takes guests of any
    std::string cpuInfo = "{}";                   ///< JSON, as the API shows it
    std::int64_t cells = 1;                       ///< of NUMA, alike
    std::int64_t vcpus = 0;
    MiB memory = {};
    GiB disk = {};
    Time started = {};
    std::optional<Time> seen = {}; ///< when its driver last answered
    bool disabled = false;
    std::optional<std::string> disabledReason = {};
    bool forcedDown = false;
    std::int64_t failures = 0; ///< servers that couldn't be made there since one could
    HostLoad load = {};
    std::string zone{defaultZone};
    Promises promises = {};
    bool answers = false; ///< its driver has, lately

    bool up() const { return answers && !forcedDown; }

    // What servers may have of it in all.
    std::int64_t vcpusMost() const { return static_cast<std::int64_t>(static_cast<double>(vcpus) * promises.vcpus); }
    std::int64_t ramMost() const {
        return static_cast<std::int64_t>(static_cast<double>(memory.count - promises.reservedRam.count) * promises.ram);
    }
    std::int64_t diskMost() const { return static_cast<std::int64_t>(static_cast<double>(disk.count) * promises.disk); }
};

/// Hosts as the API shows them: hypervisors, services, zones, and the old hosts. `core` outlives the routes.
void addHypervisorRoutes(http::Routes& routes, Core& core);
void addServiceRoutes(http::Routes& routes, Core& core);
void addZoneRoutes(http::Routes& routes, Core& core);
void addHostRoutes(http::Routes& routes, Core& core);
void addTopologyRoutes(http::Routes& routes, Core& core); ///< what of a host's cells a server was promised

}
