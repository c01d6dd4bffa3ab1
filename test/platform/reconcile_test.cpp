#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <thread>

#include "platform/log/log.hpp"
#include "platform/metrics/metrics.hpp"
#include "platform/reconcile/reconciler.hpp"

using namespace stratolet;
using namespace std::chrono_literals;

namespace {

bool soon(const std::function<bool()>& truth) {
    for (int look = 0; look < 500 && !truth(); ++look) std::this_thread::sleep_for(10ms);
    return truth();
}

}

TEST_CASE("A part that is kicked while it runs, runs once more", "[reconcile]") {
    Log log({.level = Log::Level::Error});
    Metrics metrics;
    std::atomic<int> runs = 0;
    std::promise<void> go;
    const auto gone = go.get_future().share();
    Reconciler reconciler(log, metrics);
    reconciler.declare("host", [&] {
        if (++runs == 2) gone.wait();
    });
    reconciler.start();
    CHECK(runs == 1);

    reconciler.kick("host");
    REQUIRE(soon([&] { return runs == 2; })); // it has looked at the store and is busy with the host
    reconciler.kick("host");                  // so this is about something that it has not seen
    go.set_value();

    CHECK(soon([&] { return runs == 3; }));
    std::this_thread::sleep_for(50ms);
    CHECK(runs == 3);
}

TEST_CASE("Who waits for a part gets a run that began after the call, and what that run threw", "[reconcile]") {
    Log log({.level = Log::Level::Error, .fd = -1});
    Metrics metrics;
    std::atomic<bool> broken = false;
    int runs = 0;
    Reconciler reconciler(log, metrics);
    reconciler.declare("host", [&] {
        ++runs;
        if (broken) throw std::runtime_error("the bridge is stuck");
    });
    reconciler.start();
    reconciler.now("host");
    CHECK(runs == 2);
    broken = true;
    CHECK_THROWS_WITH(reconciler.now("host"), "the bridge is stuck");
    broken = false;
    CHECK_NOTHROW(reconciler.now("host"));
}

TEST_CASE("A part that hangs stops no other's timer, and is waited for at the start only so long", "[reconcile]") {
    Log log({.level = Log::Level(99)});
    Metrics metrics;
    std::atomic<int> runs = 0;
    std::promise<void> go;
    const auto gone = go.get_future().share();
    Reconciler reconciler(log, metrics);
    std::atomic<bool> hangs = false;
    reconciler.declare("directory", [&] {
        if (hangs) gone.wait();
    });
    reconciler.declare(
        "host", [&] { ++runs; }, 1s);
    reconciler.start();
    CHECK(runs == 1);
    hangs = true;
    reconciler.kick("directory");
    CHECK(soon([&] { return runs >= 3; })); // its timer goes on
    reconciler.now("host");
    go.set_value();
}
