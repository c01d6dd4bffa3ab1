#include "platform/store/store.hpp"

#include <fcntl.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <unordered_map>

#include <stratolet/error.hpp>

#include "platform/os/fd.hpp"
#include "platform/os/file.hpp"
#include "platform/os/prompt.hpp"
#include "platform/text/text.hpp"

namespace stratolet::store {
namespace {

constexpr std::size_t batchMax = 512; // changes in one flush: bounds how long the first of them waits

[[noreturn]] void fail(sqlite3* db, int code, std::string_view doing) {
    const bool taken = code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY;
    const bool full =
        (code & 0xff) == SQLITE_FULL || ((code & 0xff) == SQLITE_IOERR && sqlite3_system_errno(db) == ENOSPC);
    throw Error(taken  ? Failure::Conflict
                : full ? Failure::Full
                       : Failure::Broken,
                "could not ", doing, ": ", sqlite3_errmsg(db));
}

void executePlain(sqlite3* db, const char* sql) {
    if (const int code = sqlite3_exec(db, sql, nullptr, nullptr, nullptr); code != SQLITE_OK)
        fail(db, sqlite3_extended_errcode(db), sql);
}

/// folded_name(TEXT), for migrations: what is kept in a column needs no function to be looked for.
void foldName(sqlite3_context* context, int, sqlite3_value** values) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(values[0]));
    const auto folded = foldedName({text ? text : "", static_cast<std::size_t>(sqlite3_value_bytes(values[0]))});
    sqlite3_result_text64(context, folded.data(), folded.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void bind(sqlite3_stmt* statement, int index, const Value& value) {
    struct Binder {
        sqlite3_stmt* statement;
        int index;
        int operator()(std::nullptr_t) const { return sqlite3_bind_null(statement, index); }
        int operator()(std::int64_t number) const { return sqlite3_bind_int64(statement, index, number); }
        int operator()(double number) const { return sqlite3_bind_double(statement, index, number); }
        int operator()(const std::string& text) const {
            return sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
        }
    };
    [[maybe_unused]] const int code = std::visit(Binder{statement, index}, value.content());
    assert(code == SQLITE_OK); // more values than "?"
}

}

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

/// The file is its owner's alone before there is a byte in it; what SQLite puts beside it (-wal, -shm) gets the same
/// rights. One that is there is never opened for that: to close it would drop the locks that this process holds on it
/// (fcntl(2)).
void ensureOwnersOnly(const std::filesystem::path& file) {
    const Fd made(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    for (const auto* each : {"", "-wal", "-shm"})
        ::chmod((file.string() + each).c_str(), 0600); // mostly one or more are missing
}

/// One sqlite3 handle and the statements prepared on it. Used by one thread at a time.
class Connection {
public:
    Connection(const std::filesystem::path& file, bool writes, bool durable,
               Checkpoints checkpoints = Checkpoints::Self) {
        // Statistics that nobody asks for would take a lock for all threads at each allocation. Refused, and meant to
        // be, once SQLite is in use.
        [[maybe_unused]] static const int uncounted = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
        const int flags =
            (writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
        if (writes) ensureOwnersOnly(file);
        if (const int code = sqlite3_open_v2(file.c_str(), &db_, flags, nullptr); code != SQLITE_OK) {
            const std::string problem = sqlite3_errmsg(db_);
            sqlite3_close(db_);
            throw Error(Failure::Broken, "could not open ", file.string(), ": ", problem);
        }
        sqlite3_extended_result_codes(db_, 1);
        // Whoever ships the -wal file takes the lock for a moment: its makers ask for five seconds (litestream.io,
        // "Tips & caveats").
        sqlite3_busy_timeout(db_, 5000);
        if (writes) {
            executePlain(db_, "PRAGMA journal_mode=WAL");
            executePlain(db_, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
            executePlain(db_, "PRAGMA foreign_keys=ON");
            executePlain(db_, "PRAGMA cache_size=-8192");
            if (checkpoints == Checkpoints::Shipper) {
                executePlain(db_, "PRAGMA wal_autocheckpoint=0");
                sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
            }
            sqlite3_create_function_v2(db_, "folded_name", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr, foldName,
                                       nullptr, nullptr, nullptr);
        } else {
            executePlain(db_, "PRAGMA cache_size=-2048"); // KiB, as it is needed; the kernel's page cache is behind it
        }
        executePlain(db_, "PRAGMA trusted_schema=OFF");
    }

    ~Connection() {
        for (auto& [sql, idle] : idle_)
            for (auto* each : idle) sqlite3_finalize(each);
        sqlite3_close(db_);
    }
    Connection(const Connection&) = delete;

    sqlite3* get() const { return db_; }

    sqlite3_stmt* take(std::string_view sql) {
        if (const auto found = idle_.find(sql); found != idle_.end() && !found->second.empty()) {
            auto* statement = found->second.back();
            found->second.pop_back();
            return statement;
        }
        sqlite3_stmt* statement = nullptr;
        const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                            &statement, nullptr);
        if (code != SQLITE_OK) fail(db_, code, sql);
        return statement;
    }

    void giveBack(sqlite3_stmt* statement) {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
        const std::string_view sql = sqlite3_sql(statement);
        auto found = idle_.find(sql);
        if (found == idle_.end()) {
            if (idle_.size() >= statementsMax) { // listings with rare filters must not pile up
                sqlite3_finalize(statement);
                return;
            }
            found = idle_.emplace(std::string(sql), std::vector<sqlite3_stmt*>()).first;
        }
        found->second.push_back(statement);
    }

private:
    static constexpr std::size_t statementsMax = 256;
    sqlite3* db_ = nullptr;
    std::unordered_map<std::string, std::vector<sqlite3_stmt*>, TextHash, std::equal_to<>> idle_;
};

class Statement {
public:
    Statement(Connection& connection, std::string_view sql, const std::vector<Value>& values)
        : connection_(connection),
          statement_(connection.take(sql)) {
        assert(sqlite3_bind_parameter_count(statement_) == static_cast<int>(values.size()));
        int index = 0;
        for (const auto& each : values) bind(statement_, ++index, each);
    }
    ~Statement() { connection_.giveBack(statement_); }
    Statement(const Statement&) = delete;

    bool step() {
        const int code = sqlite3_step(statement_);
        if (code == SQLITE_ROW) return true;
        if (code != SQLITE_DONE) fail(connection_.get(), code, sqlite3_sql(statement_));
        return false;
    }

    sqlite3_stmt* get() const { return statement_; }

private:
    Connection& connection_;
    sqlite3_stmt* statement_;
};

bool Row::isNull(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
std::int64_t Row::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
double Row::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string Row::text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    return text ? std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column)))
                : std::string();
}

