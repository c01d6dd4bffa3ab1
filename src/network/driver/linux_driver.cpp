#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stratolet/error.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <mutex>
#include <set>

#include "network/address.hpp"
#include "network/driver/linux.hpp"
#include "network/driver/linux_dhcp.hpp"
#include "network/driver/linux_layout.hpp"
#include "network/driver/linux_names.hpp"
#include "network/driver/linux_netlink.hpp"
#include "network/driver/linux_nft.hpp"
#include "network/driver/linux_numbers.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/folder.hpp"
#include "platform/os/netns.hpp"

namespace stratolet::network {

namespace {

namespace fs = std::filesystem;

std::string settingOf(const std::string& name) {
    std::ifstream in("/proc/sys/" + name);
    std::string value;
    std::getline(in, value);
    return value;
}

bool set(const std::string& name, const std::string& value) {
    if (settingOf(name) == value) return true;
    std::ofstream out("/proc/sys/" + name);
    out << value;
    out.close();
    return !out.fail();
}

/// Which start of the kernel this is (random(4)).
std::string bootId() { return settingOf("kernel/random/boot_id"); }

/// Settings of the host that we changed, so that they can be put back. The kernel forgets them when it starts again, and so do we: what
/// they were before may no longer be what the host's owner wants.
class Settings {
public:
    explicit Settings(fs::path file) : file_(std::move(file)) {
        std::ifstream in(file_);
        std::string boot;
        if (!(in >> boot) || boot != bootId()) return;
        for (std::string name, value; in >> name >> value;) before_[name] = value;
    }

    void want(const std::string& name, const std::string& value) {
        const auto now = settingOf(name);
        if (now == value) return;
        if (before_.emplace(name, now).second) save();
        if (!set(name, value)) throw Error(Failure::Broken, "could not set ", name, " to ", value);
    }

    void restore(const std::string& name) {
        const auto found = before_.find(name);
        if (found == before_.end()) return;
        set(name, found->second);
        before_.erase(found);
        save();
    }

private:
    void save() const {
        std::ofstream out(file_, std::ios::trunc);
        out << bootId() << '\n';
        for (const auto& [name, value] : before_) out << name << ' ' << value << '\n';
        if (!out.flush()) throw Error(Failure::Broken, "could not write ", file_.string());
    }

    fs::path file_;
    std::map<std::string, std::string> before_;
};

const std::vector<std::string> bridgeSettings = {"net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables"};
constexpr const char* forwardSetting = "net/ipv4/ip_forward";

bool isOurNamespaceName(const std::string& name) {
    for (const std::string_view prefix : {"qdhcp-", "qrouter-"})
        if (name.starts_with(prefix) && isUuid(std::string_view(name).substr(prefix.size()))) return true;
    return false;
}

bool isOurLinkName(const std::string& name) {
    for (const std::string_view prefix : {"brq", "tap", "sv-"})
        if (name.starts_with(prefix) && name.size() == prefix.size() + 11) return true;
    return false;
}

/// A socket that waits for metadata requests. Kept twice: one for who answers, one for us to end it.
struct OpenListener {
    ListenerLayout layout;
    int link = 0;
    Fd socket;
};

Fd openListener(const ListenerLayout& wanted) {
    Fd socket(static_cast<int>(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "open a socket")));
    const int yes = 1;
    check(setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), "reuse the metadata address");
    // Bound to the device: who connects here comes from this network and no other, whatever it says.
    check(setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, wanted.interface.c_str(),
                     static_cast<socklen_t>(wanted.interface.size() + 1)),
          "use the device " + wanted.interface);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(wanted.port);
    at.sin_addr.s_addr = htonl(static_cast<std::uint32_t>(Address::parse(wanted.address)->value));
    check(bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), "take the metadata address on " + wanted.interface);
    check(listen(socket.get(), 128), "listen for metadata requests on " + wanted.interface);
    return socket;
}

class LinuxNetworkDriver : public NetworkDriver {
public:
    explicit LinuxNetworkDriver(LinuxNetworkOptions options) : options_(std::move(options)), dhcp_(options_.folder / "dhcp") {}

    ~LinuxNetworkDriver() override = default;

