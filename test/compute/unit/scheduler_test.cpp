#include <catch2/catch.hpp>

#include <chrono>

#include <stratolet/error.hpp>

#include "compute/scheduler/near.hpp"
#include "compute/scheduler/place.hpp"
#include "compute/scheduler/query.hpp"

using namespace stratolet;
using namespace stratolet::compute;

namespace {

/// A host with 8 processors, 16 GiB and 100 GiB of disk that nobody uses.
Candidate host(const std::string& name) {
    Candidate made;
    made.host = {.name = {name}, .hostname = name + ".machine", .address = "10.0.0.1", .type = "QEMU"};
    made.host.virtType = "kvm";
    made.host.architecture = "x86_64";
    made.host.cells = 2;
    made.host.vcpus = 8;
    made.host.memory = MiB{16384};
    made.host.disk = GiB{100};
    made.host.answers = true;
    return made;
}

Wish small() {
    Wish wish;
    wish.placing.vcpus = 1;
    wish.placing.ram = MiB{1024};
    wish.placing.disk = GiB{10};
    return wish;
}

/// What speaks against a host that was fine until `change`, for a wish that was until `want`.
std::string verdict(const std::function<void(Candidate&)>& change, const std::function<void(Wish&)>& want = {}) {
    auto candidate = host("one");
    auto wish = small();
    REQUIRE_FALSE(against(candidate, wish));
    if (change) change(candidate);
    if (want) want(wish);
    const auto found = against(candidate, wish);
    return found ? std::string(found->one) : "";
}

Placing& of(Wish& wish) { return wish.placing; }

}

TEST_CASE("Each filter says in words what speaks against a host", "[compute][scheduler]") {
    const std::function<void(Candidate&)> same;
    CHECK(verdict([](Candidate& c) { c.host.disabled = true; }) == "is disabled");
    CHECK(verdict([](Candidate& c) { c.host.answers = false; }) == "is down");
    CHECK(verdict([](Candidate& c) { c.host.forcedDown = true; }) == "is down");
    CHECK(verdict([](Candidate& c) { c.host.zone = "moon"; }, [](Wish& w) { of(w).zone = "nova"; }) ==
          "is in another zone");
    CHECK(verdict(same, [](Wish& w) { of(w).zone = "nova"; }).empty());
    CHECK(verdict(same, [](Wish& w) { of(w).host.text = "two"; }) == "is not the one that was asked for");
    CHECK(verdict(same, [](Wish& w) { of(w).hypervisor = "one.machine"; }).empty());
    CHECK(verdict(same, [](Wish& w) { of(w).notOn = {"one"}; }) == "is left out");
    CHECK(verdict(same, [](Wish& w) { of(w).image["hw_architecture"] = "aarch64"; }) == "has another architecture");
    CHECK(verdict(same, [](Wish& w) { of(w).image["architecture"] = "amd64"; }).empty());
    CHECK(verdict(same, [](Wish& w) { of(w).image["architecture"] = "i686"; }).empty());
    CHECK(verdict(same, [](Wish& w) { of(w).image["img_hv_type"] = "xen"; }) == "has another hypervisor");
    CHECK(verdict(same, [](Wish& w) { of(w).image["img_hv_type"] = "qemu"; }).empty());
    CHECK(verdict(same, [](Wish& w) { of(w).image["hw_vm_mode"] = "exe"; }) == "runs guests in another mode");
    CHECK(verdict([](Candidate& c) { c.hasDifferent = true; }) == "has a server to be apart from");
    CHECK(verdict(same, [](Wish& w) { of(w).hints.sameHost = {"x"}; }) == "doesn't have the servers to be with");
    CHECK(verdict(same, [](Wish& w) { of(w).hints.nearAddress = "10.0.1.7"; }) == "is in another network");
    CHECK(verdict(same, [](Wish& w) {
              of(w).hints.nearAddress = "10.0.1.7";
              of(w).hints.nearPrefix = "/16";
          }).empty());
    CHECK(verdict(same, [](Wish& w) { of(w).specs["pci_passthrough:alias"] = "gpu:1"; }) ==
          "has no device to pass through");
    CHECK(verdict(same, [](Wish& w) { of(w).specs["resources:VGPU"] = "1"; }) == "has no such resource");
    CHECK(verdict(same, [](Wish& w) { of(w).specs["trait:HW_ARCH_X86_64"] = "required"; }).empty());
    CHECK(verdict(same, [](Wish& w) { of(w).specs["trait:HW_ARCH_X86_64"] = "forbidden"; }) ==
          "doesn't have the traits");
    CHECK(verdict(same, [](Wish& w) { of(w).specs["trait:CUSTOM_FAST"] = "required"; }) == "doesn't have the traits");
    CHECK(verdict(same, [](Wish& w) { of(w).specs["hw:numa_nodes"] = "2"; }).empty());
    CHECK(verdict(same, [](Wish& w) { of(w).specs["hw:numa_nodes"] = "3"; }) == "doesn't have the NUMA cells");
    CHECK(verdict(same, [](Wish& w) {
              of(w).specs["hw:numa_nodes"] = "1"; // a cell has 4 processors
              of(w).vcpus = 5;
          }) == "doesn't have the NUMA cells");
}

