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

// Lanes: each has threads of its own, so that what depends on one kind of patience never stands in the way of what
// doesn't.
inline constexpr std::string_view wireLane = "wire";         ///< the host's network
inline constexpr std::string_view hostLane = "host";         ///< what is quick on the host: guests, files' names
inline constexpr std::string_view copyLane = "copy";         ///< many bytes, as fast as our own disks are
inline constexpr std::string_view transferLane = "transfer"; ///< bytes as fast as a stranger sends them

/// A step that a job has entered, from when until when, and why it failed where it was given up.
struct Stage {
    std::string step;
    Time began; ///< that it was the next thing to do: it may have waited for a thread of its lane
    std::optional<Time> ended = {};
    std::string error = {};
};

/// One execution of a job's step, as the step sees it. Lives on the thread that runs the step.
class Run {
public:
    std::int64_t id = 0;
    std::string kind;
    std::string subject; ///< id of the thing it is about
    std::string payload; ///< JSON text given at enqueue(); "" where none was
    int attempt = 1;     ///< of the present step, from 1
    /// Asked to stop early, for good or until the next start: a long step looks now and then and throws Busy. While
    /// undoing only the latter: what is undone has been given up already.
    std::function<bool()> cancelled;

    Time now, stepBegan; ///< when this look began, and the first one at this step since the program started
    int looks = 0;       ///< how often this step has said notYet() since then

    /// The step isn't done and needs no thread until then: it is entered again after `pause`. A wait for somebody else
    /// (a guest that was asked something) is said so; `stepBegan` tells how long it has lasted.
    void notYet(std::chrono::milliseconds pause) { later_ = pause; }

    std::vector<Stage> stages; ///< of the job until now, in a closing: all of them

    /// How far the present step is, in bytes of bytes (0: unknown); kept once a second at most.
    std::function<void(std::int64_t done, std::int64_t total)> progress;

    Json arguments() const { return Json::parse(payload.empty() ? "{}" : payload); }
    template <class AnId> AnId id_of() const { return AnId{subject}; }

private:
    friend class Jobs;
    std::optional<std::chrono::milliseconds> later_;
};

/// What must be done to the host after a change has been committed: steps that ensure (look first, then make what is
/// missing), each with its undo. The runner commits a step's name before the step and its result after; a crash between
/// the two runs that step again.
class Job {
public:
    using Work = std::function<void(Run&)>;
    using Closing = std::function<void(store::Transaction&, Run&)>;
    using Failing = std::function<void(store::Transaction&, Run&, const std::string& reason)>;

    explicit Job(std::string kind) : kind_(std::move(kind)) {}

    /// In the lane that the job has been given before, unless one is named.
    Job& step(std::string name, Work ensure, Work undo = {}, std::string_view lane = {}) &;
    Job&& step(std::string name, Work ensure, Work undo = {}, std::string_view lane = {}) && {
        return std::move(step(std::move(name), std::move(ensure), std::move(undo), lane));
    }

    Job&& lane(std::string_view name) && {
        return lane_ = name, std::move(*this);
    } ///< of the steps that follow; "host" unless told

    /// Its steps go to what `key` names (a host, say; empty: to nothing in particular), where no more than `threadsMax`
    /// of a lane's threads are at once: one that doesn't answer stops nothing that goes elsewhere. Asked again before
    /// each step.
    using Key = std::function<std::string(store::Reader&, const std::string& subject)>;
    Job&& keyedBy(Key key, int threadsMax) && { return key_ = std::move(key), keyMax_ = threadsMax, std::move(*this); }

    /// For all steps together, from the first begin; 10 min unless told. Time during which this program does not run
    /// counts nothing.
    Job&& within(std::chrono::seconds limit) && { return limit_ = limit, std::move(*this); }

    /// Of each step; 3 unless told; back-off 0.2 s, doubling. What throws Busy waits for something that will be back
    /// (libvirt restarting, say): it is no attempt, and goes on until the limit.
    Job&& attempts(int most) && { return attemptsMax_ = most, std::move(*this); }

    /// For what was promised (a deletion, say): no limit and no number of attempts, tried for ever with pauses growing
    /// to five minutes.
    Job&& untilDone() && { return untilDone_ = true, std::move(*this); }
    Job&& onDone(Closing then) && {
        return onDone_ = std::move(then), std::move(*this);
    } ///< in the transaction that ends the job
    Job&& onFailed(Failing then) && {
        return onFailed_ = std::move(then), std::move(*this);
    } ///< after every undo, in the transaction that ends the job

