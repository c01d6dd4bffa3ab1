#include "platform/jobs/jobs.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include <stratolet/error.hpp>

#include "platform/jobs/lanes.hpp"
#include "platform/log/log.hpp"
#include "platform/metrics/metrics.hpp"

namespace stratolet::jobs {
namespace {

using namespace std::chrono_literals;

constexpr int undoAttemptsMax = 5; // then the reconciler has to find what is left

enum class State { Waiting, Running, Undoing };

std::string_view nameOf(State state) {
    switch (state) {
    case State::Waiting: return "waiting";
    case State::Running: return "running";
    case State::Undoing: return "undoing";
    }
    std::abort();
}

State stateOf(std::string_view name) {
    return name == "undoing" ? State::Undoing : name == "running" ? State::Running : State::Waiting;
}

/// A job that is not finished, as the store has it.
struct Entry {
    std::int64_t id = 0;
    std::string kind, subject, payload;
    Claim claim;
    State state = State::Waiting;
    int step = 0; // begun, or next; while undoing: the next to undo, -1 where none is left
    int attempt = 0, busy = 0;
    Time notBefore, created;
    std::optional<Time> begun;         // ever
    std::chrono::microseconds used{0}; // of the limit, before `running`
    std::optional<Time> running;       // since when its time runs in this process
    std::string error;
    bool entered = false; // the step has been entered, as far as we know: its undo has something to look for
    std::optional<Time> stepBegan;
    int looks = 0;
    std::vector<Stage> stages;
    std::shared_ptr<std::atomic<bool>> cancelled = std::make_shared<std::atomic<bool>>(false);

    std::chrono::microseconds usedAt(Time now) const {
        return used + (running ? now - *running : std::chrono::microseconds(0));
    }

    void toStep(int next) {
        step = next;
        attempt = busy = looks = 0;
        stepBegan.reset();
        entered = false;
    }
};

std::string textOf(const std::vector<Stage>& stages) {
    std::string text;
    JsonWriter out(text);
    const auto list = out.array();
    for (const auto& each : stages) {
        const auto stage = out.object();
        out.field("step", each.step);
        out.field("began", toMicros(each.began));
        if (each.ended) out.field("ended", toMicros(*each.ended));
        if (!each.error.empty()) out.field("error", each.error);
    }
    return text;
}

std::vector<Stage> stagesIn(const std::string& text) {
    std::vector<Stage> stages;
    if (text.empty()) return stages;
    for (const auto& each : Json::parse(text).items()) {
        Stage stage{.step = each.text("step"), .began = fromMicros(each.integer("began"))};
        if (const auto ended = each.find("ended")) stage.ended = fromMicros(ended->integer());
        stage.error = each.text("error", "");
        stages.push_back(std::move(stage));
    }
    return stages;
}

constexpr std::chrono::microseconds pauseMax = 51200ms, busyPauseMax = 2s, patientPauseMax = 5min;

std::chrono::microseconds backOff(int attempt, std::chrono::microseconds most = pauseMax) {
    return std::min<std::chrono::microseconds>(200ms * (1LL << std::min(attempt - 1, 20)), most);
}

/// `where` of our own writing.
template <class... Args>
std::vector<JobRecord> recordsIn(store::Reader& db, const std::string& where, const Args&... args) {
    auto rows =
        db.query("SELECT id, kind, subject, state, step, attempt, error, created, owner, begun, progress, total, "
                 "payload, not_before, cancelled, stages FROM jobs " +
                     where + " ORDER BY id",
                 args...);
    return rows.template all<JobRecord>([](const store::Row& row) {
        JobRecord record;
        record.id = row.integer(0);
        record.kind = row.text(1);
        record.subject = row.text(2);
        record.state = row.text(3);
        record.step = std::to_string(row.integer(4) + 1);
        record.attempt = static_cast<int>(row.integer(5));
        record.error = row.text(6);
        record.created = row.time(7);
        record.owner = row.text(8);
        record.begun = row.maybeTime(9);
        record.progress = row.integer(10);
        record.total = row.integer(11);
        record.payload = row.text(12);
        record.notBefore = row.time(13);
        record.cancelled = row.boolean(14);
        record.stages = stagesIn(row.text(15));
        return record;
    });
}

Error noSuchJob(std::int64_t id) {
    return Error(Failure::NotFound, "there is no unfinished job ", id, "; a job that has ended leaves no row");
}

/// A refusal will be the same next time; what the host couldn't do just now may work later.
bool worthAnotherTry(const Error* refusal) {
    if (!refusal) return true;
    switch (refusal->failure()) {
    case Failure::Broken:
    case Failure::TimedOut:
    case Failure::Busy:
    case Failure::Full: return true;
    default: return false;
    }
}

}

Job& Job::step(std::string name, Work ensure, Work undo, std::string_view lane) & {
    steps_.push_back({std::move(name), std::move(ensure), std::move(undo), lane.empty() ? lane_ : std::string(lane)});
    return *this;
}

struct Jobs::Impl {
    store::Store& store;
    Ambient& ambient;
    Log& log;
    Options options;
    Metrics& metrics;

