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

State stateOf(std::string_view name) { return name == "undoing" ? State::Undoing : name == "running" ? State::Running : State::Waiting; }

/// A job that is not finished, as the store has it.
struct Entry {
    std::int64_t id = 0;
    std::string kind, subject, payload;
    State state = State::Waiting;
    int step = 0; // begun, or next; while undoing: the next to undo, -1 where none is left
    int attempt = 0;
    Time notBefore, created, deadline;
    std::string error;
    bool begun = false; // the step has been entered, as far as we know: its undo has something to look for
    std::shared_ptr<std::atomic<bool>> cancelled = std::make_shared<std::atomic<bool>>(false);
};

std::chrono::microseconds backOff(int attempt) { return 200ms * (1 << std::min(attempt - 1, 8)); }

/// A refusal will be the same next time; what the host couldn't do just now may work later.
bool worthAnotherTry(const std::exception& problem) {
    const auto* refusal = dynamic_cast<const Error*>(&problem);
    if (!refusal) return true;
    return refusal->failure() == Failure::Broken || refusal->failure() == Failure::TimedOut || refusal->failure() == Failure::Busy;
}

}

Job& Job::step(std::string name, Work ensure, Work undo) & {
    steps_.push_back({std::move(name), std::move(ensure), std::move(undo)});
    return *this;
}

struct Jobs::Impl {
    store::Store& store;
    Ambient& ambient;
    Log& log;
    Options options;
    Metrics::Counter& done;
    Metrics::Counter& failed;

    std::map<std::string, Job, std::less<>> kinds;

    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::int64_t, Entry> entries;
    std::map<std::string, std::deque<std::int64_t>> bySubject; // the first of each may run
    std::set<std::pair<Time, std::int64_t>> runnable;          // (not before, id)
    bool parked = true;
    std::vector<std::thread> threads;

    Impl(store::Store& givenStore, Ambient& givenAmbient, Log& givenLog, Metrics& metrics, Options given)
        : store(givenStore),
          ambient(givenAmbient),
          log(givenLog),
          options(std::move(given)),
          done(metrics.counter("stratolet_jobs_total", "Jobs that ended", "result=\"done\"")),
          failed(metrics.counter("stratolet_jobs_total", "Jobs that ended", "result=\"failed\"")) {
        metrics.gauge("stratolet_jobs_unfinished", "Jobs that are waiting, running or undoing", [this] {
            const std::lock_guard guard(mutex);
            return static_cast<double>(entries.size());
        });
    }

    void admit(Entry entry) { // mutex held
        auto& queue = bySubject[entry.subject];
        queue.push_back(entry.id);
        if (queue.front() == entry.id) runnable.emplace(entry.notBefore, entry.id);
        entries.emplace(entry.id, std::move(entry));
        changed.notify_one();
    }

    void finish(Entry& entry) { // mutex held; `entry` is gone afterwards
        const auto queue = bySubject.find(entry.subject);
        std::erase(queue->second, entry.id);
        if (queue->second.empty())
            bySubject.erase(queue);
        else {
            const auto& next = entries.at(queue->second.front());
            runnable.emplace(next.notBefore, next.id);
        }
        entries.erase(entry.id);
        changed.notify_all();
    }

    void crashAt(const Entry& entry, const Job::Step& step, bool after) const {
        if (!options.crash || options.crash->after != after || options.crash->kind != entry.kind || options.crash->step != step.name)
            return;
        ::kill(::getpid(), SIGKILL);
        ::pause(); // the signal is on its way
    }

    Run runOf(const Entry& entry) {
        return {entry.id, entry.kind, entry.subject, entry.payload, entry.attempt, entry.deadline, [this, flag = entry.cancelled] {
                    return flag->load() || isParked();
                }};
    }

    void save(store::Transaction& tx, const Entry& entry) const {
        tx.execute("UPDATE jobs SET state = ?, step = ?, attempt = ?, not_before = ?, error = ? WHERE id = ?", nameOf(entry.state),
                   entry.step, entry.attempt, entry.notBefore, entry.error, entry.id);
    }

    void beginUndo(Entry& entry, const std::string& reason) {
        entry.state = State::Undoing;
        if (!entry.begun) --entry.step;
        entry.attempt = 0;
        entry.error = reason;
        store.write([&](store::Transaction& tx) { save(tx, entry); });
    }

