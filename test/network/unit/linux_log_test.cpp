#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "network/driver/linux_log.hpp"
#include "network/unit/linux_bed.hpp"
#include "platform/json/json.hpp"
#include "platform/os/netns.hpp"

using namespace stratolet;
using namespace stratolet::network;
using namespace stratolet::network::test;

namespace {

SecurityLogId logId(int number) { return {uuid(7, number)}; }

std::vector<Json> linesIn(const std::filesystem::path& file) {
    std::vector<Json> lines;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
    return lines;
}

/// What was written down since, as "ACCEPT ingress 10.1.0.11 10.1.0.12 6 80".
class Reader {
public:
    explicit Reader(const Host& host) : file_(host.world.folder() / "packets.log") {}

    std::vector<Json> lines(std::size_t expected) {
        std::vector<Json> all;
        for (int tries = 0; tries < 40; ++tries) {
            all = linesIn(file_);
            if (all.size() >= read_ + expected && tries >= 6) break; // one too many would have come by then
            usleep(50'000);
        }
        all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(read_, all.size())));
        read_ += all.size();
        return all;
    }
    std::vector<std::string> told(std::size_t expected) {
        std::vector<std::string> out;
        for (const auto& each : lines(expected)) {
            std::string line = each.text("action") + " " + each.text("direction") + " " + each.text("source") + " " +
                               each.text("destination") + " " + std::to_string(each.integer("protocol"));
            if (each.has("destination_port")) line += " " + std::to_string(each.integer("destination_port"));
            if (each.has("icmp_type")) line += " type " + std::to_string(each.integer("icmp_type"));
            out.push_back(line);
        }
        std::sort(out.begin(), out.end());
        return out;
    }

private:
    std::filesystem::path file_;
    std::size_t read_ = 0;
};

using Lines = std::vector<std::string>;

void sendsDatagrams(const std::string& from, const std::string& to, int number, int many) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(number));
    inet_pton(AF_INET, to.c_str(), &at.sin_addr);
    Fd out;
    netns::inside(from, [&] { out = Fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)); });
    for (int each = 0; each < many; ++each) {
        char byte = 'x';
        static_cast<void>(sendto(out.get(), &byte, 1, 0, reinterpret_cast<const sockaddr*>(&at), sizeof at));
    }
}

/// Two guests, the second behind rules for web servers, and a third beside them in the same groups.
NetworkPlan webServer() {
    NetworkPlan plan;
    plan.networks = {tenantNetwork(1, "10.1.0")};
    plan.ports = {guestPort(1, 1, "10.1.0.11", {group(1)}), guestPort(2, 1, "10.1.0.12", {group(2)}),
                  guestPort(3, 1, "10.1.0.13", {group(2)})};
    plan.securityGroups = {everything(1), outgoing(2)};
    auto web = rule(250, RuleDirection::Ingress);
    web.protocol = 6;
    web.portRangeMin = web.portRangeMax = 80;
    plan.securityGroups[1].rules.push_back(web);
    for (auto& each : plan.ports) each.project.text = "its-project";
    return plan;
}

}