std::optional<std::string> Row::maybeText(int column) const {
    return isNull(column) ? std::nullopt : std::optional(text(column));
}
std::optional<std::int64_t> Row::maybeInteger(int column) const {
    return isNull(column) ? std::nullopt : std::optional(integer(column));
}
std::optional<Time> Row::maybeTime(int column) const {
    return isNull(column) ? std::nullopt : std::optional(time(column));
}

Rows::Rows(std::unique_ptr<Statement> statement) : statement_(std::move(statement)) {}
Rows::Rows(Rows&&) noexcept = default;
Rows::~Rows() = default;
bool Rows::next() { return statement_->step(); }
Row Rows::row() const { return Row(*statement_); }

Rows Reader::run(std::string_view sql, const std::vector<Value>& values) {
    ++statements_;
    return Rows(std::make_unique<Statement>(connection_, sql, values));
}

int Transaction::change(std::string_view sql, const std::vector<Value>& values) {
    Statement statement(connection_, sql, values);
    while (statement.step()) {
    }
    return sqlite3_changes(connection_.get());
}

namespace {

/// POSIX's, since the standard library's yields the processor some times before it sleeps, which takes it from the
/// writer.
struct Semaphore {
    Semaphore() { ::sem_init(&it, 0, 0); }
    ~Semaphore() { ::sem_destroy(&it); }
    Semaphore(const Semaphore&) = delete;
    sem_t it;
};

/// A change that waits for its flush, on the stack of the thread that waits.
struct Waiting {
    const std::function<void(Transaction&)>& work;
    std::vector<std::function<void()>> afterCommit = {};
    std::exception_ptr failed = nullptr;
    sem_t& done; // the waiting thread's own, which outlives this
    bool alone = false;
};

}