    /// The next step; true where the job has ended.
    bool forward(Entry& entry, const Job& job) {
        if (*entry.cancelled) return beginUndo(entry, "cancelled"), false;
        if (ambient.now() > entry.deadline) return beginUndo(entry, "its deadline passed"), false;
        const auto& step = job.steps()[static_cast<std::size_t>(entry.step)];
        ++entry.attempt;
        entry.state = State::Running;
        entry.begun = true;
        Run run = runOf(entry);
        try {
            crashAt(entry, step, false);
            step.ensure(run);
            crashAt(entry, step, true);
        } catch (const std::exception& problem) {
            if (isParked() && !*entry.cancelled && worthAnotherTry(problem)) { // it stopped early because it was asked to
                --entry.attempt;
                store.write([&](store::Transaction& tx) { save(tx, entry); });
                return false;
            }
            const bool again = worthAnotherTry(problem) && entry.attempt < job.attemptsMax_ && !*entry.cancelled;
            log.warning("a step failed", {{"step", step.name},
                                          {"attempt", std::to_string(entry.attempt)},
                                          {"reason", problem.what()},
                                          {"then", again ? "again" : "undo"}});
            if (!again) return beginUndo(entry, problem.what()), false;
            entry.notBefore = ambient.now() + backOff(entry.attempt);
            entry.error = problem.what();
            store.write([&](store::Transaction& tx) { save(tx, entry); });
            return false;
        }
        const bool last = static_cast<std::size_t>(entry.step) + 1 == job.steps().size();
        if (last && *entry.cancelled) return beginUndo(entry, "cancelled"), false;
        if (!last) {
            ++entry.step;
            entry.attempt = 0;
            entry.begun = false;
            store.write([&](store::Transaction& tx) { save(tx, entry); });
            return false;
        }
        store.write([&](store::Transaction& tx) {
            if (job.onDone_) job.onDone_(tx, run);
            tx.execute("DELETE FROM jobs WHERE id = ?", entry.id);
        });
        ++done;
        return true;
    }

