#include <catch2/catch.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "network/driver/linux.hpp"
#include "network/driver/linux_nft.hpp"
#include "network/unit/linux_bed.hpp"
#include "platform/os/process.hpp"

using namespace stratolet;
using namespace stratolet::network;
using namespace stratolet::network::test;

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

/// One end sends without a pause, the other reads: how many bytes of IP came in a second, measured once what was saved
/// up is used up.
double bytesInSecond(const Fd& from, const Fd& to, std::chrono::milliseconds before, std::chrono::milliseconds during) {
    std::atomic<bool> stop = false;
    std::thread sender([&] {
        const std::string much(16 << 10, 'x');
        while (!stop) {
            pollfd ready{from.get(), POLLOUT, 0};
            if (poll(&ready, 1, 50) > 0) [[maybe_unused]]
                const auto sent = send(from.get(), much.data(), much.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        }
    });
    std::string buffer(256 << 10, '\0');
    const auto begin = Clock::now();
    auto first = begin;
    double bytes = 0;
    while (Clock::now() - begin < before + during) {
        pollfd ready{to.get(), POLLIN, 0};
        if (poll(&ready, 1, 50) <= 0) continue;
        const auto got = recv(to.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (Clock::now() - begin < before)
            first = Clock::now();
        else if (got > 0)
            bytes += static_cast<double>(got);
    }
    const std::chrono::duration<double> took = Clock::now() - first;
    stop = true;
    sender.join();
    constexpr double segment = 1448, packet = 1500;
    return bytes * packet / segment / took.count();
}

constexpr double mbit = 1e6 / 8;

/// Whether TCP comes to this rate, within a tenth, for 4 s or more, once what was saved up is used up. It goes by fits
/// and starts where packets are dropped, the more on a busy machine: the longer the time, the nearer its mean.
bool keepsTo(double rate, const Fd& from, const Fd& to) {
    bytesInSecond(from, to, 0ms, 2s);
    std::vector<double> measured;
    for (int times = 0; times < 9; ++times) {
        measured.push_back(bytesInSecond(from, to, 0ms, 2s));
        UNSCOPED_INFO(measured.back() / mbit << " Mbit/s of " << rate / mbit);
        double sum = measured.back(), count = 1;
        for (auto each = measured.rbegin() + 1; each != measured.rend(); ++each) {
            sum += *each;
            const auto mean = sum / ++count;
            if (mean > 0.9 * rate && mean < 1.1 * rate) return true;
        }
    }
    return false;
}

bool exceeds(double rate, const Fd& from, const Fd& to) {
    for (int tries = 0; tries < 6; ++tries)
        if (bytesInSecond(from, to, 200ms, 700ms) > rate) return true;
    return false;
}

/// Two guests whose own devices send as much at once as their network carries.
NetworkPlan twoFastGuests() {
    auto plan = twoGuests();
    plan.networks[0].mtu = 1500;
    return plan;
}

}

TEST_CASE("A port sends and gets as fast as its limits say, within a tenth", "[network][linux][qos]") {
    NEEDS_ROOT();
    Host host;
    auto plan = twoFastGuests();
    SECTION("from the guest") { plan.ports[0].qos.egress.kbps = 10'000; }
    SECTION("to the guest") { plan.ports[1].qos.ingress.kbps = 10'000; }
    SECTION("from a guest whose addresses nobody guards") {
        plan.ports[0].portSecurity = false;
        plan.ports[0].qos.egress.kbps = 10'000;
    }
    REQUIRE(host.driver->apply(plan).empty());
    auto one = host.guest(1), two = host.guest(2);
    one.has("10.1.0.11/24");
    two.has("10.1.0.12/24");
    const auto listening = listensIn(two.name(), "10.1.0.12", 80);
    Stream stream(one.name(), "10.1.0.11", listening, "10.1.0.12", 80);
    CHECK(keepsTo(10 * mbit, stream.near(), stream.far()));
    // The other way nothing is limited.
    CHECK(exceeds(15 * mbit, stream.far(), stream.near()));
}

TEST_CASE("A limit comes, changes and goes while packets pass, and comes back when it is taken away by hand",
          "[network][linux][qos]") {
    NEEDS_ROOT();
    Host host;
    auto plan = twoFastGuests();
    plan.ports[1].qos.egress.kbps = 64;
    REQUIRE(host.driver->apply(plan).empty());
    auto one = host.guest(1), two = host.guest(2);
    one.has("10.1.0.11/24");
    two.has("10.1.0.12/24");
    const auto listening = listensIn(two.name(), "10.1.0.12", 80);
    Stream stream(one.name(), "10.1.0.11", listening, "10.1.0.12", 80);
    const auto table = [] { return process::run({.argv = {"nft", "list", "table", "bridge", "stratolet_guard"}}).out; };
    const auto limitOf = [&](int number) {
        const auto all = process::run({.argv = {"nft", "list", "set", "bridge", "stratolet_guard", "bytes_from"}})
                             .expectSuccess()
                             .out;
        const auto at = all.find("\"" + host.driver->tapOf(port(number)) + "\" ");
        return at == std::string::npos ? "" : all.substr(at, all.find_first_of(",}", at) - at);
    };
    CHECK(exceeds(15 * mbit, stream.near(), stream.far()));

    const auto untouched = limitOf(2);
    CHECK(untouched.find("limit rate over 8000 bytes/second") != std::string::npos);
    plan.ports[0].qos.egress.kbps = 5'000;
    REQUIRE(host.driver->apply(plan).empty());
    CHECK(keepsTo(5 * mbit, stream.near(), stream.far()));
    plan.ports[0].qos.egress.kbps = 10'000;
    REQUIRE(host.driver->apply(plan).empty());
    CHECK(keepsTo(10 * mbit, stream.near(), stream.far()));
    CHECK(limitOf(2) == untouched);

    nft::load("flush set bridge stratolet_guard bytes_from\n");
    CHECK_FALSE(host.driver->findings(plan).empty());
    host.driver->watch([] {});
    nft::load("add chain bridge stratolet_guard stranger\n"); // the watch looks what has changed
    for (int tries = 0; tries < 50 && table().find("rate over 1250000 bytes") == std::string::npos; ++tries) {
        std::this_thread::sleep_for(100ms);
        host.driver->apply(plan);
    }
    CHECK(table().find("limit rate over 1250000 bytes/second") != std::string::npos);
    CHECK(host.driver->findings(plan).empty());

    plan.ports[0].qos = {};
    REQUIRE(host.driver->apply(plan).empty());
    CHECK(limitOf(1).empty());
    CHECK(exceeds(15 * mbit, stream.near(), stream.far()));
}

TEST_CASE("A limit of packets lets through so many in a second", "[network][linux][qos]") {
    NEEDS_ROOT();
    Host host;
    auto plan = twoFastGuests();
    plan.ports[0].qos.egress = {.packets = 1000, .burstPackets = 100};
    REQUIRE(host.driver->apply(plan).empty());
    auto one = host.guest(1), two = host.guest(2);
    one.has("10.1.0.11/24");
    two.has("10.1.0.12/24");
    REQUIRE(one.pings("10.1.0.12"));
    const auto before = two.received(bytesOf("5354524154"));
    const auto udp = bytesOf("fa163e000002 fa163e000001 0800 4500 0024 0000 4000 4011 26b1 0a01000b 0a01000c"
                             "1234 1235 0010 0000 5354524154 000000");
    const auto begin = Clock::now();
    int sent = 0;
    while (Clock::now() - begin < 3s) {
        for (int each = 0; each < 40; ++each, ++sent) one.sends(udp);
        std::this_thread::sleep_for(5ms);
    }
    const std::chrono::duration<double> took = Clock::now() - begin;
    std::this_thread::sleep_for(200ms);
    const auto got = two.received(bytesOf("5354524154")) - before;
    REQUIRE(sent > 5000);
    CHECK(got > 0.9 * 1000 * took.count());
    CHECK(got < 1.1 * (1000 * took.count() + 1100)); // with what was saved up before
}

TEST_CASE("What a port sends has the mark of its policy", "[network][linux][qos]") {
    NEEDS_ROOT();
    Host host;
    auto plan = twoFastGuests();
    plan.ports[0].qos.dscp = 46;
    REQUIRE(host.driver->apply(plan).empty());
    auto one = host.guest(1), two = host.guest(2);
    one.has("10.1.0.11/24");
    two.has("10.1.0.12/24");
    const auto udp = [](const std::string& service, const std::string& sum) {
        return bytesOf("fa163e000002 fa163e000001 0800 45" + service + " 0024 0000 4000 4011 " + sum +
                       "0a01000b 0a01000c 1234 1235 0010 0000 5354524154 000000");
    };
    one.sends(udp("00", "26b1"));
    std::this_thread::sleep_for(200ms);
    // The mark is in, the checksum fits.
    CHECK(two.received(bytesOf("45b8 0024 0000 4000 4011 25f9 0a01000b")) == 1);
    CHECK(two.received(bytesOf("4500 0024 0000 4000 4011 26b1 0a01000b")) == 0);
}

TEST_CASE("Floating IPs and a router's gateway keep to limits of their own", "[network][linux][qos]") {
    NEEDS_ROOT();
    Host host;
    NetworkPlan plan = twoFastGuests();
    auto outside = externalNetwork(9, "172.30.9");
    plan.networks.push_back(outside);
    plan.ports.push_back(guestPort(3, 9, "172.30.9.40", {group(1)}));
    PlannedRouter planned;
    planned.id = router(1);
    planned.gateway = PlannedInterface{port(800), networkId(9), mac(800), {{subnet(9), "172.30.9.5"}}};
    planned.interfaces = {{port(801), networkId(1), mac(801), {{subnet(1), "10.1.0.1"}}}};
    planned.floatingIps = {{{uuid(7, 1)}, "172.30.9.20", "10.1.0.11"}};
    SECTION("what comes to a floating IP") { planned.floatingIps[0].qos.ingress.kbps = 10'000; }
    SECTION("what goes out by one") { planned.floatingIps[0].qos.egress.kbps = 10'000; }
    SECTION("what goes out by the gateway's address") { planned.gatewayQos.egress.kbps = 10'000; }
    plan.routers = {planned};
    REQUIRE(host.driver->apply(plan).empty());
    auto one = host.guest(1), two = host.guest(2);
    one.has("10.1.0.11/24", "10.1.0.1");
    two.has("10.1.0.12/24", "10.1.0.1");

    auto three = host.guest(3);
    three.has("172.30.9.40/24");

    // Both ways, a while for what is limited and a moment for what isn't.
    int at = 8080;
    const auto keep = [&](const Guest& guest, const std::string& address, const PlannedQos& qos) {
        const auto listening = listensIn(three.name(), "172.30.9.40", at);
        Stream stream(guest.name(), address, listening, "172.30.9.40", at++);
        for (const auto* limit : {&qos.egress, &qos.ingress}) {
            const bool out = limit == &qos.egress;
            const auto &from = out ? stream.near() : stream.far(), &to = out ? stream.far() : stream.near();
            INFO(address << (out ? " out" : " in"));
            if (limit->kbps > 0)
                CHECK(keepsTo(10 * mbit, from, to));
            else
                CHECK(exceeds(15 * mbit, from, to));
        }
    };
    keep(one, "10.1.0.11", planned.floatingIps[0].qos);
    keep(two, "10.1.0.12", planned.gatewayQos);

    plan.routers[0].floatingIps[0].qos = {};
    plan.routers[0].gatewayQos = {};
    REQUIRE(host.driver->apply(plan).empty());
    CHECK(host.driver->findings(plan).empty());
}

TEST_CASE("A meter counts the packets that its rules name, each once, also while rules change and over a restart",
          "[network][linux][metering]") {
    NEEDS_ROOT();
    Host host;
    auto plan = twoGuests();
    plan.networks.push_back(externalNetwork(9, "172.30.9"));
    plan.ports.push_back(guestPort(3, 9, "172.30.9.40", {group(1)}));
    PlannedRouter planned;
    planned.id = router(1);
    planned.gateway = PlannedInterface{port(800), networkId(9), mac(800), {{subnet(9), "172.30.9.5"}}};
    planned.interfaces = {{port(801), networkId(1), mac(801), {{subnet(1), "10.1.0.1"}}}};
    const MeteringLabelId all{uuid(8, 1)}, outward{uuid(8, 2)};
    const auto from = [](const std::string& source, bool ingress, bool excluded = false) {
        return PlannedMeterRule{ingress, excluded, source, ""};
    };
    planned.meters = {{all, {from("", true), from("", false), from("172.30.9.64/26", true, true)}},
                      {outward, {from("10.1.0.11/32", false)}}};
    plan.routers = {planned};
    REQUIRE(host.driver->apply(plan).empty());
    auto one = host.guest(1), two = host.guest(2), three = host.guest(3);
    one.has("10.1.0.11/24", "10.1.0.1");
    two.has("10.1.0.12/24", "10.1.0.1");
    three.has("172.30.9.40/24");
    std::map<MeteringLabelId, nft::Counted> sums;
    const auto take = [&] {
        for (const auto& each : host.driver->takeMeters()) {
            CHECK(each.router == router(1));
            sums[each.label].packets += each.packets;
            sums[each.label].bytes += each.bytes;
        }
    };
    const auto ping = [](const Guest& guest, int times) {
        const auto done = process::run(
            {.argv = {"busybox", "ping", "-q", "-c", std::to_string(times), "-A", "-s", "972", "172.30.9.40"},
             .netns = guest.name()});
        const auto received = done.out.find(" packets received");
        REQUIRE(received != std::string::npos);
        return std::stoi(done.out.substr(done.out.rfind(' ', received - 1)));
    };
    REQUIRE(one.pings("172.30.9.40"));
    REQUIRE(two.pings("172.30.9.40"));
    take();
    sums.clear();

    constexpr std::uint64_t bytes = 1000;
    REQUIRE(ping(one, 200) == 200);
    take();
    CHECK(sums[all].packets == 400);
    CHECK(sums[all].bytes == 400 * bytes);
    CHECK(sums[outward].packets == 200);
    take(); // nothing twice
    CHECK(sums[all].packets == 400);

    REQUIRE(ping(two, 100) == 100);
    plan.routers[0].meters[0].rules.push_back(from("10.1.0.12/32", false, true));
    REQUIRE(host.driver->apply(plan).empty());
    REQUIRE(ping(two, 100) == 100); // one way only is counted now
    for (const auto& each : host.driver->takeMetadataListeners()) ::close(each.socket);
    host.driver.reset(); // without a word, as a crash ends it
    host.driver = linuxNetworkDriver({.folder = host.world.folder(), .lookEvery = std::chrono::hours(1)});
    REQUIRE(host.driver->apply(plan).empty()); // loads all rules anew
    take();
    CHECK(sums[all].packets == 400 + 200 + 100);
    CHECK(sums[outward].bytes == 200 * bytes);

    REQUIRE(ping(one, 10) == 10);
    plan.routers[0].meters = {};
    REQUIRE(host.driver->apply(plan).empty());
    take();
    CHECK(sums[all].packets == 700 + 20);
    CHECK(host.driver->findings(plan).empty());
    CHECK(process::run({.argv = {"nft", "list", "counters"}, .netns = "qrouter-" + router(1).text})
              .out.find("counter_") == std::string::npos);
}
