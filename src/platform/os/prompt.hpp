#pragma once

namespace stratolet {

/// While it lives, this thread may not wait for a disk or for another thread: it serves many who would wait with it (an
/// I/O thread while it answers a request itself). What would make it wait asks, and throws std::logic_error: such work
/// belongs on a worker.
class Prompt {
public:
    Prompt() : before_(current_) { current_ = true; }
    ~Prompt() { current_ = before_; }
    Prompt(const Prompt&) = delete;

    static bool here() { return current_; }

private:
    inline static thread_local bool current_ = false;
    bool before_;
};

}