TEST_CASE("What a security group lets in is written down once a connection, and what none does each time",
          "[network][linux][logging]") {
    NEEDS_ROOT();
    Host host;
    auto plan = webServer();
    CHECK(host.driver->apply(plan).empty());
    auto one = host.guest(1), two = host.guest(2), three = host.guest(3);
    one.has("10.1.0.11/24");
    two.has("10.1.0.12/24");
    three.has("10.1.0.13/24");
    Reader reader(host);
    const auto web = listensIn(two.name(), "10.1.0.12", 80), other = listensIn(three.name(), "10.1.0.13", 80);
    CHECK(connectsIn(one.name(), "10.1.0.13", 80, 3000));
    CHECK(reader.lines(0).empty());

    plan.ports[1].logs = {{.id = logId(1)}};
    CHECK(host.driver->apply(plan).empty());
    {
        Stream stream(one.name(), "10.1.0.11", web, "10.1.0.12", 80);
        for (int times = 0; times < 3; ++times) CHECK(stream.lives());
    }
    auto lines = reader.lines(1);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].text("action") == "ACCEPT");
    CHECK(lines[0].text("direction") == "ingress");
    CHECK(lines[0].text("source") == "10.1.0.11");
    CHECK(lines[0].text("destination") == "10.1.0.12");
    CHECK(lines[0].integer("protocol") == 6);
    CHECK(lines[0].integer("destination_port") == 80);
    CHECK(lines[0].integer("source_port") > 0);
    CHECK(lines[0].text("port_id") == port(2).text);
    CHECK(lines[0].text("project_id") == "its-project");
    CHECK(lines[0].text("security_group_id") == group(2).text);
    CHECK(lines[0].array("log_ids").items().at(0).text() == logId(1).text);
    CHECK(lines[0].text("time").ends_with("Z"));

    CHECK_FALSE(pingsIn(one.name(), "10.1.0.12", 1));
    sendsDatagrams(one.name(), "10.1.0.12", 53, 3);
    CHECK(reader.told(4) == Lines{"DROP ingress 10.1.0.11 10.1.0.12 1 type 8", "DROP ingress 10.1.0.11 10.1.0.12 17 53",
                                  "DROP ingress 10.1.0.11 10.1.0.12 17 53", "DROP ingress 10.1.0.11 10.1.0.12 17 53"});
    CHECK(pingsIn(two.name(), "10.1.0.11", 1)); // what goes out is, too; the answer is the same connection's
    CHECK(reader.told(1) == Lines{"ACCEPT egress 10.1.0.12 10.1.0.11 1 type 8"});

    // Its neighbour in the same group is none of its business.
    CHECK(connectsIn(one.name(), "10.1.0.13", 80, 3000));
    CHECK_FALSE(pingsIn(one.name(), "10.1.0.13", 1));
    CHECK(reader.lines(0).empty());

    SECTION("only what is accepted") {
        plan.ports[1].logs = {{.id = logId(1), .accepted = true, .dropped = false}};
        host.driver->apply(plan);
        CHECK_FALSE(pingsIn(one.name(), "10.1.0.12", 1));
        CHECK(connectsIn(one.name(), "10.1.0.12", 80, 3000));
        CHECK(reader.told(1) == Lines{"ACCEPT ingress 10.1.0.11 10.1.0.12 6 80"});
    }
    SECTION("only what is dropped, also of what it sends") {
        plan.ports[1].logs = {{.id = logId(1), .accepted = false, .dropped = true}};
        std::erase_if(plan.securityGroups[1].rules,
                      [](const auto& each) { return each.direction == RuleDirection::Egress; });
        host.driver->apply(plan);
        CHECK_FALSE(pingsIn(two.name(), "10.1.0.11", 1));
        CHECK(connectsIn(one.name(), "10.1.0.12", 80, 3000));
        CHECK(reader.told(1) == Lines{"DROP egress 10.1.0.12 10.1.0.11 1 type 8"});
    }
    SECTION("of one of its groups") {
        plan.securityGroups.push_back(outgoing(3));
        auto dns = rule(350, RuleDirection::Ingress);
        dns.protocol = 17;
        dns.portRangeMin = dns.portRangeMax = 53;
        plan.securityGroups[2].rules = {dns};
        plan.ports[1].securityGroups = {group(2), group(3)};
        plan.ports[1].logs = {{.id = logId(2), .accepted = true, .dropped = false, .group = group(3)}};
        host.driver->apply(plan);
        CHECK(connectsIn(one.name(), "10.1.0.12", 80, 3000));
        sendsDatagrams(one.name(), "10.1.0.12", 53, 1);
        CHECK(reader.told(1) == Lines{"ACCEPT ingress 10.1.0.11 10.1.0.12 17 53"});
        // A rule that comes later is told of as well, and one that goes isn't any more.
        dns.portRangeMin = dns.portRangeMax = 54;
        plan.securityGroups[2].rules = {dns};
        host.driver->apply(plan);
        sendsDatagrams(one.name(), "10.1.0.12", 53, 1);
        sendsDatagrams(one.name(), "10.1.0.12", 54, 1);
        CHECK(reader.told(1) == Lines{"ACCEPT ingress 10.1.0.11 10.1.0.12 17 54"});
    }
    SECTION("no more once nobody wants it") {
        plan.ports[1].logs = {};
        host.driver->apply(plan);
        CHECK_FALSE(pingsIn(one.name(), "10.1.0.12", 1));
        CHECK(connectsIn(one.name(), "10.1.0.12", 80, 3000));
        CHECK(reader.lines(0).empty());
    }
    SECTION("of a stateless group, each packet") {
        plan.securityGroups[1].stateful = false;
        plan.ports[1].logs = {{.id = logId(1), .accepted = true, .dropped = false}};
        host.driver->apply(plan);
        Stream stream(one.name(), "10.1.0.11", web, "10.1.0.12", 80);
        CHECK(stream.lives());
        CHECK(reader.lines(4).size() > 3);
    }
    // What is there is what was planned.
    CHECK(host.driver->findings(plan).empty());
}

