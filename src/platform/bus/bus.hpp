#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "platform/store/store.hpp"

namespace stratolet {
class Log;
class Metrics;
class Ambient;
}

namespace stratolet::bus {

/// A fact in the past tense, declared by who announces it: a plain struct of ids with
///     static constexpr std::string_view name = "block.volume.deleted";
///     auto fields() { return std::tie(volume, project); }      // ids only; the first is the subject
template <class Event>
concept Fact = requires(Event event) {
    { Event::name } -> std::convertible_to<std::string_view>;
    event.fields();
};

/// Facts are rows of the transaction that made them true, delivered at least once, in the order they were announced, to each subscriber on
/// its own. A subscriber works in a transaction that also moves its cursor.
class Bus {
public:
    Bus(store::Store& store, Ambient& ambient, Log& log, Metrics& metrics);
    ~Bus();

    template <Fact Event> void announce(store::Transaction& tx, Event event) {
        std::vector<std::string> texts;
        std::apply([&](const auto&... field) { (texts.push_back(field.text), ...); }, event.fields());
        append(tx, Event::name, texts);
    }

    /// Before start(). `subscriber` is the durable name of the cursor ("compute.forget-volume").
    template <Fact Event> void on(std::string_view subscriber, std::function<void(store::Transaction&, const Event&)> listener) {
        subscribe(subscriber, Event::name, [listener](store::Transaction& tx, const std::vector<std::string>& texts) {
            Event event;
            std::size_t next = 0;
            std::apply([&](auto&... field) { ((field.text = texts.at(next++)), ...); }, event.fields());
            listener(tx, event);
        });
    }

    void start();
    void stop();

    /// Blocks until every subscriber has had every fact, or `patience` is over (false).
    bool settle(std::chrono::milliseconds patience);

    /// How often a fact of this name has been announced and is still kept (a day).
    std::int64_t announced(store::Reader& db, std::string_view name);

private:
    using Listener = std::function<void(store::Transaction&, const std::vector<std::string>&)>;
    void append(store::Transaction& tx, std::string_view name, const std::vector<std::string>& fields);
    void subscribe(std::string_view subscriber, std::string_view name, Listener listener);

    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
