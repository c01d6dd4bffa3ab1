#include "platform/reconcile/reconciler.hpp"

#include <pthread.h>

#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "platform/log/log.hpp"
#include "platform/metrics/metrics.hpp"

namespace stratolet {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds firstRunMax{20}; ///< that the start waits for a part

struct Part {
    std::string name;
    std::function<void()> mend;
    std::chrono::seconds every;
    Clock::time_point due = {};
    bool running = false;
    std::uint64_t asked = 0;   // runs that somebody waits for begin after this many requests
    std::uint64_t done = 0;    // requests that a finished run has served
    std::exception_ptr failed; // of the last run
    std::thread thread;
};

}

struct Reconciler::Impl {
    Log& log;
    Metrics::Counter& failures;
    std::function<void()> afterEach;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Part> parts; // they do not move
    bool stopping = false;

    Impl(Log& given, Metrics& metrics, std::function<void()> then)
        : log(given),
          failures(metrics.counter("stratolet_reconcile_failures_total", "Runs that could not mend all of the host")),
          afterEach(std::move(then)) {}

    Part& part(const std::string& name) {
        const auto found =
            std::find_if(parts.begin(), parts.end(), [&](const Part& each) { return each.name == name; });
        assert(found != parts.end());
        return *found;
    }

    /// Runs a part that is not running; everybody who asked before is served.
    void run(Part& part, std::unique_lock<std::mutex>& lock) {
        const auto served = part.asked;
        part.running = true;
        part.due = Clock::time_point::max(); // a kick from here on may be about what this run has already passed
        lock.unlock();
        std::exception_ptr failed;
        try {
            part.mend();
        } catch (const std::exception& problem) {
            failed = std::current_exception();
            ++failures;
            log.error("reconcile failed", {{"part", part.name}, {"reason", problem.what()}});
        }
        lock.lock();
        part.running = false;
        part.failed = failed;
        part.done = std::max(part.done, served);
        part.due = std::min(part.due, Clock::now() + part.every);
        changed.notify_all();
    }

    void work(Part& part) {
        ::pthread_setname_np(::pthread_self(), ("mend " + part.name).substr(0, 15).c_str());
        std::unique_lock lock(mutex);
        while (!stopping) {
            if (!part.running && part.due <= Clock::now()) {
                run(part, lock);
                if (!afterEach) continue;
                lock.unlock();
                afterEach();
                lock.lock();
            } else {
                changed.wait_until(lock, part.running ? Clock::now() + std::chrono::hours(1)
                                                      : std::min(part.due, Clock::now() + std::chrono::hours(1)));
            }
        }
    }
};

Reconciler::Reconciler(Log& log, Metrics& metrics, std::function<void()> afterEach)
    : impl_(std::make_unique<Impl>(log, metrics, std::move(afterEach))) {}
Reconciler::~Reconciler() { stop(); }

void Reconciler::declare(std::string part, std::function<void()> mend, std::chrono::seconds every) {
    auto& added = impl_->parts.emplace_back();
    added.name = std::move(part);
    added.mend = std::move(mend);
    added.every = every;
}

void Reconciler::start() {
    std::unique_lock lock(impl_->mutex);
    for (auto& each : impl_->parts) {
        const auto ticket = ++each.asked;
        each.thread = std::thread([this, &each] { impl_->work(each); });
        const bool ended = impl_->changed.wait_for(lock, firstRunMax, [&] { return each.done >= ticket; });
        if (!ended)
            impl_->log.error("a part of the host takes long to mend; it goes on by itself", {{"part", each.name}});
    }
}

void Reconciler::stop() {
    {
        const std::lock_guard guard(impl_->mutex);
        impl_->stopping = true;
    }
    impl_->changed.notify_all();
    for (auto& each : impl_->parts)
        if (each.thread.joinable()) each.thread.join();
}

std::vector<std::string> Reconciler::parts() const {
    const std::lock_guard guard(impl_->mutex);
    std::vector<std::string> names;
    for (const auto& each : impl_->parts) names.push_back(each.name);
    return names;
}

void Reconciler::kick(const std::string& part) {
    const std::lock_guard guard(impl_->mutex);
    impl_->part(part).due = Clock::now();
    impl_->changed.notify_all();
}

void Reconciler::kickAll() {
    const std::lock_guard guard(impl_->mutex);
    for (auto& part : impl_->parts) part.due = Clock::now();
    impl_->changed.notify_all();
}

void Reconciler::now(const std::string& name) {
    std::unique_lock lock(impl_->mutex);
    auto& part = impl_->part(name);
    const auto ticket = ++part.asked;
    while (part.done < ticket) {
        if (part.running)
            impl_->changed.wait(lock);
        else
            impl_->run(part, lock);
    }
    if (part.failed) std::rethrow_exception(part.failed);
}

}
