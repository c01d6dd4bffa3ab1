#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace stratolet {

/// How the parts of the cloud are, as they said last. Who wants to know waits for none of them: one that hangs is one
/// that has not answered for a while. Threads: any.
class Health {
public:
    /// Asks a part, on this thread, for as long as it takes; what the question throws is the part's complaint.
    void ask(const std::string& part, const std::function<void()>& question);

    /// Each part's name and complaint, empty where it is well.
    std::vector<std::pair<std::string, std::string>> parts() const;

    /// Whether the part has been well, and has said so within this time.
    bool isWell(const std::string& part) const;

private:
    using Clock = std::chrono::steady_clock;
    struct State {
        std::string complaint = "has not answered yet";
        Clock::time_point answered = Clock::now();
    };
    static std::string complaintOf(const State& state);

    mutable std::mutex mutex_;
    State& stateOf(const std::string& part);
    std::vector<std::pair<std::string, State>> states_; ///< in the order they were first asked
};

}
