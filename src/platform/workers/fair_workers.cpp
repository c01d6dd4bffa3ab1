#include "platform/workers/fair_workers.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace stratolet {

struct FairWorkers::Impl {
    std::string name;
    std::size_t threadsMax, queueMax;
    mutable std::mutex mutex;
    std::condition_variable filled;
    std::map<std::string, std::deque<Work>> waiting; // by source; none is empty
    std::deque<std::string> turns;                   // the sources that wait, each once
    std::size_t queued = 0, idle = 0;
    std::vector<std::thread> threads;
    bool stopping = false;

    /// The next of the source whose turn it is, which comes last then.
    Work takeNext() {
        const auto source = std::move(turns.front());
        turns.pop_front();
        const auto found = waiting.find(source);
        Work next = std::move(found->second.front());
        found->second.pop_front();
        --queued;
        if (found->second.empty())
            waiting.erase(found);
        else
            turns.push_back(source);
        return next;
    }

    /// What came last of the source that waits most; nothing where that is no more than `fewest`.
    std::function<void()> takeLastOfMost(std::size_t fewest) {
        const auto most = std::max_element(waiting.begin(), waiting.end(), [](const auto& left, const auto& right) {
            return left.second.size() < right.second.size();
        });
        if (most == waiting.end() || most->second.size() <= fewest) return {};
        auto drop = std::move(most->second.back().drop);
        most->second.pop_back();
        --queued;
        if (most->second.empty()) {
            std::erase(turns, most->first);
            waiting.erase(most);
        }
        return drop;
    }

    void work() {
        constexpr int nice = 10; // as `nice` does it: whoever else has something to do comes first
        ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
        ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice);
        std::unique_lock lock(mutex);
        for (;;) {
            ++idle;
            filled.wait(lock, [&] { return stopping || queued > 0; });
            --idle;
            if (stopping) return;
            auto next = takeNext();
            lock.unlock();
            if (next.isWanted())
                next.run();
            else
                next.drop();
            next = {};
            lock.lock();
        }
    }
};

FairWorkers::FairWorkers(std::string name, std::size_t threadsMax, std::size_t queueMax)
    : impl_(std::make_unique<Impl>()) {
    impl_->name = std::move(name);
    impl_->threadsMax = threadsMax;
    impl_->queueMax = queueMax;
}

FairWorkers::~FairWorkers() { finish(); }

bool FairWorkers::submit(Work work) {
    std::function<void()> drop;
    {
        const std::lock_guard guard(impl_->mutex);
        auto& impl = *impl_;
        if (impl.stopping) return false;
        const auto known = impl.waiting.find(work.source);
        const auto own = known == impl.waiting.end() ? 0 : known->second.size();
        if (impl.queued >= impl.queueMax) {
            drop = impl.takeLastOfMost(own + 1);
            if (!drop) return false;
        }
        auto& line = impl.waiting[work.source];
        if (line.empty()) impl.turns.push_back(work.source);
        line.push_back(std::move(work));
        ++impl.queued;
        if (impl.queued > impl.idle && impl.threads.size() < impl.threadsMax)
            impl.threads.emplace_back([&impl] { impl.work(); });
    }
    impl_->filled.notify_one();
    if (drop) drop();
    return true;
}

void FairWorkers::finish() {
    std::map<std::string, std::deque<Work>> left;
    {
        const std::lock_guard guard(impl_->mutex);
        impl_->stopping = true;
        left.swap(impl_->waiting);
        impl_->turns.clear();
        impl_->queued = 0;
    }
    impl_->filled.notify_all();
    for (auto& [source, line] : left)
        for (auto& each : line) each.drop();
    for (auto& each : impl_->threads) each.join();
    impl_->threads.clear();
}

std::size_t FairWorkers::queued() const {
    const std::lock_guard guard(impl_->mutex);
    return impl_->queued;
}

}