    std::map<std::string, Job, std::less<>> kinds;

    /// A lane and the threads that serve it.
    struct Served {
        explicit Served(int threadsMax) : lane(threadsMax) {}
        Lane lane;
        std::condition_variable changed; ///< only its own threads wait for it
        std::vector<std::thread> threads;
        int idle = 0;
    };

    std::mutex mutex;
    std::condition_variable settled; ///< who waits for the last job to end
    std::map<std::int64_t, Entry> entries;
    std::map<std::string, std::deque<std::int64_t>> bySubject; // the first of each may run
    std::map<std::string, Served, std::less<>> lanes;
    bool parked = true;

    Impl(store::Store& givenStore, Ambient& givenAmbient, Log& givenLog, Metrics& givenMetrics, Options given)
        : store(givenStore),
          ambient(givenAmbient),
          log(givenLog),
          options(std::move(given)),
          metrics(givenMetrics) {
        for (const auto name : {wireLane, hostLane, copyLane, transferLane})
            lanes.try_emplace(std::string(name), options.threads);
        const auto counted = [this](auto matches) {
            const std::lock_guard guard(mutex);
            return static_cast<double>(
                std::count_if(entries.begin(), entries.end(), [&](const auto& each) { return matches(each.second); }));
        };
        metrics.gauges("stratolet_jobs_unfinished", "Jobs that are waiting, running or undoing, by lane", [this] {
            const std::lock_guard guard(mutex);
            std::map<const Served*, std::size_t> many;
            for (const auto& [id, entry] : entries) ++many[&laneOf(entry)];
            Metrics::Samples samples;
            for (const auto& [name, served] : lanes)
                samples.push_back({metricLabel("lane", name), static_cast<double>(many[&served])});
            return samples;
        });
        metrics.gauge("stratolet_jobs_retried", "Unfinished jobs whose present step has failed before",
                      [counted] { return counted([](const Entry& each) { return !each.error.empty(); }); });
    }

    /// A job has ended, one way or the other.
    void count(const Entry& entry, const char* result) {
        const auto labels = metricLabel("result", result, metricLabel("kind", entry.kind));
        ++metrics.counter("stratolet_jobs_total", "Jobs that ended", labels);
        metrics.histogram("stratolet_job_seconds", "From a job's first step to its end", labels)
            .observe(ambient.now() - entry.begun.value_or(entry.created));
    }

    /// Where the entry's next piece of work runs.
    Served& laneOf(const Entry& entry) {
        const auto job = kinds.find(entry.kind);
        if (job == kinds.end()) return lanes.at(std::string(hostLane));
        const auto step = static_cast<std::size_t>(std::max(entry.step, 0));
        return lanes.at(job->second.steps()[std::min(step, job->second.steps().size() - 1)].lane);
    }