TEST_CASE("A port that floods is written down at a bounded rate, and takes none from others",
          "[network][linux][logging]") {
    NEEDS_ROOT();
    Host host;
    auto plan = webServer();
    plan.ports[1].logs = plan.ports[2].logs = {{.id = logId(1)}};
    CHECK(host.driver->apply(plan).empty());
    auto one = host.guest(1), two = host.guest(2), three = host.guest(3);
    one.has("10.1.0.11/24");
    two.has("10.1.0.12/24");
    three.has("10.1.0.13/24");
    for (const auto* each : {"10.1.0.12", "10.1.0.13"}) REQUIRE_FALSE(pingsIn(one.name(), each, 1));
    Reader reader(host);
    CHECK(reader.lines(2).size() == 2);
    const auto begun = std::chrono::steady_clock::now();
    for (int round = 0; round < 20; ++round) {
        sendsDatagrams(one.name(), "10.1.0.12", 53, 200);
        usleep(5'000);
    }
    usleep(50'000); // what is on its way has come
    sendsDatagrams(one.name(), "10.1.0.13", 53, 2);
    const auto lines = reader.lines(27);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    const auto flooded = std::count_if(lines.begin(), lines.end(),
                                       [](const auto& each) { return each.text("port_id") == port(2).text; });
    CHECK(flooded >= 25);
    CHECK(static_cast<double>(flooded) <= 30 + 105 * seconds);
    CHECK(static_cast<std::ptrdiff_t>(lines.size()) - flooded == 2);
}

TEST_CASE("The host's own packets to a guest are written down where the guest is by its address",
          "[network][linux][logging]") {
    NEEDS_ROOT();
    Host host;
    NetworkPlan plan;
    plan.networks = {externalNetwork(1, "10.9.0")};
    plan.ports = {guestPort(1, 1, "10.9.0.11", {group(2)})};
    plan.ports[0].logs = {{.id = logId(1)}};
    plan.securityGroups = {outgoing(2)};
    CHECK(host.driver->apply(plan).empty());
    auto one = host.guest(1);
    one.has("10.9.0.11/24");
    Reader reader(host);
    Fd out(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(53);
    inet_pton(AF_INET, "10.9.0.11", &at.sin_addr);
    char byte = 'x';
    static_cast<void>(sendto(out.get(), &byte, 1, 0, reinterpret_cast<const sockaddr*>(&at), sizeof at));
    CHECK(reader.told(1) == Lines{"DROP ingress 10.9.0.1 10.9.0.11 17 53"});
}

TEST_CASE("IPv6 packets are written down as well", "[network][linux][logging]") {
    NEEDS_ROOT();
    Host host;
    auto plan = webServer();
    plan.networks[0].subnets.push_back({subnet(9), "fd00:1::/64", "", false, {}, {}});
    plan.ports[0].fixedIps.push_back({subnet(9), "fd00:1::11"});
    plan.ports[1].fixedIps.push_back({subnet(9), "fd00:1::12"});
    plan.ports[1].logs = {{.id = logId(1)}};
    CHECK(host.driver->apply(plan).empty());
    auto one = host.guest(1), two = host.guest(2);
    one.has("fd00:1::11/64");
    two.has("fd00:1::12/64");
    Reader reader(host);
    CHECK_FALSE(pingsIn(one.name(), "fd00:1::12", 1));
    CHECK(reader.told(1) == Lines{"DROP ingress fd00:1::11 fd00:1::12 58 type 128"});
    CHECK(pingsIn(two.name(), "fd00:1::11", 3));
    const auto told = reader.told(1);
    CHECK(told.size() >= 1);
    for (const auto& each : told) CHECK(each == "ACCEPT egress fd00:1::12 fd00:1::11 58 type 128");
}

TEST_CASE("The files of packets stay below their size, and as many as there may be", "[network][linux][logging]") {
    NEEDS_ROOT();
    Host host;
    auto plan = webServer();
    plan.ports[1].logs = {{.id = logId(1)}};
    host.driver->apply(plan);
    auto one = host.guest(1), two = host.guest(2);
    one.has("10.1.0.11/24");
    two.has("10.1.0.12/24");
    REQUIRE_FALSE(pingsIn(one.name(), "10.1.0.12", 1));
    const auto file = host.world.folder() / "packets.log";
    // The same rules tell a second reader, once the first is gone.
    host.driver = linuxNetworkDriver({.folder = host.world.folder() / "other"});
    PacketLog log(host.world.folder() / "small.log", {}, {.bytesMost = 1000, .files = 3});
    log.tell(plan.ports[1], 2);
    for (int round = 0; round < 12; ++round) {
        sendsDatagrams(one.name(), "10.1.0.12", 53, 2);
        usleep(200'000);
    }
    std::size_t files = 0;
    for (const auto& each : std::filesystem::directory_iterator(host.world.folder()))
        if (const auto name = each.path().filename().string(); name.starts_with("small.log")) {
            ++files;
            CHECK(each.file_size() <= 1000);
            CHECK((each.status().permissions() & std::filesystem::perms::others_read) == std::filesystem::perms::none);
            for (const auto& line : linesIn(each.path())) CHECK(line.text("action") == "DROP");
        }
    CHECK(files == 3);
    CHECK(std::filesystem::exists(file));
    host.driver = linuxNetworkDriver({.folder = host.world.folder()});
}