    void apply(const NetworkPlan& plan) override {
        const std::lock_guard lock(mutex_);
        if (complete_ && plan == plan_ && intact()) return;
        ensureFolder(options_.folder / "dhcp", Lets::OthersThrough);
        if (!numbers_) numbers_.emplace(options_.folder / "numbers");
        if (!settings_) settings_.emplace(options_.folder / "settings");

        problems_.clear();
        complete_ = false;
        const HostLayout layout = layoutOf(plan, options_.nat, *numbers_, problems_);
        attempt([&] { numbers_->settle(); });
        ensureSettings(layout);
        attempt([&] { ensureRules(layout); }); // before there is a device that they are about
        attempt([&] { removeUnplanned(layout); });
        attempt([&] { ensureBridges(layout); });
        attempt([&] { ensureTaps(layout); });
        for (const auto& each : layout.namespaces) ensureNamespace(each);
        attempt([&] { restoreSettings(layout); });

        plan_ = plan;
        layout_ = layout;
        complete_ = problems_.empty();
        if (complete_) return;
        std::string all;
        for (const auto& each : problems_) all += (all.empty() ? "" : "; ") + each;
        throw Error(Failure::Broken, "the network is not wholly as planned: ", all);
    }

    std::string tapOf(const PortId& port) const override { return tapNameOf(port); }

    std::vector<MetadataListener> takeMetadataListeners() override {
        const std::lock_guard lock(mutex_);
        return std::exchange(fresh_, {});
    }

    std::vector<std::string> takeClosedMetadataListeners() override {
        const std::lock_guard lock(mutex_);
        return std::exchange(closed_, {});
    }

private:
    void notice(const std::string& line) const {
        if (options_.notice) options_.notice(line);
    }

    /// One thing that can't be done must not keep the others from being done.
    template <class Work> bool attempt(Work work) {
        try {
            work();
            return true;
        } catch (const std::exception& problem) {
            problems_.emplace_back(problem.what());
            return false;
        }
    }

    /// Whether all that was made last time is still there, without a look into the namespaces: a pair has both ends or none.
    bool intact() {
        std::map<std::string, Link> links;
        for (auto& each : Netlink().links()) links[each.name] = each;
        const auto on = [&](const std::string& name, const std::string& bridge) {
            const auto link = links.find(name), master = links.find(bridge);
            return link != links.end() && master != links.end() && link->second.master == master->second.index;
        };
        for (const auto& bridge : layout_.bridges)
            if (!links.contains(bridge.name) || !links[bridge.name].up) return false;
        for (const auto& tap : layout_.taps)
            if (!on(tap.name, tap.bridge) || links[tap.name].up != tap.up) return false;
        const auto names = netns::list();
        const std::set<std::string> there(names.begin(), names.end());
        for (const auto& each : layout_.namespaces) {
            if (!there.contains(each.name)) return false;
            for (const auto& interface : each.interfaces)
                if (!on(interface.hostSide, interface.bridge) || !links[interface.hostSide].up) return false;
            if (each.dhcp && !dhcp_.running(each.dhcp->key)) return false;
        }
        if (layout_.forwards && settingOf(forwardSetting) != "1") return false;
        if (layout_.rules.empty()) return true;
        for (const auto& name : bridgeSettings)
            if (settingOf(name) != "1") return false;
        const auto tables = nft::tables();
        return std::all_of(hostTables.begin(), hostTables.end(), [&](const auto& each) { return tables.contains(each); });
    }

    void ensureSettings(const HostLayout& layout) {
        if (layout.forwards) attempt([&] { settings_->want(forwardSetting, "1"); });
        if (layout.bridges.empty()) return;
        for (const auto& name : bridgeSettings)
            attempt([&] {
                if (settingOf(name).empty())
                    throw Error(Failure::Broken, "the kernel has no br_netfilter (no /proc/sys/", name, "); security groups need it");
                settings_->want(name, "1");
            });
    }

    void restoreSettings(const HostLayout& layout) {
        if (!layout.forwards) settings_->restore(forwardSetting);
        if (!layout.bridges.empty()) return;
        for (const auto& name : bridgeSettings) settings_->restore(name);
    }

    void ensureRules(const HostLayout& layout) {
        const auto tables = nft::tables();
        const bool there = std::all_of(hostTables.begin(), hostTables.end(), [&](const auto& each) { return tables.contains(each); });
        if (layout.rules.empty()) {
            std::string gone;
            for (const auto& each : hostTables)
                if (tables.contains(each)) gone += "delete table " + each + "\n";
            if (!gone.empty()) nft::load(gone);
            rules_.clear();
            return;
        }
        if (there && rules_ == layout.rules) return;
        rules_.clear();
        nft::load(layout.rules);
        rules_ = layout.rules;
    }

