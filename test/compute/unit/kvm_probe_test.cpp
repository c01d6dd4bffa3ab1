#include <catch2/catch.hpp>

#include <chrono>
#include <fstream>

#include "compute/driver/kvm_probe.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using namespace stratolet::compute;

TEST_CASE("Nobody waits twice for a KVM that gets nowhere, before the machine is started anew", "[kvm]") {
    const test::Folder folder;
    const auto file = folder.path() / "kvm";
    const auto looks = [&] {
        const auto begun = std::chrono::steady_clock::now();
        const auto verdict = probeKvm(file);
        return std::pair(verdict, std::chrono::steady_clock::now() - begun);
    };
    const auto first = looks().first;
    CHECK(std::filesystem::exists(file) == first.waited);
    const auto [second, time] = looks();
    CHECK(second.runs == first.runs);
    CHECK_FALSE(second.waited);
    CHECK(time < std::chrono::milliseconds(1000));
    if (!first.waited) return; // this machine's KVM runs guests, or there is none: there is nothing to remember
    std::ofstream(file) << "another start of the machine\n";
    CHECK(looks().first.waited);
}