struct Store::Impl {
    explicit Impl(Options given)
        : options(std::move(given)),
          writer(options.file, true, options.durable, options.checkpoints) {}

    Options options;
    Connection writer;

    std::mutex mutex;
    std::condition_variable filled;
    std::deque<Waiting*> queue;
    bool stopping = false;
    std::thread thread;
    std::atomic<std::int64_t> flushes = 0, changes = 0;

    // Readers by thread, and those that no thread has now. A thread that has ended without a rest leaves its connection
    // here until the store ends; threads are few and live long.
    using OneReader = std::pair<std::unique_ptr<Connection>, std::unique_ptr<Reader>>;
    std::mutex readersMutex;
    std::map<std::thread::id, OneReader> readers;
    std::vector<OneReader> resting;
    const std::int64_t serial = nextSerial();

    static std::int64_t nextSerial() {
        static std::atomic<std::int64_t> next = 1;
        return next++;
    }

    /// Prepared once and kept: what sqlite3_exec prepares each time is a fifth of a small change.
    void execute(std::string_view sql) { Statement(writer, sql, {}).step(); }

    void attempt(Waiting& change) {
        execute("SAVEPOINT change");
        Transaction tx(writer);
        try {
            change.work(tx);
            execute("RELEASE change");
            change.afterCommit = std::move(tx.afterCommit_);
        } catch (...) {
            change.failed = std::current_exception();
            execute("ROLLBACK TO change");
            execute("RELEASE change");
        }
    }

    /// Rows that refer to what isn't there, by table: empty where all is well.
    std::string brokenReferences() {
        std::string tables;
        for (Statement check(writer, "PRAGMA foreign_key_check", {}); check.step();)
            tables.append(tables.empty() ? "" : ", ").append(Row(check).text(0));
        return tables;
    }

    /// A change of the schema: alone in its transaction, and with foreign keys looked at once at its end, so that a
    /// table can be rebuilt under those that refer to it (https://www.sqlite.org/lang_altertable.html, 7).
    void rebuild(Waiting& change) {
        const std::function<void(Transaction&)> checked = [&](Transaction& tx) {
            change.work(tx);
            if (const auto tables = brokenReferences(); !tables.empty())
                throw Error(Failure::Broken, "rows of ", tables, " would refer to what isn't there");
        };
        Waiting inner{.work = checked, .done = change.done};
        try {
            executePlain(writer.get(), "PRAGMA foreign_keys=OFF"); // means nothing inside of a transaction
            std::vector<Waiting*> alone{&inner};
            flush(alone);
            executePlain(writer.get(), "PRAGMA foreign_keys=ON");
        } catch (...) {
            inner.failed = std::current_exception();
        }
        change.failed = inner.failed;
    }

    /// All of `batch` in one transaction and one flush.
    void flush(std::vector<Waiting*>& batch) {
        try {
            execute("BEGIN IMMEDIATE");
            for (auto* each : batch) attempt(*each);
            execute("COMMIT");
            ++flushes;
            changes += static_cast<std::int64_t>(batch.size());
        } catch (...) { // the disk is full, say: nobody's change is on it
            if (!sqlite3_get_autocommit(writer.get()))
                sqlite3_exec(writer.get(), "ROLLBACK", nullptr, nullptr, nullptr);
            for (auto* each : batch) {
                each->failed = std::current_exception();
                each->afterCommit.clear();
            }
        }
        for (auto* each : batch)
            for (const auto& then : each->afterCommit) then();
    }

