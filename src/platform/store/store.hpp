#pragma once

#include <stratolet/ids.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "platform/ambient/ambient.hpp"

namespace stratolet::store {

/// What can be bound to a "?" of a statement: whole numbers, booleans, texts, ids, times, and optionals of these.
class Value {
public:
    using Content = std::variant<std::nullptr_t, std::int64_t, double, std::string>;

    Value(std::nullptr_t) {}
    Value(std::string text) : content_(std::move(text)) {}
    Value(std::string_view text) : content_(std::string(text)) {}
    Value(const char* text) : content_(std::string(text)) {}
    Value(double number) : content_(number) {}
    template <class T>
    requires std::is_integral_v<T> Value(T number) : content_(static_cast<std::int64_t>(number)) {}
    template <class Of> Value(const Id<Of>& id) : content_(id.text) {}
    Value(Time time) : content_(toMicros(time)) {}
    template <class T> Value(const std::optional<T>& maybe) {
        if (maybe) content_ = Value(*maybe).content_;
    }

    const Content& content() const { return content_; }

private:
    Content content_ = nullptr;
};

class Statement; // sqlite3_stmt and where it goes back to
class Connection;

/// The present row of a query; valid until the query moves on. Columns count from 0.
class Row {
public:
    explicit Row(Statement& statement) : statement_(statement) {}

    bool isNull(int column) const;
    std::int64_t integer(int column) const;
    bool boolean(int column) const { return integer(column) != 0; }
    double real(int column) const;
    std::string text(int column) const; ///< empty where null
    Time time(int column) const { return fromMicros(integer(column)); }
    template <class AnId> AnId id(int column) const { return AnId{text(column)}; }
    std::optional<std::string> maybeText(int column) const;
    std::optional<std::int64_t> maybeInteger(int column) const;
    std::optional<Time> maybeTime(int column) const;

private:
    Statement& statement_;
};

/// The rows of one query.
class Rows {
public:
    explicit Rows(std::unique_ptr<Statement> statement);
    Rows(Rows&&) noexcept;
    ~Rows();

    bool next();     ///< moves to the next row, the first at first; false where there is none
    Row row() const; ///< only after next() said true

    /// The first row made into a T by `make`, or nothing.
    template <class T, class Make> std::optional<T> maybe(Make make) {
        if (!next()) return std::nullopt;
        return std::optional<T>(make(row()));
    }

    template <class T, class Make> std::vector<T> all(Make make) {
        std::vector<T> made;
        while (next()) made.push_back(make(row()));
        return made;
    }

    bool any() { return next(); }
    std::int64_t integer() {
        return next() ? row().integer(0) : 0;
    } ///< first column of the first row, 0 where there is none
    std::optional<std::string> maybeText() { return next() ? row().maybeText(0) : std::nullopt; }
    std::vector<std::string> texts() {
        return all<std::string>([](const Row& each) { return each.text(0); });
    } ///< the first column

private:
    std::unique_ptr<Statement> statement_;
};

/// Reads. Statements are prepared once per connection and kept. Failures are Error(Broken).
class Reader {
public:
    explicit Reader(Connection& connection) : connection_(connection) {}
    Reader(const Reader&) = delete;

    template <class... Args> Rows query(std::string_view sql, const Args&... args) {
        return run(sql, {Value(args)...});
    }
    Rows run(std::string_view sql, const std::vector<Value>& values);

    std::int64_t statements() const { return statements_; } ///< begun so far; for tests of what a request costs

protected:
    Connection& connection_;

private:
    friend class Store;
    int snapshots_ = 0; ///< open ones, one inside the other; the outermost counts
    std::int64_t statements_ = 0;
};

/// Writes. Lives only inside Store::write; nothing slow belongs in there.
class Transaction : public Reader {
public:
    using Reader::Reader;

    /// The number of rows changed. A broken UNIQUE constraint is Error(Conflict), any other failure Error(Broken).
    template <class... Args> int execute(std::string_view sql, const Args&... args) {
        return change(sql, {Value(args)...});
    }
    int change(std::string_view sql, const std::vector<Value>& values);

