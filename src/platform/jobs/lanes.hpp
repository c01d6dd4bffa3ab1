#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "platform/ambient/ambient.hpp"

namespace stratolet::jobs {

/// Who runs next in one lane. Pure bookkeeping: owned by the runner, used under its lock.
///
/// No owner holds more than half of the lane's threads, whether another waits or not: a job that runs can't be asked to give its thread
/// back, so what the next owner will need must be free before it comes. Jobs without an owner (the cloud's own) are not held back.
class Lane {
public:
    explicit Lane(int threadsMax) : threadsMax_(threadsMax), shareMax_(threadsMax > 1 ? threadsMax / 2 : 1) {}

    void add(const std::string& owner, Time notBefore, std::int64_t job);

    /// The job that may run now and has waited longest, taken out; its owner holds a thread until release().
    std::optional<std::int64_t> take(Time now);
    void release(const std::string& owner);

    /// A job that waits for a time waits no longer; false where it does not wait here.
    bool hasten(const std::string& owner, std::int64_t job);

    /// When take() may give something next, as far as waiting for a time is all that holds it back.
    std::optional<Time> next() const;

    int threadsMax() const { return threadsMax_; }
    void clear() { owners_.clear(); }

private:
    struct Owner {
        std::set<std::pair<Time, std::int64_t>> waiting; ///< not before, job
        int running = 0;
    };
    bool mayRun(const std::string& name, const Owner& owner) const { return name.empty() || owner.running < shareMax_; }

    int threadsMax_, shareMax_;
    std::map<std::string, Owner> owners_; ///< only those that wait or run
};

}