    struct Step {
        std::string name;
        Work ensure;
        Work undo;
        std::string lane;
    };
    const std::string& kind() const { return kind_; }
    const std::vector<Step>& steps() const { return steps_; }

private:
    friend class Jobs;
    std::string kind_;
    std::string lane_{hostLane};
    std::vector<Step> steps_;
    Key key_;
    int keyMax_ = 0;
    std::chrono::seconds limit_{600};
    int attemptsMax_ = 3;
    bool untilDone_ = false;
    Closing onDone_;
    Failing onFailed_;
};

/// How a job stands, for people and for doctor.
struct JobRecord {
    std::int64_t id = 0;
    std::string kind, subject, owner, state, step, error; ///< state: waiting, running, undoing
    int attempt = 0;
    Time created;
    std::optional<Time> begun;
    std::int64_t progress = 0, total = 0; ///< bytes of the present step; total 0: unknown
    std::string lane = {};                ///< of the present step
    std::string payload = {};
    Time notBefore = {};    ///< when the present step is tried again
    bool cancelled = false; ///< it has been asked to stop
    std::vector<Stage> stages = {};
};

/// What an unfinished job was given, and where its time went until now.
struct JobStages {
    std::string payload;
    std::vector<Stage> stages; ///< the last one has not ended
};

/// Where a test kills the process: around the side effect of one step.
struct CrashPoint {
    std::string kind, step;
    bool after = false; ///< else before
};

/// The durable job runner. Jobs of one subject run one after the other, in the order they were enqueued; different
/// subjects side by side. One per process; made by appliance, stopped before the drivers go. Threads: each lane has its
/// own, begun when first needed; a step runs on one of them. A throw in a step is a failed attempt; one in a closing is
/// our own fault, and the closing is tried again.
class Jobs {
public:
    struct Options {
        int threads = 8;                      ///< of each lane, at most
        std::optional<CrashPoint> crash = {}; ///< SIGKILL to ourselves there
        /// Asked before each step is entered, on the thread that would run it: what it throws, or whether it says that
        /// the step is not yet (Run::notYet), counts as if the step had. Null: nobody meddles.
        std::function<void(Run& run, const std::string& step)> meddle = {};
    };

    Jobs(store::Store& store, Ambient& ambient, Log& log, Metrics& metrics, Options options);
    ~Jobs(); ///< park()s

    void declare(Job job); ///< before start(); the kind must be new

    /// In the transaction that makes the change; runs after it is committed. Returns the job's id.
    /// `owner`: the project whose job it is, which shares each lane with the other projects.
    std::int64_t enqueue(store::Transaction& tx, std::string_view kind, std::string_view subject,
                         std::string_view payload = "", std::string_view owner = "");

    /// Asks a subject's unfinished jobs of this kind to stop: they undo what they did. Those that have not begun never
    /// begin.
    void cancel(store::Transaction& tx, std::string_view kind, std::string_view subject);

    /// The same of every kind whose name begins so: "compute.server.".
    void cancelAll(store::Transaction& tx, std::string_view beginning, std::string_view subject);

    /// Asks one unfinished job to stop, whatever its subject's others do: it undoes what it did, and ends as one that
    /// has failed. Error(NotFound), Error(Conflict) for one that undoes already, or was promised (Job::untilDone).
    void cancel(store::Transaction& tx, std::int64_t id);

    /// A job that waits for its next attempt makes it now. Error(NotFound), Error(Conflict) for one that is at work, or
    /// waits for another.
    void retry(std::int64_t id);

    bool busy(store::Reader& db, std::string_view subject); ///< has unfinished jobs

    /// Of a subject's unfinished jobs that have begun.
    std::vector<JobStages> stagesOf(store::Reader& db, std::string_view subject);

    /// Takes up what a crash left unfinished, then works until park().
    void start();

    /// Lets running steps end, begins no other. Unfinished jobs go on at the next start().
    void park();

    /// Blocks until nothing is left to do, or `patience` is over (false). For tests and for commands that wait.
    bool settle(std::chrono::milliseconds patience);

    std::vector<JobRecord> list(store::Reader& db); ///< all that are unfinished, oldest first
    std::optional<JobRecord> find(store::Reader& db, std::int64_t id);
    std::vector<JobRecord> of(store::Reader& db, std::string_view subject); ///< the unfinished ones of a subject
    std::vector<std::pair<std::string, std::string>> stepsOfAll() const;    ///< (kind, step), for the crash test

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// The same of a store whose cloud does not run: nobody knows lanes, nor steps that have not begun.
std::vector<JobRecord> jobsIn(store::Reader& db);
std::optional<JobRecord> jobIn(store::Reader& db, std::int64_t id);

}