    /// `then` runs after this transaction is on disk, on the writer's thread: short, not throwing. Not at all where it
    /// is rolled back.
    void afterCommit(std::function<void()> then) { afterCommit_.push_back(std::move(then)); }

private:
    friend class Store;
    std::vector<std::function<void()>> afterCommit_;
};

/// One step of a module's schema. Numbered from 1 without gaps; append, never edit.
struct Migration {
    std::string_view module;
    int number;
    std::string_view sql;
};

/// Who moves what has been committed from the -wal file into the store's own.
enum class Checkpoints {
    Self,   ///< we do, now and then, and when the store is closed
    Shipper ///< a program that ships the -wal file elsewhere, and must have read all of it before: we never do
};

/// The one SQLite file. WAL mode; each thread that reads has a connection of its own; one writer commits what has
/// queued up as one flush.
class Store {
public:
    struct Options {
        std::filesystem::path file;
        bool durable =
            true; ///< synchronous=FULL; without it a power cut may lose the last commits (throw-away clouds only)
        Checkpoints checkpoints = Checkpoints::Self;
        std::function<std::string()> fresh = {}; ///< what the file is to begin as where there is none; null: empty
    };

    explicit Store(Options options);
    ~Store();
    Store(const Store&) = delete;

    /// Brings every module to its newest version, after a backup of the file beside it where there is anything to lose.
    /// Error(Broken) where the file is newer than this program.
    void migrate(std::span<const Migration> migrations);

    /// This thread's own reader: sees all that has been committed. It stays the thread's until that rests.
    Reader& reader();

    /// This thread reads nothing for a while, and holds no reader: another may have its connection, which knows the
    /// whole schema (most of a MiB, and milliseconds to open).
    void rest();

    /// Runs `work` on this thread with all its reads in one snapshot (and one lock of the file, where each statement
    /// would take its own). May be nested: the outermost counts. A write in between is seen by what is read after it.
    template <class Work> auto read(Work&& work) {
        Snapshot snapshot(*this);
        return work(snapshot.reader());
    }

    /// Runs `work` on the writer's thread inside a savepoint of its own and returns what it returned once that is on
    /// disk. What it throws comes back here, and nothing of it remains. Not to be called inside another write.
    template <class Work> auto write(Work&& work) {
        using Result = std::invoke_result_t<Work&, Transaction&>;
        if constexpr (std::is_void_v<Result>) {
            submit([&](Transaction& tx) { work(tx); });
        } else {
            std::optional<Result> result;
            submit([&](Transaction& tx) { result.emplace(work(tx)); });
            return std::move(*result);
        }
    }

    /// A whole, consistent copy of the file while everything goes on.
    void backupTo(const std::filesystem::path& file);

    bool durable() const; ///< see Options

    /// Committed flushes and changes since the start, for metrics.
    std::int64_t flushes() const;
    std::int64_t changes() const;

private:
    class Snapshot {
    public:
        explicit Snapshot(Store& store);
        ~Snapshot();
        Reader& reader() { return reader_; }

    private:
        Reader& reader_;
    };

    void submit(const std::function<void(Transaction&)>& work, bool alone = false);

    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Builds the WHERE part of a listing from what a request asks for: "AND" over conditions, values bound, never pasted.
class Conditions {
public:
    /// `sql` is a condition of our own writing with as many "?" as there are values. Error(Invalid) where all of them
    /// together are more than SQLite takes in one expression: a client decides how many it asks for.
    template <class... Args> Conditions& add(std::string_view sql, const Args&... args) {
        append(sql, {Value(args)...});
        return *this;
    }
    void append(std::string_view sql, std::vector<Value> values);

    /// column IN (…); an empty list matches nothing.
    Conditions& in(std::string_view column, const std::vector<std::string>& values);

    std::string where() const; ///< " WHERE … AND …", or empty
    const std::vector<Value>& values() const { return values_; }

private:
    void put(std::string_view sql, std::vector<Value> values);
    std::string sql_;
    std::vector<Value> values_;
    std::size_t terms_ = 0;
};

}
