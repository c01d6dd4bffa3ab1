#pragma once

#include <stratolet/driver/hypervisor.hpp>
#include <stratolet/driver/instance_disks.hpp>

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "compute/compute.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/store/store.hpp"

namespace stratolet::compute {

/// The hosts that run servers: each a row, and what drives it. Owned by compute; called by any thread. A driver that
/// can't be reached fails only what is asked of its own host.
class Hypervisors : public LiveDisks {
public:
    Hypervisors(store::Store& store, Ambient& ambient, const std::vector<HostDrivers>& drivers);

    /// What drives that host. Error(Broken) for one that the configuration has no driver for.
    Hypervisor& on(const HostName& host);
    InstanceDisks& disksOn(const HostName& host);

    std::unique_ptr<LiveDisk> of(const ServerId& server, const VolumeId& volume) override;

    std::size_t count() const { return hosts_.size(); }
    std::vector<HostName> names(); ///< of the hosts that have a driver

    /// Where the next server goes.
    HostName next() { return names().front(); }

    struct Facts {
        HostName name;
        std::int64_t number = 1;
        std::string hypervisorId, serviceId;
        HostReport report; ///< the last one
        GiB disk;
        std::chrono::steady_clock::time_point reported;

        std::chrono::seconds uptime() const;
    };

    /// Asks the driver where it hasn't been asked yet.
    Facts facts(const HostName& host);

    /// What that host's machine calls itself; the host's own name where there is no driver for it.
    std::string hostnameOf(const HostName& host);

    /// The machine has been started anew since rememberStart(): asks the driver.
    bool restarted(const HostName& host);
    void rememberStart(const HostName& host);

    store::Store& store() { return store_; }
    Ambient& ambient() { return ambient_; }

private:
    struct Host {
        HostDrivers drivers;
        std::optional<Facts> facts;
    };
    HostName nameOf(Host& host);
    Host& find(const HostName& name);
    Facts look(Host& host);

    store::Store& store_;
    Ambient& ambient_;
    std::mutex lock_; // of what the hosts say; never held while a driver is asked
    std::vector<Host> hosts_;
};

}
