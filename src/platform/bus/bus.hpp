#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "platform/store/store.hpp"

namespace stratolet {
class Log;
class Metrics;
class Ambient;
}

namespace stratolet::bus {

/// A field of a fact: what it is called in the store, and the id that it holds.
template <class AnId> struct Field {
    Field(std::string_view itsName, AnId& itsId) : name(itsName), id(itsId) {}
    std::string_view name;
    AnId& id;
};

/// A fact in the past tense, declared by who announces it: a plain struct of ids with
///     static constexpr std::string_view name = "block.volume.deleted";
///     auto fields() { return std::tuple(bus::Field("volume", volume), bus::Field("project", project)); }   // the
///     first is the subject
/// A field can be added at any time: it is empty in what was announced before.
template <class Event>
concept Fact = requires(Event event) {
    { Event::name } -> std::convertible_to<std::string_view>;
    event.fields();
};

/// Facts are rows of the transaction that made them true, delivered at least once, in the order they were announced, to
/// each subscriber on its own. A subscriber works in a transaction that also moves its cursor. One per process;
/// delivers on a thread of its own, which nothing ends but stop(): what a subscriber or the store throws is logged, and
/// tried again.
class Bus {
public:
    Bus(store::Store& store, Ambient& ambient, Log& log, Metrics& metrics);
    ~Bus();

    template <Fact Event> void announce(store::Transaction& tx, Event event) {
        Fields fields;
        std::apply([&](const auto&... field) { (fields.emplace_back(field.name, field.id.text), ...); },
                   event.fields());
        append(tx, Event::name, fields);
    }

    /// Before start(). `subscriber` is the durable name of the cursor ("compute.forget-volume").
    template <Fact Event>
    void on(std::string_view subscriber, std::function<void(store::Transaction&, const Event&)> listener) {
        subscribe(subscriber, Event::name, [listener](store::Transaction& tx, const Fields& fields) {
            Event event;
            std::size_t next = 0;
            std::apply([&](auto&&... field) { ((field.id.text = valueOf(fields, field.name, next++)), ...); },
                       event.fields());
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
    using Fields = std::vector<std::pair<std::string, std::string>>; ///< name, value; no name: of a version that told
                                                                     ///< them by their place
    using Listener = std::function<void(store::Transaction&, const Fields&)>;
    static std::string valueOf(const Fields& fields, std::string_view name,
                               std::size_t place); ///< empty where there is none
    void append(store::Transaction& tx, std::string_view name, const Fields& fields);
    void subscribe(std::string_view subscriber, std::string_view name, Listener listener);

    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
