#include "platform/jobs/lanes.hpp"

#include <algorithm>

namespace stratolet::jobs {
namespace {

int runsOf(const std::map<std::string, int>& counts, const std::string& name) {
    const auto found = counts.find(name);
    return found == counts.end() ? 0 : found->second;
}

void oneLess(std::map<std::string, int>& counts, const std::string& name) {
    const auto found = counts.find(name);
    if (found != counts.end() && --found->second == 0) counts.erase(found);
}

int halfOf(int most) { return std::max(most / 2, 1); }

}

bool Lane::mayRun(const Claim& claim, const Queue& queue) const {
    const bool owned = !claim.owner.empty();
    if (owned && runsOf(ownerRuns_, claim.owner) >= halfOf(threadsMax_)) return false;
    if (claim.key.empty()) return true;
    return runsOf(keyRuns_, claim.key) < claim.keyMax && !(owned && queue.running >= halfOf(claim.keyMax));
}

void Lane::add(const Claim& claim, Time notBefore, std::int64_t job) { queues_[claim].waiting.emplace(notBefore, job); }

std::optional<std::int64_t> Lane::take(Time now) {
    auto best = queues_.end();
    for (auto each = queues_.begin(); each != queues_.end(); ++each) {
        const auto& queue = each->second;
        if (queue.waiting.empty() || queue.waiting.begin()->first > now || !mayRun(each->first, queue)) continue;
        if (best == queues_.end() || *queue.waiting.begin() < *best->second.waiting.begin()) best = each;
    }
    if (best == queues_.end()) return std::nullopt;
    const auto first = best->second.waiting.begin();
    const auto job = first->second;
    best->second.waiting.erase(first);
    ++best->second.running;
    ++ownerRuns_[best->first.owner];
    ++keyRuns_[best->first.key];
    return job;
}

void Lane::release(const Claim& claim) {
    const auto found = queues_.find(claim);
    if (found == queues_.end()) return;
    oneLess(ownerRuns_, claim.owner);
    oneLess(keyRuns_, claim.key);
    --found->second.running;
    if (found->second.running == 0 && found->second.waiting.empty()) queues_.erase(found);
}

bool Lane::hasten(std::int64_t job) {
    for (auto& [claim, queue] : queues_) {
        auto& waiting = queue.waiting;
        const auto it =
            std::find_if(waiting.begin(), waiting.end(), [&](const auto& each) { return each.second == job; });
        if (it == waiting.end()) continue;
        waiting.erase(it);
        waiting.emplace(Time(), job);
        return true;
    }
    return false;
}

std::optional<Time> Lane::next() const {
    std::optional<Time> first;
    for (const auto& [claim, queue] : queues_)
        if (!queue.waiting.empty() && mayRun(claim, queue))
            first = std::min(first.value_or(Time::max()), queue.waiting.begin()->first);
    return first;
}

void Lane::clear() {
    queues_.clear();
    ownerRuns_.clear();
    keyRuns_.clear();
}

}
