#include <catch2/catch.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "platform/workers/fair_workers.hpp"

using namespace stratolet;

namespace {

/// Work that waits at a door, and writes down who ran and who was dropped.
struct Bench {
    std::mutex mutex;
    std::condition_variable moved;
    bool open = false;
    std::string ran, dropped;
    std::size_t begun = 0;

    FairWorkers::Work work(const std::string& source, bool wanted = true) {
        return {source,
                [this, source] {
                    std::unique_lock lock(mutex);
                    ++begun;
                    moved.notify_all();
                    moved.wait(lock, [&] { return open; });
                    ran += source;
                },
                [wanted] { return wanted; },
                [this, source] {
                    const std::lock_guard guard(mutex);
                    dropped += source;
                    moved.notify_all();
                }};
    }
    void untilOneRuns() {
        std::unique_lock lock(mutex);
        moved.wait(lock, [&] { return begun > 0; });
    }
    void opens() {
        const std::lock_guard guard(mutex);
        open = true;
        moved.notify_all();
    }
    bool ends(std::size_t count) {
        for (int tries = 0; tries < 500; ++tries) {
            {
                const std::lock_guard guard(mutex);
                if (ran.size() + dropped.size() == count) return true;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        return false;
    }
};

}

TEST_CASE("Sources take turns, however much one of them wants", "[workers]") {
    Bench bench;
    FairWorkers lane("lane", 1, 100);
    REQUIRE(lane.submit(bench.work("a")));
    bench.untilOneRuns();
    for (const std::string source : {"a", "a", "a", "a", "b", "b", "c"}) REQUIRE(lane.submit(bench.work(source)));
    CHECK(lane.queued() == 7);
    bench.opens();
    REQUIRE(bench.ends(8));
    CHECK(bench.ran == "aabcabaa");
}

TEST_CASE("Where there is no room, the one who waits most makes some for the others, and is refused itself",
          "[workers]") {
    Bench bench;
    FairWorkers lane("lane", 1, 4);
    REQUIRE(lane.submit(bench.work("a")));
    bench.untilOneRuns();
    for (int each = 0; each < 4; ++each) REQUIRE(lane.submit(bench.work("a")));
    CHECK_FALSE(lane.submit(bench.work("a")));
    CHECK(lane.submit(bench.work("b")));
    CHECK(lane.submit(bench.work("b")));
    CHECK_FALSE(lane.submit(bench.work("b"))); // as many as the other has
    CHECK(bench.dropped == "aa");
    bench.opens();
    REQUIRE(bench.ends(7));
    CHECK(bench.ran == "aabab");
}

TEST_CASE("What nobody waits for any more is dropped when its turn comes, and what waits when the lane ends",
          "[workers]") {
    Bench bench;
    {
        FairWorkers lane("lane", 1, 10);
        REQUIRE(lane.submit(bench.work("a")));
        bench.untilOneRuns();
        REQUIRE(lane.submit(bench.work("b", false)));
        REQUIRE(lane.submit(bench.work("c")));
        bench.opens();
        REQUIRE(bench.ends(3));
        CHECK(bench.ran == "ac");
        CHECK(bench.dropped == "b");
        bench.open = false;
        bench.begun = 0;
        REQUIRE(lane.submit(bench.work("d")));
        bench.untilOneRuns();
        REQUIRE(lane.submit(bench.work("e")));
        std::thread later([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            bench.opens();
        });
        lane.finish();
        later.join();
        CHECK_FALSE(lane.submit(bench.work("f")));
    }
    CHECK(bench.ran == "acd");
    CHECK(bench.dropped == "be");
}
