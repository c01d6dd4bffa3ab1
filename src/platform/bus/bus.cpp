#include "platform/bus/bus.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "platform/ambient/ambient.hpp"
#include "platform/json/json.hpp"
#include "platform/log/log.hpp"
#include "platform/metrics/metrics.hpp"

namespace stratolet::bus {
namespace {

constexpr auto keptFor = std::chrono::hours(24);
constexpr int factsPerTurn = 256; // that one subscriber gets in one transaction

struct Announced {
    std::int64_t id = 0;
    std::string name;
    std::vector<std::pair<std::string, std::string>> fields;
};

}

struct Bus::Impl {
    store::Store& store;
    Ambient& ambient;
    Log& log;
    Metrics::Counter& delivered;
    std::map<std::string, std::map<std::string, Listener, std::less<>>> subscribers; // subscriber → fact → listener

    std::mutex mutex;
    std::condition_variable changed;
    bool stopping = false;
    bool pending = true; // facts may have come since the last look
    bool idle = false;
    std::thread thread;

    Impl(store::Store& givenStore, Ambient& givenAmbient, Log& givenLog, Metrics& metrics)
        : store(givenStore),
          ambient(givenAmbient),
          log(givenLog),
          delivered(metrics.counter("stratolet_facts_delivered_total", "Facts handed to a subscriber")) {}

    void wake() {
        const std::lock_guard guard(mutex);
        pending = true;
        idle = false;
        changed.notify_all();
    }

    /// A subscriber that is new hears of what is announced from now on; one that this version hasn't keeps no fact for
    /// ever.
    void ensureCursors() {
        store.write([&](store::Transaction& tx) {
            for (const auto& known : tx.query("SELECT subscriber FROM fact_cursors").texts())
                if (!subscribers.contains(known)) tx.execute("DELETE FROM fact_cursors WHERE subscriber = ?", known);
            for (const auto& [name, listeners] : subscribers)
                tx.execute("INSERT OR IGNORE INTO fact_cursors SELECT ?, coalesce(max(id), 0) FROM facts", name);
        });
    }

    /// Gives one subscriber what it has not had; true where there may be more.
    bool deliver(const std::string& subscriber, const std::map<std::string, Listener, std::less<>>& listeners) {
        auto& db = store.reader();
        const auto last = db.query("SELECT last FROM fact_cursors WHERE subscriber = ?", subscriber).integer();
        const auto facts =
            db.query("SELECT id, name, fields FROM facts WHERE id > ? ORDER BY id LIMIT ?", last, factsPerTurn)
                .all<Announced>([](const store::Row& row) {
                    Announced fact{row.integer(0), row.text(1), {}};
                    const auto fields = Json::parse(row.text(2));
                    if (fields.isArray())
                        for (const auto& each : fields.items()) fact.fields.emplace_back("", each.text());
                    else
                        for (const auto& name : fields.names()) fact.fields.emplace_back(name, fields.text(name));
                    return fact;
                });
        if (facts.empty()) return false;
        store.write([&](store::Transaction& tx) {
            for (const auto& fact : facts)
                if (const auto listener = listeners.find(fact.name); listener != listeners.end()) {
                    listener->second(tx, fact.fields);
                    ++delivered;
                }
            tx.execute("UPDATE fact_cursors SET last = ? WHERE subscriber = ?", facts.back().id, subscriber);
        });
        return facts.size() == factsPerTurn;
    }

    /// True where every subscriber is up to date.
    bool deliverAll() {
        bool more = false;
        for (const auto& [name, listeners] : subscribers) {
            try {
                more = deliver(name, listeners) || more;
            } catch (const std::exception& problem) {
                log.error("a subscriber failed, it will be asked again",
                          {{"subscriber", name}, {"reason", problem.what()}});
                more = true;
                std::this_thread::sleep_for(std::chrono::milliseconds(100));
            }
        }
        return !more;
    }

    void prune() {
        store.write([&](store::Transaction& tx) {
            tx.execute(
                "DELETE FROM facts WHERE announced < ? AND id <= (SELECT coalesce(min(last), 0) FROM fact_cursors)",
                Time(ambient.now() - keptFor));
        });
    }

    void work() {
        auto pruned = std::chrono::steady_clock::now();
        std::unique_lock lock(mutex);
        while (!stopping) {
            if (!pending) {
                idle = true;
                changed.notify_all();
                changed.wait_for(lock, std::chrono::minutes(10), [&] { return pending || stopping; });
                if (stopping) return;
            }
            pending = false;
            idle = false;
            lock.unlock();
            const bool upToDate = deliverAll();
            if (std::chrono::steady_clock::now() - pruned > std::chrono::minutes(10)) {
                pruned = std::chrono::steady_clock::now();
                try {
                    prune();
                } catch (const std::exception& problem) { // the disk is full, say
                    log.error("old facts could not be removed", {{"reason", problem.what()}});
                }
            }
            store.rest();
            lock.lock();
            pending = pending || !upToDate;
        }
    }
};

Bus::Bus(store::Store& store, Ambient& ambient, Log& log, Metrics& metrics)
    : impl_(std::make_unique<Impl>(store, ambient, log, metrics)) {}
Bus::~Bus() { stop(); }

std::string Bus::valueOf(const Fields& fields, std::string_view name, std::size_t place) {
    for (const auto& [each, value] : fields)
        if (each == name) return value;
    return place < fields.size() && fields[place].first.empty() ? fields[place].second : std::string();
}

void Bus::append(store::Transaction& tx, std::string_view name, const Fields& fields) {
    std::string json;
    {
        JsonWriter out(json);
        const auto object = out.object();
        for (const auto& [each, value] : fields) out.field(each, value);
    }
    tx.execute("INSERT INTO facts (name, fields, announced) VALUES (?, ?, ?)", name, json, impl_->ambient.now());
    tx.afterCommit([impl = impl_.get()] { impl->wake(); });
}

void Bus::subscribe(std::string_view subscriber, std::string_view name, Listener listener) {
    impl_->subscribers[std::string(subscriber)][std::string(name)] = std::move(listener);
}

void Bus::start() {
    impl_->ensureCursors();
    impl_->thread = std::thread([this] { impl_->work(); });
}

void Bus::stop() {
    {
        const std::lock_guard guard(impl_->mutex);
        impl_->stopping = true;
        impl_->changed.notify_all();
    }
    if (impl_->thread.joinable()) impl_->thread.join();
}

bool Bus::settle(std::chrono::milliseconds patience) {
    std::unique_lock lock(impl_->mutex);
    return impl_->changed.wait_for(lock, patience, [&] { return impl_->idle && !impl_->pending; });
}

std::int64_t Bus::announced(store::Reader& db, std::string_view name) {
    return db.query("SELECT count(*) FROM facts WHERE name = ?", name).integer();
}

}
