// What ports cost on the host, from the store's rows to the device, the rules and the DHCP server. `ports`: one more
// among many. `served`: the same where each has a policy of QoS, and meters count for the router of their networks.
// `rebuild`: all of them after somebody deleted everything. `filter`: what two guests get through the rules of their
// security groups, and through a bridge without any. Works in a network namespace and with named namespaces of its own;
// needs root. Prints a line per figure: NAME VALUE.

#include <sched.h>
#include <signal.h>
#include <stratolet/error.hpp>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "network/driver/linux.hpp"
#include "network/driver/linux_netlink.hpp"
#include "network/driver/linux_nft.hpp"
#include "network/l2/network_record.hpp"
#include "network/l2/port.hpp"
#include "network/l2/subnet.hpp"
#include "network/l3/router.hpp"
#include "network/network_plan.hpp"
#include "network/qos/qos.hpp"
#include "network/security/security_group.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/json/json.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/netns.hpp"
#include "platform/os/process.hpp"
#include "platform/resources.hpp"
#include "platform/store/store.hpp"
#include "platform/text/text.hpp"

using namespace stratolet;
using namespace stratolet::network;

namespace {

std::string uuid(int kind, int number) {
    char text[40];
    std::snprintf(text, sizeof text, "%04x%04x-0000-4000-8000-%012x", kind, number, number);
    return text;
}

double milliseconds(const std::function<void()>& work) {
    const auto began = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
}

/// How a cloud is filled.
struct Shape {
    int networks = 20;
    bool served = false; ///< ports by policies of QoS, routers by meters
};

struct Cloud {
    Shape shape;
    std::filesystem::path folder;
    store::Store store;
    std::unique_ptr<NetworkDriver> driver;
    KeptPlan kept{{.host = hostName(), .dnsDomain = "openstacklocal"}};
    Changes changes;

    Cloud(std::filesystem::path place, Shape wanted)
        : shape(wanted),
          folder(std::move(place)),
          store({.file = folder / "store.db", .durable = false}),
          driver(linuxNetworkDriver({.folder = folder / "network", .notice = [](std::string_view line) {
                                         std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
                                     }})) {
        auto migrations = migrationsOf("platform");
        for (const auto& each : migrationsOf("network")) migrations.push_back(each);
        store.migrate(migrations);
        store.write([&](store::Transaction& tx) {
            SecurityGroup group;
            group.id.text = uuid(5, 1);
            group.standard.project = "p";
            group.standard.name = "default";
            securityGroupTable.insert(tx, group);
            int number = 0;
            for (const auto* type : {"IPv4", "IPv6"})
                for (const auto* direction : {"egress", "ingress"}) {
                    SecurityGroupRule rule;
                    rule.id.text = uuid(6, ++number);
                    rule.group = group.id;
                    rule.standard.project = "p";
                    rule.direction = direction;
                    rule.ethertype = type;
                    if (std::string_view(direction) == "ingress") rule.remoteGroup = group.id.text;
                    securityGroupRuleTable.insert(tx, rule);
                }
            for (int each = 0; each < shape.networks; ++each) {
                NetworkRecord record;
                record.id.text = uuid(1, each);
                record.standard.project = "p";
                networkTable.insert(tx, record);
                Subnet subnet;
                subnet.id.text = uuid(2, each);
                subnet.network = record.id;
                subnet.standard.project = "p";
                subnet.cidr = Prefix::parse("10." + std::to_string(each) + ".0.0/16").value();
                subnet.gateway = subnet.cidr.first().plus(1);
                subnetTable.insert(tx, subnet);
                Port dhcp;
                dhcp.id.text = uuid(7, each);
                dhcp.network = record.id;
                dhcp.owner = dhcpOwner;
                dhcp.mac = mac(60000 + each);
                dhcp.addresses = {{subnet.id, subnet.cidr.first().plus(2)}};
                insertPort(tx, dhcp);
            }
            if (shape.served) addServices(tx);
        });
    }

    std::string policy() const { return shape.served ? uuid(9, 1) : ""; }