    void work() {
        std::unique_lock lock(mutex);
        std::vector<Waiting*> batch;
        for (;;) {
            filled.wait(lock, [&] { return stopping || !queue.empty(); });
            if (queue.empty()) return;
            while (!queue.empty() && batch.size() < batchMax && !(queue.front()->alone && !batch.empty())) {
                batch.push_back(queue.front());
                queue.pop_front();
                if (batch.back()->alone) break;
            }
            lock.unlock();
            batch.front()->alone ? rebuild(*batch.front()) : flush(batch);
            for (auto* each : batch) ::sem_post(&each->done);
            batch.clear();
            lock.lock();
        }
    }
};

Store::Store(Options options) {
    if (options.fresh && !std::filesystem::exists(options.file))
        writeFile(options.file, options.fresh(), {.onDisk = options.durable});
    impl_ = std::make_unique<Impl>(std::move(options));
    impl_->thread = std::thread([this] { impl_->work(); });
}

Store::~Store() {
    {
        const std::lock_guard guard(impl_->mutex);
        impl_->stopping = true;
    }
    impl_->filled.notify_one();
    impl_->thread.join();
}

namespace {

/// This thread's reader of the store asked last: nearly always the only one.
struct Known {
    std::int64_t serial = 0;
    Reader* reader = nullptr;
};
thread_local Known known;

}

void Store::submit(const std::function<void(Transaction&)>& work, bool alone) {
    if (Prompt::here()) throw std::logic_error("a change of the store on a thread that may not wait for the disk");
    assert(std::this_thread::get_id() != impl_->thread.get_id()); // a write inside a write would wait for itself
    static thread_local Semaphore done;
    Waiting change{.work = work, .done = done.it, .alone = alone};
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->queue.push_back(&change);
        if (impl_->queue.size() == 1) impl_->filled.notify_one();
    }
    while (::sem_wait(&done.it) != 0) { // a signal came in between
    }
    if (known.serial == impl_->serial &&
        known.reader->snapshots_ > 0) { // who has changed something sees it, also within a snapshot
        known.reader->query("COMMIT").next();
        known.reader->query("BEGIN").next();
    }
    if (change.failed) std::rethrow_exception(change.failed);
}

Reader& Store::reader() {
    if (known.serial == impl_->serial) return *known.reader;
    const std::lock_guard guard(impl_->readersMutex);
    auto& own = impl_->readers[std::this_thread::get_id()];
    if (!own.first && !impl_->resting.empty()) {
        own = std::move(impl_->resting.back()); // the one that has rested least: its pages are warm
        impl_->resting.pop_back();
    }
    auto& [connection, reader] = own;
    if (!connection) {
        connection = std::make_unique<Connection>(impl_->options.file, false, true);
        reader = std::make_unique<Reader>(*connection);
    }
    known = {impl_->serial, reader.get()};
    return *reader;
}

void Store::rest() {
    constexpr std::size_t restingMost = 16; // of a crowd that has gone
    if (known.serial != impl_->serial) return;
    assert(known.reader->snapshots_ == 0);
    known = {};
    Impl::OneReader tooMany; // closed outside the lock
    const std::lock_guard guard(impl_->readersMutex);
    const auto own = impl_->readers.find(std::this_thread::get_id());
    (impl_->resting.size() < restingMost ? impl_->resting.emplace_back() : tooMany) = std::move(own->second);
    impl_->readers.erase(own);
}

Store::Snapshot::Snapshot(Store& store) : reader_(store.reader()) {
    if (reader_.snapshots_++ == 0) reader_.query("BEGIN").next();
}
Store::Snapshot::~Snapshot() {
    if (--reader_.snapshots_ == 0) reader_.query("COMMIT").next();
}

