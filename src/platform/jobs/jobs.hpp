#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/ambient/ambient.hpp"
#include "platform/json/json.hpp"
#include "platform/store/store.hpp"

namespace stratolet {
class Log;
class Metrics;
}

namespace stratolet::jobs {

/// One execution of a job, as its steps see it.
class Run {
public:
    std::int64_t id = 0;
    std::string kind;
    std::string subject; ///< id of the thing it is about
    std::string payload; ///< JSON text given at enqueue(); "" where none was
    int attempt = 1;     ///< of the present step, from 1
    Time deadline;       ///< of the whole job
    std::function<bool()>
        cancelled; ///< asked to stop early, for good or until the next start: a long step looks now and then and throws Busy

    Json arguments() const { return Json::parse(payload.empty() ? "{}" : payload); }
    template <class AnId> AnId id_of() const { return AnId{subject}; }
};

/// What must be done to the host after a change has been committed: steps that ensure (look first, then make what is missing), each with
/// its undo. The runner commits a step's name before the step and its result after; a crash between the two runs that step again.
class Job {
public:
    using Work = std::function<void(Run&)>;
    using Closing = std::function<void(store::Transaction&, Run&)>;
    using Failing = std::function<void(store::Transaction&, Run&, const std::string& reason)>;

    explicit Job(std::string kind) : kind_(std::move(kind)) {}

    Job& step(std::string name, Work ensure, Work undo = {}) &;
    Job&& step(std::string name, Work ensure, Work undo = {}) && {
        return std::move(step(std::move(name), std::move(ensure), std::move(undo)));
    }

    Job&& within(std::chrono::seconds limit) && { return limit_ = limit, std::move(*this); } ///< for all steps together; 10 min unless told
    Job&& attempts(int most) && { return attemptsMax_ = most, std::move(*this); } ///< of each step; 3 unless told; back-off 0.2 s, doubling
    Job&& onDone(Closing then) && { return onDone_ = std::move(then), std::move(*this); } ///< in the transaction that ends the job
    Job&& onFailed(Failing then) && {
        return onFailed_ = std::move(then), std::move(*this);
    } ///< after every undo, in the transaction that ends the job

    struct Step {
        std::string name;
        Work ensure;
        Work undo;
    };
    const std::string& kind() const { return kind_; }
    const std::vector<Step>& steps() const { return steps_; }

private:
    friend class Jobs;
    std::string kind_;
    std::vector<Step> steps_;
    std::chrono::seconds limit_{600};
    int attemptsMax_ = 3;
    Closing onDone_;
    Failing onFailed_;
};

/// How a job stands, for people and for doctor.
struct JobRecord {
    std::int64_t id = 0;
    std::string kind, subject, state, step, error; ///< state: waiting, running, undoing
    int attempt = 0;
    Time created, deadline;
};

/// Where a test kills the process: around the side effect of one step.
struct CrashPoint {
    std::string kind, step;
    bool after = false; ///< else before
};

/// The durable job runner. Jobs of one subject run one after the other, in the order they were enqueued; different subjects side by side.
class Jobs {
public:
    struct Options {
        int threads = 8;
        std::optional<CrashPoint> crash = {}; ///< SIGKILL to ourselves there
    };

    Jobs(store::Store& store, Ambient& ambient, Log& log, Metrics& metrics, Options options);
    ~Jobs(); ///< park()s

    void declare(Job job); ///< before start(); the kind must be new

    /// In the transaction that makes the change; runs after it is committed. Returns the job's id.
    std::int64_t enqueue(store::Transaction& tx, std::string_view kind, std::string_view subject, std::string_view payload = "");

    /// Asks a subject's unfinished jobs of this kind to stop: they undo what they did. Those that have not begun never begin.
    void cancel(store::Transaction& tx, std::string_view kind, std::string_view subject);

    bool busy(store::Reader& db, std::string_view subject); ///< has unfinished jobs

    /// Takes up what a crash left unfinished, then works until park().
    void start();

    /// Lets running steps end, begins no other. Unfinished jobs go on at the next start().
    void park();

    /// Blocks until nothing is left to do, or `patience` is over (false). For tests and for commands that wait.
    bool settle(std::chrono::milliseconds patience);

    std::vector<JobRecord> list(store::Reader& db);
    std::vector<std::pair<std::string, std::string>> stepsOfAll() const; ///< (kind, step), for the crash test

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
