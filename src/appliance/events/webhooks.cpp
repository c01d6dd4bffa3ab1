#include "appliance/events/webhooks.hpp"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>
#include <utility>

#include <stratolet/error.hpp>

#include "appliance/events/event.hpp"
#include "compute/encoding.hpp"
#include "identity/token/crypto.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/log/log.hpp"
#include "platform/metrics/metrics.hpp"
#include "platform/reconcile/reconciler.hpp"
#include "platform/web/web.hpp"

namespace stratolet {
namespace {

using namespace std::chrono_literals;

constexpr auto lookEvery = 500ms;
constexpr std::chrono::milliseconds pauseLeast = 1s, pauseMost = 5min;

std::string secretBytes(const std::string& secret) {
    constexpr std::string_view mark = "whsec_";
    if (!secret.starts_with(mark)) return secret;
    auto text = secret.substr(mark.size());
    text.append((4 - text.size() % 4) % 4, '='); // which may be left out here
    const bool blank = std::any_of(text.begin(), text.end(), [](unsigned char each) { return std::isspace(each); });
    const auto bytes = blank ? std::nullopt : compute::fromBase64(text);
    if (!bytes || bytes->empty())
        throw Error(Failure::Invalid, "the secret of webhooks is not base64 after \"whsec_\"");
    return *bytes;
}

std::string secretIn(const std::string& file) {
    if (file.empty()) return {};
    std::ifstream in(file);
    std::string line;
    if (!std::getline(in, line) || line.empty())
        throw Error(Failure::Invalid, "[events] webhook_secret_file: ", file, " cannot be read, or has no first line");
    secretBytes(line);
    return line;
}

}

std::vector<ConfigOption> eventOptions() {
    return {{"events", "keep_hours", "24", wholeNumber(1, 24 * 366)},
            {"events", "webhooks", "", orNothing(listOf(httpAddress()))},
            {"events", "webhook_secret_file", "", orNothing(readableFile())},
            {"events", "webhook_certificates", "", orNothing(readableFile())}};
}

std::string webhookSignature(const std::string& secret, const std::string& id, const std::string& timestamp,
                             const std::string& body) {
    return "v1," + identity::base64(identity::hmacSha256(secretBytes(secret), id + "." + timestamp + "." + body));
}

struct Webhooks::Impl {
    Parts parts;
    std::vector<std::string> urls;
    std::string secret, certificates;
    Metrics::Counter& delivered;
    Metrics::Counter& failed;
    std::mutex mutex;
    std::condition_variable changed;
    std::atomic<bool> stopping = false;
    std::vector<std::thread> threads;

    explicit Impl(const Parts& given)
        : parts(given),
          urls(parts.config.list("events", "webhooks")),
          secret(secretIn(parts.config.text("events", "webhook_secret_file"))),
          certificates(parts.config.text("events", "webhook_certificates")),
          delivered(parts.metrics.counter("stratolet_webhook_events_total", "Events that webhooks have taken")),
          failed(parts.metrics.counter("stratolet_webhook_failures_total", "Deliveries to be tried again")) {}

    /// True where it is time to end.
    bool pause(std::chrono::milliseconds time) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, time, [&] { return stopping.load(); });
    }

    void ensureCursors() {
        parts.store.write([&](store::Transaction& tx) {
            for (const auto& known : tx.query("SELECT url FROM webhook_cursors").texts())
                if (std::find(urls.begin(), urls.end(), known) == urls.end())
                    tx.execute("DELETE FROM webhook_cursors WHERE url = ?", known);
            for (const auto& url : urls)
                tx.execute("INSERT OR IGNORE INTO webhook_cursors VALUES (?, ?)", url, event_table::last(tx));
        });
    }

    void deliver(const std::string& url, const std::vector<Event>& events) {
        std::string body;
        {
            JsonWriter out(body);
            const auto all = out.object();
            const auto list = out.array("events");
            for (const auto& each : events) write(out, each);
        }
        const auto id = "evt_" + parts.cloud.id + "_" + std::to_string(events.back().id);
        const auto timestamp = std::to_string(toMicros(parts.ambient.now()) / 1'000'000);
        web::Ask ask{.url = url, .post = body};
        ask.headers = {"Content-Type: application/json", "webhook-id: " + id, "webhook-timestamp: " + timestamp};
        if (!secret.empty())
            ask.headers.push_back("webhook-signature: " + webhookSignature(secret, id, timestamp, body));
        ask.certificates = certificates;
        ask.bytesMax = 64 << 10; // of an answer that nobody reads
        ask.redirectsMax = 0;
        ask.connectTimeout = 5s;
        ask.timeout = 15s;
        ask.cancelled = [this] { return stopping.load(); };
        web::fetch(ask, [](std::span<const std::byte>) {});
    }

    /// What comes next for it; true where there may be more.
    bool tell(const std::string& url) {
        auto& db = parts.store.reader();
        const auto last = db.query("SELECT last FROM webhook_cursors WHERE url = ?", url).integer();
        auto seen = last;
        auto events = event_table::next(db, last, {}, seen);
        constexpr std::size_t most = 100;
        if (events.empty()) return false;
        if (events.size() > most) {
            events.resize(most);
            seen = events.back().id;
        }
        if (!event_table::has(db, last))
            parts.log.warning("a webhook was away for longer than events are kept, and misses some",
                              {{"url", url}, {"after", std::to_string(last)}});
        deliver(url, events);
        delivered += events.size();
        parts.store.write([&](store::Transaction& tx) {
            tx.execute("UPDATE webhook_cursors SET last = ? WHERE url = ?", seen, url);
        });
        return true;
    }

    void work(const std::string& url) {
        std::int64_t looked = -1;
        auto rest = pauseLeast;
        bool toldOff = false;
        while (!stopping) {
            const auto changes = parts.store.changes();
            try {
                if (looked == changes || !tell(url)) {
                    looked = changes;
                    if (pause(lookEvery)) return;
                }
                rest = pauseLeast;
                toldOff = false;
            } catch (const std::exception& problem) {
                if (stopping) return;
                ++failed;
                if (!std::exchange(toldOff, true))
                    parts.log.warning("a webhook was not delivered, it will be tried again",
                                      {{"url", url}, {"reason", problem.what()}});
                if (pause(rest)) return;
                rest = std::min(2 * rest, pauseMost);
            }
        }
    }
};

Webhooks::Webhooks(const Parts& parts) : impl_(std::make_unique<Impl>(parts)) {}
Webhooks::~Webhooks() { stop(); }

void Webhooks::start() {
    impl_->ensureCursors();
    for (const auto& url : impl_->urls) impl_->threads.emplace_back([impl = impl_.get(), url] { impl->work(url); });
}

void Webhooks::stop() {
    {
        const std::lock_guard guard(impl_->mutex);
        impl_->stopping = true;
    }
    impl_->changed.notify_all();
    for (auto& each : impl_->threads) each.join();
    impl_->threads.clear();
}

void declareEventPruning(const Parts& parts) {
    const auto kept = std::chrono::hours(parts.config.integer("events", "keep_hours"));
    parts.reconciler.declare(
        "events",
        [parts, kept] {
            while (parts.store.write(
                [&](store::Transaction& tx) { return event_table::prune(tx, parts.ambient.now() - kept); })) {
            }
        },
        std::chrono::minutes(10));
}

}
