#pragma once

#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include "support/test_appliance.hpp"

namespace stratolet::test {

/// What most tests of compute begin with: a cloud, a member, an image to boot from, and words for what they do.
struct Cloud {
    explicit Cloud(std::vector<TestOption> options = {}) : appliance(std::move(options)) {}

    TestAppliance appliance;
    Member alice = appliance.member("alice");
    std::string image = upload(alice);

    static std::string upload(const Member& member) {
        const auto made =
            member.posts("/image/v2/images", R"({"name":"tiny","disk_format":"raw","container_format":"bare"})");
        REQUIRE(made.status == 201);
        const std::string id = made.json().text("id");
        REQUIRE(member
                    .puts("/image/v2/images/" + id + "/file", std::string(1024, 'x'),
                          {{"Content-Type", "application/octet-stream"}})
                    .status == 204);
        return id;
    }

    /// `more` are further members of the body, each with a comma before it.
    std::string body(const std::string& name, const std::string& more = "") const {
        return R"({"server":{"name":)" + jsonText(name) + R"(,"flavorRef":"1","networks":"none","imageRef":")" + image +
               "\"" + more + "}}";
    }

    Answer asksForServer(const Member& member, const std::string& name, const std::string& more = "") const {
        return member.posts("/compute/v2.1/servers", body(name, more), {{"OpenStack-API-Version", "compute 2.93"}});
    }

    /// A server that runs.
    std::string boots(const Member& member, const std::string& name, const std::string& more = "") {
        const auto answer = asksForServer(member, name, more);
        INFO(answer.body);
        REQUIRE(answer.status == 202);
        appliance.settle();
        return answer.json().object("server").text("id");
    }

    Json shows(const Member& member, const std::string& id, const std::string& version = "2.93") const {
        const auto answer =
            member.gets("/compute/v2.1/servers/" + id, {{"OpenStack-API-Version", "compute " + version}});
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        return answer.json().object("server");
    }

    std::string status(const Member& member, const std::string& id) const { return shows(member, id).text("status"); }

    Answer acts(const Member& member, const std::string& id, const std::string& action,
                const std::string& version = "2.1") const {
        return member.posts("/compute/v2.1/servers/" + id + "/action", action,
                            {{"OpenStack-API-Version", "compute " + version}});
    }

    /// The verb, and what its job does.
    void does(const Member& member, const std::string& id, const std::string& action, int status = 202) {
        const auto answer = acts(member, id, action, "2.93");
        INFO(action << ": " << answer.body);
        REQUIRE(answer.status == status);
        appliance.settle();
    }

    std::string createsVolume(const Member& member) {
        const auto answer = member.posts("/volume/v3/{project}/volumes", R"({"volume":{"size":1,"name":"data"}})");
        INFO(answer.body);
        REQUIRE(answer.status == 202);
        appliance.settle();
        return answer.json().object("volume").text("id");
    }

    /// Waits until the hypervisor's verb has been called so often; fails the test after two seconds.
    void isCalled(const std::string& verb, int times) {
        for (int tries = 0; tries < 400 && appliance.hypervisor().calls(verb) < times; ++tries)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        REQUIRE(appliance.hypervisor().calls(verb) >= times);
    }

    std::string volumeStatus(const Member& member, const std::string& id) const {
        return member.gets("/volume/v3/{project}/volumes/" + id).json().object("volume").text("status");
    }
};

inline std::string faultOf(const Answer& answer, const char* key) { return answer.json().object(key).text("message"); }

}
