#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include <stratolet/error.hpp>

#include "platform/bus/bus.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/log/log.hpp"
#include "platform/metrics/metrics.hpp"
#include "platform/resources.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using namespace std::chrono_literals;
using jobs::Job;
using jobs::Jobs;
using jobs::Run;
using store::Transaction;

namespace {

/// A store with jobs and a bus, and a list of what happened.
struct Bench {
    test::Folder folder;
    RealAmbient ambient;
    Log log{{.level = Log::Level(99)}};
    Metrics metrics;
    std::unique_ptr<store::Store> db;
    std::unique_ptr<Jobs> runner;
    std::mutex mutex;
    std::vector<std::string> happened;

    Bench() { open(); }

    void open() {
        db = std::make_unique<store::Store>(store::Store::Options{.file = folder / "db", .durable = false});
        db->migrate(migrationsOf("platform"));
        runner = std::make_unique<Jobs>(*db, ambient, log, metrics, Jobs::Options{.threads = 4});
    }

    void close() {
        runner.reset();
        db.reset();
    }

    void note(const std::string& what) {
        const std::lock_guard guard(mutex);
        happened.push_back(what);
    }
    Job::Work noting(std::string what) {
        return [this, what](Run&) { note(what); };
    }
    Job::Work failing(std::string what, Failure failure) {
        return [this, what, failure](Run&) {
            note(what);
            throw Error(failure, what);
        };
    }
    void enqueue(const std::string& kind, const std::string& subject) {
        db->write([&](Transaction& tx) { runner->enqueue(tx, kind, subject); });
    }
    Job threeSteps(Job::Work second) {
        return Job("thing.make")
            .step("one", noting("one"), noting("undo one"))
            .step("two", std::move(second), noting("undo two"))
            .step("three", noting("three"), noting("undo three"))
            .onDone([this](Transaction&, Run& run) { note("done " + run.subject); })
            .onFailed([this](Transaction&, Run& run, const std::string& reason) {
                note("failed " + run.subject + ": " + reason);
            });
    }
};

using Strings = std::vector<std::string>;

}

TEST_CASE("A job runs its steps in order and leaves no row", "[jobs]") {
    Bench bench;
    bench.runner->declare(bench.threeSteps(bench.noting("two")));
    bench.runner->start();
    bench.enqueue("thing.make", "a");
    REQUIRE(bench.runner->settle(5s));
    CHECK(bench.happened == Strings{"one", "two", "three", "done a"});
    CHECK(bench.runner->list(bench.db->reader()).empty());
}

TEST_CASE("A job whose change is rolled back never runs", "[jobs]") {
    Bench bench;
    bench.runner->declare(bench.threeSteps(bench.noting("two")));
    bench.runner->start();
    CHECK_THROWS(bench.db->write([&](Transaction& tx) {
        bench.runner->enqueue(tx, "thing.make", "a");
        throw Error(Failure::Invalid, "no");
    }));
    CHECK(bench.runner->settle(1s));
    CHECK(bench.happened.empty());
}

TEST_CASE("A step that is refused is undone with all before it, last first", "[jobs]") {
    Bench bench;
    bench.runner->declare(bench.threeSteps(bench.failing("two", Failure::NotFound)));
    bench.runner->start();
    bench.enqueue("thing.make", "a");
    REQUIRE(bench.runner->settle(5s));
    CHECK(bench.happened == Strings{"one", "two", "undo two", "undo one", "failed a: two"});
}

TEST_CASE("A step that the host failed is tried again, with a pause, before it is given up", "[jobs]") {
    Bench bench;
    int tries = 0;
    const auto flaky = [&](Run& run) {
        CHECK(run.attempt == tries + 1);
        if (++tries < 3) throw Error(Failure::Broken, "not yet");
        bench.note("two");
    };
    bench.runner->declare(bench.threeSteps(flaky));
    bench.runner->start();
    const auto began = std::chrono::steady_clock::now();
    bench.enqueue("thing.make", "a");
    REQUIRE(bench.runner->settle(5s));
    CHECK(bench.happened == Strings{"one", "two", "three", "done a"});
    CHECK(std::chrono::steady_clock::now() - began >= 600ms); // 0.2 s, then 0.4 s
}

