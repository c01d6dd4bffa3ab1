#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "platform/http/http.hpp"
#include "platform/jobs/jobs.hpp"

namespace stratolet {

/// What is to go wrong: the next steps of jobs, or the next requests, that it is about.
struct Fault {
    enum class Does {
        Fail,  ///< a step: as if the host had refused it for good; a request: answered with `status`
        Delay, ///< a step or a request waits for `delay` before anything is done for it
        Stick  ///< a step is not done for as long as the fault is there
    };
    std::int64_t id = 0;
    Does does = Does::Fail;
    std::int64_t times = 1; ///< how many it meets; Stick: how many at most
    std::int64_t met = 0;

    // Of steps: as `stratolet jobs --steps` has them.
    std::string job, step; ///< empty: of any
    std::string reason = "The sandbox was told to fail here.";

    // Of requests.
    std::string service, method, route; ///< route: as metrics and documents have it, "/v2.1/servers"; empty: any
    int status = 0;
    bool ofRequests = false; ///< else it is about steps

    std::chrono::milliseconds delay{0};
};

std::string_view nameOf(Fault::Does does);

/// What is told to go wrong in a sandbox. Any thread.
class Faults {
public:
    Fault add(Fault fault);
    std::vector<Fault> all() const;
    bool remove(std::int64_t id); ///< false where there is none
    void clear();
    void become(std::vector<Fault> faults); ///< these and no others, as far as they were met

    /// Jobs::Options::meddle.
    void meddle(jobs::Run& run, const std::string& step);

    /// The status that the request is to be answered with, where one is to go wrong.
    std::optional<int> statusFor(const http::Site& site, const http::Request& request);

    /// How long the request is to wait.
    std::chrono::milliseconds delayOf(const http::Site& site, const http::Request& request);

private:
    struct Held { ///< a step that is held up
        std::int64_t fault, job;
        std::string step;
        Time until; ///< of a delay
    };
    Held* held(const Fault& fault, const jobs::Run& run, const std::string& step);
    Fault* meets(Fault::Does does, const http::Site& site, const http::Request& request);

    mutable std::mutex mutex_;
    std::int64_t last_ = 0;
    std::vector<Fault> faults_;
    std::vector<Held> held_;
};

}
