#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include <stratolet/error.hpp>

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
        db.write([](Transaction& tx) { tx.execute("INSERT INTO things (name) VALUES ('new')"); });
        CHECK(reader.query("SELECT count(*) FROM things").integer() == 0);
    });
    CHECK(count(db) == 1);
}
