#include <catch2/catch.hpp>

#include <chrono>

#include "block/scheduler/pool.hpp"
#include "resource/extra_spec.hpp"

using namespace stratolet;
using namespace stratolet::block;
using Catch::Contains;

namespace {

Pool pool(const std::string& backend, double total, double free, double allocated = 0) {
    Pool made;
    made.name = "host@" + backend + "#" + backend;
    made.zone = "nova";
    made.total = total;
    made.free = free;
    made.allocated = allocated;
    made.overSubscription = 1;
    made.capabilities = {{"volume_backend_name", backend}, {"multiattach", "False"}};
    return made;
}

}

TEST_CASE("A volume goes to the pool with the most room of those that fit", "[block][scheduler]") {
    const std::vector pools{pool("a", 100, 100, 50), pool("b", 100, 100, 20), pool("c", 100, 100, 20)};
    CHECK(place(pools, {.size = GiB{10}}).host == "host@b#b");
    CHECK(place(pools, {.size = GiB{10}, .notIn = {"host@b"}}).host == "host@c#c");
    CHECK(place(pools, {.size = GiB{10}, .only = {"host@a#a"}}).host == "host@a#a");
    CHECK(place(pools, {.size = GiB{10}, .preferred = {"host@a#a"}}).host == "host@a#a");
    CHECK(place(pools, {.size = GiB{60}, .preferred = {"host@a#a"}}).host == "host@b#b");
    const auto none = place(pools, {.size = GiB{90}});
    CHECK_FALSE(none);
    REQUIRE(none.why.size() == 3);
    CHECK(none.why[0].first == "host@a#a");
    CHECK_THAT(none.why[0].second, Contains("promised"));
    CHECK_FALSE(place({}, {.size = GiB{1}}));
}

TEST_CASE("A thin pool promises as much as its ratio lets it, a thick one what it has", "[block][scheduler]") {
    auto thin = pool("a", 100, 10, 150);
    thin.overSubscription = 2;
    CHECK(place({thin}, {.size = GiB{20}}));
    CHECK_FALSE(place({thin}, {.size = GiB{21}})); // what is free, twice
    CHECK_FALSE(place({thin}, {.size = GiB{51}})); // what it has, twice
    thin.overSubscription = 0.5;
    CHECK_FALSE(place({thin}, {.size = GiB{1}}));
    thin.overSubscription = 2;
    CHECK(place({thin}, {.size = GiB{10}, .specs = {{"provisioning:type", "thick"}}}));
    CHECK_FALSE(place({thin}, {.size = GiB{11}, .specs = {{"provisioning:type", "thick"}}}));
    auto thick = pool("b", 100, 10, 90);
    thick.thin = false;
    CHECK(place({thick}, {.size = GiB{10}}));
    CHECK_FALSE(place({thick}, {.size = GiB{11}}));
    thick.reserved = 5;
    CHECK(place({thick}, {.size = GiB{5}}));
    CHECK_FALSE(place({thick}, {.size = GiB{6}}));
    CHECK(place({thick}, {.size = GiB{0}})); // what is there already takes nothing
    CHECK_FALSE(place({pool("c", 0, 0)}, {.size = GiB{1}}));
}

TEST_CASE("A pool has what a type's extra specs ask for", "[block][scheduler]") {
    const std::vector pools{pool("fast", 100, 100), pool("slow", 200, 200)};
    const auto goesTo = [&](const ExtraSpecs& specs) { return place(pools, {.size = GiB{1}, .specs = specs}).host; };
    CHECK(goesTo({{"volume_backend_name", "fast"}}) == "host@fast#fast");
    CHECK(goesTo({{"capabilities:volume_backend_name", "fast"}}) == "host@fast#fast");
    CHECK(goesTo({{"volume_backend_name", "none"}}).empty());
    CHECK(goesTo({{"vendor:thing", "x"}}) == "host@slow#slow"); // somebody else's
    CHECK(goesTo({{"thing", "x"}}).empty());
    CHECK(goesTo({{"multiattach", "<is> False"}}) == "host@slow#slow");
    CHECK(goesTo({{"multiattach", "<is> True"}}).empty());
    CHECK(goesTo({{"RESKEY:availability_zones", "moon, nova"}}) == "host@slow#slow");
    CHECK(goesTo({{"RESKEY:availability_zones", "moon"}}).empty());
    CHECK(place(pools, {.size = GiB{1}, .zone = "moon"}).host.empty());
    auto disabled = pools;
    disabled[1].disabled = true;
    CHECK(place(disabled, {.size = GiB{1}}).host == "host@fast#fast");
}

TEST_CASE("Extra specs compare with operators", "[block][scheduler]") {
    struct Case {
        std::string capability, spec;
        bool fits;
    };
    for (const auto& [capability, spec, fits] : {Case{"5", "= 5", true},
                                                 {"6", "= 5", true},
                                                 {"4", "= 5", false},
                                                 {"5", "== 5.0", true},
                                                 {"5", "!= 5", false},
                                                 {"5", ">= 6", false},
                                                 {"5", "<= 6", true},
                                                 {"five", ">= 5", false},
                                                 {"a", "s== a", true},
                                                 {"a", "s!= a", false},
                                                 {"b", "s> a", true},
                                                 {"a", "s>= a", true},
                                                 {"a", "s< b", true},
                                                 {"b", "s<= a", false},
                                                 {"abc", "<in> b", true},
                                                 {"abc", "<in> x", false},
                                                 {"True", "<is> yes", true},
                                                 {"True", "<is> False", false},
                                                 {"b", "<or> a <or> b", true},
                                                 {"c", "<or> a <or> b", false},
                                                 {"a", "a", true},
                                                 {"a b", "a b", true},
                                                 {"a", "b", false},
                                                 {"", "", true},
                                                 {"a", "<or>", false},
                                                 {"5", "==", false},
                                                 {"", "<in>", false}}) {
        INFO(capability << " meets " << spec);
        CHECK(resource::meets(capability, spec) == fits);
    }
}

TEST_CASE("A hundred pools are looked at in less than a millisecond", "[block][scheduler]") {
    std::vector<Pool> pools;
    for (int each = 0; each < 100; ++each) pools.push_back(pool("p" + std::to_string(each), 1000, 1000, 999 - each));
    const ExtraSpecs specs{{"multiattach", "<is> False"}, {"RESKEY:availability_zones", "nova"}};
    auto best = std::chrono::nanoseconds::max();
    for (int each = 0; each < 20; ++each) {
        const auto began = std::chrono::steady_clock::now();
        CHECK(place(pools, {.size = GiB{1}, .specs = specs}).host == "host@p99#p99");
        best = std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - began);
    }
    CHECK(best < std::chrono::milliseconds(1));
}