    /// A policy with all that this host does, and a router of all networks whose traffic with the outside is metered.
    void addServices(store::Transaction& tx) {
        QosPolicy made;
        made.id.text = policy();
        made.standard.project = "p";
        qosPolicyTable.insert(tx, made);
        int number = 0;
        const auto adds = [&](const char* kind, const char* direction, std::int64_t amount, std::int64_t burst = 0) {
            QosRule rule;
            rule.id.text = uuid(10, ++number);
            rule.policy = made.id;
            rule.type = kind;
            rule.direction = direction;
            rule.amount = amount;
            rule.burst = burst;
            qosRuleTable(*qosKindNamed(kind)).insert(tx, rule);
        };
        for (const auto* direction : {"egress", "ingress"}) adds("bandwidth_limit", direction, 100000, 80000);
        adds("packet_rate_limit", "egress", 50000);
        adds("dscp_marking", "", 26);

        NetworkRecord outside;
        outside.id.text = uuid(1, 1000);
        outside.external = true;
        networkTable.insert(tx, outside);
        Subnet subnet;
        subnet.id.text = uuid(2, 1000);
        subnet.network = outside.id;
        subnet.dhcp = false;
        subnet.cidr = Prefix::parse("172.24.4.0/24").value();
        subnet.gateway = subnet.cidr.first().plus(1);
        subnetTable.insert(tx, subnet);
        Router router;
        router.id.text = uuid(4, 1);
        router.standard.project = "p";
        const auto foot = [&](int each, const Subnet& on, std::string_view owner) {
            Port port;
            port.id.text = uuid(11, each);
            port.network = on.network;
            if (owner == interfaceOwner) port.router = router.id;
            port.device = router.id.text;
            port.owner = owner;
            port.mac = mac(61000 + each);
            port.addresses = {{on.id, owner == gatewayOwner ? on.cidr.first().plus(9) : *on.gateway}};
            insertPort(tx, port);
            return port.id;
        };
        router.gatewayPort = foot(1000, subnet, gatewayOwner);
        routerTable.insert(tx, router);
        for (int each = 0; each < shape.networks; ++each)
            foot(each, *subnetTable.find(tx, {uuid(2, each)}), interfaceOwner);
        tx.execute("INSERT INTO metering_labels VALUES (?, 'p', 'all', '', 0, 1, 0, 0)", uuid(12, 1));
        for (const auto* direction : {"ingress", "egress"})
            tx.execute("INSERT INTO metering_label_rules VALUES (?, ?, 'p', ?, 0, '0.0.0.0/0', NULL, NULL, 0)",
                       uuid(13, direction[0]), uuid(12, 1), direction);
    }

    static std::string mac(int number) {
        char text[20];
        std::snprintf(text, sizeof text, "fa:16:3e:%02x:%02x:%02x", number >> 16, number >> 8 & 0xff, number & 0xff);
        return text;
    }

    void addPort(int number) {
        store.write([&](store::Transaction& tx) {
            Port port;
            port.id.text = uuid(3, number);
            const int on = number % shape.networks;
            port.network.text = uuid(1, on);
            port.standard.project = "p";
            port.server.text = uuid(8, number);
            port.mac = mac(number);
            port.host = hostName();
            port.hostname = "guest" + std::to_string(number);
            port.addresses = {{{uuid(2, on)},
                               Prefix::parse("10." + std::to_string(on) + ".0.0/16")
                                   ->first()
                                   .plus(static_cast<unsigned>(10 + number / shape.networks))}};
            port.groups = {uuid(5, 1)};
            port.qosPolicy = policy();
            insertPort(tx, port);
        });
        changes.ended(uuid(3, number));
    }

    void removePort(int number) {
        store.write([&](store::Transaction& tx) { portTable.remove(tx, uuid(3, number)); });
        changes.ended(uuid(3, number));
    }

    double reads() {
        return milliseconds([&] {
            store.read(
                [](store::Reader& db) { return networkPlan(db, {.host = hostName(), .dnsDomain = "openstacklocal"}); });
        });
    }

