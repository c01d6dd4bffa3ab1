#include "appliance/health.hpp"

#include <algorithm>
#include <exception>

namespace stratolet {
namespace {

constexpr std::chrono::seconds silentMost(15); // parts are asked every few seconds

}

Health::State& Health::stateOf(const std::string& part) {
    const auto found =
        std::find_if(states_.begin(), states_.end(), [&](const auto& each) { return each.first == part; });
    return found != states_.end() ? found->second : states_.emplace_back(part, State()).second;
}

void Health::ask(const std::string& part, const std::function<void()>& question) {
    {
        const std::lock_guard guard(mutex_);
        stateOf(part);
    }
    std::string complaint;
    try {
        question();
    } catch (const std::exception& problem) {
        complaint = problem.what();
    }
    const std::lock_guard guard(mutex_);
    stateOf(part) = {std::move(complaint), Clock::now()};
}

std::string Health::complaintOf(const State& state) {
    const auto silent = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - state.answered);
    return silent > silentMost ? "has not answered for " + std::to_string(silent.count()) + " s" : state.complaint;
}

std::vector<std::pair<std::string, std::string>> Health::parts() const {
    const std::lock_guard guard(mutex_);
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto& [part, state] : states_) all.emplace_back(part, complaintOf(state));
    return all;
}

bool Health::isWell(const std::string& part) const {
    const std::lock_guard guard(mutex_);
    const auto found =
        std::find_if(states_.begin(), states_.end(), [&](const auto& each) { return each.first == part; });
    return found != states_.end() && complaintOf(found->second).empty();
}

}