TEST_CASE("Jobs of one subject run one after the other, in the order they came", "[jobs]") {
    Bench bench;
    std::atomic<int> inside = 0, most = 0;
    bench.runner->declare(Job("slow").step("wait", [&](Run& run) {
        most = std::max<int>(most, ++inside);
        std::this_thread::sleep_for(20ms);
        bench.note(run.payload);
        --inside;
    }));
    bench.runner->start();
    bench.db->write([&](Transaction& tx) {
        for (const auto* each : {"1", "2", "3"}) bench.runner->enqueue(tx, "slow", "same", each);
    });
    REQUIRE(bench.runner->settle(5s));
    CHECK(bench.happened == Strings{"1", "2", "3"});
    CHECK(most == 1);
}

TEST_CASE("A job that was parked goes on from its step after a restart", "[jobs]") {
    Bench bench;
    bool host = false;
    const auto needsHost = [&](Run&) {
        bench.note("two");
        if (!host) throw Error(Failure::Broken, "no host");
    };
    bench.runner->declare(bench.threeSteps(needsHost));
    bench.runner->start();
    bench.enqueue("thing.make", "a");
    while (bench.runner->list(bench.db->reader()).at(0).attempt == 0) std::this_thread::sleep_for(5ms);
    bench.close();

    bench.open();
    host = true;
    bench.happened.clear();
    bench.runner->declare(bench.threeSteps(needsHost));
    bench.runner->start();
    REQUIRE(bench.runner->settle(5s));
    CHECK(bench.happened == Strings{"two", "three", "done a"});
}

TEST_CASE("A cancelled job undoes what it did, and one that had not begun never begins", "[jobs]") {
    Bench bench;
    std::atomic<bool> there = false;
    const auto waits = [&](Run& run) {
        there = true;
        for (int tries = 0; tries < 500 && !run.cancelled(); ++tries) std::this_thread::sleep_for(5ms);
    };
    bench.runner->declare(bench.threeSteps(waits));
    bench.runner->start();
    bench.enqueue("thing.make", "a");
    bench.enqueue("thing.make", "a");
    while (!there) std::this_thread::sleep_for(1ms);
    bench.db->write([&](Transaction& tx) { bench.runner->cancel(tx, "thing.make", "a"); });
    REQUIRE(bench.runner->settle(5s));
    CHECK(bench.happened == Strings{"one", "undo two", "undo one", "failed a: cancelled", "failed a: cancelled"});
}

TEST_CASE("The list of all steps is what was declared", "[jobs]") {
    Bench bench;
    bench.runner->declare(bench.threeSteps(bench.noting("two")));
    CHECK(bench.runner->stepsOfAll() == std::vector<std::pair<std::string, std::string>>{
                                            {"thing.make", "one"}, {"thing.make", "two"}, {"thing.make", "three"}});
}

namespace {
struct ThingMade {
    static constexpr std::string_view name = "thing.made";
    VolumeId thing;
    ProjectId project;
    auto fields() { return std::tuple(bus::Field("thing", thing), bus::Field("project", project)); }
};
}

TEST_CASE(
    "A fact reaches every subscriber once and in order, also over a restart, and not when its change was rolled back",
    "[bus]") {
    Bench bench;
    Strings heard;
    const auto listen = [&](bus::Bus& bus) {
        bus.on<ThingMade>("listener", [&](Transaction&, const ThingMade& fact) {
            heard.push_back(fact.thing.text + "@" + fact.project.text);
        });
        bus.start();
    };
    {
        bus::Bus bus(*bench.db, bench.ambient, bench.log, bench.metrics);
        listen(bus);
        bench.db->write([&](Transaction& tx) {
            bus.announce(tx, ThingMade{{"1"}, {"p"}});
            bus.announce(tx, ThingMade{{"2"}, {"p"}});
        });
        CHECK_THROWS(bench.db->write([&](Transaction& tx) {
            bus.announce(tx, ThingMade{{"never"}, {"p"}});
            throw Error(Failure::Invalid, "no");
        }));
        REQUIRE(bus.settle(5s));
        bus.stop();
        bench.db->write([&](Transaction& tx) { bus.announce(tx, ThingMade{{"3"}, {"q"}}); }); // while nobody listens
    }
    bus::Bus again(*bench.db, bench.ambient, bench.log, bench.metrics);
    listen(again);
    REQUIRE(again.settle(5s));
    CHECK(heard == Strings{"1@p", "2@p", "3@q"});
    CHECK(again.announced(bench.db->reader(), "thing.made") == 3);
}

