#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "platform/ambient/ambient.hpp"

namespace stratolet::jobs {

/// Who wants a thread, and for whom: the share of each is bounded.
struct Claim {
    std::string owner; ///< the project; empty: the cloud itself
    std::string key;   ///< what the work goes to, a host say; empty: nothing that others wait for
    int keyMax = 0;    ///< threads that may be at work there at once

    auto operator<=>(const Claim&) const = default;
};

/// Who runs next in one lane. Pure bookkeeping: owned by the runner, used under its lock.
///
/// No owner holds more than half of the lane's threads, whether another waits or not: a job that runs can't be asked to
/// give its thread back, so what the next owner will need must be free before it comes. Jobs without an owner (the
/// cloud's own) are not held back. So with keys: what goes to one that doesn't answer holds no more threads than
/// `keyMax`, and one owner no more than half of those.
class Lane {
public:
    explicit Lane(int threadsMax) : threadsMax_(threadsMax) {}

    void add(const Claim& claim, Time notBefore, std::int64_t job);

    /// The job that may run now and has waited longest, taken out; its claim holds a thread until release().
    std::optional<std::int64_t> take(Time now);
    void release(const Claim& claim);

    /// A job that waits for a time waits no longer; false where it does not wait here.
    bool hasten(std::int64_t job);

    /// When take() may give something next, as far as waiting for a time is all that holds it back.
    std::optional<Time> next() const;

    int threadsMax() const { return threadsMax_; }
    void clear();

private:
    struct Queue {
        std::set<std::pair<Time, std::int64_t>> waiting; ///< not before, job
        int running = 0;
    };
    bool mayRun(const Claim& claim, const Queue& queue) const;

    int threadsMax_;
    std::map<Claim, Queue> queues_;                  ///< only those that wait or run
    std::map<std::string, int> ownerRuns_, keyRuns_; ///< only those that run
};

}
