#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <stratolet/ids.hpp>

#include "platform/json/json.hpp"
#include "platform/store/many.hpp"
#include "platform/store/store.hpp"

// How a C++ type is kept in a column, shown in JSON, and read from a body. A service adds its own types by specializing
// Codec.

namespace stratolet::resource {

/// What JSON an attribute has; Other is checked by who reads it.
enum class Kind { Text, Whole, Truth, Other };

/// What a service takes for a truth and for a whole number; nothing where the value is none. A body has been checked
/// with these before it is read.
struct Reading {
    std::optional<bool> (*truth)(const Json&) = nullptr;
    std::optional<std::int64_t> (*whole)(const Json&) = nullptr;
};

/// Has: kind; load(row, column); bind(value); show(out, value); and, where a body's value alone says it, read(json,
/// reading, value&).
template <class T> struct Codec;

template <> struct Codec<std::string> {
    static constexpr Kind kind = Kind::Text;
    static std::string load(const store::Row& row, int column) { return row.text(column); }
    static store::Value bind(const std::string& text) { return text; }
    static void show(JsonWriter& out, const std::string& text) { out.value(text); }
    static void read(const Json& json, const Reading&, std::string& text) { text = json.isNull() ? "" : json.text(); }
};

template <> struct Codec<bool> {
    static constexpr Kind kind = Kind::Truth;
    static bool load(const store::Row& row, int column) { return row.boolean(column); }
    static store::Value bind(bool truth) { return truth; }
    static void show(JsonWriter& out, bool truth) { out.value(truth); }
    static void read(const Json& json, const Reading& reading, bool& truth) {
        truth = reading.truth(json).value_or(truth);
    }
};

template <class T>
requires std::is_integral_v<T>
struct Codec<T> {
    static constexpr Kind kind = Kind::Whole;
    static T load(const store::Row& row, int column) { return static_cast<T>(row.integer(column)); }
    static store::Value bind(T number) { return number; }
    static void show(JsonWriter& out, T number) { out.value(static_cast<std::int64_t>(number)); }
    static void read(const Json& json, const Reading& reading, T& number) {
        number = static_cast<T>(reading.whole(json).value_or(number));
    }
};

template <class Of> struct Codec<Id<Of>> {
    static constexpr Kind kind = Kind::Text;
    static Id<Of> load(const store::Row& row, int column) { return row.id<Id<Of>>(column); }
    static store::Value bind(const Id<Of>& id) { return id; }
    static void show(JsonWriter& out, const Id<Of>& id) { out.value(id); }
    static void read(const Json& json, const Reading&, Id<Of>& id) { id.text = json.isNull() ? "" : json.text(); }
};

/// Whole seconds and a Z, as most services write a time.
template <> struct Codec<Time> {
    static constexpr Kind kind = Kind::Other;
    static Time load(const store::Row& row, int column) { return row.time(column); }
    static store::Value bind(Time time) { return time; }
    static void show(JsonWriter& out, Time time) { out.value(isoSecondsZ(time)); }
};

template <class T> struct Codec<std::optional<T>> {
    static constexpr Kind kind = Codec<T>::kind;
    static constexpr bool nullable = true;
    static std::optional<T> load(const store::Row& row, int column) {
        return row.isNull(column) ? std::nullopt : std::optional<T>(Codec<T>::load(row, column));
    }
    static store::Value bind(const std::optional<T>& maybe) {
        return maybe ? Codec<T>::bind(*maybe) : store::Value(nullptr);
    }
    static void show(JsonWriter& out, const std::optional<T>& maybe) {
        maybe ? Codec<T>::show(out, *maybe) : out.value(nullptr);
    }
    static void read(const Json& json, const Reading& reading, std::optional<T>& maybe) requires requires(T& value) {
        Codec<T>::read(json, reading, value);
    }
    {
        maybe.reset();
        if (!json.isNull()) Codec<T>::read(json, reading, maybe.emplace());
    }
};

/// A size: its count of whatever unit it is of.
template <class T>
requires std::is_same_v<decltype(T::count), std::int64_t>
struct Codec<T> {
    static constexpr Kind kind = Kind::Whole;
    static T load(const store::Row& row, int column) { return {row.integer(column)}; }
    static store::Value bind(T size) { return size.count; }
    static void show(JsonWriter& out, T size) { out.value(size.count); }
};

/// Of an enum that the API has words for, kept and shown as its word: `template <> struct Codec<VolumeStatus> :
/// WordCodec<volumeStatusNamed>`. `named` finds the value of a word; `nameOf(value)` is beside the enum. The store has
/// no other words.
template <auto named> struct WordCodec {
    using Value = typename decltype(named(std::string_view()))::value_type;
    static constexpr Kind kind = Kind::Text;
    static Value load(const store::Row& row, int column) { return named(row.text(column)).value(); }
    static store::Value bind(Value value) { return nameOf(value); }
    static void show(JsonWriter& out, Value value) { out.value(nameOf(value)); }
};

/// Texts that are kept whole in one column, as JSON.
std::vector<std::string> decodedTexts(const std::string& json);

template <> struct Codec<std::vector<std::string>> {
    static constexpr Kind kind = Kind::Other;
    static std::vector<std::string> load(const store::Row& row, int column) { return decodedTexts(row.text(column)); }
    static store::Value bind(const std::vector<std::string>& texts) { return store::asList(texts); }
    static void show(JsonWriter& out, const std::vector<std::string>& texts) {
        const auto list = out.array();
        for (const auto& each : texts) out.value(each);
    }
};

/// Of a text or an id: empty (a number: 0) is null in the store and in answers.
template <class T> struct EmptyIsNull : Codec<T> {
    static constexpr bool nullable = true;
    static store::Value bind(const T& value) { return isEmpty(value) ? store::Value(nullptr) : Codec<T>::bind(value); }
    static void show(JsonWriter& out, const T& value) {
        isEmpty(value) ? out.value(nullptr) : Codec<T>::show(out, value);
    }

private:
    static bool isEmpty(const std::string& text) { return text.empty(); }
    template <class Of> static bool isEmpty(const Id<Of>& id) { return id.text.empty(); }
    static bool isEmpty(std::int64_t number) { return number == 0; }
};

}
