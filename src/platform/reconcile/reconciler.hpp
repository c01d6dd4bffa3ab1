#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace stratolet {

class Log;
class Metrics;

/// Keeps the host as the store says: each part declares one function that compares what should be with what is, and
/// mends it. Runs it at start-up, when told of a change, and on a timer; never twice at once. One per process; each
/// part has a thread of its own, so that one that hangs (a directory, libvirt) stops no other's timer.
class Reconciler {
public:
    /// `afterEach` is called on the part's own thread when it has run; null: nothing is.
    Reconciler(Log& log, Metrics& metrics, std::function<void()> afterEach = {});
    ~Reconciler();

    /// Before start(). `mend` throws where something could not be mended: it is logged, and tried again after `every`
    /// at the latest.
    void declare(std::string part, std::function<void()> mend, std::chrono::seconds every = std::chrono::seconds(60));

    /// Runs every part once, one after the other in the order declared, then the timers. One that takes longer than 20
    /// s is not waited for.
    void start();
    void stop();

    std::vector<std::string> parts() const; ///< in the order declared

    void kick(const std::string& part); ///< soon, on the part's own thread
    void kickAll();

    /// Now, on this thread; returns when a run that began after this call has ended. What it throws comes back. Callers
    /// that wait share a run.
    void now(const std::string& part);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