    /// Takes away what is ours and no longer planned: servers first, then namespaces, then devices.
    void removeUnplanned(const HostLayout& layout) {
        std::set<std::string> namespaces, servers, links, listeners;
        for (const auto& each : layout.namespaces) {
            namespaces.insert(each.name);
            if (each.dhcp) servers.insert(each.dhcp->key);
            for (const auto& interface : each.interfaces) links.insert(interface.hostSide);
            for (const auto& listener : each.listeners) listeners.insert(each.name + "/" + listener.interface);
        }
        for (const auto& each : layout.bridges) links.insert(each.name);
        for (const auto& each : layout.taps) links.insert(each.name);

        for (const auto& key : dhcp_.keys())
            if (!servers.contains(key)) attempt([&] { dhcp_.remove(key); });
        for (auto each = listeners_.begin(); each != listeners_.end();) {
            const auto next = std::next(each);
            if (!listeners.contains(each->first)) closeListener(each);
            each = next;
        }
        for (const auto& name : netns::list())
            if (isOurNamespaceName(name) && !namespaces.contains(name)) attempt([&] { removeNamespace(name); });
        Netlink netlink;
        for (const auto& link : netlink.links())
            if (link.alias == ourAlias && isOurLinkName(link.name) && !links.contains(link.name))
                attempt([&] { netlink.remove(link.index); });
    }

    void removeNamespace(const std::string& name) {
        bool ours = false;
        netns::inside(name, [&] {
            const auto loopback = Netlink().find("lo");
            ours = loopback && loopback->alias == ourAlias;
        });
        if (!ours) return;
        // A connection that somebody still holds keeps a namespace alive after its name is gone; its devices must go all the same.
        netns::inside(name, [&] {
            Netlink netlink;
            for (const auto& link : netlink.links())
                if (link.kind == "veth") netlink.remove(link.index);
        });
        netns::remove(name);
        applied_.erase(name);
    }

    void ensureBridges(const HostLayout& layout) {
        Netlink netlink;
        const auto addresses = netlink.addresses();
        for (const auto& bridge : layout.bridges) attempt([&] { ensureBridge(netlink, bridge, addresses); });
    }

    void ensureBridge(Netlink& netlink, const BridgeLayout& wanted, const std::vector<LinkAddress>& addresses) {
        auto link = netlink.find(wanted.name);
        if (!link) {
            netlink.addBridge(wanted.name, wanted.mac, wanted.mtu);
            link = netlink.find(wanted.name);
            if (!link) throw Error(Failure::Broken, "bridge ", wanted.name, " vanished while it was made");
            // The host is no member of its guests' networks: no IPv6 of its own there, and no answer for its other addresses.
            set("net/ipv6/conf/" + wanted.name + "/disable_ipv6", wanted.addresses.empty() ? "1" : "0");
        } else if (link->kind != "bridge") {
            throw Error(Failure::Broken, "device ", wanted.name, " is there and is no bridge");
        }
        set("net/ipv4/conf/" + wanted.name + "/arp_ignore", wanted.addresses.empty() ? "8" : "1");
        LinkChange change;
        if (link->alias != ourAlias) change.alias = std::string(ourAlias);
        if (link->mtu != wanted.mtu) change.mtu = wanted.mtu;
        if (!link->up) change.up = true;
        if (change.alias || change.mtu || change.up) netlink.change(link->index, change);

        std::set<std::string> there;
        for (const auto& each : addresses)
            if (each.link == link->index && !each.text.starts_with("fe80:")) there.insert(each.text);
        for (const auto& address : wanted.addresses) {
            if (there.erase(address)) continue;
            if (const auto other = overlapped(address, link->index, addresses)) {
                // Somebody's odd wish for a network must not cut the host off, nor keep the rest from being done.
                notice("external network " + wanted.name + " overlaps the host's own " + *other + "; the host takes no address on it");
                continue;
            }
            netlink.addAddress(link->index, address);
        }
        for (const auto& address : there) netlink.removeAddress(link->index, address);
    }

    static std::optional<std::string> overlapped(const std::string& address, int link, const std::vector<LinkAddress>& addresses) {
        const auto wanted = Prefix::parse(address);
        for (const auto& each : addresses)
            if (const auto used = Prefix::parse(each.text); each.link != link && used && wanted && used->overlaps(*wanted))
                return each.text;
        return std::nullopt;
    }

