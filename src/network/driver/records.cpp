#include "network/driver/records.hpp"

#include <algorithm>
#include <thread>

#include "network/driver/linux_names.hpp"

namespace stratolet::network {

std::vector<NetworkProblem> RecordsNetworkDriver::apply(const NetworkPlan& plan) {
    std::unique_lock lock(mutex_);
    const auto time = time_;
    lock.unlock();
    std::this_thread::sleep_for(time);
    lock.lock();
    plan_ = plan;
    return problems_;
}

std::vector<NetworkProblem> RecordsNetworkDriver::findings(const NetworkPlan&) { return {}; }

std::string RecordsNetworkDriver::tapOf(const PortId& port) const { return tapNameOf(port); }

bool RecordsNetworkDriver::plugged(const PortId& port) {
    const std::lock_guard lock(mutex_);
    return std::none_of(problems_.begin(), problems_.end(),
                        [&](const auto& each) { return each.of == NetworkProblem::Of::Port && each.id == port.text; });
}

NetworkPlan RecordsNetworkDriver::plan() const {
    const std::lock_guard lock(mutex_);
    return plan_;
}

void RecordsNetworkDriver::failsWith(std::vector<NetworkProblem> problems) {
    const std::lock_guard lock(mutex_);
    problems_ = std::move(problems);
}

void RecordsNetworkDriver::takes(std::chrono::milliseconds time) {
    const std::lock_guard lock(mutex_);
    time_ = time;
}

}