    void follow() {
        const auto changed = changes.take();
        const auto* plan =
            store.read([&](store::Reader& db) { return &(kept.empty() ? kept.whole(db) : kept.follow(db, changed)); });
        const auto problems = driver->apply(*plan);
        if (!problems.empty()) throw Error(Failure::Broken, "of the plan can't be done: ", problems.front().what);
    }
};

void show(const std::string& name, double value) {
    std::printf("%s %.3f\n", name.c_str(), value);
    std::fflush(stdout);
}

double median(std::vector<double> all) {
    std::sort(all.begin(), all.end());
    return all[all.size() / 2];
}

using Place = std::filesystem::path;

void amongMany(const Place& place, bool served) {
    Cloud cloud(place, {.served = served});
    cloud.driver->watch([] { std::fprintf(stderr, "somebody else changed something\n"); });
    int number = 0;
    for (const int many : {10, 200, 800, 2000}) {
        for (; number < many; ++number) cloud.addPort(number);
        cloud.follow();
        std::vector<double> one, none, planning;
        // Apart, since a plan of thousands leaves nothing of the others' in the processor's caches.
        for (int tries = 0; tries < 21; ++tries) planning.push_back(cloud.reads());
        for (int tries = 0; tries < 21; ++tries) {
            cloud.addPort(number++);
            one.push_back(milliseconds([&] { cloud.follow(); }));
            none.push_back(milliseconds([&] { cloud.follow(); }));
        }
        show("one_more_among_" + std::to_string(many), median(one));
        show("nothing_to_do_among_" + std::to_string(many), median(none));
        show("whole_plan_of_" + std::to_string(many), median(planning));
    }
    for (int each = 0; each < 800; ++each) cloud.removePort(each);
    show("removed_a_second", 800'000 / milliseconds([&] { cloud.follow(); }));
    cloud.removePort(801);
    show("one_less_among_1200", milliseconds([&] { cloud.follow(); }));
    cloud.driver->apply({});
}

/// Whatever the driver has made, but for its DHCP servers, which go with what they are in.
void deleteByHand() {
    for (const auto& name : netns::list()) {
        const auto inside = process::run({.argv = {"ip", "netns", "pids", name}}).expectSuccess().out;
        for (const auto& line : split(inside, '\n'))
            if (const auto pid = wholeNumberIn(line); pid && *pid > 1) ::kill(static_cast<pid_t>(*pid), SIGKILL);
        netns::remove(name);
    }
    nft::load("flush ruleset\n");
    Netlink netlink;
    std::vector<int> all;
    for (const auto& each : netlink.links())
        if (each.name != "lo") all.push_back(each.index);
    netlink.removeAll(all, 4711);
}

void rebuild(const Place& place) {
    constexpr int networks = 200, ports = 2000;
    Cloud cloud(place, {.networks = networks});
    std::atomic<bool> told = false;
    cloud.driver->watch([&] { told = true; });
    for (int each = 0; each < ports; ++each) cloud.addPort(each);
    show("ports_built_a_second", ports * 1000 / milliseconds([&] { cloud.follow(); }));
    const auto there = [] { return nft::counts({"bridge stratolet_guard"}); };
    const auto before = there();
    deleteByHand();
    if (Netlink().links().size() != 1 || !netns::list().empty()) throw Error(Failure::Broken, "not all was deleted");
    for (int tries = 0; tries < 100 && !told; ++tries) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (!told) throw Error(Failure::Broken, "nobody noticed that everything was deleted");
    const auto took = milliseconds([&] { cloud.follow(); });
    int taps = 0;
    for (const auto& each : Netlink().links()) taps += each.kind == "tun" && each.master != 0;
    if (taps != ports || netns::list().size() != networks || there() != before)
        throw Error(Failure::Broken, "of ", ports, " ports ", taps, " are there again, ", netns::list().size(),
                    " namespaces of ", networks);
    show("ports_rebuilt_a_second", ports * 1000 / took);
    cloud.driver->apply({});
}

/// A namespace with the other end of `device`, which is on the bridge.
void connects(const std::string& name, const std::string& device, const std::string& mac, const std::string& bridge,
              const std::string& address) {
    netns::ensure(name);
    Netlink netlink;
    netlink.addVeth(device, "eth0", netns::open(name), mac, 1450);
    netlink.change(netlink.find(device)->index, {.up = true, .master = netlink.find(bridge)->index});
    netns::inside(name, [&] {
        Netlink inner;
        const auto index = inner.find("eth0")->index;
        inner.change(index, {.up = true});
        inner.addAddress(index, address);
    });
}

/// Gigabits that TCP gets from one namespace to another in a second.
double throughput(const std::string& from, const std::string& to) {
    for (int tries = 0; tries < 30; ++tries) {
        const auto ran = process::run({.argv = {"iperf3", "-c", to, "-t", "2", "-J"}, .netns = from});
        if (ran.succeeded())
            return Json::parse(ran.out).object("end").object("sum_received").at("bits_per_second").number() / 1e9;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    throw Error(Failure::Broken, "iperf3 does not get from ", from, " to ", to);
}

/// Two guests in one network; their taps are ends of pairs, so that the kernel carries what they say, and beside them a
/// bridge with the like in a network namespace without any rule.
void filter(const Place& place) {
    Cloud cloud(place, {.networks = 1});
    for (int each = 0; each < 2; ++each) cloud.addPort(each);
    cloud.follow();
    std::string bridge;
    for (int each = 0; each < 2; ++each) {
        Netlink netlink;
        const auto tap = netlink.find(cloud.driver->tapOf({uuid(3, each)})).value();
        for (const auto& link : netlink.links())
            if (link.index == tap.master) bridge = link.name;
        netlink.remove(tap.index);
        connects("guest" + std::to_string(each), tap.name, Cloud::mac(each), bridge,
                 "10.0.0." + std::to_string(10 + each) + "/16");
    }
    netns::ensure("plain");
    netns::inside("plain", [] {
        Netlink().addBridge("plain", "fa:16:3e:00:ff:01", 1450);
        Netlink().change(Netlink().find("plain")->index, {.up = true});
        for (int each = 0; each < 2; ++each)
            connects("plain" + std::to_string(each), "end" + std::to_string(each), Cloud::mac(100 + each), "plain",
                     "10.0.0." + std::to_string(10 + each) + "/16");
    });
    std::vector<int> servers;
    for (const auto* each : {"guest1", "plain1"})
        servers.push_back(process::spawn({.argv = {"iperf3", "-s", "-B", "10.0.0.11"}, .netns = each}));
    double through = 0, without = 0;
    for (int tries = 0; tries < 4; ++tries) {
        through = std::max(through, throughput("guest0", "10.0.0.11"));
        without = std::max(without, throughput("plain0", "10.0.0.11"));
    }
    for (const auto pid : servers) process::end(pid, "iperf3", std::chrono::seconds(2));
    show("gbits_through_the_filter", through);
    show("gbits_without_rules", without);
    cloud.driver->apply({});
}

}

int main(int count, char** words) {
    const std::map<std::string, std::function<void(const Place&)>> works{
        {"ports", [](const Place& place) { amongMany(place, false); }},
        {"served", [](const Place& place) { amongMany(place, true); }},
        {"rebuild", rebuild},
        {"filter", filter},
    };
    const auto work = works.find(count == 2 ? words[1] : "");
    if (work == works.end()) {
        std::fputs("usage: bench_network ports|served|rebuild|filter\n", stderr);
        return 2;
    }
    if (geteuid() != 0) {
        std::puts("skipped: needs root");
        return 0;
    }
    check(unshare(CLONE_NEWNS | CLONE_NEWNET), "have a network of our own");
    check(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "keep mounts to ourselves");
    std::filesystem::create_directories("/run/netns");
    check(mount("tmpfs", "/run/netns", "tmpfs", 0, nullptr), "have named namespaces of our own");
    std::string pattern = "/tmp/stratolet-bench-XXXXXX";
    if (!mkdtemp(pattern.data())) check(-1, "make a folder");
    std::filesystem::permissions(pattern, std::filesystem::perms(0755)); // DHCP servers read in it
    Netlink().change(1, {.up = true});
    int status = 0;
    try {
        work->second(pattern);
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "%s\n", problem.what());
        status = 1;
    }
    for (const auto& name : netns::list()) netns::remove(name);
    umount2("/run/netns", MNT_DETACH);
    std::filesystem::remove_all(pattern);
    return status;
}