TEST_CASE("Addresses are near in one block, of either version", "[compute][scheduler]") {
    CHECK(isNear("10.0.0.1", "10.0.0.200", ""));
    CHECK_FALSE(isNear("10.0.0.1", "10.0.1.1", "/24"));
    CHECK(isNear("10.0.0.1", "10.0.1.1", "/23"));
    CHECK(isNear("10.0.0.1", "192.0.2.1", "/0"));
    CHECK(isNear("2001:db8::1", "2001:db8::ffff", "/64"));
    CHECK_FALSE(isNear("2001:db8::1", "2001:db9::1", "/32"));
    CHECK_FALSE(isNear("10.0.0.1", "::1", "/0"));
    CHECK_FALSE(isNear("", "10.0.0.1", "/0"));
    CHECK_FALSE(isBlockLength("10.0.0.1", "/33"));
    CHECK_FALSE(isBlockLength("10.0.0.1", "24"));
    CHECK(isBlockLength("::1", "/128"));
}

TEST_CASE("A host is full when what it has, times what may be promised of it, has been promised",
          "[compute][scheduler]") {
    CHECK(verdict([](Candidate& c) { c.host.load.vcpus = 31; }).empty()); // 8 × 4
    CHECK(verdict([](Candidate& c) { c.host.load.vcpus = 32; }) == "lacks processors");
    CHECK(verdict({}, [](Wish& w) { of(w).vcpus = 9; }) == "has fewer processors");
    CHECK(verdict([](Candidate& c) { c.host.load.ram = MiB{15360}; }).empty());
    CHECK(verdict([](Candidate& c) { c.host.load.ram = MiB{15361}; }) == "lacks memory");
    CHECK(verdict([](Candidate& c) {
              c.host.load.ram = MiB{15360};
              c.host.promises.reservedRam = MiB{512};
          }) == "lacks memory");
    CHECK(verdict([](Candidate& c) {
              c.host.load.ram = MiB{20000};
              c.host.promises.ram = 1.5;
          }).empty());
    CHECK(verdict([](Candidate& c) { c.host.load.disk = GiB{91}; }) == "lacks disk space");
}

TEST_CASE("What a flavor asks of aggregates is looked up in those of the host", "[compute][scheduler]") {
    const auto want = [](const std::string& value) {
        return [=](Wish& w) { of(w).specs["aggregate_instance_extra_specs:disk"] = value; };
    };
    const auto has = [](Candidate& c) { c.aggregates = {{{"disk", "ssd, nvme"}}, {{"rack", "1"}}}; };
    CHECK(verdict({}, want("ssd")) == "is in no aggregate that the flavor asks for");
    CHECK(verdict(has, want("ssd")).empty());
    CHECK(verdict(has, want("nvme")).empty());
    CHECK(verdict(has, want("<or> tape <or> ssd")).empty());
    CHECK(verdict(has, want("tape")) == "is in no aggregate that the flavor asks for");
    CHECK(verdict({}, [](Wish& w) { of(w).specs["capabilities:hypervisor_type"] = "QEMU"; }).empty());
    CHECK(verdict({}, [](Wish& w) { of(w).specs["capabilities:vcpus_total"] = ">= 16"; }) ==
          "can't do what the flavor asks for");
}

TEST_CASE("Servers of a group go together or apart, as its policy says", "[compute][scheduler]") {
    std::vector<Candidate> hosts{host("one"), host("two"), host("three")};
    hosts[1].ofGroup = 1;
    auto wish = small();
    wish.groupHasHosts = true;
    wish.policy = GroupPolicy::Affinity;
    CHECK(place(hosts, wish).host.text == "two");
    wish.policy = GroupPolicy::SoftAffinity;
    CHECK(place(hosts, wish).host.text == "two");
    wish.policy = GroupPolicy::AntiAffinity;
    CHECK(place(hosts, wish).host.text == "one");
    hosts[0].ofGroup = hosts[2].ofGroup = 1;
    CHECK(place(hosts, wish).fault == "No valid host was found. 3 of 3 have servers of the group already.");
    wish.perHost = 2;
    CHECK(place(hosts, wish));
    wish.policy = GroupPolicy::SoftAntiAffinity;
    hosts[0].ofGroup = 3;
    hosts[1].ofGroup = 2;
    hosts[1].host.load.ram = MiB{8192};
    CHECK(place(hosts, wish).host.text == "three");
}

