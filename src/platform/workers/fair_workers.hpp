#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace stratolet {

/// A few threads for what takes a processor for long by design, such as hashing a password: they yield to all others,
/// and what strangers want of them waits for nobody but themselves. Sources (addresses, say) take turns. Past the bound
/// what came last of the source that waits most is dropped, so that none keeps the others out; a source that has the
/// most itself is refused.
class FairWorkers {
public:
    struct Work {
        std::string source;
        std::function<void()> run;
        std::function<bool()>
            isWanted; ///< asked before it runs, on its thread: false where nobody waits for the result any more
        std::function<void()> drop; ///< instead of run, on any thread: it was not wanted, or there was no room
    };

    FairWorkers(std::string name, std::size_t threadsMax, std::size_t queueMax);
    ~FairWorkers(); ///< finish()es
    FairWorkers(const FairWorkers&) = delete;

    /// False where there is no room; then nothing of `work` is called.
    bool submit(Work work);

    /// Ends what runs, drops what waits, takes nothing more.
    void finish();

    std::size_t queued() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
