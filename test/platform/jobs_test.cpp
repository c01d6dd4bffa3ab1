#include <catch2/catch.hpp>

#include <atomic>
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
            .onFailed([this](Transaction&, Run& run, const std::string& reason) { note("failed " + run.subject + ": " + reason); });
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
    CHECK(bench.runner->stepsOfAll() ==
          std::vector<std::pair<std::string, std::string>>{{"thing.make", "one"}, {"thing.make", "two"}, {"thing.make", "three"}});
}

namespace {
struct ThingMade {
    static constexpr std::string_view name = "thing.made";
    VolumeId thing;
    ProjectId project;
    auto fields() { return std::tie(thing, project); }
};
}

TEST_CASE("A fact reaches every subscriber once and in order, also over a restart, and not when its change was rolled back", "[bus]") {
    Bench bench;
    Strings heard;
    const auto listen = [&](bus::Bus& bus) {
        bus.on<ThingMade>("listener",
                          [&](Transaction&, const ThingMade& fact) { heard.push_back(fact.thing.text + "@" + fact.project.text); });
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
