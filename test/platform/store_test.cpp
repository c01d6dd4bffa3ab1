#include <catch2/catch.hpp>

#include <sys/mount.h>

#include <fstream>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include <stratolet/error.hpp>

#include "platform/store/paging.hpp"
#include "platform/store/store.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using store::Migration;
using store::Store;
using store::Transaction;

namespace {
const Migration first{"thing", 1, "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT"};

std::int64_t count(Store& db) { return db.reader().query("SELECT count(*) FROM things").integer(); }
}

TEST_CASE("A change is there for every reader once write() has returned, and not at all when it threw", "[store]") {
    const test::Folder folder;
    Store db({.file = folder / "db"});
    db.migrate(std::vector{first});
    const auto id = db.write([](Transaction& tx) {
        tx.execute("INSERT INTO things (name) VALUES (?)", "one");
        return tx.query("SELECT max(id) FROM things").integer();
    });
    CHECK(id == 1);
    std::thread([&] { CHECK(count(db) == 1); }).join();

    CHECK_THROWS_WITH(db.write([](Transaction& tx) {
        tx.execute("INSERT INTO things (name) VALUES (?)", "two");
        throw Error(Failure::Conflict, "no");
    }),
                      "no");
    CHECK(count(db) == 1);
}

TEST_CASE("A name that is taken is a conflict", "[store]") {
    const test::Folder folder;
    Store db({.file = folder / "db"});
    db.migrate(std::vector{first});
    const auto add = [&] { db.write([](Transaction& tx) { tx.execute("INSERT INTO things (name) VALUES ('a')"); }); };
    add();
    try {
        add();
        FAIL("it was taken twice");
    } catch (const Error& error) {
        CHECK(error.failure() == Failure::Conflict);
    }
}

TEST_CASE("Changes that wait at the same time share a flush, and one that fails takes no other with it", "[store]") {
    const test::Folder folder;
    Store db({.file = folder / "db"});
    db.migrate(std::vector{first});
    const auto flushesBefore = db.flushes();
    std::atomic<int> failed = 0;
    std::vector<std::thread> writers;
    for (int each = 0; each < 64; ++each)
        writers.emplace_back([&, each] {
            try {
                db.write([&](Transaction& tx) {
                    tx.execute("INSERT INTO things (name) VALUES (?)", std::to_string(each));
                    if (each % 4 == 0) throw Error(Failure::Invalid, "every fourth");
                });
            } catch (const Error&) {
                ++failed;
            }
        });
    for (auto& each : writers) each.join();
    CHECK(failed == 16);
    CHECK(count(db) == 48);
    CHECK(db.flushes() - flushesBefore < 64);
}

TEST_CASE("What runs after the commit runs only after a commit", "[store]") {
    const test::Folder folder;
    Store db({.file = folder / "db"});
    db.migrate(std::vector{first});
    std::atomic<int> ran = 0;
    db.write([&](Transaction& tx) { tx.afterCommit([&] { ++ran; }); });
    CHECK(ran == 1);
    CHECK_THROWS(db.write([&](Transaction& tx) {
        tx.afterCommit([&] { ++ran; });
        throw Error(Failure::Invalid, "no");
    }));
    CHECK(ran == 1);
}

