// cost QUESTION [TIMES]: asks the sandbox the same question again and again, so that callgrind can count what one
// answer takes (test/answers/run cost), with all that is done before it. Prints how often it asked.

#include <iostream>

#include "support/test_appliance.hpp"

namespace stratolet::test {

/// What is counted: nothing before it, nothing after it.
[[gnu::noinline]] void measured(const Member& who, const std::string& path, const std::string& body, int times) {
    for (int each = 0; each < times; ++each)
        if ((body.empty() ? who.gets(path) : who.posts(path, body)).status >= 300)
            throw std::runtime_error("not answered: " + path);
}

namespace {

constexpr int things = 100;

std::string numbered(int each) { return "\"t" + std::to_string(each) + "\""; }

void makeProjects(const Member& admin) {
    for (int each = 0; each < things; ++each)
        admin.posts("/identity/v3/projects", R"({"project":{"name":)" + numbered(each) + "}}");
}

void makeImages(const Member& admin) {
    for (int each = 0; each < things; ++each)
        admin.posts("/image/v2/images",
                    R"({"disk_format":"raw","container_format":"bare","name":)" + numbered(each) + "}");
}

std::string makeNetwork(const Member& admin) {
    const auto network =
        admin.posts("/network/v2.0/networks", R"({"network":{"name":"n"}})").json().object("network").text("id");
    admin.posts("/network/v2.0/subnets",
                R"({"subnet":{"ip_version":4,"cidr":"10.1.0.0/16","network_id":")" + network + "\"}}");
    return network;
}

void makePorts(const Member& admin) {
    const auto network = makeNetwork(admin);
    for (int each = 0; each < things; ++each)
        admin.posts("/network/v2.0/ports",
                    R"({"port":{"network_id":")" + network + R"(","name":)" + numbered(each) + "}}");
}

void makeServers(const Member& admin) {
    admin.puts("/compute/v2.1/os-quota-sets/" + admin.project, R"({"quota_set":{"instances":-1,"cores":-1,"ram":-1}})");
    const auto network = makeNetwork(admin);
    const auto image = admin.posts("/image/v2/images", R"({"disk_format":"raw","container_format":"bare","name":"i"})")
                           .json()
                           .text("id");
    admin.puts("/image/v2/images/" + image + "/file", std::string(1024, 'x'),
               {{"Content-Type", "application/octet-stream"}});
    const auto flavor = admin.posts("/compute/v2.1/flavors", R"({"flavor":{"name":"f","ram":64,"vcpus":1,"disk":1}})")
                            .json()
                            .object("flavor")
                            .text("id");
    for (int each = 0; each < things; ++each)
        admin.posts("/compute/v2.1/servers", R"({"server":{"imageRef":")" + image + R"(","flavorRef":")" + flavor +
                                                 R"(","networks":[{"uuid":")" + network + R"("}],"name":)" +
                                                 numbered(each) + "}}");
}

void makeNetworks(const Member& admin) {
    admin.puts("/network/v2.0/quotas/" + admin.project, R"({"quota":{"network":-1}})");
    for (int each = 0; each < things; ++each)
        admin.posts("/network/v2.0/networks", R"({"network":{"name":)" + numbered(each) + "}}");
}

struct Question {
    std::string name, path;
    void (*make)(const Member&);
    std::string body = {}; ///< of a POST
};
const std::vector<Question> questions{
    {"project", "/identity/v3/projects/{project}", makeProjects},
    {"projects", "/identity/v3/projects?limit=100", makeProjects},
    {"images", "/image/v2/images?limit=100", makeImages},
    {"ports", "/network/v2.0/ports?limit=100", makePorts},
    {"servers", "/compute/v2.1/servers/detail?limit=100", makeServers},
    {"new-network", "/network/v2.0/networks", makeNetworks, R"({"network":{"name":"n"}})"}};

}
}

int main(int count, char** arguments) {
    using namespace stratolet::test;
    const std::string name = count > 1 ? arguments[1] : "";
    const int times = count > 2 ? std::atoi(arguments[2]) : 10;
    for (const auto& each : questions) {
        if (each.name != name) continue;
        TestAppliance cloud;
        const auto admin = cloud.admin();
        each.make(admin);
        cloud.settle();
        admin.gets(each.path); // what is kept for later
        measured(admin, each.path, each.body, times);
        std::cout << times << "\n";
        return 0;
    }
    std::cerr << "usage: cost project|projects|images|ports|servers|new-network [TIMES]\n";
    return 2;
}
