#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace stratolet {

/// A bounded pool of threads for what blocks. Threads start when first needed and stay.
class Workers {
public:
    /// `afterEach` is called on the thread that has done a piece of work, when it has; null: nothing is.
    Workers(std::string name, std::size_t threadsMax, std::size_t queueMax, std::function<void()> afterEach = {});
    ~Workers(); ///< finish()es
    Workers(const Workers&) = delete;

    /// False where the queue is full: the caller answers 503 with Retry-After.
    bool submit(std::function<void()> work);

    /// Past that bound, too: for what has begun and must come to its end (a piece of an upload, say). Who calls it has
    /// a bound of its own. False only after finish().
    bool insist(std::function<void()> work);

    /// Ends what has been taken, takes nothing more.
    void finish();

    std::size_t queued() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