void Store::backupTo(const std::filesystem::path& file) {
    std::filesystem::remove(file);
    Connection target(file, true, impl_->options.durable);
    Connection source(impl_->options.file, false, true);
    sqlite3_backup* backup = sqlite3_backup_init(target.get(), "main", source.get(), "main");
    if (!backup) fail(target.get(), sqlite3_errcode(target.get()), "begin the backup");
    int code = SQLITE_OK;
    do {
        // All at once: between two parts another process may write, and SQLite would begin anew. Nobody waits for it.
        code = sqlite3_backup_step(backup, -1);
    } while (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED);
    sqlite3_backup_finish(backup);
    if (code != SQLITE_DONE) fail(target.get(), code, "back the store up to " + file.string());
}

void Store::migrate(std::span<const Migration> migrations) {
    write([](Transaction& tx) {
        tx.execute(
            "CREATE TABLE IF NOT EXISTS schema_versions (module TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT");
    });
    std::map<std::string, std::int64_t, std::less<>> present, newest;
    for (auto rows = reader().query("SELECT module, number FROM schema_versions"); rows.next();)
        present[rows.row().text(0)] = rows.row().integer(1);
    for (const auto& each : migrations)
        newest[std::string(each.module)] = std::max<std::int64_t>(newest[std::string(each.module)], each.number);
    for (const auto& [module, number] : present)
        if (number > newest[module])
            throw Error(Failure::Broken, impl_->options.file.string(), " was written by a newer version (", module, " ",
                        number, ", known here ", newest[module],
                        "); install that version, or restore the backup beside it");

    std::vector<const Migration*> due;
    for (const auto& each : migrations)
        if (each.number > present[std::string(each.module)]) due.push_back(&each);
    if (due.empty()) return;
    if (reader().query("SELECT 1 FROM schema_versions").any())
        backupTo(impl_->options.file.string() + ".before-upgrade");
    const std::function<void(Transaction&)> all = [&](Transaction& tx) {
        for (const auto* each : due) {
            executePlain(impl_->writer.get(), std::string(each->sql).c_str());
            tx.execute(
                "INSERT INTO schema_versions VALUES (?, ?) ON CONFLICT (module) DO UPDATE SET number = excluded.number",
                each->module, each->number);
        }
    };
    submit(all, true);
}

bool Store::durable() const { return impl_->options.durable; }

std::int64_t Store::flushes() const { return impl_->flushes; }
std::int64_t Store::changes() const { return impl_->changes; }

void Conditions::append(std::string_view sql, std::vector<Value> values) {
    constexpr std::size_t termsMax = 900; // SQLITE_MAX_EXPR_DEPTH is 1,000, and a chain of AND is as deep as it is long
    terms_ += values.size();
    if (terms_ > termsMax) throw Error(Failure::Invalid, "The query asks for more than ", termsMax, " conditions.");
    put(sql, std::move(values));
}

void Conditions::put(std::string_view sql, std::vector<Value> values) {
    constexpr std::size_t valuesMax = 32'000; // SQLITE_MAX_VARIABLE_NUMBER is 32,766
    if (values_.size() + values.size() > valuesMax)
        throw Error(Failure::Invalid, "The query names more than ", valuesMax, " values.");
    sql_.append(sql_.empty() ? " WHERE " : " AND ").append(1, '(').append(sql).append(1, ')');
    values_.insert(values_.end(), std::make_move_iterator(values.begin()), std::make_move_iterator(values.end()));
}

Conditions& Conditions::in(std::string_view column, const std::vector<std::string>& values) {
    std::string sql(column);
    sql += " IN (";
    for (std::size_t each = 0; each < values.size(); ++each) sql += each ? ", ?" : "?";
    put(sql + ")", std::vector<Value>(values.begin(), values.end()));
    return *this;
}

std::string Conditions::where() const { return sql_; }

}