    /// With what the kinds tell.
    std::vector<JobRecord> completed(std::vector<JobRecord> records) const {
        for (auto& each : records) {
            const auto job = kinds.find(each.kind);
            if (job == kinds.end()) continue;
            const auto& steps = job->second.steps();
            const auto step = static_cast<std::size_t>(std::stoll(each.step));
            each.step = step >= 1 && step <= steps.size() ? steps[step - 1].name : "";
            each.lane = steps[std::clamp<std::size_t>(step, 1, steps.size()) - 1].lane;
        }
        return records;
    }

    /// What the entry's next piece of work goes to.
    void findKey(store::Reader& db, Entry& entry) const {
        const auto job = kinds.find(entry.kind);
        if (job == kinds.end() || !job->second.key_) return;
        try {
            entry.claim.key = job->second.key_(db, entry.subject);
            entry.claim.keyMax = entry.claim.key.empty() ? 0 : job->second.keyMax_;
        } catch (const std::exception& problem) { // it counts where it counted before
            log.error("a job's key could not be looked up", {{"kind", entry.kind}, {"reason", problem.what()}});
        }
    }

    /// Mutex held.
    void ready(Entry& entry) {
        if (*entry.cancelled && entry.state != State::Undoing)
            entry.notBefore = Time(); // it may have been told so on its way here
        auto& served = laneOf(entry);
        served.lane.add(entry.claim, entry.notBefore, entry.id);
        wake(served);
    }

    void wake(Served& served) { // mutex held
        if (parked) return;
        if (served.idle == 0 && static_cast<int>(served.threads.size()) < served.lane.threadsMax())
            served.threads.emplace_back([this, &served] { work(served); });
        else
            served.changed.notify_one();
    }

    /// Of a subject's unfinished jobs those that `meant` says yes to.
    void cancelAfterCommit(store::Transaction& tx, std::string_view whose,
                           std::function<bool(const Entry& each)> meant) {
        tx.afterCommit([this, subject = std::string(whose), meant = std::move(meant)] {
            const std::lock_guard guard(mutex);
            const auto queue = bySubject.find(subject);
            if (queue == bySubject.end()) return;
            for (const auto id : queue->second)
                if (auto& entry = entries.at(id); meant(entry)) *entry.cancelled = true;
            // A wait of its own ends at once, not when it would have looked again.
            // (Whose step runs is in no lane, and nobody's to look at but that thread's.)
            const auto& first = entries.at(queue->second.front());
            for (auto& [name, served] : lanes)
                if (*first.cancelled && served.lane.hasten(first.id)) wake(served);
        });
    }

    void admit(Entry entry) { // mutex held
        auto& queue = bySubject[entry.subject];
        queue.push_back(entry.id);
        const auto added = entries.emplace(entry.id, std::move(entry)).first;
        if (queue.front() == added->first) ready(added->second);
    }

    /// All that is unfinished, from its row. What others enqueue is read here where their transaction comes before
    /// this one, and admitted after it where it comes later.
    void takeUp(store::Transaction& tx) {
        auto rows = tx.query("SELECT id, kind, subject, payload, state, step, created, cancelled, "
                             "error, owner, begun, used, stages FROM jobs ORDER BY id");
        std::vector<Entry> unfinished = rows.all<Entry>([&](const store::Row& row) {
            Entry entry;
            entry.id = row.integer(0);
            entry.kind = row.text(1);
            entry.subject = row.text(2);
            entry.payload = row.text(3);
            entry.state = stateOf(row.text(4));
            entry.step = static_cast<int>(row.integer(5));
            entry.notBefore = ambient.now(); // whatever stood in the way may be gone after a restart
            entry.created = row.time(6);
            *entry.cancelled = row.boolean(7);
            entry.error = row.text(8);
            entry.claim.owner = row.text(9);
            entry.begun = row.maybeTime(10);
            entry.used = std::chrono::microseconds(row.integer(11));
            entry.stages = stagesIn(row.text(12));
            entry.entered = entry.begun.has_value(); // a crash may have come in the middle of it
            return entry;
        });
        for (auto& each : unfinished) findKey(tx, each);
        tx.afterCommit([this, unfinished = std::move(unfinished)] {
            const std::lock_guard guard(mutex);
            entries.clear();
            bySubject.clear();
            for (auto& [name, served] : lanes) served.lane.clear();
            parked = false;
            for (const auto& each : unfinished) admit(each);
        });
    }