    /// Undoes the next step, last first; true where the job has ended.
    bool backward(Entry& entry, const Job& job) {
        if (entry.step >= 0) {
            const auto& step = job.steps()[static_cast<std::size_t>(entry.step)];
            ++entry.attempt;
            Run run = runOf(entry);
            try {
                if (step.undo) step.undo(run);
            } catch (const std::exception& problem) {
                log.error("an undo failed", {{"step", step.name}, {"attempt", std::to_string(entry.attempt)}, {"reason", problem.what()}});
                if (entry.attempt < undoAttemptsMax) {
                    entry.notBefore = ambient.now() + backOff(entry.attempt);
                    store.write([&](store::Transaction& tx) { save(tx, entry); });
                    return false;
                }
            }
            --entry.step;
            entry.attempt = 0;
            if (entry.step >= 0) store.write([&](store::Transaction& tx) { save(tx, entry); });
            return false;
        }
        Run run = runOf(entry);
        store.write([&](store::Transaction& tx) {
            if (job.onFailed_) job.onFailed_(tx, run, entry.error);
            tx.execute("DELETE FROM jobs WHERE id = ?", entry.id);
        });
        log.error("a job failed", {{"reason", entry.error}});
        ++failed;
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

    void work() {
        ::pthread_setname_np(::pthread_self(), "jobs");
        std::unique_lock lock(mutex);
        while (!parked) {
            if (runnable.empty()) {
                changed.wait(lock);
                continue;
            }
            const auto [when, id] = *runnable.begin();
            if (const auto now = ambient.now(); when > now) {
                changed.wait_for(lock, std::min<std::chrono::microseconds>(when - now, 1s));
                continue;
            }
            runnable.erase(runnable.begin());
            auto& entry = entries.at(id); // it is in no queue now, so nobody else touches it
            bool ended = false;
            lock.unlock();
            do {
                ended = advance(entry);
            } while (!ended && entry.notBefore <= ambient.now() && !isParked());
            lock.lock();
            if (ended)
                finish(entry);
            else
                runnable.emplace(entry.notBefore, id);
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

std::int64_t Jobs::enqueue(store::Transaction& tx, std::string_view kind, std::string_view subject, std::string_view payload) {
    const auto job = impl_->kinds.find(kind);
    assert(job != impl_->kinds.end());
    Entry entry;
    entry.kind = kind;
    entry.subject = subject;
    entry.payload = payload;
    entry.created = entry.notBefore = impl_->ambient.now();
    entry.deadline = entry.created + job->second.limit_;
    auto rows = tx.query(
        "INSERT INTO jobs (kind, subject, payload, state, not_before, created, deadline) VALUES (?, ?, ?, 'waiting', ?, ?, ?) RETURNING id",
        kind, subject, payload, entry.notBefore, entry.created, entry.deadline);
    entry.id = rows.integer();
    const auto id = entry.id;
    tx.afterCommit([impl = impl_.get(), entry = std::move(entry)] {
        const std::lock_guard guard(impl->mutex);
        impl->admit(entry);
    });
    return id;
}

void Jobs::cancel(store::Transaction& tx, std::string_view kind, std::string_view subject) {
    tx.execute("UPDATE jobs SET cancelled = 1 WHERE kind = ? AND subject = ?", kind, subject);
    tx.afterCommit([impl = impl_.get(), kind = std::string(kind), subject = std::string(subject)] {
        const std::lock_guard guard(impl->mutex);
        const auto queue = impl->bySubject.find(subject);
        if (queue == impl->bySubject.end()) return;
        for (const auto id : queue->second)
            if (auto& entry = impl->entries.at(id); entry.kind == kind) *entry.cancelled = true;
    });
}

bool Jobs::busy(store::Reader& db, std::string_view subject) { return db.query("SELECT 1 FROM jobs WHERE subject = ?", subject).any(); }

void Jobs::start() {
    auto rows = impl_->store.reader().query(
        "SELECT id, kind, subject, payload, state, step, attempt, not_before, created, deadline, cancelled, error FROM jobs ORDER BY id");
    std::vector<Entry> unfinished = rows.all<Entry>([&](const store::Row& row) {
        Entry entry;
        entry.id = row.integer(0);
        entry.kind = row.text(1);
        entry.subject = row.text(2);
        entry.payload = row.text(3);
        entry.state = stateOf(row.text(4));
        entry.step = static_cast<int>(row.integer(5));
        entry.notBefore = impl_->ambient.now(); // whatever stood in the way may be gone after a restart
        entry.created = row.time(8);
        entry.deadline = row.time(9);
        entry.begun = true; // a crash may have come in the middle of it
        *entry.cancelled = row.boolean(10);
        entry.error = row.text(11);
        return entry;
    });
    const std::lock_guard guard(impl_->mutex);
    impl_->entries.clear();
    impl_->bySubject.clear();
    impl_->runnable.clear();
    for (auto& each : unfinished) impl_->admit(std::move(each));
    impl_->parked = false;
    for (int each = 0; each < impl_->options.threads; ++each) impl_->threads.emplace_back([impl = impl_.get()] { impl->work(); });
}

void Jobs::park() {
    {
        const std::lock_guard guard(impl_->mutex);
        impl_->parked = true;
        impl_->changed.notify_all();
    }
    for (auto& each : impl_->threads) each.join();
    impl_->threads.clear();
}

bool Jobs::settle(std::chrono::milliseconds patience) {
    std::unique_lock lock(impl_->mutex);
    return impl_->changed.wait_for(lock, patience, [&] { return impl_->entries.empty(); });
}

std::vector<JobRecord> Jobs::list(store::Reader& db) {
    auto rows = db.query("SELECT id, kind, subject, state, step, attempt, error, created, deadline FROM jobs ORDER BY id");
    return rows.all<JobRecord>([&](const store::Row& row) {
        JobRecord record{row.integer(0), row.text(1), row.text(2), row.text(3), "", row.text(6), static_cast<int>(row.integer(5)),
                         row.time(7),    row.time(8)};
        const auto job = impl_->kinds.find(record.kind);
        const auto step = row.integer(4);
        if (job != impl_->kinds.end() && step >= 0 && static_cast<std::size_t>(step) < job->second.steps().size())
            record.step = job->second.steps()[static_cast<std::size_t>(step)].name;
        return record;
    });
}

std::vector<std::pair<std::string, std::string>> Jobs::stepsOfAll() const {
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto& [kind, job] : impl_->kinds)
        for (const auto& step : job.steps()) all.emplace_back(kind, step.name);
    return all;
}

}