TEST_CASE("An answered change survives the sudden end of the process", "[store]") {
    const test::Folder folder;
    const pid_t child = ::fork();
    if (child == 0) {
        Store db({.file = folder / "db"});
        db.migrate(std::vector{first});
        db.write([](Transaction& tx) { tx.execute("INSERT INTO things (name) VALUES ('kept')"); });
        ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    Store db({.file = folder / "db"});
    CHECK(db.reader().query("SELECT name FROM things").maybeText() == "kept");
}

TEST_CASE("A thread that rests gives its connection to the next that reads", "[store]") {
    const test::Folder folder;
    store::Store db({.file = folder / "db"});
    db.write([](store::Transaction& tx) { tx.execute("CREATE TABLE t (n INTEGER)"); });
    const auto readsOnItsOwnThread = [&](bool rests) {
        const store::Reader* reader = nullptr;
        std::thread([&] {
            CHECK(db.reader().query("SELECT count(*) FROM t").integer() == 0);
            reader = &db.reader();
            if (rests) db.rest();
        }).join();
        return reader;
    };
    const auto* first = readsOnItsOwnThread(true);
    CHECK(readsOnItsOwnThread(true) == first);
    CHECK(readsOnItsOwnThread(false) == first); // and keeps it
    CHECK(&db.reader() != first);
    db.rest();
    db.rest(); // it has none
    CHECK(db.reader().query("SELECT count(*) FROM t").integer() == 0);
}

TEST_CASE("A migration runs once, from the version before, with a copy of the file put aside", "[store]") {
    const test::Folder folder;
    const Migration second{"thing", 2, "ALTER TABLE things ADD COLUMN colour TEXT; UPDATE things SET colour = 'grey'"};
    {
        Store db({.file = folder / "db"});
        db.migrate(std::vector{first});
        db.write([](Transaction& tx) { tx.execute("INSERT INTO things (name) VALUES ('old')"); });
    }
    {
        Store db({.file = folder / "db"});
        db.migrate(std::vector{first, second});
        db.migrate(std::vector{first, second});
        CHECK(db.reader().query("SELECT colour FROM things").maybeText() == "grey");
    }
    Store before({.file = (folder / "db").string() + ".before-upgrade"});
    CHECK(count(before) == 1);
    CHECK_THROWS(before.reader().query("SELECT colour FROM things"));

    Store newer({.file = folder / "db"});
    CHECK_THROWS_WITH(newer.migrate(std::vector{first}), Catch::Contains("newer version"));
}

TEST_CASE("All reads of one snapshot see the same moment", "[store]") {
    const test::Folder folder;
    Store db({.file = folder / "db"});
    db.migrate(std::vector{first});
    db.read([&](store::Reader& reader) {
        CHECK(reader.query("SELECT count(*) FROM things").integer() == 0);
        std::thread([&] {
            db.write([](Transaction& tx) { tx.execute("INSERT INTO things (name) VALUES ('new')"); });
        }).join();
        CHECK(reader.query("SELECT count(*) FROM things").integer() == 0);
    });
    CHECK(count(db) == 1);
}

TEST_CASE("What comes after a marker is found with as many conditions as there are keys, in whatever directions",
          "[store][paging]") {
    const test::Folder folder;
    Store db({.file = folder / "db"});
    db.migrate(std::vector{first});
    db.write([](Transaction& tx) {
        tx.execute("CREATE TABLE nouns (id TEXT PRIMARY KEY, a INTEGER NOT NULL, b TEXT NOT NULL)");
        for (int each = 0; each < 60; ++each)
            tx.execute("INSERT INTO nouns VALUES (?, ?, ?)", std::to_string(each * 37 % 60), each % 3,
                       std::string(1, static_cast<char>('a' + each % 5)));
    });
    using store::Conditions, store::SortKey, store::orderBy, store::startAfter, store::requireFewSortKeys;
    for (const bool aDown : {false, true})
        for (const bool bDown : {false, true})
            for (const bool idDown : {false, true}) {
                const std::vector<SortKey> keys{{"a", aDown}, {"b", bDown}, {"id", idDown}};
                const auto all = db.reader().query("SELECT id FROM nouns" + orderBy(keys)).texts();
                std::vector<std::string> walked;
                while (walked.size() < all.size()) {
                    Conditions conditions;
                    if (!walked.empty()) startAfter(conditions, keys, "nouns", walked.back());
                    const auto page = db.reader()
                                          .run("SELECT id FROM nouns" + conditions.where() + orderBy(keys) + " LIMIT 7",
                                               conditions.values())
                                          .texts();
                    REQUIRE_FALSE(page.empty());
                    walked.insert(walked.end(), page.begin(), page.end());
                }
                CHECK(walked == all);
            }
    const auto sizeWith = [](std::size_t count) {
        Conditions conditions;
        startAfter(conditions, std::vector<SortKey>(count, {"a", false}), "nouns", "1");
        return conditions.where().size();
    };
    CHECK(sizeWith(16) < 17 * sizeWith(1) * 2);
    CHECK_NOTHROW(requireFewSortKeys(std::vector<std::string>{"name", "id"}));
    CHECK_THROWS_AS(requireFewSortKeys(std::vector<std::string>{"name", "id", "name"}), Error);
    std::vector<std::string> many;
    for (std::size_t each = 0; each <= store::sortKeysMax; ++each) many.push_back(std::to_string(each));
    CHECK_THROWS_AS(requireFewSortKeys(many), Error);
}

TEST_CASE("The store's files are their owner's alone, whatever the umask and whatever they were", "[store]") {
    const test::Folder folder;
    const auto file = folder / "s.db";
    const auto rightsOf = [](const std::filesystem::path& path) {
        return std::filesystem::status(path).permissions() & std::filesystem::perms::all;
    };
    const auto before = ::umask(0);
    for (int run = 0; run < 2; ++run) {
        Store store({.file = file});
        store.write([](Transaction& tx) { tx.execute("CREATE TABLE IF NOT EXISTS t (x)"); });
        for (const auto* each : {"", "-wal", "-shm"}) {
            INFO(each);
            CHECK(rightsOf(file.string() + each) ==
                  (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
        }
        for (const auto* each : {"", "-wal", "-shm"})
            ::chmod((file.string() + each).c_str(), 0644); // as an older version left them
    }
    ::umask(before);
}

TEST_CASE("A migration rebuilds a table that others refer to", "[store][migration]") {
    const test::Folder folder;
    Store db({.file = folder / "db"});
    const Migration second{"thing", 2,
                           "CREATE TABLE parts (thing INTEGER NOT NULL REFERENCES things ON DELETE CASCADE) STRICT"};
    db.migrate(std::vector{first, second});
    db.write([](Transaction& tx) {
        tx.execute("INSERT INTO things VALUES (7, 'seven')");
        tx.execute("INSERT INTO parts VALUES (7)");
    });
    const Migration third{
        "thing", 3,
        "CREATE TABLE things_new (id INTEGER PRIMARY KEY, name TEXT UNIQUE CHECK (name <> '')) STRICT;"
        "INSERT INTO things_new SELECT id, name FROM things;"
        "DROP TABLE things;"
        "ALTER TABLE things_new RENAME TO things;"};
    db.migrate(std::vector{first, second, third});
    CHECK(db.reader().query("SELECT count(*) FROM parts").integer() ==
          1); // what referred to it was not swept away with it
    CHECK_THROWS(
        db.write([](Transaction& tx) { tx.execute("INSERT INTO parts VALUES (8)"); })); // and references hold again
    db.write([](Transaction& tx) { tx.execute("DELETE FROM things"); });
    CHECK(db.reader().query("SELECT count(*) FROM parts").integer() == 0);
}

TEST_CASE("A migration that would leave rows without what they refer to changes nothing", "[store][migration]") {
    const test::Folder folder;
    Store db({.file = folder / "db"});
    const Migration second{"thing", 2, "CREATE TABLE parts (thing INTEGER NOT NULL REFERENCES things) STRICT"};
    db.migrate(std::vector{first, second});
    db.write([](Transaction& tx) {
        tx.execute("INSERT INTO things VALUES (7, 'seven')");
        tx.execute("INSERT INTO parts VALUES (7)");
    });
    const Migration third{"thing", 3, "DELETE FROM things"};
    CHECK_THROWS_WITH(db.migrate(std::vector{first, second, third}), Catch::Contains("parts"));
    CHECK(count(db) == 1);
    CHECK(db.reader().query("SELECT number FROM schema_versions WHERE module = 'thing'").integer() == 2);
}

TEST_CASE("Reads of one moment may be nested, and see what their own thread writes in between", "[store]") {
    const test::Folder folder;
    Store db({.file = folder / "db"});
    db.migrate(std::vector{first});
    const auto add = [&](const char* name) {
        db.write([&](Transaction& tx) { tx.execute("INSERT INTO things (name) VALUES (?)", name); });
    };
    db.read([&](store::Reader&) {
        CHECK(count(db) == 0);
        std::thread([&] { add("another's"); }).join();
        CHECK(count(db) == 0); // of this moment
        db.read([&](store::Reader&) { CHECK(count(db) == 0); });
        CHECK(count(db) == 0);
        add("mine");
        CHECK(count(db) == 2);
    });
    CHECK(count(db) == 2);
}

namespace {

/// A file system of its own with room for so much, where we may make one.
class SmallDisk {
public:
    explicit SmallDisk(const std::filesystem::path& place) : place_(place) {
        std::filesystem::create_directories(place);
        made_ = ::mount("tmpfs", place.c_str(), "tmpfs", 0, "size=6m") == 0;
    }
    ~SmallDisk() {
        if (made_) ::umount2(place_.c_str(), MNT_DETACH);
    }
    SmallDisk(const SmallDisk&) = delete;
    bool isMade() const { return made_; }

private:
    std::filesystem::path place_;
    bool made_ = false;
};

}

TEST_CASE("A full disk refuses changes by name, ends nothing, and is no trouble once there is room", "[store][disk]") {
    const test::Folder folder;
    const SmallDisk disk(folder / "small");
    if (!disk.isMade()) {
        WARN("skipped: a small file system can't be mounted here");
        return;
    }
    Store db({.file = folder / "small" / "db"});
    db.migrate(std::vector{first});
    const auto ballast = folder / "small" / "ballast";
    std::ofstream(ballast) << std::string(4 << 20, 'x');
    std::int64_t written = 0;
    const auto fill = [&] {
        for (; written < 200; ++written)
            db.write([&](Transaction& tx) {
                tx.execute("INSERT INTO things (name) VALUES (?)", std::to_string(written) + std::string(50000, 'x'));
            });
    };
    try {
        fill();
        FAIL("it fitted");
    } catch (const Error& error) {
        CHECK(error.failure() == Failure::Full);
    }
    CHECK(count(db) == written); // what was told to be there is there, and what was refused is not
    std::filesystem::remove(ballast);
    db.write([&](Transaction& tx) { tx.execute("INSERT INTO things (name) VALUES ('after')"); });
    CHECK(count(db) == written + 1);
}

TEST_CASE("Where another program ships the log, we never move it into the store's file, nor drop it at the end",
          "[store]") {
    const auto written = [](store::Checkpoints who) {
        const test::Folder folder;
        {
            Store db({.file = folder / "db", .checkpoints = who});
            db.migrate(std::vector{first});
            for (int each = 0; each < 300; ++each) // more than the 1,000 pages after which SQLite moves them by itself
                db.write([&](Transaction& tx) {
                    tx.execute("INSERT INTO things (name) VALUES (?)", std::string(20'000, 'x') + std::to_string(each));
                });
        }
        const auto log = folder / "db-wal";
        return std::pair(std::filesystem::exists(log) ? std::filesystem::file_size(log) : 0,
                         std::filesystem::file_size(folder / "db"));
    };
    const auto [log, file] = written(store::Checkpoints::Shipper);
    CHECK(log > 6'000'000);
    CHECK(file < 20'000); // all of it is in the log
    const auto [noLog, whole] = written(store::Checkpoints::Self);
    CHECK(noLog == 0);
    CHECK(whole > 6'000'000);
}

TEST_CASE("A store whose log another program ships is whole when it is opened again", "[store]") {
    const test::Folder folder;
    const Store::Options shipped{.file = folder / "db", .checkpoints = store::Checkpoints::Shipper};
    {
        Store db(shipped);
        db.migrate(std::vector{first});
        db.write([](Transaction& tx) { tx.execute("INSERT INTO things (name) VALUES ('kept')"); });
    }
    Store db(shipped);
    CHECK(count(db) == 1);
}