    void finish(Entry& entry) { // mutex held; `entry` is gone afterwards
        const auto queue = bySubject.find(entry.subject);
        std::erase(queue->second, entry.id);
        if (queue->second.empty())
            bySubject.erase(queue);
        else
            ready(entries.at(queue->second.front()));
        entries.erase(entry.id);
        if (entries.empty()) settled.notify_all();
    }

    void crashAt(const Entry& entry, const Job::Step& step, bool after) const {
        if (!options.crash || options.crash->after != after || options.crash->kind != entry.kind ||
            options.crash->step != step.name)
            return;
        ::kill(::getpid(), SIGKILL);
        ::pause(); // the signal is on its way
    }

    Run runOf(Entry& entry) {
        const auto now = ambient.now();
        if (!entry.stepBegan) entry.stepBegan = now;
        Run run;
        run.id = entry.id;
        run.kind = entry.kind;
        run.subject = entry.subject;
        run.payload = entry.payload;
        run.attempt = std::max(entry.attempt, 1);
        run.now = now;
        run.stepBegan = *entry.stepBegan;
        run.looks = entry.looks;
        run.stages = entry.stages;
        const bool forwards = entry.state == State::Running;
        run.cancelled = [this, forwards, flag = entry.cancelled] { return (forwards && flag->load()) || isParked(); };
        run.progress = [this, id = entry.id, told = Time()](std::int64_t has, std::int64_t total) mutable {
            const auto time = ambient.now();
            if (has < total && time - told < 1s) return;
            told = time;
            store.write([&](store::Transaction& tx) {
                tx.execute("UPDATE jobs SET progress = ?, total = ? WHERE id = ?", has, total, id);
            });
        };
        return run;
    }

    void save(store::Transaction& tx, const Entry& entry) const {
        tx.execute("UPDATE jobs SET state = ?, step = ?, attempt = ?, not_before = ?, error = ?, begun = ?, used = ?, "
                   "progress = 0, total = 0, stages = ? WHERE id = ?",
                   nameOf(entry.state), entry.step, entry.attempt, entry.notBefore, entry.error, entry.begun,
                   static_cast<std::int64_t>(entry.usedAt(ambient.now()).count()), textOf(entry.stages), entry.id);
    }
    void save(const Entry& entry) const {
        store.write([&](store::Transaction& tx) { save(tx, entry); });
    }

    void beginStage(Entry& entry, const Job& job) const {
        entry.stages.push_back(
            {.step = job.steps()[static_cast<std::size_t>(entry.step)].name, .began = ambient.now()});
    }

    void endStage(Entry& entry, const std::string& error = "") const {
        if (entry.stages.empty() || entry.stages.back().ended) return;
        entry.stages.back().ended = ambient.now();
        entry.stages.back().error = error;
    }

    void beginUndo(Entry& entry, const std::string& reason) {
        endStage(entry, reason);
        entry.state = State::Undoing;
        entry.toStep(entry.entered ? entry.step : entry.step - 1);
        entry.notBefore = ambient.now();
        entry.error = reason;
        save(entry);
    }

    /// The step comes again after `pause`, on whichever thread is free then.
    void postpone(Entry& entry, std::chrono::microseconds pause) const { entry.notBefore = ambient.now() + pause; }

    /// True where the step has said that it isn't done yet.
    bool waits(Entry& entry, const Run& run) const {
        if (!run.later_) return false;
        ++entry.looks;
        postpone(entry, *run.later_);
        return true;
    }

