#pragma once

#include <stratolet/driver/network.hpp>

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "platform/store/store.hpp"

namespace stratolet::network {

/// What has changed where everything may have.
inline constexpr std::string_view wholePlan = "*";

/// For whom a plan is made.
struct PlanOptions {
    std::string host; ///< as ports name the one that they are bound to
    std::string dnsDomain;
};

/// What a host should have: ports that guests use (a tap only for those bound to it), the networks they and routers are
/// on, and what keeps them apart. External networks are always there; others only while something uses them, with DHCP
/// only where a guest may ask for it.
NetworkPlan networkPlan(store::Reader& db, const PlanOptions& options);

/// The things that have changed since somebody asked. Any thread.
class Changes {
public:
    void begins(const std::string& id); ///< in a transaction that may still be rolled back
    void ended(const std::string& id);  ///< it has been committed

    /// What has changed or is about to: who takes it and then reads misses nothing.
    std::set<std::string> take();
    void forget(); ///< those that never ended were rolled back

private:
    std::mutex mutex_;
    std::map<std::string, int> begun_;
    std::set<std::string> ended_;
};

/// networkPlan() kept up: what changed is read again, and what hangs on it, not everything. From one thread at a time.
class KeptPlan {
public:
    explicit KeptPlan(PlanOptions options) : options_(std::move(options)) {}

    const NetworkPlan& whole(store::Reader& db); ///< read anew
    const NetworkPlan& follow(store::Reader& db, const std::set<std::string>& changed);
    bool empty() const { return !read_; } ///< has never been read

private:
    void refreshPort(store::Reader& db, const PortId& id);
    void refreshRouter(store::Reader& db, const RouterId& id);
    void refreshLogged(store::Reader& db, const std::string& id);
    void refreshNetwork(store::Reader& db, const NetworkId& id);
    void refreshServed(store::Reader& db, const std::string& id); ///< by a policy of QoS, or that of a network
    void refreshGroup(store::Reader& db, const SecurityGroupId& id);
    void count(const PlannedPort& port, int by);
    void count(const PlannedRouter& router, int by);

    PlanOptions options_;
    bool read_ = false;
    NetworkPlan plan_;
    std::set<NetworkId> down_;             ///< whose ports are down with them
    std::map<NetworkId, std::string> qos_; ///< policies of networks
    std::map<NetworkId, int> guests_, routersOn_;
    std::map<SecurityGroupId, int> members_;
    std::map<std::string, std::set<PortId>> logged_; ///< by log
    std::set<NetworkId> networks_;                   ///< to be read again
    std::set<RouterId> routers_;
    std::set<SecurityGroupId> groups_;
};

}