    /// Puts a device of ours on its bridge as it should be.
    void ensurePort(Netlink& netlink, const std::map<std::string, Link>& links, const Link& link, const std::string& bridge, int mtu,
                    bool up) {
        const auto master = links.find(bridge);
        if (master == links.end()) throw Error(Failure::Broken, "device ", link.name, " has no bridge");
        LinkChange change;
        if (link.alias != ourAlias) change.alias = std::string(ourAlias);
        if (link.mtu != mtu) change.mtu = mtu;
        if (link.master != master->second.index) change.master = master->second.index;
        if (link.up != up) change.up = up;
        set("net/ipv6/conf/" + link.name + "/disable_ipv6", "1");
        if (change.alias || change.mtu || change.master || change.up) netlink.change(link.index, change);
    }

    static std::map<std::string, Link> linksByName(Netlink& netlink) {
        std::map<std::string, Link> links;
        for (auto& each : netlink.links()) links.emplace(each.name, each);
        return links;
    }

    void ensureTaps(const HostLayout& layout) {
        Netlink netlink;
        auto links = linksByName(netlink);
        for (const auto& tap : layout.taps)
            attempt([&] {
                if (!links.contains(tap.name)) {
                    netlink.addTap(tap.name);
                    if (const auto made = netlink.find(tap.name)) links[tap.name] = *made;
                }
                const auto& link = links.at(tap.name);
                if (link.kind != "tun") throw Error(Failure::Broken, "device ", tap.name, " is there and is no tap");
                ensurePort(netlink, links, link, tap.bridge, tap.mtu, tap.up);
            });
    }

    void ensureNamespace(const NamespaceLayout& wanted) {
        const auto before = applied_.find(wanted.name);
        const bool made = !netns::exists(wanted.name);
        if (!attempt([&] { netns::ensure(wanted.name); })) return;
        const auto problemsBefore = problems_.size();
        attempt([&] { ensurePairs(wanted); });
        const bool unchanged = !made && before != applied_.end() && before->second == wanted && wired_.contains(wanted.name);
        if (!unchanged) attempt([&] { netns::inside(wanted.name, [&] { furnish(wanted, made); }); });
        if (wanted.dhcp) attempt([&] { dhcp_.ensure(*wanted.dhcp, wanted.name); });
        applied_.erase(wanted.name);
        if (problems_.size() == problemsBefore) {
            applied_.emplace(wanted.name, wanted);
            wired_.insert(wanted.name);
        }
    }

    /// Both ends of every pair are there, the outer ones on their bridges.
    void ensurePairs(const NamespaceLayout& wanted) {
        Netlink netlink;
        const auto links = linksByName(netlink);
        std::set<std::string> missing;
        for (const auto& interface : wanted.interfaces)
            if (!links.contains(interface.hostSide)) missing.insert(interface.name);
        if (!missing.empty()) {
            wired_.erase(wanted.name);
            const Fd inside = netns::open(wanted.name);
            for (const auto& interface : wanted.interfaces)
                if (missing.contains(interface.name))
                    netlink.addVeth(interface.hostSide, interface.name, inside, interface.mac, interface.mtu);
        }
        const auto now = missing.empty() ? links : linksByName(netlink);
        for (const auto& interface : wanted.interfaces)
            attempt([&] {
                const auto& link = now.at(interface.hostSide);
                if (link.kind != "veth") throw Error(Failure::Broken, "device ", link.name, " is there and is no end of a pair");
                ensurePort(netlink, now, link, interface.bridge, interface.mtu, true);
            });
    }

    /// In the namespace: addresses, routes, rules and listeners.
    void furnish(const NamespaceLayout& wanted, bool made) {
        Netlink netlink;
        auto links = linksByName(netlink);
        if (made || links.at("lo").alias != ourAlias) netlink.change(links.at("lo").index, {.up = true, .alias = std::string(ourAlias)});
        set("net/ipv4/conf/all/arp_ignore", "1");
        set("net/ipv4/conf/all/arp_announce", "2");
        set("net/ipv4/ip_forward", wanted.forwards ? "1" : "0");
        set("net/ipv6/conf/all/forwarding", wanted.forwards ? "1" : "0");
        if (!wanted.rules.empty()) nft::load(wanted.rules);

        std::set<std::string> names{"lo"};
        for (const auto& each : wanted.interfaces) names.insert(each.name);
        for (const auto& [name, link] : links)
            if (!names.contains(name) && link.kind == "veth") netlink.remove(link.index);
        for (const auto& each : wanted.interfaces) attempt([&] { furnishInterface(netlink, links, each); });
        attempt([&] { ensureRoutes(netlink, links, wanted); });
        for (const auto& each : wanted.listeners) attempt([&] { ensureListener(wanted.name, each, links); });
    }

