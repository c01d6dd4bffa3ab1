// What a plugged port costs on the host, from the store's rows to the device, the rules and the DHCP server. Works in a
// network namespace and with named namespaces of its own; needs root. Prints a line per figure: NAME VALUE.

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "network/driver/linux.hpp"
#include "network/driver/linux_netlink.hpp"
#include "network/l2/network_record.hpp"
#include "network/l2/port.hpp"
#include "network/l2/subnet.hpp"
#include "network/network_plan.hpp"
#include "network/security/security_group.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/netns.hpp"
#include "platform/resources.hpp"
#include "platform/store/store.hpp"

using namespace stratolet;
using namespace stratolet::network;

namespace {

constexpr int networks = 20;

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

struct Cloud {
    std::filesystem::path folder;
    store::Store store;
    std::unique_ptr<NetworkDriver> driver;
    KeptPlan kept{{.host = hostName(), .dnsDomain = "openstacklocal"}};
    Changes changes;

    explicit Cloud(std::filesystem::path place)
        : folder(std::move(place)),
          store({.file = folder / "store.db", .durable = false}),
          driver(linuxNetworkDriver({.folder = folder / "network", .notice = [](std::string_view line) {
                                         std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
                                     }})) {
        store.migrate(migrationsOf("network"));
        store.write([](store::Transaction& tx) {
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
            for (int each = 0; each < networks; ++each) {
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
        });
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
            const int on = number % networks;
            port.network.text = uuid(1, on);
            port.standard.project = "p";
            port.server.text = uuid(8, number);
            port.mac = mac(number);
            port.host = hostName();
            port.hostname = "guest" + std::to_string(number);
            port.addresses = {{{uuid(2, on)},
                               Prefix::parse("10." + std::to_string(on) + ".0.0/16")
                                   ->first()
                                   .plus(static_cast<unsigned>(10 + number / networks))}};
            port.groups = {uuid(5, 1)};
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
        for (const auto& each : problems) std::fprintf(stderr, "%s\n", each.what.c_str());
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

}

int main() {
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
    {
        Cloud cloud(pattern);
        cloud.driver->watch([] { std::fprintf(stderr, "somebody else changed something\n"); });
        int number = 0;
        for (const int many : {10, 200, 800, 2000}) {
            for (; number < many; ++number) cloud.addPort(number);
            cloud.follow();
            std::vector<double> one, none, planning;
            for (int tries = 0; tries < 21; ++tries) {
                cloud.addPort(number++);
                one.push_back(milliseconds([&] { cloud.follow(); }));
                none.push_back(milliseconds([&] { cloud.follow(); }));
                planning.push_back(cloud.reads());
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
    for (const auto& name : netns::list()) netns::remove(name);
    umount2("/run/netns", MNT_DETACH);
    std::filesystem::remove_all(pattern);
    return 0;
}
