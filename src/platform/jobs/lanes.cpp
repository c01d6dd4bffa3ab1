#include "platform/jobs/lanes.hpp"

#include <algorithm>

namespace stratolet::jobs {

void Lane::add(const std::string& owner, Time notBefore, std::int64_t job) { owners_[owner].waiting.emplace(notBefore, job); }

std::optional<std::int64_t> Lane::take(Time now) {
    auto best = owners_.end();
    for (auto each = owners_.begin(); each != owners_.end(); ++each) {
        const auto& owner = each->second;
        if (owner.waiting.empty() || owner.waiting.begin()->first > now || !mayRun(each->first, owner)) continue;
        if (best == owners_.end() || *owner.waiting.begin() < *best->second.waiting.begin()) best = each;
    }
    if (best == owners_.end()) return std::nullopt;
    const auto first = best->second.waiting.begin();
    const auto job = first->second;
    best->second.waiting.erase(first);
    ++best->second.running;
    return job;
}

void Lane::release(const std::string& owner) {
    const auto found = owners_.find(owner);
    if (found == owners_.end()) return;
    --found->second.running;
    if (found->second.running == 0 && found->second.waiting.empty()) owners_.erase(found);
}

bool Lane::hasten(const std::string& owner, std::int64_t job) {
    const auto found = owners_.find(owner);
    if (found == owners_.end()) return false;
    auto& waiting = found->second.waiting;
    const auto it = std::find_if(waiting.begin(), waiting.end(), [&](const auto& each) { return each.second == job; });
    if (it == waiting.end()) return false;
    waiting.erase(it);
    waiting.emplace(Time(), job);
    return true;
}

std::optional<Time> Lane::next() const {
    std::optional<Time> first;
    for (const auto& [name, owner] : owners_)
        if (!owner.waiting.empty() && mayRun(name, owner)) first = std::min(first.value_or(Time::max()), owner.waiting.begin()->first);
    return first;
}

}