    void furnishInterface(Netlink& netlink, const std::map<std::string, Link>& links, const InterfaceLayout& wanted) {
        const auto found = links.find(wanted.name);
        if (found == links.end()) throw Error(Failure::Broken, "interface ", wanted.name, " is missing");
        const Link& link = found->second;
        LinkChange change;
        if (link.mac != wanted.mac) change.mac = wanted.mac;
        if (link.mtu != wanted.mtu) change.mtu = wanted.mtu;
        if (!link.up) change.up = true;
        if (change.mac || change.mtu || change.up) netlink.change(link.index, change);

        std::set<std::string> there;
        for (const auto& each : netlink.addresses())
            if (each.link == link.index && !each.text.starts_with("fe80:")) there.insert(each.text);
        for (const auto& address : wanted.addresses) {
            if (there.erase(address)) continue;
            netlink.addAddress(link.index, address);
            if (!address.starts_with(metadataAddress))
                announceAddress({.index = link.index, .name = {}, .kind = {}, .mac = wanted.mac, .alias = {}},
                                address.substr(0, address.find('/')));
        }
        for (const auto& address : there) netlink.removeAddress(link.index, address);
    }

    void ensureRoutes(Netlink& netlink, const std::map<std::string, Link>& links, const NamespaceLayout& wanted) {
        auto present = netlink.routes();
        std::vector<LinkRoute> planned;
        for (const auto& each : wanted.routes)
            planned.push_back({each.destination, each.nexthop, each.interface.empty() ? 0 : links.at(each.interface).index});
        for (const auto& each : present)
            if (each.ours && std::find(planned.begin(), planned.end(), each) == planned.end()) attempt([&] { netlink.removeRoute(each); });
        for (const auto& each : planned)
            if (std::find(present.begin(), present.end(), each) == present.end()) attempt([&] { netlink.addRoute(each); });
    }

    void ensureListener(const std::string& netnsName, const ListenerLayout& wanted, const std::map<std::string, Link>& links) {
        const auto place = netnsName + "/" + wanted.interface;
        const int link = links.at(wanted.interface).index;
        if (const auto found = listeners_.find(place); found != listeners_.end()) {
            if (found->second.layout == wanted && found->second.link == link) return;
            closeListener(found);
        }
        Fd socket = openListener(wanted);
        const int copy = static_cast<int>(check(fcntl(socket.get(), F_DUPFD_CLOEXEC, 3), "share the metadata socket"));
        fresh_.push_back({.socket = copy, .network = wanted.network, .place = place});
        listeners_.emplace(place, OpenListener{wanted, link, std::move(socket)});
    }

    void closeListener(std::map<std::string, OpenListener>::iterator each) {
        // Whoever accepts from it gets an error and lets go; till then the port is free already.
        shutdown(each->second.socket.get(), SHUT_RDWR);
        const auto waiting = std::find_if(fresh_.begin(), fresh_.end(), [&](const auto& fresh) { return fresh.place == each->first; });
        if (waiting != fresh_.end()) {
            close(waiting->socket);
            fresh_.erase(waiting);
        } else {
            closed_.push_back(each->first);
        }
        listeners_.erase(each);
    }

    std::mutex mutex_;
    LinuxNetworkOptions options_;
    DhcpServers dhcp_;
    std::optional<Numbers> numbers_;
    std::optional<Settings> settings_;

    NetworkPlan plan_; // what was applied last
    HostLayout layout_;
    std::string rules_; // what we loaded
    bool complete_ = false;
    std::map<std::string, NamespaceLayout> applied_;
    std::set<std::string> wired_; // namespaces whose pairs have not been made anew since they were furnished
    std::map<std::string, OpenListener> listeners_;
    std::vector<MetadataListener> fresh_;
    std::vector<std::string> closed_;
    std::vector<std::string> problems_;
};

}

std::unique_ptr<NetworkDriver> linuxNetworkDriver(LinuxNetworkOptions options) {
    return std::make_unique<LinuxNetworkDriver>(std::move(options));
}

}