TEST_CASE("A subscriber that fails is asked again, and has its change and its place in one transaction", "[bus]") {
    Bench bench;
    bench.db->write([](Transaction& tx) { tx.execute("CREATE TABLE heard (thing TEXT) STRICT"); });
    int tries = 0;
    bus::Bus bus(*bench.db, bench.ambient, bench.log, bench.metrics);
    bus.on<ThingMade>("listener", [&](Transaction& tx, const ThingMade& fact) {
        tx.execute("INSERT INTO heard VALUES (?)", fact.thing);
        if (++tries == 1) throw Error(Failure::Broken, "once");
    });
    bus.start();
    bench.db->write([&](Transaction& tx) { bus.announce(tx, ThingMade{{"1"}, {"p"}}); });
    REQUIRE(bus.settle(5s));
    CHECK(bench.db->reader().query("SELECT count(*) FROM heard").integer() == 1);
}

TEST_CASE("No project holds more than half of a lane, so that the next one finds a thread", "[jobs][lanes]") {
    Bench bench;
    std::atomic<bool> open = false;
    std::atomic<int> inside = 0;
    bench.runner->declare(Job("slow").lane(jobs::transferLane).step("trickle", [&](Run&) {
        ++inside;
        while (!open) std::this_thread::sleep_for(1ms);
    }));
    bench.runner->declare(Job("quick").lane(jobs::transferLane).step("do", [&](Run& run) { bench.note(run.subject); }));
    bench.runner->start();
    bench.db->write([&](Transaction& tx) {
        for (int each = 0; each < 8; ++each) bench.runner->enqueue(tx, "slow", "a" + std::to_string(each), "", "alice");
    });
    while (inside < 2) std::this_thread::sleep_for(1ms);
    bench.db->write([&](Transaction& tx) {
        bench.runner->enqueue(tx, "quick", "b", "", "bob");
        bench.runner->enqueue(tx, "quick", "cloud"); // nobody's
        bench.runner->enqueue(tx, "quick", "a", "", "alice");
    });
    while (bench.runner->list(bench.db->reader()).size() > 9) std::this_thread::sleep_for(1ms);
    CHECK(inside == 2); // of the lane's four threads
    std::sort(bench.happened.begin(), bench.happened.end());
    CHECK(bench.happened == Strings{"b", "cloud"});
    open = true;
    REQUIRE(bench.runner->settle(5s));
    CHECK(inside == 8);
}