TEST_CASE("A forced host is taken past all filters, unless there is nobody to make the server",
          "[compute][scheduler]") {
    std::vector<Candidate> hosts{host("one"), host("two")};
    hosts[1].host.disabled = true;
    hosts[1].host.load.ram = MiB{16384};
    auto wish = small();
    wish.placing.host.text = "two";
    CHECK_FALSE(place(hosts, wish));
    wish.placing.forced = true;
    wish.placing.zone = "elsewhere";
    CHECK(place(hosts, wish).host.text == "two");
    hosts[1].host.answers = false;
    CHECK(place(hosts, wish).fault == "No valid host was found. 1 of 2 is not the one that was asked for, 1 is down.");
}

TEST_CASE("A query looks at what a host has", "[compute][scheduler]") {
    auto one = host("one").host;
    one.load.ram = MiB{1024};
    CHECK(meetsQuery(one, R"([">=", "$free_ram_mb", 15360])"));
    CHECK_FALSE(meetsQuery(one, R"([">", "$free_ram_mb", 15360])"));
    CHECK(
        meetsQuery(one, R"(["and", ["=", "$hypervisor_hostname", "one.machine"], ["not", ["<", "$vcpus_total", 8]]])"));
    CHECK(meetsQuery(one, R"(["in", "$host", ["two", "one"]])"));
    CHECK(meetsQuery(one, R"(["or", ["=", "$nothing", 1], ["=", "$vcpus_used", 0]])"));
    CHECK_FALSE(meetsQuery(one, R"(["=", "$nothing", 1])"));
    CHECK_FALSE(meetsQuery(one, R"(["<", "$host", 1])")); // a text is no number
    CHECK_THROWS_AS(requireQuery(R"(["near", 1])"), Error);
    CHECK_THROWS_AS(requireQuery(R"("host")"), Error);
    CHECK_THROWS_AS(requireQuery(R"([])"), Error);
}

TEST_CASE("Of a hundred hosts the emptiest takes the server, each fault counts them all, and it is quick",
          "[compute][scheduler]") {
    std::vector<Candidate> hosts;
    for (int number = 0; number < 100; ++number) {
        hosts.push_back(host("host" + std::to_string(number)));
        auto& each = hosts.back().host;
        each.load.ram = MiB{number % 10 * 1024};
        each.load.vcpus = number % 7;
        if (number % 25 == 0) each.disabled = true;
        if (number % 10 == 3) each.zone = "moon";
        hosts.back().aggregates = {{{"disk", number % 2 == 0 ? "ssd" : "tape"}}};
    }
    auto wish = small();
    wish.placing.specs["aggregate_instance_extra_specs:disk"] = "ssd";
    const auto began = std::chrono::steady_clock::now();
    constexpr int servers = 1000;
    std::map<std::string, int> taken;
    for (int number = 0; number < servers; ++number) {
        const auto placed = place(hosts, wish);
        REQUIRE(placed);
        ++taken[placed.host.text];
        auto& chosen = hosts.at(static_cast<std::size_t>(std::stoi(placed.host.text.substr(4)))).host;
        REQUIRE_FALSE(chosen.disabled);
        chosen.load.ram.count += wish.placing.ram.count / 4; // more than room for all of them
        chosen.load.vcpus += 1;
        if (chosen.load.vcpus > 20) chosen.load.vcpus = 0;
    }
    const auto took = std::chrono::steady_clock::now() - began;
    CHECK(taken.size() == 48);                            // the even ones but two that are disabled
    CHECK(took / servers < std::chrono::milliseconds(2)); // some 0.1 ms where nothing else runs

    wish.placing.ram = MiB{20000};
    CHECK(place(hosts, wish).fault == "No valid host was found. 48 of 100 are in no aggregate that the flavor asks "
                                      "for, 48 lack memory, 4 are disabled.");
    CHECK(place({}, wish).fault == "No valid host was found. There is no host.");
    const auto details = place(hosts, wish).details;
    CHECK(details.find("host0 is disabled") != std::string::npos);
    CHECK(details.find("host2 lacks memory (20000 wanted, ") != std::string::npos);
    CHECK(details.ends_with("; and 70 more"));
}

TEST_CASE("Hosts where servers couldn't be made come last", "[compute][scheduler]") {
    std::vector<Candidate> hosts{host("one"), host("two")};
    hosts[0].host.failures = 1;
    hosts[1].host.load.ram = MiB{12000};
    CHECK(place(hosts, small()).host.text == "two");
}