    /// What becomes of a job whose step has thrown.
    void stumbled(Entry& entry, const Job& job, const Job::Step& step, const std::exception& problem) {
        const auto* refusal = dynamic_cast<const Error*>(&problem);
        const bool busy = refusal && refusal->failure() == Failure::Busy;
        const bool stopped =
            !*entry.cancelled && isParked() && worthAnotherTry(refusal); // early, because it was asked to
        if (busy || stopped) --entry.attempt;
        const bool again =
            stopped || (!*entry.cancelled &&
                        (job.untilDone_ || busy || (worthAnotherTry(refusal) && entry.attempt < job.attemptsMax_)));
        if (!stopped)
            log.warning("a step failed", {{"step", step.name},
                                          {"attempt", std::to_string(entry.attempt)},
                                          {"reason", problem.what()},
                                          {"then", again ? "again" : "undo"}});
        if (!again) return beginUndo(entry, problem.what());
        entry.stepBegan.reset();
        entry.looks = 0;
        if (!stopped) {
            entry.error = problem.what();
            postpone(entry, busy             ? backOff(++entry.busy, busyPauseMax)
                            : job.untilDone_ ? backOff(entry.attempt, patientPauseMax)
                                             : backOff(entry.attempt));
        }
        save(entry);
    }

    /// The next step; true where the job has ended.
    bool forward(Entry& entry, const Job& job) {
        if (*entry.cancelled) return beginUndo(entry, "cancelled"), false;
        const auto now = ambient.now();
        if (!job.untilDone_ && entry.usedAt(now) > job.limit_)
            return beginUndo(entry, entry.error.empty() ? "its deadline passed"
                                                        : "its deadline passed; before that: " + entry.error),
                   false;
        const auto& step = job.steps()[static_cast<std::size_t>(entry.step)];
        if (!entry.running) {
            entry.running = now;
            if (!entry.begun) entry.begun = now;
        }
        if (!entry.entered) {
            entry.entered = true;
            entry.state = State::Running;
            if (entry.stages.empty()) beginStage(entry, job);
            if (entry.step == 0) save(entry); // later steps are saved as running by the one before
        }
        const bool looking = entry.looks > 0;
        if (!looking) ++entry.attempt;
        Run run = runOf(entry);
        try {
            crashAt(entry, step, false);
            if (options.meddle) options.meddle(run, step.name);
            if (!run.later_) step.ensure(run);
            crashAt(entry, step, true);
        } catch (const std::exception& problem) {
            return stumbled(entry, job, step, problem), false;
        }
        if (waits(entry, run)) return false;
        const bool last = static_cast<std::size_t>(entry.step) + 1 == job.steps().size();
        if (last && *entry.cancelled) return beginUndo(entry, "cancelled"), false;
        if (!last) {
            endStage(entry);
            entry.toStep(entry.step + 1);
            beginStage(entry, job);
            entry.error.clear();
            save(entry);
            return false;
        }
        endStage(entry);
        run.stages = entry.stages;
        store.write([&](store::Transaction& tx) {
            if (job.onDone_) job.onDone_(tx, run);
            tx.execute("DELETE FROM jobs WHERE id = ?", entry.id);
        });
        count(entry, "done");
        return true;
    }

    /// Undoes the next step, last first; true where the job has ended.
    bool backward(Entry& entry, const Job& job) {
        if (entry.step >= 0) {
            const auto& step = job.steps()[static_cast<std::size_t>(entry.step)];
            if (entry.looks == 0) ++entry.attempt;
            Run run = runOf(entry);
            try {
                if (step.undo) step.undo(run);
            } catch (const std::exception& problem) {
                log.error(
                    "an undo failed",
                    {{"step", step.name}, {"attempt", std::to_string(entry.attempt)}, {"reason", problem.what()}});
                if (entry.attempt < undoAttemptsMax) {
                    postpone(entry, backOff(entry.attempt));
                    save(entry);
                    return false;
                }
            }
            if (waits(entry, run)) return false;
            entry.toStep(entry.step - 1);
            if (entry.step >= 0) save(entry);
            return false;
        }
        Run run = runOf(entry);
        store.write([&](store::Transaction& tx) {
            if (job.onFailed_) job.onFailed_(tx, run, entry.error);
            tx.execute("DELETE FROM jobs WHERE id = ?", entry.id);
        });
        log.error("a job failed", {{"reason", entry.error}});
        count(entry, "failed");
        return true;
    }