TEST_CASE("What goes to a host that doesn't answer stops neither what goes to another nor, on its own host, who else "
          "has something there",
          "[jobs][lanes]") {
    Bench bench;
    bench.db->write([](Transaction& tx) { tx.execute("CREATE TABLE things (name TEXT PRIMARY KEY, host TEXT)"); });
    std::atomic<bool> open = false;
    std::atomic<int> inside = 0;
    const auto hostOf = [](store::Reader& db, const std::string& thing) {
        return db.query("SELECT host FROM things WHERE name = ?", thing).maybeText().value_or("");
    };
    const auto hang = [&](Run& run) {
        bench.note(run.subject);
        ++inside;
        while (!open) std::this_thread::sleep_for(1ms);
    };
    bench.runner->declare(Job("slow").step("hang", hang).keyedBy(hostOf, 2));
    bench.runner->declare(Job("quick").step("do", [&](Run& run) { bench.note(run.subject); }).keyedBy(hostOf, 2));
    bench.runner->declare(Job("moving")
                              .step("move",
                                    [&](Run&) {
                                        bench.db->write([](Transaction& tx) {
                                            tx.execute("UPDATE things SET host = 'bad' WHERE name = 'm'");
                                        });
                                    })
                              .step("there", [&](Run& run) { bench.note(run.subject + " is there"); })
                              .keyedBy(hostOf, 2));
    bench.runner->start();
    bench.db->write([&](Transaction& tx) {
        for (const auto& [name, host] : std::map<std::string, std::string>{{"a1", "bad"},
                                                                           {"a2", "bad"},
                                                                           {"b1", "bad"},
                                                                           {"c1", "bad"},
                                                                           {"a3", "good"},
                                                                           {"c2", "good"},
                                                                           {"m", "good"}})
            tx.execute("INSERT INTO things VALUES (?, ?)", name, host);
        bench.runner->enqueue(tx, "slow", "a1", "", "alice");
        bench.runner->enqueue(tx, "slow", "a2", "", "alice"); // of a host's two threads one owner has one
        bench.runner->enqueue(tx, "slow", "b1", "", "bob");
        bench.runner->enqueue(tx, "slow", "c1", "", "carol"); // and there are no more than two
    });
    while (inside < 2) std::this_thread::sleep_for(1ms);
    bench.db->write([&](Transaction& tx) {
        bench.runner->enqueue(tx, "quick", "a3", "", "alice");
        bench.runner->enqueue(tx, "quick", "c2", "", "carol");
        bench.runner->enqueue(tx, "moving", "m");
        bench.runner->enqueue(tx, "quick", "nowhere");
    });
    while (bench.runner->list(bench.db->reader()).size() > 5) std::this_thread::sleep_for(1ms);
    CHECK(inside == 2);
    {
        const std::lock_guard guard(bench.mutex);
        std::sort(bench.happened.begin(), bench.happened.end());
        CHECK(bench.happened == Strings{"a1", "a3", "b1", "c2", "nowhere"}); // what moved to the bad one waits there
    }
    open = true;
    REQUIRE(bench.runner->settle(5s));
    CHECK(inside == 4);
    CHECK(std::find(bench.happened.begin(), bench.happened.end(), "m is there") != bench.happened.end());
}

TEST_CASE("What waits in one lane is in nobody's way in another", "[jobs][lanes]") {
    Bench bench;
    std::atomic<bool> open = false;
    bench.runner->declare(Job("slow")
                              .step(
                                  "trickle",
                                  [&](Run&) {
                                      while (!open) std::this_thread::sleep_for(1ms);
                                  },
                                  {}, jobs::transferLane)
                              .step("rest", [](Run&) {}));
    bench.runner->declare(Job("quick").step("do", bench.noting("quick")));
    bench.runner->start();
    for (int each = 0; each < 20; ++each) bench.enqueue("slow", std::to_string(each));
    bench.enqueue("quick", "q");
    while (bench.runner->list(bench.db->reader()).size() > 20) std::this_thread::sleep_for(1ms);
    CHECK(bench.happened == Strings{"quick"});
    open = true;
    REQUIRE(bench.runner->settle(5s));
}

TEST_CASE("A step that waits for somebody holds no thread, and fifty such waits last as long as one", "[jobs]") {
    Bench bench;
    bench.runner->declare(Job("wait").step("look", [&](Run& run) {
        CHECK(run.attempt == 1);
        if (run.now - run.stepBegan >= 300ms) return bench.note(run.subject);
        run.notYet(20ms);
    }));
    bench.runner->start();
    const auto began = std::chrono::steady_clock::now();
    for (int each = 0; each < 50; ++each) bench.enqueue("wait", std::to_string(each));
    REQUIRE(bench.runner->settle(10s));
    CHECK(bench.happened.size() == 50);
    CHECK(std::chrono::steady_clock::now() - began < 3s); // with four threads, one after the other would be 3.75 s
}

