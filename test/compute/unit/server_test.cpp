#include "compute/server/server.hpp"

#include <catch2/catch.hpp>

using namespace stratolet;
using namespace stratolet::compute;

TEST_CASE("A status is drawn from the state and what is being done", "[compute][server]") {
    Server server;
    const auto status = [&](VmState vm, TaskState task) {
        server.vm = vm;
        server.task = task;
        return statusOf(server);
    };
    CHECK(status(VmState::Building, TaskState::Scheduling) == "BUILD");
    CHECK(status(VmState::Active, TaskState::None) == "ACTIVE");
    CHECK(status(VmState::Active, TaskState::PoweringOff) == "ACTIVE");
    CHECK(status(VmState::Active, TaskState::Rebooting) == "REBOOT");
    CHECK(status(VmState::Active, TaskState::RebootingHard) == "HARD_REBOOT");
    CHECK(status(VmState::Stopped, TaskState::PoweringOn) == "SHUTOFF");
    CHECK(status(VmState::Error, TaskState::Deleting) == "ERROR");
    CHECK(status(VmState::Deleted, TaskState::None) == "DELETED");
}

TEST_CASE("States have names and are found by them", "[compute][server]") {
    for (const auto state : {VmState::Building, VmState::Active, VmState::Stopped, VmState::Error, VmState::Deleted})
        CHECK(vmStateOf(nameOf(state)) == state);
    for (const auto state : {TaskState::None, TaskState::Scheduling, TaskState::PoweringOn, TaskState::PoweringOff,
                             TaskState::Rebooting, TaskState::RebootingHard, TaskState::Deleting})
        CHECK(taskStateOf(nameOf(state)) == state);
    CHECK_THROWS_AS(vmStateOf("resting"), Error);
}

TEST_CASE("Nothing follows on deleted", "[compute][server]") {
    for (const auto state : {VmState::Building, VmState::Active, VmState::Stopped, VmState::Error, VmState::Deleted})
        CHECK_FALSE(mayFollow(VmState::Deleted, state));
    CHECK_FALSE(mayFollow(VmState::Active, VmState::Building));
    CHECK_FALSE(mayFollow(VmState::Building, VmState::Stopped));
}

TEST_CASE("What of a name can be a host name, is", "[compute][server]") {
    const ServerId id{"0d1c4b5e-7d5e-4c7f-9d43-3a0f1b1c2d3e"};
    CHECK(hostnameFrom("My Web_server.1", id) == "my-web-server-1");
    CHECK(hostnameFrom("--a--", id) == "a");
    CHECK(hostnameFrom("\xe2\x82\xac", id) == "server-" + id.text);
    CHECK(hostnameFrom("a\nb,c#d", id) == "abcd");
    CHECK(hostnameFrom(std::string(100, 'x'), id).size() == 63);
}
