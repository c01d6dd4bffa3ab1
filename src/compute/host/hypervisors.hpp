#pragma once

#include <stratolet/driver/hypervisor.hpp>
#include <stratolet/driver/instance_disks.hpp>

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "compute/compute.hpp"
#include "compute/host/host.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/store/store.hpp"

namespace stratolet::compute {

/// What drives the hosts that run servers, and what keeps the hosts' rows as it finds them. Owned by compute; called by
/// any thread. A driver that can't be reached fails only what is asked of its own host.
class Hypervisors : public LiveDisks {
public:
    /// A host that hasn't answered for longer than `patience` is down (Nova, service_down_time).
    Hypervisors(store::Store& store, Ambient& ambient, const std::vector<HostDrivers>& drivers,
                std::chrono::seconds patience = std::chrono::seconds(60));

    /// What drives that host. Error(Broken) for one that the configuration has no driver for.
    Hypervisor& on(const HostName& host);
    InstanceDisks& disksOn(const HostName& host);

    std::unique_ptr<LiveDisk> of(const ServerId& server, const VolumeId& volume) override;

    std::size_t count() const { return hosts_.size(); }
    std::vector<HostName> names(); ///< of the hosts that have a driver

    /// Asks the host how it is, and keeps its row. Error where it doesn't answer.
    void look(const HostName& host);

    /// Asks each of them, whatever the others say. What the last that doesn't answer says is thrown.
    void lookAtAll();

    /// Its driver did when it was last asked, and that isn't long ago. By this machine's clock that nobody sets: the
    /// time that a row has may jump.
    bool answers(const HostName& host);

    /// Its row is no more: until its driver is asked again it is no host.
    void forget(const HostName& host);

    /// The machine has been started anew since rememberStart(): asks the driver.
    bool restarted(const HostName& host);
    void rememberStart(const HostName& host);

private:
    using Clock = std::chrono::steady_clock;
    struct Driven {
        HostDrivers drivers;
        std::optional<Clock::time_point> heard = {}; ///< when it last answered; nothing where it didn't
        std::string boot = {};                       ///< the start of its machine that it spoke of then
    };
    HostName nameOf(Driven& host);
    Driven* known(const HostName& name); ///< null where nothing drives it
    Driven& find(const HostName& name);
    Host rowOf(const HostName& name, const std::string& boot);
    void keep(const HostName& name, const HostReport& report, GiB disk);

    store::Store& store_;
    Ambient& ambient_;
    const std::chrono::seconds patience_;
    std::mutex lock_; // of what the hosts say; never held while a driver is asked
    std::vector<Driven> hosts_;
};

}
