#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <stratolet/driver/backup_store.hpp>
#include <stratolet/driver/hypervisor.hpp>
#include <stratolet/driver/image_store.hpp>
#include <stratolet/driver/instance_disks.hpp>
#include <stratolet/driver/network.hpp>
#include <stratolet/driver/volume.hpp>
#include <stratolet/secret.hpp>

#include "appliance/settings.hpp"
#include "platform/bus/bus.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/http/server.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/store/store.hpp"

namespace stratolet {

class HostNetwork;
class Metrics;
class Reconciler;

/// The concrete drivers of one host.
struct Drivers {
    std::unique_ptr<HostNetwork> hostNetwork; ///< none in the sandbox, which touches no network
    std::unique_ptr<Hypervisor> hypervisor;
    std::unique_ptr<InstanceDisks> disks; ///< of that hypervisor's guests
    struct OtherHost {
        std::string name;
        std::unique_ptr<Hypervisor> hypervisor;
        std::unique_ptr<InstanceDisks> disks;
    };
    std::vector<OtherHost> others; ///< hosts beside that one: simulated ones
    std::unique_ptr<NetworkDriver> network;
    std::vector<std::unique_ptr<VolumeDriver>> volumes; ///< the first is where volumes go while it has room
    std::unique_ptr<BackupStore> backups;
    std::vector<std::unique_ptr<ImageStore>> images; ///< the first is the default

    Drivers();
    Drivers(Drivers&&) noexcept;
    ~Drivers();
};

/// The one that the configuration names. `cloud` is the id that marks what it makes; `metrics`, which outlive it, count
/// what it mends.
std::unique_ptr<NetworkDriver> networkDriverFor(const Settings& settings, const std::filesystem::path& stateDir,
                                                const std::string& cloud, Log& log, Metrics* metrics = nullptr);

/// What the configuration names; in the sandbox what touches nothing of the host.
Drivers driversFor(const Settings& settings, const std::filesystem::path& stateDir, const ThisCloud& cloud, Log& log,
                   Metrics* metrics = nullptr);

/// The whole cloud: builds every part by hand, in order, and hands each what it needs.
class Appliance {
public:
    /// Opens the store (made and migrated where needed) and builds the services. Nothing on the host is touched yet.
    /// Error(Invalid) for settings that can't be, Error(Broken) where the state directory is in use or unreadable.
    /// `drivers` may be given by a test; where it is empty they are those of driversFor().
    Appliance(Settings settings, Ambient& ambient, Log& log, Drivers drivers = Drivers());
    ~Appliance();

    /// Bootstraps an empty store, mends the host, takes up unfinished jobs, and answers requests when this returns.
    void start();

    /// Stops accepting, lets requests end, parks jobs between two steps.
    void stop();

    /// The store answers, to reads and to writes, and every I/O thread turns: what can't be said of a process that
    /// should be started anew.
    bool alive() const;

    /// Reads policy and certificates again (SIGHUP).
    void reload();

    const std::string& endpoint() const; ///< http://ADDR:PORT
    const std::filesystem::path& stateDir() const;

    /// OS_… variables for the administrator, as `export` lines.
    std::string openrc() const;
    std::vector<std::pair<std::string, std::string>> variables() const; ///< the same, by their names

    http::Server& server();
    store::Store& store();
    Reconciler& reconciler();
    jobs::Jobs& jobs();
    bus::Bus& bus();
    std::string secret(const SecretId& secret); ///< what the hypervisor's driver is told of a disk's secret

private:
    struct Impl;
    struct Sandbox;
    /// Against a sandbox that goes back to a snapshot just now; of no mutex where this is none.
    std::unique_lock<std::mutex> held() const;
    std::unique_ptr<Impl> impl_;
    std::unique_ptr<Sandbox> sandbox_; ///< none where this is no sandbox
};

}