    /// One step of one job. What it throws is our own fault (the store, a closing): the job waits and is tried again.
    bool advance(Entry& entry) {
        const LogScope id("job", std::to_string(entry.id));
        const LogScope kind("kind", entry.kind);
        const LogScope subject("subject", entry.subject);
        const auto job = kinds.find(entry.kind);
        try {
            if (job == kinds.end()) throw Error(Failure::Broken, "this version knows no such job");
            return entry.state == State::Undoing ? backward(entry, job->second) : forward(entry, job->second);
        } catch (const std::exception& problem) {
            log.error("a job could not go on", {{"reason", problem.what()}});
            entry.notBefore = ambient.now() + 5s;
            return false;
        }
    }

    void work(Served& served) {
        ::pthread_setname_np(::pthread_self(), "jobs");
        std::unique_lock lock(mutex);
        while (!parked) {
            const auto id = served.lane.take(ambient.now());
            if (!id) {
                const auto next = served.lane.next();
                ++served.idle;
                if (next)
                    served.changed.wait_for(lock,
                                            std::clamp<std::chrono::microseconds>(*next - ambient.now(), 1ms, 1s));
                else
                    served.changed.wait(lock);
                --served.idle;
                continue;
            }
            auto& entry = entries.at(*id); // it is in no queue now, so nobody else touches it
            if (const auto next = served.lane.next(); next && *next <= ambient.now()) wake(served);
            const Claim claim = entry.claim;
            bool ended = false;
            lock.unlock();
            do {
                ended = advance(entry);
                if (!ended) findKey(store.reader(), entry); // what it is about may be elsewhere now
            } while (!ended && entry.claim == claim && entry.notBefore <= ambient.now() && &laneOf(entry) == &served &&
                     !isParked());
            store.rest();
            lock.lock();
            served.lane.release(claim);
            if (ended)
                finish(entry);
            else
                ready(entry);
            wake(served); // the owner's share has a place again
        }
    }

