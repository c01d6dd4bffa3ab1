#include "platform/workers/workers.hpp"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

namespace stratolet {

struct Workers::Impl {
    std::string name;
    std::size_t threadsMax, queueMax;
    std::function<void()> afterEach;
    mutable std::mutex mutex;
    std::condition_variable filled;
    std::deque<std::function<void()>> queue;
    std::vector<std::thread> threads;
    std::size_t idle = 0;
    bool stopping = false;

    bool take(std::function<void()> task, std::size_t most) {
        {
            const std::lock_guard guard(mutex);
            if (stopping || queue.size() >= most) return false;
            queue.push_back(std::move(task));
            if (queue.size() > idle && threads.size() < threadsMax) threads.emplace_back([this] { work(); });
        }
        filled.notify_one();
        return true;
    }

    void work() {
        ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
        std::unique_lock lock(mutex);
        for (;;) {
            ++idle;
            filled.wait(lock, [&] { return stopping || !queue.empty(); });
            --idle;
            if (queue.empty()) return;
            auto next = std::move(queue.front());
            queue.pop_front();
            lock.unlock();
            next();
            next = nullptr; // what it held is released outside the lock
            if (afterEach) afterEach();
            lock.lock();
        }
    }
};

Workers::Workers(std::string name, std::size_t threadsMax, std::size_t queueMax, std::function<void()> afterEach)
    : impl_(std::make_unique<Impl>()) {
    impl_->name = std::move(name);
    impl_->threadsMax = threadsMax;
    impl_->queueMax = queueMax;
    impl_->afterEach = std::move(afterEach);
}

Workers::~Workers() { finish(); }

void Workers::finish() {
    {
        const std::lock_guard guard(impl_->mutex);
        impl_->stopping = true;
    }
    impl_->filled.notify_all();
    for (auto& each : impl_->threads) each.join();
    impl_->threads.clear();
}

bool Workers::submit(std::function<void()> work) { return impl_->take(std::move(work), impl_->queueMax); }
bool Workers::insist(std::function<void()> work) {
    return impl_->take(std::move(work), std::numeric_limits<std::size_t>::max());
}

std::size_t Workers::queued() const {
    const std::lock_guard guard(impl_->mutex);
    return impl_->queue.size();
}

}