TEST_CASE("A cancelled wait ends at once, not when it would have looked again", "[jobs]") {
    Bench bench;
    bench.runner->declare(Job("wait").step(
        "look", [&](Run& run) { run.notYet(1h); }, bench.noting("undone")));
    bench.runner->start();
    bench.enqueue("wait", "a");
    while (bench.runner->list(bench.db->reader()).at(0).state != "running") std::this_thread::sleep_for(1ms);
    bench.db->write([&](Transaction& tx) { bench.runner->cancel(tx, "wait", "a"); });
    REQUIRE(bench.runner->settle(5s));
    CHECK(bench.happened == Strings{"undone"});
}

TEST_CASE("While it undoes, a job is not told to stop", "[jobs]") {
    Bench bench;
    std::atomic<bool> there = false;
    bench.runner->declare(Job("thing").step(
        "one",
        [&](Run& run) {
            there = true;
            while (!run.cancelled()) std::this_thread::sleep_for(1ms);
            throw Error(Failure::Busy, "stopped");
        },
        [&](Run& run) { bench.note(run.cancelled() ? "told to stop" : "undone"); }));
    bench.runner->start();
    bench.enqueue("thing", "a");
    while (!there) std::this_thread::sleep_for(1ms);
    bench.db->write([&](Transaction& tx) { bench.runner->cancel(tx, "thing", "a"); });
    REQUIRE(bench.runner->settle(5s));
    CHECK(bench.happened == Strings{"undone"});
}

namespace {

/// The wall clock, and hours that pass when they are told to.
struct Hours : RealAmbient {
    std::atomic<std::int64_t> hours = 0;
    Time now() override { return RealAmbient::now() + std::chrono::hours(hours); }
};

}

TEST_CASE("A deadline runs from the first begin, and a power cut does not eat it", "[jobs]") {
    test::Folder folder;
    Hours clock;
    Log log{{.level = Log::Level(99)}};
    Metrics metrics;
    store::Store db({.file = folder / "db", .durable = false});
    db.migrate(migrationsOf("platform"));
    std::atomic<bool> host = false;
    std::atomic<int> failed = 0, tries = 0;
    const auto runner = [&] {
        auto made = std::make_unique<Jobs>(db, clock, log, metrics, Jobs::Options{.threads = 1});
        made->declare(Job("thing")
                          .within(10min)
                          .step("one",
                                [&](Run&) {
                                    ++tries;
                                    if (!host) throw Error(Failure::Busy, "the host is away");
                                })
                          .onFailed([&](Transaction&, Run&, const std::string&) { ++failed; }));
        return made;
    };
    auto first = runner();
    db.write([&](Transaction& tx) { first->enqueue(tx, "thing", "a"); });
    clock.hours = 1; // it has waited for its turn: that is not its own time
    first->start();
    while (tries < 4) std::this_thread::sleep_for(1ms); // more than three attempts: whoever is away comes back
    first->park();
    first.reset();
    CHECK(failed == 0);

    clock.hours = 7; // nobody was there
    auto second = runner();
    second->start();
    const int before = tries;
    while (tries < before + 2) std::this_thread::sleep_for(1ms);
    CHECK(failed == 0);
    SECTION("and the host comes back") {
        host = true;
        REQUIRE(second->settle(10s));
        CHECK(failed == 0);
    }
    SECTION("but while we run it counts") {
        clock.hours = 8;
        REQUIRE(second->settle(10s));
        CHECK(failed == 1);
    }
}

TEST_CASE("What was promised is tried until it is done", "[jobs]") {
    Bench bench;
    int tries = 0;
    bench.runner->declare(Job("delete").untilDone().step("discard", [&](Run&) {
        if (++tries <= 4) throw Error(tries % 2 ? Failure::Broken : Failure::NotFound, "no");
        bench.note("gone");
    }));
    bench.runner->start();
    bench.enqueue("delete", "a");
    REQUIRE(bench.runner->settle(20s));
    CHECK(bench.happened == Strings{"gone"});
}

