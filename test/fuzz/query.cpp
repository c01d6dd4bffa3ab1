// Query strings and paging: the lists of every service, asked anything. The first byte chooses the list.

#include <array>
#include <cstdlib>

#include "fuzz/target.hpp"
#include "platform/text/text.hpp"
#include "support/test_appliance.hpp"

namespace stratolet::fuzz {
namespace {

struct Asked {
    test::TestAppliance cloud;
    test::Member who = cloud.admin();
    Asked() {
        for (const auto* name : {"a", "b", "c"}) {
            const std::string text = name;
            who.posts("/network/v2.0/networks", R"({"network":{"name":")" + text + "\"}}");
            who.posts("/image/v2/images",
                      R"({"name":")" + text + R"(","disk_format":"raw","container_format":"bare"})");
            who.posts("/volume/v3/{project}/volumes", R"({"volume":{"size":1,"name":")" + text + "\"}}");
            who.posts("/compute/v2.1/flavors", R"({"flavor":{"name":")" + text + R"(","ram":1,"vcpus":1,"disk":0}})");
        }
        cloud.settle();
    }
};

constexpr std::array<const char*, 14> lists = {"/network/v2.0/networks",
                                               "/network/v2.0/ports",
                                               "/network/v2.0/subnets",
                                               "/network/v2.0/security-group-rules",
                                               "/network/v2.0/routers",
                                               "/network/v2.0/floatingips",
                                               "/image/v2/images",
                                               "/image/v2/tasks",
                                               "/volume/v3/{project}/volumes",
                                               "/compute/v2.1/servers",
                                               "/compute/v2.1/flavors",
                                               "/identity/v3/projects",
                                               "/identity/v3/role_assignments",
                                               "/identity/v3/users"};

}

void run(std::string_view input) {
    static Asked asked;
    Parts parts(input);
    const std::string list = lists[parts.number(lists.size() - 1)];
    std::string query;
    for (const char each : parts.rest()) // no server gets these: they end the target (RFC 9112, 3)
        if (static_cast<unsigned char>(each) > 0x20 && each != 0x7f) query += each;
    const auto answer = asked.who.gets(list + "?" + query);
    if (answer.status >= 500 || !isUtf8(answer.body)) std::abort();
    if (answer.status != 200 && answer.status != 400 && answer.status != 403 && answer.status != 404) std::abort();
}

std::vector<std::string> seeds() { return {}; }

}
