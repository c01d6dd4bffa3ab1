#pragma once

#include <stratolet/driver/network.hpp>

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

namespace stratolet::network {

/// Keeps what it is told and does nothing to the host: for a cloud whose servers are records only. Tests make it slow
/// and let it fail.
class RecordsNetworkDriver : public NetworkDriver {
public:
    std::vector<OutsideNetwork> outsideNetworks() override;
    void joinOutside() override;
    std::vector<NetworkProblem> apply(const NetworkPlan& plan) override;
    std::vector<NetworkProblem> findings(const NetworkPlan& plan) override;
    void watch(std::function<void()> changed) override { changed_ = std::move(changed); }
    std::string tapOf(const PortId& port) const override;
    bool plugged(const PortId& port) override; ///< unless it was made to fail with a problem of that port
    std::vector<std::string> reachedNetworks() override;
    std::vector<MetadataListener> takeMetadataListeners() override { return {}; }

    NetworkPlan plan() const; ///< as applied last
    void failsWith(std::vector<NetworkProblem> problems);
    void takes(std::chrono::milliseconds time); ///< each time it is applied
    void isOn(std::vector<OutsideNetwork> outside);
    void failsToJoin(std::string why);               ///< empty: it no longer does
    int joins() const;                               ///< how often it was asked to
    void reaches(std::vector<std::string> networks); ///< what the host has routes to
    void changedByOthers() { changed_(); }

private:
    mutable std::mutex mutex_;
    NetworkPlan plan_;
    std::vector<NetworkProblem> problems_;
    std::vector<OutsideNetwork> outside_;
    std::string failure_; ///< of joining
    int joins_ = 0;
    std::chrono::milliseconds time_{0};
    std::function<void()> changed_;
    std::vector<std::string> reached_;
};

}
