#include "network/driver/records.hpp"

#include <algorithm>
#include <thread>

#include <stratolet/error.hpp>

#include "network/driver/linux_names.hpp"

namespace stratolet::network {

std::vector<OutsideNetwork> RecordsNetworkDriver::outsideNetworks() {
    const std::lock_guard lock(mutex_);
    return outside_;
}

void RecordsNetworkDriver::joinOutside() {
    const std::lock_guard lock(mutex_);
    ++joins_;
    if (!failure_.empty()) throw Error(Failure::Broken, failure_);
}

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

void RecordsNetworkDriver::isOn(std::vector<OutsideNetwork> outside) {
    const std::lock_guard lock(mutex_);
    outside_ = std::move(outside);
}

void RecordsNetworkDriver::failsToJoin(std::string why) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(why);
}

int RecordsNetworkDriver::joins() const {
    const std::lock_guard lock(mutex_);
    return joins_;
}

void RecordsNetworkDriver::takes(std::chrono::milliseconds time) {
    const std::lock_guard lock(mutex_);
    time_ = time;
}

std::vector<std::string> RecordsNetworkDriver::reachedNetworks() {
    const std::lock_guard lock(mutex_);
    return reached_;
}

void RecordsNetworkDriver::reaches(std::vector<std::string> networks) {
    const std::lock_guard lock(mutex_);
    reached_ = std::move(networks);
}

}