    bool isParked() {
        const std::lock_guard guard(mutex);
        return parked;
    }
};

Jobs::Jobs(store::Store& store, Ambient& ambient, Log& log, Metrics& metrics, Options options)
    : impl_(std::make_unique<Impl>(store, ambient, log, metrics, std::move(options))) {}

Jobs::~Jobs() { park(); }

void Jobs::declare(Job job) {
    assert(!job.steps().empty());
    std::string kind = job.kind();
    [[maybe_unused]] const bool added = impl_->kinds.emplace(std::move(kind), std::move(job)).second;
    assert(added);
}

std::int64_t Jobs::enqueue(store::Transaction& tx, std::string_view kind, std::string_view subject,
                           std::string_view payload, std::string_view owner) {
    assert(impl_->kinds.contains(kind));
    Entry entry;
    entry.kind = kind;
    entry.subject = subject;
    entry.payload = payload;
    entry.claim.owner = owner;
    entry.created = entry.notBefore = impl_->ambient.now();
    auto rows = tx.query("INSERT INTO jobs (kind, subject, payload, state, not_before, created, owner) VALUES (?, ?, "
                         "?, 'waiting', ?, ?, ?) RETURNING id",
                         kind, subject, payload, entry.notBefore, entry.created, owner);
    entry.id = rows.integer();
    const auto id = entry.id;
    impl_->findKey(tx, entry);
    tx.afterCommit([impl = impl_.get(), entry = std::move(entry)] {
        const std::lock_guard guard(impl->mutex);
        impl->admit(entry);
    });
    return id;
}

void Jobs::cancel(store::Transaction& tx, std::string_view kind, std::string_view subject) {
    tx.execute("UPDATE jobs SET cancelled = 1 WHERE kind = ? AND subject = ?", kind, subject);
    impl_->cancelAfterCommit(tx, subject, [kind = std::string(kind)](const Entry& each) { return each.kind == kind; });
}

void Jobs::cancelAll(store::Transaction& tx, std::string_view beginning, std::string_view subject) {
    tx.execute("UPDATE jobs SET cancelled = 1 WHERE substr(kind, 1, length(?)) = ? AND subject = ?", beginning,
               beginning, subject);
    impl_->cancelAfterCommit(tx, subject, [beginning = std::string(beginning)](const Entry& each) {
        return each.kind.starts_with(beginning);
    });
}

void Jobs::cancel(store::Transaction& tx, std::int64_t id) {
    const auto job = find(tx, id);
    if (!job) throw noSuchJob(id);
    const auto kind = impl_->kinds.find(job->kind);
    if (kind != impl_->kinds.end() && kind->second.untilDone_)
        throw Error(Failure::Conflict, "job ", id, " (", job->kind,
                    ") was promised to somebody: it is tried until it is done, and can't be cancelled");
    if (job->state == "undoing") throw Error(Failure::Conflict, "job ", id, " undoes what it did already");
    tx.execute("UPDATE jobs SET cancelled = 1 WHERE id = ?", id);
    impl_->cancelAfterCommit(tx, job->subject, [id](const Entry& each) { return each.id == id; });
}

void Jobs::retry(std::int64_t id) {
    const std::lock_guard guard(impl_->mutex);
    const auto found = impl_->entries.find(id);
    if (found == impl_->entries.end()) throw noSuchJob(id);
    auto& entry = found->second;
    if (const auto first = impl_->bySubject.at(entry.subject).front(); first != id)
        throw Error(Failure::Conflict, "job ", id, " waits for job ", first, ", which is about the same thing");
    for (auto& [name, served] : impl_->lanes)
        if (served.lane.hasten(id)) return impl_->wake(served);
    throw Error(Failure::Conflict, "job ", id, " is at work, or waits for nothing but a thread");
}

bool Jobs::busy(store::Reader& db, std::string_view subject) {
    return db.query("SELECT 1 FROM jobs WHERE subject = ?", subject).any();
}

std::vector<JobStages> Jobs::stagesOf(store::Reader& db, std::string_view subject) {
    return db.query("SELECT payload, stages FROM jobs WHERE subject = ? AND stages <> '' ORDER BY id", subject)
        .all<JobStages>([](const store::Row& row) {
            return JobStages{row.text(0), stagesIn(row.text(1))};
        });
}

void Jobs::start() {
    impl_->store.write([this](store::Transaction& tx) { impl_->takeUp(tx); });
}

void Jobs::park() {
    {
        const std::lock_guard guard(impl_->mutex);
        impl_->parked = true;
        for (auto& [name, served] : impl_->lanes) served.changed.notify_all();
    }
    for (auto& [name, served] : impl_->lanes) { // none is begun any more
        for (auto& each : served.threads) each.join();
        served.threads.clear();
    }
}

bool Jobs::settle(std::chrono::milliseconds patience) {
    std::unique_lock lock(impl_->mutex);
    return impl_->settled.wait_for(lock, patience, [&] { return impl_->entries.empty(); });
}

std::vector<JobRecord> jobsIn(store::Reader& db) { return recordsIn(db, ""); }

std::optional<JobRecord> jobIn(store::Reader& db, std::int64_t id) {
    auto found = recordsIn(db, "WHERE id = ?", id);
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::vector<JobRecord> Jobs::list(store::Reader& db) { return impl_->completed(jobsIn(db)); }

std::optional<JobRecord> Jobs::find(store::Reader& db, std::int64_t id) {
    auto found = impl_->completed(recordsIn(db, "WHERE id = ?", id));
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::vector<JobRecord> Jobs::of(store::Reader& db, std::string_view subject) {
    return impl_->completed(recordsIn(db, "WHERE subject = ?", subject));
}

std::vector<std::pair<std::string, std::string>> Jobs::stepsOfAll() const {
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto& [kind, job] : impl_->kinds)
        for (const auto& step : job.steps()) all.emplace_back(kind, step.name);
    return all;
}

}