TEST_CASE("Where a job is, and how far, can be read while it runs", "[jobs]") {
    Bench bench;
    std::atomic<bool> go = false, there = false;
    bench.runner->declare(Job("copy").step("bytes", [&](Run& run) {
        run.progress(10, 40);
        there = true;
        while (!go) std::this_thread::sleep_for(1ms);
        run.progress(40, 40);
    }));
    bench.runner->start();
    bench.db->write([&](Transaction& tx) { bench.runner->enqueue(tx, "copy", "a", "", "alice"); });
    while (!there) std::this_thread::sleep_for(1ms);
    const auto record = bench.runner->list(bench.db->reader()).at(0);
    CHECK(record.state == "running");
    CHECK(record.step == "bytes");
    CHECK(record.owner == "alice");
    CHECK(record.begun.has_value());
    CHECK(record.progress == 10);
    CHECK(record.total == 40);
    go = true;
    REQUIRE(bench.runner->settle(5s));
}

TEST_CASE("A fact has names for its fields: what was announced without one, or in the old form, is heard all the same",
          "[bus]") {
    Bench bench;
    Strings heard;
    bus::Bus bus(*bench.db, bench.ambient, bench.log, bench.metrics);
    bus.on<ThingMade>("listener", [&](Transaction&, const ThingMade& fact) {
        heard.push_back(fact.thing.text + "@" + fact.project.text);
    });
    bus.start();
    bench.db->write([&](Transaction& tx) {
        for (const auto* fields : {R"(["1","p"])", R"({"thing":"2"})", R"({"project":"p","thing":"3","more":"x"})"})
            tx.execute("INSERT INTO facts (name, fields, announced) VALUES ('thing.made', ?, 1)", std::string(fields));
        bus.announce(tx, ThingMade{{"4"}, {"p"}});
    });
    REQUIRE(bus.settle(5s));
    CHECK(heard == Strings{"1@p", "2@", "3@p", "4@p"});
}

TEST_CASE("A subscriber that this version does not have keeps no facts", "[bus]") {
    Bench bench;
    bench.db->write([](Transaction& tx) { tx.execute("INSERT INTO fact_cursors VALUES ('gone.subscriber', 0)"); });
    bus::Bus bus(*bench.db, bench.ambient, bench.log, bench.metrics);
    bus.on<ThingMade>("listener", [](Transaction&, const ThingMade&) {});
    bus.start();
    CHECK(bench.db->reader().query("SELECT subscriber FROM fact_cursors").texts() == Strings{"listener"});
}

TEST_CASE("A job knows how long each of its steps took, across a restart, and which one failed", "[jobs]") {
    Bench bench;
    std::vector<jobs::Stage> seen;
    const auto declare = [&](Job::Work second) {
        bench.runner->declare(bench.threeSteps(std::move(second))
                                  .onDone([&](Transaction&, Run& run) { seen = run.stages; })
                                  .onFailed([&](Transaction&, Run& run, const std::string&) { seen = run.stages; }));
        bench.runner->start();
    };
    std::atomic<bool> entered = false;
    declare([&](Run& run) {
        entered = true;
        run.notYet(1ms);
    });
    bench.enqueue("thing.make", "a");
    for (int tries = 0; tries < 2000 && !entered; ++tries) std::this_thread::sleep_for(1ms);
    REQUIRE(entered);
    const auto under = bench.runner->stagesOf(bench.db->reader(), "a");
    REQUIRE(under.size() == 1);
    REQUIRE(under[0].stages.size() == 2);
    CHECK(under[0].stages[0].step == "one");
    CHECK(under[0].stages[0].ended >= under[0].stages[0].began);
    CHECK(under[0].stages[1].step == "two");
    CHECK_FALSE(under[0].stages[1].ended);
    bench.close();
    bench.open();
    declare(bench.failing("two", Failure::Invalid));
    REQUIRE(bench.runner->settle(5s));
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].began == under[0].stages[0].began);
    CHECK(seen[0].ended == under[0].stages[0].ended);
    CHECK(seen[0].error.empty());
    CHECK(seen[1].began == under[0].stages[1].began);
    CHECK(seen[1].ended);
    CHECK(seen[1].error == "two");
    CHECK(bench.runner->stagesOf(bench.db->reader(), "a").empty());
}
