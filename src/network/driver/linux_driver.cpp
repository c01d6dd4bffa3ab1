#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stratolet/error.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <tuple>

#include "network/address.hpp"
#include "network/driver/linux.hpp"
#include "network/driver/linux_conntrack.hpp"
#include "network/driver/linux_dhcp.hpp"
#include "network/driver/linux_layout.hpp"
#include "network/driver/linux_limits.hpp"
#include "network/driver/linux_log.hpp"
#include "network/driver/linux_names.hpp"
#include "network/driver/linux_neighbours.hpp"
#include "network/driver/linux_netlink.hpp"
#include "network/driver/linux_nft.hpp"
#include "network/driver/linux_numbers.hpp"
#include "network/driver/linux_outside.hpp"
#include "network/driver/linux_ruleset.hpp"
#include "network/driver/linux_settings.hpp"
#include "network/driver/linux_watch.hpp"
#include "network/segment/ml2.hpp"
#include "platform/os/boot.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/folder.hpp"
#include "platform/os/netns.hpp"
#include "platform/text/text.hpp"

namespace stratolet::network {

namespace {

namespace fs = std::filesystem;

/// Settings of the host that we changed, so that they can be put back. The kernel forgets them when it starts again,
/// and so do we: what they were before may no longer be what the host's owner wants.
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

const std::vector<std::string> bridgeSettings = {"net/bridge/bridge-nf-call-iptables",
                                                 "net/bridge/bridge-nf-call-ip6tables"};
constexpr const char* forwardSetting = "net/ipv4/ip_forward";
// Each DHCP server watches its folder by an instance of inotify, of which the kernel gives root 128 unless it is told
// (inotify(7)); others of root's want some too.
constexpr const char* instancesSetting = "fs/inotify/max_user_instances";
constexpr std::size_t instancesOfOthers = 64;
constexpr std::int64_t instancesWanted = 8192;

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

bool isPairName(const std::string& name) { return name.starts_with("int-") || name.starts_with("phy-"); }

/// A socket that waits for metadata requests. Kept twice: one for who answers, one for us to end it.
struct OpenListener {
    ListenerLayout layout;
    int link = 0;
    Fd socket;
};

Fd openListener(const ListenerLayout& wanted) {
    Fd socket(
        static_cast<int>(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "open a socket")));
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
    check(bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at),
          "take the metadata address on " + wanted.interface);
    check(listen(socket.get(), 128), "listen for metadata requests on " + wanted.interface);
    return socket;
}

using Of = NetworkProblem::Of;

/// The present namespace of a name: another one of the same name has another number.
ino_t identityOf(const std::string& name) {
    struct stat status {};
    check(fstat(netns::open(name).get(), &status), "look at the namespace " + name);
    return status.st_ino;
}

/// What there is of ours on the host, wanted or not.
struct Survey {
    std::map<std::string, Link> links; ///< all of the host's own namespace
    std::set<std::string> namespaces;  ///< by name only
    std::vector<std::string> servers;  ///< of DHCP, by key
};

/// Whether it is as it was known, which is not looked at twice of one reading.
template <class Planned> bool isAsBefore(Planned& known, const Planned& planned) {
    if constexpr (requires { planned.reading; }) {
        if (planned.reading.number != 0 && planned.reading.number == known.reading.number) return true;
        if (known == planned) return known.reading = planned.reading, true;
        return false;
    } else {
        return known == planned;
    }
}

/// Who comes and who goes from one plan to the next; both are sorted by id.
template <class Id, class State, class Planned> struct Difference {
    std::vector<Id> gone;
    std::vector<const Planned*> changed;

    Difference(std::map<Id, State>& before, const std::vector<Planned>& after) {
        auto each = before.begin();
        for (const auto& planned : after) {
            for (; each != before.end() && each->first < planned.id; ++each) gone.push_back(each->first);
            const bool known = each != before.end() && each->first == planned.id;
            if (!known || !isAsBefore(each->second.plan, planned)) changed.push_back(&planned);
            if (known) ++each;
        }
        for (; each != before.end(); ++each) gone.push_back(each->first);
    }
};

class LinuxNetworkDriver : public NetworkDriver {
public:
    explicit LinuxNetworkDriver(LinuxNetworkOptions options)
        : options_(std::move(options)),
          mark_(markOf(options_.cloud)),
          dhcp_(options_.folder / "dhcp"),
          rules_({.nat = options_.nat, .reach = options_.reach, .apiPorts = options_.apiPorts}),
          outside_(outsideOptions()),
          packetLog_(options_.folder / "packets.log", options_.notice) {}

    ~LinuxNetworkDriver() override = default;

    std::vector<OutsideNetwork> outsideNetworks() override {
        const std::lock_guard lock(mutex_);
        outside_.examine();
        return outside_.networks();
    }

    std::vector<std::string> reachedNetworks() override {
        Netlink netlink;
        std::set<int> ours;
        for (const auto& each : netlink.links())
            if (isMarked(each.alias, mark_)) ours.insert(each.index);
        std::vector<std::string> reached;
        for (const auto& each : netlink.routes())
            if (!each.destination.ends_with("/0") && !ours.contains(each.link)) reached.push_back(each.destination);
        return reached;
    }

    void joinOutside() override {
        const std::lock_guard lock(mutex_);
        try {
            outside_.join();
            absolve(Of::Host, "", outsideStep);
            surprised_ = true; // what is on it is looked at anew
        } catch (const Error& problem) {
            if (problem.failure() != Failure::Invalid) blame(Of::Host, "", outsideStep, problem.what());
            throw;
        }
        if (!options_.outside.device.empty() && outside_.networks().empty())
            blame(Of::Host, "", outsideStep,
                  "external_network = bridge:" + options_.outside.device +
                      ": the host has no IPv4 address there yet; until then it isn't lent");
    }

    std::vector<NetworkProblem> apply(const NetworkPlan& plan) override {
        const std::lock_guard lock(mutex_);
        ensureFolder(options_.folder / "dhcp", Lets::OthersThrough);
        if (!settings_) settings_.emplace(options_.folder / "settings");

        Netlink netlink;
        Work work;
        std::optional<Survey> survey;
        if (const auto now = std::chrono::steady_clock::now();
            surprised_ || !looked_ || now - *looked_ >= options_.lookEvery) {
            // What somebody else did, what failed before, and at the start all that there is.
            attempt(Of::Host, "", "lent interface", [&] { outside_.follow(); });
            survey = lookAround(netlink);
            lookOutside(*survey);
            surprised_ = false;
            looked_ = now;
            compare(*survey, [&](const NetworkProblem&) {
                if (options_.mending) options_.mending();
            });
            retry(work);
        }
        differ(plan, work);
        if (survey) dropStrangers(*survey, work);
        const bool began = generation_ == 0;
        if (survey)
            attempt(Of::Host, "", "mark", [&] { rules_.markGuests(wantsDockerRule() && !dockerChains().empty()); });
        carryOut(netlink, work);
        if (survey || began || networks_.empty()) {
            attempt(Of::Host, "", "rule of Docker", [&] { ensureDockerRule(); });
            tellWhoDrops();
        }
        return problems();
    }

    std::vector<NetworkProblem> findings(const NetworkPlan& plan) override {
        const std::lock_guard lock(mutex_);
        Netlink netlink;
        const auto survey = lookAround(netlink);
        lookOutside(survey);
        Work work;
        differ(plan, work);
        rules_.markGuests(wantsDockerRule() && !dockerChains().empty());
        auto found = problems();
        for (const auto& each : outside_.findings()) found.push_back({Of::Host, "", each});
        compare(survey, [&](const NetworkProblem& problem) { found.push_back(problem); });
        if (!isDockerRuleRight()) found.push_back({Of::Host, "", "Docker's firewall has not the one rule of ours"});
        if (const auto fault = whoDrops(); !fault.empty() && !problems_.contains({Of::Host, "", dropsStep}))
            found.push_back({Of::Host, "", fault});
        Work strangers;
        dropStrangers(survey, strangers);
        const auto tell = [&](const std::string& what, const std::set<std::string>& names) {
            for (const auto& each : names)
                found.push_back({Of::Host, "", what + " " + each + " belongs to nothing that is planned"});
        };
        tell("device", strangers.linksGone);
        tell("namespace", strangers.namespacesGone);
        tell("DHCP server", strangers.serversGone);
        return found;
    }

    void watch(std::function<void()> changed) override {
        const std::lock_guard lock(mutex_);
        changed_ = std::move(changed);
        watch_.emplace(Watch::Listener{
            .links = [this](const auto& names) { judge([&] { return areLinksRight(names); }); },
            .rules = [this] { judge([&] { return areRulesRight(); }); },
            .namespaces = [this] { judge([&] { return areNamespacesThere(); }); },
            .inside = [this](const auto& name) { judge([&] { return isInsideRight(name); }); },
            .tick =
                [this] {
                    judge([&] { return areSettingsRight() && areServersRunning() && outside_.findings().empty(); });
                },
        });
        for (const auto& place : places_)
            if (const auto& name = place.first; netns::exists(name)) {
                netns::inside(name, [&] { watch_->hear(name); });
                watch_->quiet(name);
            }
    }

    std::string tapOf(const PortId& port) const override { return tapNameOf(port); }

    bool plugged(const PortId& port) override {
        const auto link = Netlink().find(tapNameOf(port));
        return link && link->running;
    }

    std::vector<MeterReading> takeMeters() override {
        const std::lock_guard lock(mutex_);
        for (const auto& [name, place] : places_) takeCounters(place);
        std::vector<MeterReading> readings;
        for (const auto& [whose, counted] : std::exchange(counted_, {}))
            readings.push_back({whose.first, whose.second, counted.packets, counted.bytes});
        return readings;
    }

    std::vector<MetadataListener> takeMetadataListeners() override {
        const std::lock_guard lock(mutex_);
        return std::exchange(fresh_, {});
    }

    std::vector<std::string> takeClosedMetadataListeners() override {
        const std::lock_guard lock(mutex_);
        return std::exchange(closed_, {});
    }

private:
    struct NetworkState {
        PlannedNetwork plan;
        bool sound = false; ///< wired at all
        BridgeLayout bridge;
        bool bridged = false; ///< as the layout says
        int index = 0;        ///< of the bridge
        UplinkLayout uplink;  ///< as it was made; without a name: there is none
        bool joined = true;   ///< the uplink is as it should be
        std::map<PortId, RemoteLayout> remotes;
        std::map<std::string, int> tunnels; ///< how many of these are at each host
        int odd = 0;                        ///< ports that speak under addresses which are not their own
        std::set<PortId> ports;
        std::set<RouterId> routers;
        DhcpServers::Hosts hosts;
        std::optional<NamespaceLayout> dhcp;
    };
    struct PortState {
        PlannedPort plan;
        std::optional<TapLayout> tap; ///< nothing: it has none
        bool tapped = false;          ///< as the layout says
        bool attached = false;        ///< a guest has been seen on it
        bool odd = false;             ///< as counted with its network
    };
    struct RouterState {
        PlannedRouter plan;
        std::set<NetworkId> networks;
        std::optional<NamespaceLayout> layout;
    };
    struct GroupState {
        PlannedSecurityGroup plan;
    };
    /// A namespace as it has been furnished.
    struct Place {
        NamespaceLayout layout;
        Of of = Of::Network;
        std::string owner;
        ino_t identity = 0;
        bool furnished = false; ///< wholly as the layout says
        Ruleset rules;
        std::vector<PlannedHelper> helpers; ///< that are loaded
        std::vector<PlannedHelper> tried;   ///< that were to be
        std::uint32_t generation = 0;
    };
    /// What is to be done on the host.
    struct Work {
        std::set<NetworkId> bridges, dhcp;
        std::map<NetworkId, DhcpServers::Hosts> hosts; ///< without lines: gone
        std::set<NetworkId> uplinks;
        std::map<NetworkId, std::map<PortId, std::optional<RemoteLayout>>> remotes; ///< as they were before
        std::set<PortId> taps;
        std::set<RouterId> routers;
        std::set<std::string> linksGone, namespacesGone, serversGone;
        std::set<std::pair<std::string, std::string>> numbersGone; ///< kind and id
    };

    void notice(const std::string& line) const {
        if (options_.notice) options_.notice(line);
    }

    // Problems: by whose they are, and of which step.

    void blame(Of of, const std::string& id, const std::string& step, const std::string& what) {
        problems_[{of, id, step}] = what;
    }
    void absolve(Of of, const std::string& id, const std::string& step) { problems_.erase({of, id, step}); }
    void absolveAll(Of of, const std::string& id) {
        const auto first = problems_.lower_bound({of, id, ""});
        auto last = first;
        while (last != problems_.end() && std::get<0>(last->first) == of && std::get<1>(last->first) == id) ++last;
        problems_.erase(first, last);
    }

    /// One thing that can't be done must not keep the others from being done.
    template <class Do> bool attempt(Of of, const std::string& id, const std::string& step, Do work) {
        try {
            work();
            absolve(of, id, step);
            return true;
        } catch (const std::exception& problem) {
            blame(of, id, step, problem.what());
            return false;
        }
    }

    std::vector<NetworkProblem> problems() const {
        std::vector<NetworkProblem> out;
        for (const auto& [whose, what] : problems_)
            out.push_back({std::get<0>(whose), std::get<1>(whose), what,
                           std::get<2>(whose) != guestStep && std::get<2>(whose) != logStep});
        return out;
    }

    static constexpr const char* guestStep = "guest";
    static constexpr const char* logStep = "packet log";
    static constexpr const char* dropsStep = "forwarding by others";
    static constexpr const char* outsideStep = "outside";
    static constexpr std::string_view guestComment = "stratolet: guests";

    OutsideOptions outsideOptions() const {
        auto outside = options_.outside;
        outside.folder = options_.folder;
        outside.mark = mark_;
        if (!outside.notice) outside.notice = options_.notice;
        return outside;
    }

    /// Which devices of the host's are bridges: networks join those by a pair.
    void lookOutside(const Survey& survey) {
        if (const auto bridge = outside_.bridge(); !bridge.empty())
            options_.physical[std::string(outsidePhysical)] = bridge;
        std::set<std::string> bridges;
        for (const auto& [name, device] : options_.physical)
            if (const auto link = survey.links.find(device);
                link != survey.links.end() && link->second.kind == "bridge")
                bridges.insert(device);
        if (bridges == bridges_) return;
        bridges_ = std::move(bridges);
        std::set<std::string> far; // of pairs that are yet to be made too: rules come first
        for (const auto& bridge : bridges_) far.insert(farEndOf(bridge));
        rules_.setOutside(far);
        for (auto& [id, state] : networks_) state.joined = false;
    }

    /// A firewall of the host's owner that drops what it doesn't know drops what guests say to each other too: frames
    /// on a bridge pass the host's rules, all of them. It is theirs, and we leave it alone; but who wonders why no
    /// guest is reached is told, with what mends it. Empty where there is none, or where it knows our bridges.
    std::string whoDrops() const {
        if (networks_.empty()) return {};
        auto dropping = nft::chainsThatDrop("brq");
        if (dropping.empty()) return {};
        const auto chains = nft::chains();
        if (options_.dockerUserRule) {
            const auto passing = passes(dockerChains(chains));
            std::erase_if(dropping, [&](const auto& each) { return passing.contains(each); });
        }
        if (dropping.empty()) return {};
        std::vector<std::string> interfaces{"brq+"};
        interfaces.insert(interfaces.end(), bridges_.begin(), bridges_.end());
        std::set<std::string> cures;
        for (const auto& each : dropping) cures.insert(firewallCure(each, chains, interfaces));
        return "what is forwarded is dropped by a firewall that isn't ours (" + joined(dropping) +
               "), and guests aren't reached: " + joined(cures, "; ");
    }

    /// "ip filter DOCKER-USER", and that of IPv6, where they are.
    static std::vector<std::string> dockerChains(const std::set<std::string>& all = nft::chains()) {
        std::vector<std::string> found;
        for (const auto* family : {"ip", "ip6"})
            if (const auto chain = std::string(family) + " filter DOCKER-USER"; all.contains(chain))
                found.push_back(chain);
        return found;
    }

    static bool isGuestRule(const nft::ChainRule& rule) { return rule.said.find(guestComment) != std::string::npos; }

    /// The chains that let guests pass because of the rule in these of Docker's.
    static std::set<std::string> passes(const std::vector<std::string>& dockers) {
        std::set<std::string> passing;
        for (const auto& each : dockers) {
            const auto rules = nft::rulesOf(each);
            if (std::any_of(rules.begin(), rules.end(), isGuestRule))
                passing.insert(each.substr(0, each.rfind(' ')) + " FORWARD");
        }
        return passing;
    }

    bool wantsDockerRule() const { return options_.dockerUserRule && !networks_.empty(); }

    /// One rule in each chain of Docker's for others, behind those of the host's owner, whose word counts first; none
    /// where there is nothing to let pass.
    void ensureDockerRule() {
        const auto chains = dockerChains();
        for (const auto& each : chains) {
            const auto rules = nft::rulesOf(each);
            bool there = false;
            for (const auto& rule : rules) {
                if (!isGuestRule(rule)) continue;
                if (there || !wantsDockerRule())
                    nft::load("delete rule " + each + " handle " + std::to_string(rule.handle) + "\n");
                there = true;
            }
            if (there || !wantsDockerRule()) continue;
            const bool ends = !rules.empty() && rules.back().returns; // Docker's own, up to release 26
            nft::load((ends ? "insert rule " + each + " position " + std::to_string(rules.back().handle)
                            : "add rule " + each) +
                      " meta mark & " + std::string(guestMark) + " == " + std::string(guestMark) +
                      " counter accept comment \"" + std::string(guestComment) + "\"\n");
            notice("Docker's firewall lets guests pass by one rule in " + each + " (\"" + std::string(guestComment) +
                   "\"); [network] docker_user_rule = false takes it away");
        }
    }

    bool isDockerRuleRight() const {
        const auto chains = dockerChains();
        return std::all_of(chains.begin(), chains.end(), [&](const auto& each) {
            const auto rules = nft::rulesOf(each);
            return std::count_if(rules.begin(), rules.end(), isGuestRule) == (wantsDockerRule() ? 1 : 0);
        });
    }

    void tellWhoDrops() {
        try {
            const auto fault = whoDrops();
            fault.empty() ? absolve(Of::Host, "", dropsStep) : blame(Of::Host, "", dropsStep, fault);
        } catch (const Error& problem) {
            blame(Of::Host, "", dropsStep, problem.what());
        }
    }

    // What the plan says.

    Numbers& numbers() {
        if (!numbers_) numbers_.emplace(options_.folder / "numbers");
        return *numbers_;
    }

    void differ(const NetworkPlan& plan, Work& work) {
        const Difference<SecurityGroupId, GroupState, PlannedSecurityGroup> groups(groups_, plan.securityGroups);
        const Difference<NetworkId, NetworkState, PlannedNetwork> networks(networks_, plan.networks);
        const Difference<RouterId, RouterState, PlannedRouter> routers(routers_, plan.routers);
        const Difference<PortId, PortState, PlannedPort> ports(ports_, plan.ports);

        for (const auto* each : groups.changed) {
            groups_[each->id] = {*each};
            if (const auto fault = faultOf(*each); fault.empty()) {
                rules_.set(*each);
                absolve(Of::SecurityGroup, each->id.text, "plan");
            } else {
                rules_.remove(each->id);
                blame(Of::SecurityGroup, each->id.text, "plan", fault);
            }
        }
        std::set<PortId> portsAgain;
        std::set<RouterId> routersAgain;
        for (const auto& id : networks.gone) {
            auto& state = networks_.at(id); // what is on it, if anything is left, hears that it can't be wired
            portsAgain.insert(state.ports.begin(), state.ports.end());
            routersAgain.insert(state.routers.begin(), state.routers.end());
            if (state.sound) unwireNetwork(id, work);
            state.sound = false;
        }
        for (const auto* each : networks.changed) {
            if (!networks_.contains(each->id) && !problems_.empty()) findWaiting(each->id);
            auto& state = networks_[each->id];
            portsAgain.insert(state.ports.begin(), state.ports.end());
            routersAgain.insert(state.routers.begin(), state.routers.end());
            deriveNetwork(state, *each, work);
        }
        for (const auto& id : routers.gone) removeRouter(id, work);
        for (const auto* each : routers.changed) {
            deriveRouter(*each, work);
            routersAgain.erase(each->id);
        }
        for (const auto& id : routersAgain)
            if (const auto found = routers_.find(id); found != routers_.end())
                deriveRouter(PlannedRouter(found->second.plan), work);
        for (const auto& id : ports.gone) removePort(id, work);
        for (const auto* each : ports.changed) {
            derivePort(*each, work);
            portsAgain.erase(each->id);
        }
        for (const auto& id : portsAgain)
            if (const auto found = ports_.find(id); found != ports_.end())
                derivePort(PlannedPort(found->second.plan), work);
        for (const auto& id : networks.gone) removeNetwork(id, work);
        for (const auto& id : groups.gone) {
            rules_.remove(id);
            groups_.erase(id);
            absolveAll(Of::SecurityGroup, id.text);
        }
    }

    void deriveNetwork(NetworkState& state, const PlannedNetwork& plan, Work& work) {
        const auto& id = plan.id.text;
        state.plan = plan;
        const auto fault = faultOf(plan);
        const bool was = state.sound;
        state.sound = fault.empty();
        if (!state.sound) {
            blame(Of::Network, id, "plan", fault);
            if (was) unwireNetwork(plan.id, work);
            return;
        }
        if (!attempt(Of::Network, id, "plan", [&] { rules_.set(plan, numbers().of("network", id)); })) {
            state.sound = false;
            if (was) unwireNetwork(plan.id, work);
            return;
        }
        if (const auto layout = bridgeLayout(plan, options_.nat); !was || layout != state.bridge) {
            state.bridge = layout;
            state.bridged = false;
            work.bridges.insert(plan.id);
            work.linksGone.erase(layout.name);
        }
        for (const auto& each : plan.remotes) {
            RemoteLayout remote{.mac = each.mac, .tunnel = each.tunnel, .addresses = {}};
            for (const auto& fixed : each.addresses) remote.addresses.push_back(fixed.address);
            tellRemote(each.id, plan.id, remote, work);
        }
        std::set<PortId> there;
        for (const auto& each : plan.remotes) there.insert(each.id);
        std::vector<PortId> gone;
        for (const auto& [port, remote] : state.remotes)
            if (!there.contains(port) && !ports_.contains(port)) gone.push_back(port);
        for (const auto& each : gone) tellRemote(each, plan.id, std::nullopt, work);
        work.uplinks.insert(plan.id);
        work.dhcp.insert(plan.id);
    }

    /// Who is on another host is known to the network's VXLAN.
    void tellRemote(const PortId& id, const NetworkId& network, const std::optional<RemoteLayout>& remote, Work& work) {
        const auto found = networks_.find(network);
        if (found == networks_.end()) return;
        auto& state = found->second;
        const auto before = state.remotes.find(id);
        const auto was = before == state.remotes.end() ? std::nullopt : std::optional(before->second);
        if (was == remote) return;
        work.remotes[network].emplace(id, was);
        if (was && --state.tunnels[was->tunnel] == 0) state.tunnels.erase(was->tunnel);
        if (remote) {
            ++state.tunnels[remote->tunnel];
            state.remotes[id] = *remote;
        } else {
            state.remotes.erase(before);
        }
    }

    /// A VXLAN answers for neighbours only while it knows of all that may have an address.
    void countOdd(PortState& port, bool odd, Work& work) {
        const auto found = networks_.find(port.plan.network);
        if (port.odd == odd || found == networks_.end()) return;
        port.odd = odd;
        auto& count = found->second.odd;
        const bool before = count > 0;
        count += odd ? 1 : -1;
        if (before != (count > 0)) work.uplinks.insert(port.plan.network);
    }

    void unwireNetwork(const NetworkId& id, Work& work) {
        auto& state = networks_.at(id);
        rules_.remove(id);
        work.bridges.erase(id);
        work.dhcp.insert(id); // to be taken away
        if (!state.bridge.name.empty()) work.linksGone.insert(state.bridge.name);
        if (isOwnUplink(state.uplink)) work.linksGone.insert(state.uplink.name);
        plannedLinks_.erase(state.uplink.far);
        state.uplink = {};
        state.joined = true;
        work.uplinks.erase(id);
        work.remotes.erase(id);
        absolve(Of::Network, id.text, "uplink");
        state.bridge = {};
        state.bridged = false;
    }

    /// Who was planned on a network before it was itself.
    void findWaiting(const NetworkId& id) {
        auto& state = networks_[id];
        for (const auto& [port, waiting] : ports_)
            if (waiting.plan.network == id) state.ports.insert(port);
        for (const auto& [router, waiting] : routers_)
            if (waiting.networks.contains(id)) state.routers.insert(router);
    }

    /// A VLAN, a VXLAN or a pair is ours, a device of the host's is not.
    static bool isOwnUplink(const UplinkLayout& uplink) {
        return !uplink.under.empty() || !uplink.local.empty() || !uplink.across.empty();
    }

    void removeNetwork(const NetworkId& id, Work& work) {
        work.uplinks.erase(id);
        work.remotes.erase(id);
        dropDhcp(id, work);
        work.dhcp.erase(id);
        work.hosts.erase(id);
        work.numbersGone.insert({"network", id.text});
        absolveAll(Of::Network, id.text);
        networks_.erase(id);
    }

    void dropDhcp(const NetworkId& id, Work& work) {
        work.serversGone.insert(id.text);
        dropPlace(dhcpNamespaceOf(id), work);
        if (const auto found = networks_.find(id); found != networks_.end()) found->second.dhcp.reset();
    }

    void dropPlace(const std::string& name, Work& work) {
        const auto found = places_.find(name);
        if (found == places_.end()) return;
        for (const auto& each : found->second.layout.interfaces) work.linksGone.insert(each.hostSide);
        work.namespacesGone.insert(name);
    }

    const PlannedNetwork* soundNetwork(const NetworkId& id) const {
        const auto found = networks_.find(id);
        return found != networks_.end() && found->second.sound ? &found->second.plan : nullptr;
    }

    /// Which networks a router is on, and where it is a gateway, is known to them.
    void placeRouter(RouterState& state, int by, Work& work) {
        if (by < 0) {
            for (const auto& each : state.networks) {
                if (const auto found = networks_.find(each); found != networks_.end())
                    found->second.routers.erase(state.plan.id);
                work.dhcp.insert(each); // what its guests are told may change
            }
            state.networks.clear();
        } else {
            for (const auto& each : state.plan.interfaces) state.networks.insert(each.network);
            if (state.plan.gateway) state.networks.insert(state.plan.gateway->network);
            for (const auto& each : state.networks)
                if (const auto found = networks_.find(each); found != networks_.end()) {
                    found->second.routers.insert(state.plan.id);
                    work.dhcp.insert(each);
                }
        }
        if (!state.plan.adminUp) return;
        for (const auto& each : state.plan.interfaces)
            for (const auto& fixed : each.addresses)
                if ((routerPlaces_[{fixed.subnet, fixed.address}] += by) == 0)
                    routerPlaces_.erase({fixed.subnet, fixed.address});
    }

    void deriveRouter(const PlannedRouter& plan, Work& work) {
        auto& state = routers_[plan.id];
        if (!state.plan.id.empty()) placeRouter(state, -1, work);
        state.plan = plan;
        placeRouter(state, 1, work);
        auto fault = faultOf(plan);
        for (const auto& each : state.networks)
            if (fault.empty() && !soundNetwork(each))
                fault = "router " + plan.id.text + " is on network " + each.text + ", which can't be wired";
        state.layout.reset();
        if (!fault.empty())
            blame(Of::Router, plan.id.text, "plan", fault);
        else {
            absolve(Of::Router, plan.id.text, "plan");
            if (plan.adminUp)
                state.layout = routerLayout(
                    plan, [this](const NetworkId& id) -> const PlannedNetwork& { return networks_.at(id).plan; });
        }
        work.routers.insert(plan.id);
    }

    void removeRouter(const RouterId& id, Work& work) {
        auto& state = routers_.at(id);
        placeRouter(state, -1, work);
        dropPlace(routerNamespaceOf(id), work);
        work.serversGone.insert(id.text);
        work.routers.erase(id);
        absolveAll(Of::Router, id.text);
        routers_.erase(id);
    }

    void derivePort(const PlannedPort& plan, Work& work) {
        auto& state = ports_[plan.id];
        const bool known = !state.plan.id.empty();
        const bool newlyGuarded = known && state.tap && !state.plan.portSecurity && plan.portSecurity;
        if (known && state.plan.network != plan.network) leaveNetwork(plan.id, state, work);
        state.plan = plan;
        auto fault = faultOf(plan);
        const auto* network = soundNetwork(plan.network);
        if (fault.empty() && !network) fault = "port " + plan.id.text + " is on a network that can't be wired";
        if (const auto found = networks_.find(plan.network); found != networks_.end())
            found->second.ports.insert(plan.id);
        if (!fault.empty()) {
            blame(Of::Port, plan.id.text, "plan", fault);
            unwirePort(plan.id, state, work);
            return;
        }
        if (!attempt(Of::Port, plan.id.text, "plan", [&] {
                const int number = numbers().of("port", plan.id.text);
                rules_.set(plan, number);
                limits_.set(plan);
                tellPackets(plan, number);
            }))
            return unwirePort(plan.id, state, work);
        if (newlyGuarded) rules_.reconsider(plan.id);
        countOdd(state, !plan.portSecurity || !plan.allowedPairs.empty(), work);
        tellRemote(plan.id, plan.network, remoteLayout(plan), work);
        auto& carried = carried_[plan.trunk];
        if (plan.tapped && !plan.trunk.empty()) carried.insert(plan.id);
        if (carried.empty()) carried_.erase(plan.trunk);
        if (plan.tapped) {
            if (const auto layout = tapLayout(plan, *network); !state.tap || layout != *state.tap) {
                state.tap = layout;
                state.tapped = false;
            }
            if (!state.tapped) work.taps.insert(plan.id);
            work.linksGone.erase(state.tap->name);
        } else {
            dropTap(state, work);
        }
        tellHost(plan.id, plan.network, dhcpHostOf(plan, *network), work);
    }

    void tellHost(const PortId& id, const NetworkId& network, const std::optional<DhcpHost>& host, Work& work) {
        const auto found = networks_.find(network);
        if (found == networks_.end()) return;
        auto& hosts = found->second.hosts;
        const auto before = hosts.find(id.text);
        if (host ? before != hosts.end() && before->second == *host : before == hosts.end()) return;
        work.hosts[network][id.text] = host.value_or(DhcpHost{});
        if (host)
            hosts[id.text] = *host;
        else
            hosts.erase(id.text);
    }

    /// That packets can't be written down is a fault, but no reason to let none pass.
    void tellPackets(const PlannedPort& plan, int number) {
        if (plan.logs.empty() || !plan.tapped) {
            packetLog_.forget(plan.id);
            absolve(Of::Port, plan.id.text, logStep);
        } else {
            attempt(Of::Port, plan.id.text, logStep, [&] { packetLog_.tell(plan, number); });
        }
    }

    void dropTap(PortState& state, Work& work) {
        if (state.tap) work.linksGone.insert(state.tap->name);
        if (const auto found = carried_.find(state.plan.trunk); found != carried_.end()) {
            found->second.erase(state.plan.id);
            if (found->second.empty()) carried_.erase(found);
        }
        state.tap.reset();
        state.tapped = state.attached = false;
        work.taps.erase(state.plan.id);
    }

    void unwirePort(const PortId& id, PortState& state, Work& work) {
        rules_.remove(id);
        limits_.remove(id);
        packetLog_.forget(id);
        dropTap(state, work);
        countOdd(state, false, work);
        tellRemote(id, state.plan.network, std::nullopt, work);
        tellHost(id, state.plan.network, std::nullopt, work);
    }

    void leaveNetwork(const PortId& id, PortState& state, Work& work) {
        countOdd(state, false, work);
        tellRemote(id, state.plan.network, std::nullopt, work);
        tellHost(id, state.plan.network, std::nullopt, work);
        if (const auto found = networks_.find(state.plan.network); found != networks_.end())
            found->second.ports.erase(id);
    }

    void removePort(const PortId& id, Work& work) {
        auto& state = ports_.at(id);
        unwirePort(id, state, work);
        leaveNetwork(id, state, work);
        work.numbersGone.insert({"port", id.text});
        absolveAll(Of::Port, id.text);
        ports_.erase(id);
    }

    /// All that did not succeed, or is no more as it was made.
    void retry(Work& work) {
        for (const auto& [id, state] : networks_) {
            if (!state.sound) continue;
            if (!state.bridged) work.bridges.insert(id);
            if (!state.joined) work.uplinks.insert(id);
            const auto place = places_.find(dhcpNamespaceOf(id));
            if (state.dhcp && (place == places_.end() || !place->second.furnished)) work.dhcp.insert(id);
        }
        for (const auto& [id, state] : ports_)
            if (state.tap && !state.tapped) work.taps.insert(id);
        for (const auto& [id, state] : routers_) {
            const auto place = places_.find(routerNamespaceOf(id));
            if (state.layout && (place == places_.end() || !place->second.furnished)) work.routers.insert(id);
        }
    }

    // What there is.

    Survey lookAround(Netlink& netlink) {
        Survey survey{linksByName(netlink), {}, dhcp_.keys()};
        for (const auto& name : netns::list())
            if (isOurNamespaceName(name)) survey.namespaces.insert(name);
        return survey;
    }

    /// Tells what is not as it was made, so that it is made again.
    template <class Tell> void compare(const Survey& survey, Tell tell) {
        const auto linkOn = [&](const std::string& name, const std::string& bridge) -> const Link* {
            const auto link = survey.links.find(name), master = survey.links.find(bridge);
            return link != survey.links.end() && master != survey.links.end() &&
                           link->second.master == master->second.index
                       ? &link->second
                       : nullptr;
        };
        for (auto& [id, state] : networks_) {
            if (!state.sound) continue;
            const auto found = survey.links.find(state.bridge.name);
            if (found != survey.links.end() && found->second.up && found->second.kind == "bridge") {
                state.index = found->second.index;
                if (state.uplink.name.empty()) continue;
                if (const auto* link = linkOn(state.uplink.name, state.bridge.name); !link || !link->up) {
                    tell({Of::Network, id.text,
                          "network " + id.text + " has no device " + state.uplink.name + " on its bridge"});
                    state.joined = false;
                } else if (!state.uplink.across.empty() && !linkOn(state.uplink.far, state.uplink.across)) {
                    tell({Of::Network, id.text,
                          "network " + id.text + " has no device " + state.uplink.far + " on " + state.uplink.across});
                    state.joined = false;
                }
                continue;
            }
            tell({Of::Network, id.text, "network " + id.text + " has no bridge " + state.bridge.name + " that is up"});
            state.bridged = false;
        }
        for (auto& [id, state] : ports_) {
            if (!state.tap) continue;
            const auto* link = linkOn(state.tap->name, state.tap->bridge);
            if (link && link->up == state.tap->up) {
                state.attached = link->running;
                if (state.attached) absolve(Of::Port, id.text, guestStep);
                continue;
            }
            tell({Of::Port, id.text, "port " + id.text + " has no device " + state.tap->name + " on its bridge"});
            if (state.attached && state.tap->under.empty() && !survey.links.contains(state.tap->name))
                blame(Of::Port, id.text, guestStep,
                      "port " + id.text + " lost its device " + state.tap->name +
                          "; its guest is cut off until it is on the new one");
            state.tapped = false;
        }
        std::set<std::string> wanted;
        const auto lookInto = [&](Of of, const std::string& owner, const NamespaceLayout& layout) {
            wanted.insert(layout.name);
            std::string wrong;
            if (!survey.namespaces.contains(layout.name))
                wrong = "has no namespace " + layout.name;
            else
                for (const auto& each : layout.interfaces)
                    if (const auto* link = linkOn(each.hostSide, each.bridge); !link || !link->up)
                        wrong = "has no device " + each.hostSide;
            if (wrong.empty()) try {
                    wrong = wrongInside(layout);
                } catch (const std::exception& problem) {
                    wrong = problem.what();
                }
            if (wrong.empty() && layout.dhcp && !dhcp_.running(layout.dhcp->key)) wrong = "has no running DHCP server";
            if (wrong.empty()) return;
            tell({of, owner, (of == Of::Router ? "router " : "network ") + owner + " " + wrong});
            if (const auto place = places_.find(layout.name); place != places_.end()) place->second.furnished = false;
        };
        for (const auto& [id, state] : networks_) {
            const auto layout = state.sound ? dhcpLayout(state.plan, routerPlaces_) : std::nullopt;
            if (layout) lookInto(Of::Network, id.text, *layout);
        }
        for (const auto& [id, state] : routers_)
            if (state.layout) lookInto(Of::Router, id.text, *state.layout);

        if (!networks_.empty() && !areHostRulesWhole()) {
            tell({Of::Host, "", "the host's packet rules are not those that were loaded"});
            rules_.rules().forget();
        }
        if (!areSettingsRight())
            tell({Of::Host, "", "the host's settings for forwarding and filtering are not as they were set"});
    }

    /// What was there before us, is ours, and is in no plan.
    void dropStrangers(const Survey& survey, Work& work) {
        std::set<std::string> links;
        for (const auto& [id, state] : networks_)
            if (state.sound) {
                links.insert(state.bridge.name);
                try {
                    const auto uplink = uplinkOf(state);
                    links.insert(uplink.name);
                    links.insert(uplink.far);
                } catch (const Error&) { // it has none
                }
            }
        for (const auto& [id, state] : ports_)
            if (state.tap) links.insert(state.tap->name);
        std::set<std::string> namespaces, servers;
        const auto keep = [&](const NamespaceLayout& layout) {
            namespaces.insert(layout.name);
            for (const auto& each : layout.interfaces) links.insert(each.hostSide);
            if (layout.dhcp) servers.insert(layout.dhcp->key);
        };
        for (const auto& [id, state] : networks_)
            if (const auto layout = state.sound ? dhcpLayout(state.plan, routerPlaces_) : std::nullopt) keep(*layout);
        for (const auto& [id, state] : routers_)
            if (state.layout) keep(*state.layout);
        for (const auto& [name, link] : survey.links)
            if (isMarked(link.alias, mark_) &&
                (isOurLinkName(name) || isPairName(name) || link.kind == "vlan" || link.kind == "vxlan") &&
                !links.contains(name))
                work.linksGone.insert(name);
        for (const auto& name : survey.namespaces)
            if (!namespaces.contains(name)) work.namespacesGone.insert(name);
        for (const auto& key : survey.servers)
            if (!servers.contains(key)) work.serversGone.insert(key);
        std::set<std::string> known;
        for (const auto& [id, state] : ports_) known.insert(id.text);
        numbers().keepOnly("port", known);
        known.clear();
        for (const auto& [id, state] : networks_) known.insert(id.text);
        numbers().keepOnly("network", known);
    }

    // What somebody else did. Each says whether all is right; on the watch's thread.

    template <class Right> void judge(Right right) {
        {
            const std::lock_guard lock(mutex_);
            if (!looked_ || surprised_) return;
            bool fine = false;
            try {
                fine = right();
            } catch (const std::exception&) {
            }
            if (fine) return;
            surprised_ = true;
        }
        if (changed_) changed_();
    }

    bool areLinksRight(const std::set<std::string>& names) {
        if (names.empty()) return false;
        Netlink netlink;
        for (const auto& name : names) {
            const auto wanted = plannedLinks_.find(name);
            if (wanted == plannedLinks_.end()) continue;
            const auto link = netlink.find(name);
            if (!link || !link->up != !wanted->second.up) return false;
            if (wanted->second.bridge.empty()) continue;
            const auto bridge = netlink.find(wanted->second.bridge);
            if (!bridge || link->master != bridge->index) return false;
            if (const auto port = ports_.find(wanted->second.port); port != ports_.end()) {
                port->second.attached = link->running;
                if (link->running && problems_.contains({Of::Port, port->first.text, guestStep}))
                    return false; // to be told
            }
        }
        return true;
    }

    bool areHostRulesWhole() {
        const auto present = nft::generation();
        if (present == generation_ && generation_ != 0) return true;
        if (!isWhole(rules_.rules())) return false;
        generation_ = present;
        return true;
    }

    static bool isWhole(const Ruleset& rules) {
        const auto there = nft::counts(rules.tables());
        const auto wanted = rules.counts();
        return std::all_of(wanted.begin(), wanted.end(), [&](const auto& each) {
            const auto found = there.find(each.first);
            return found != there.end() && found->second == each.second;
        });
    }

    bool areRulesRight() { return networks_.empty() || (areHostRulesWhole() && isDockerRuleRight()); }

    bool areNamespacesThere() {
        return std::all_of(places_.begin(), places_.end(), [](const auto& each) {
            return netns::exists(each.first) && identityOf(each.first) == each.second.identity;
        });
    }

    bool isInsideRight(const std::string& name) {
        const auto place = places_.find(name);
        return place == places_.end() || !place->second.furnished || wrongInside(place->second.layout).empty();
    }

    bool areServersRunning() {
        return std::all_of(places_.begin(), places_.end(), [&](const auto& each) {
            return !each.second.furnished || !each.second.layout.dhcp || dhcp_.running(each.second.layout.dhcp->key);
        });
    }

    bool forwards() const {
        return std::any_of(networks_.begin(), networks_.end(),
                           [](const auto& each) { return each.second.sound && !each.second.bridge.addresses.empty(); });
    }

    bool areSettingsRight() const {
        if (forwards() && settingOf(forwardSetting) != "1") return false;
        return networks_.empty() || std::all_of(bridgeSettings.begin(), bridgeSettings.end(),
                                                [](const auto& each) { return settingOf(each) == "1"; });
    }

    /// What is not as the layout says in its namespace; empty where all is.
    std::string wrongInside(const NamespaceLayout& wanted) {
        std::string wrong;
        const auto place = places_.find(wanted.name);
        netns::inside(wanted.name, [&] {
            if (place != places_.end() && place->second.identity && identityOf(wanted.name) != place->second.identity) {
                wrong = "has another namespace of the name " + wanted.name;
                return;
            }
            Netlink netlink;
            const auto links = linksByName(netlink);
            const auto addresses = netlink.addresses();
            const auto routes = netlink.routes();
            for (const auto& each : wanted.interfaces) {
                const auto link = links.find(each.name);
                if (link == links.end() || !link->second.up) {
                    wrong = "has no interface " + each.name;
                    return;
                }
                for (const auto& address : each.addresses)
                    if (std::none_of(addresses.begin(), addresses.end(), [&](const auto& one) {
                            return one.link == link->second.index && one.text == address;
                        }))
                        wrong = "has not the address " + address + " on " + each.name;
            }
            for (const auto& each : wanted.routes)
                if (std::none_of(routes.begin(), routes.end(), [&](const auto& one) {
                        return one.destination == each.destination && one.nexthop == each.nexthop;
                    }))
                    wrong = "has no route to " + each.destination;
            if (!wanted.rules || !wrong.empty()) return;
            if (place == places_.end()) {
                Ruleset rules;
                declareRouterTable(rules);
                putRouterRules(rules, *wanted.rules);
                rules.give(wanted.rules->elements);
                if (!isWhole(rules)) wrong = "has not its packet rules";
                return;
            }
            const auto present = nft::generation();
            if (present == place->second.generation) return;
            if (isWhole(place->second.rules) && areHelpersThere(place->second.helpers.size())) {
                place->second.generation = present;
                return;
            }
            place->second.rules.forget();
            place->second.tried.clear();
            wrong = "has not its packet rules";
        });
        return wrong;
    }

    // Doing it.

    void carryOut(Netlink& netlink, Work& work) {
        attempt(Of::Host, "", "settings", [&] { ensureSettings(); });
        // Devices go before the rules about them, and come after.
        removeAll(netlink, work);
        attempt(Of::Host, "", "rules", [&] { ensureRules(); });
        for (const auto& id : work.bridges) ensureBridge(netlink, id, work);
        for (const auto& id : work.uplinks) ensureUplink(netlink, id, work);
        for (const auto& [id, before] : work.remotes) tellUplink(netlink, id, before);
        for (const auto& id : std::set<PortId>(work.taps)) // sub-ports of trunks come after what carries them
            if (ports_.at(id).tap->under.empty()) ensureTap(netlink, id, work);
        for (const auto& id : work.taps)
            if (!ports_.at(id).tap->under.empty()) ensureTap(netlink, id, work);
        for (const auto& id : work.dhcp) ensureDhcp(netlink, id, work);
        for (const auto& [id, hosts] : work.hosts) tellServer(id, hosts);
        for (const auto& id : work.routers) ensureRouter(netlink, id, work);
        attempt(Of::Host, "", "connections", [&] { endConnections(); });
        for (const auto& [kind, id] : work.numbersGone)
            if (kind == "port" ? !ports_.contains({id}) : !networks_.contains({id})) numbers().free(kind, id);
        attempt(Of::Host, "", "numbers", [&] { numbers().save(); });
        attempt(Of::Host, "", "settings put back", [&] { restoreSettings(); });
    }

    void ensureSettings() {
        if (forwards()) settings_->want(forwardSetting, "1");
        if (networks_.empty()) return;
        if (const auto most = wholeNumberIn(settingOf(instancesSetting));
            most && *most < instancesWanted && networks_.size() + instancesOfOthers > static_cast<std::size_t>(*most))
            settings_->want(instancesSetting, std::to_string(instancesWanted));
        for (const auto& name : bridgeSettings) {
            if (settingOf(name).empty())
                throw Error(Failure::Broken, "the kernel has no br_netfilter (no /proc/sys/", name,
                            "); security groups need it");
            settings_->want(name, "1");
        }
    }

    void restoreSettings() {
        if (!forwards()) settings_->restore(forwardSetting);
        if (!networks_.empty()) return;
        settings_->restore(instancesSetting);
        for (const auto& name : bridgeSettings) settings_->restore(name);
    }

    void ensureRules() {
        auto& rules = rules_.rules();
        if (networks_.empty()) {
            const auto there = nft::tables();
            std::string gone;
            for (const auto& each : rules.tables())
                if (there.contains(each)) gone += "delete table " + each + "\n";
            if (!gone.empty()) nft::load(gone);
            rules.forget();
            generation_ = 0;
            return;
        }
        if (!rules.changed()) return;
        try {
            nft::load(rules.commands());
        } catch (const std::exception& problem) {
            // What is there may not be what we think.
            notice("the changed packet rules did not load; loading all of them: " + std::string(problem.what()));
            rules.forget();
            nft::load(rules.commands());
        }
        rules.loaded();
        generation_ = nft::generation();
    }

    void removeAll(Netlink& netlink, Work& work) {
        for (const auto& key : work.serversGone) attempt(Of::Host, "", "server " + key, [&] { dhcp_.remove(key); });
        for (const auto& name : work.namespacesGone)
            for (auto each = listeners_.lower_bound(name + "/");
                 each != listeners_.end() && each->first.starts_with(name + "/");)
                closeListener(each++);
        std::set<std::string> strangers;
        for (const auto& name : work.namespacesGone)
            if (!places_.contains(name)) strangers.insert(name);
        std::vector<int> indexes;
        for (const auto& name : work.linksGone) {
            plannedLinks_.erase(name);
            if (const auto link = netlink.find(name); link && isMarked(link->alias, mark_))
                indexes.push_back(link->index);
        }
        attempt(Of::Host, "", "devices", [&] { netlink.removeAll(indexes, std::random_device{}() | 0x40000000u); });
        for (const auto& name : work.namespacesGone)
            attempt(Of::Host, "", "namespace " + name, [&] {
                if (strangers.contains(name) && !isOurs(name)) return;
                removeNamespace(name);
            });
    }

    bool isOurs(const std::string& name) const {
        bool ours = false;
        netns::inside(name, [&] {
            const auto loopback = Netlink().find("lo");
            ours = loopback && isMarked(loopback->alias, mark_);
        });
        return ours;
    }

    void removeNamespace(const std::string& name) {
        if (watch_) watch_->forget(name);
        if (const auto place = places_.find(name); place != places_.end()) takeCounters(place->second);
        places_.erase(name);
        if (!netns::exists(name)) return netns::remove(name); // a file may be left
        // A connection that somebody still holds keeps a namespace alive after its name is gone; its devices must go
        // all the same.
        netns::inside(name, [&] {
            Netlink netlink;
            std::vector<int> indexes;
            for (const auto& link : netlink.links())
                if (link.kind == "veth") indexes.push_back(link.index);
            netlink.removeAll(indexes, std::random_device{}() | 0x40000000u);
        });
        netns::remove(name);
    }

    void ensureBridge(Netlink& netlink, const NetworkId& id, Work& work) {
        auto& state = networks_.at(id);
        if (!state.sound) return;
        state.bridged = attempt(Of::Network, id.text, "bridge", [&] {
            const int before = state.index;
            state.index = makeBridge(netlink, state.bridge);
            plannedLinks_[state.bridge.name] = {"", true, {}};
            if (before == state.index) return;
            // It is another one: what was on it is on nothing.
            work.uplinks.insert(id);
            for (const auto& each : state.ports)
                if (auto& port = ports_.at(each); port.tap) {
                    port.tapped = false;
                    work.taps.insert(each);
                }
            if (before == 0) return;
            const auto again = [&](const std::string& name) {
                if (const auto place = places_.find(name); place != places_.end()) place->second.furnished = false;
            };
            again(dhcpNamespaceOf(id));
            work.dhcp.insert(id);
            for (const auto& each : state.routers) {
                again(routerNamespaceOf(each));
                work.routers.insert(each);
            }
        });
    }

    int makeBridge(Netlink& netlink, const BridgeLayout& wanted) {
        auto link = netlink.find(wanted.name);
        if (!link) {
            netlink.addBridge(wanted.name, wanted.mac, wanted.mtu);
            link = netlink.find(wanted.name);
            if (!link) throw Error(Failure::Broken, "bridge ", wanted.name, " vanished while it was made");
            // The host is no member of its guests' networks: no IPv6 of its own there, and no answer for its other
            // addresses.
            set("net/ipv6/conf/" + wanted.name + "/disable_ipv6", wanted.addresses.empty() ? "1" : "0");
        } else if (link->kind != "bridge") {
            throw Error(Failure::Broken, "device ", wanted.name, " is there and is no bridge");
        }
        set("net/ipv4/conf/" + wanted.name + "/arp_ignore", wanted.addresses.empty() ? "8" : "1");
        LinkChange change;
        if (link->alias != mark_) change.alias = mark_;
        if (link->mtu != wanted.mtu) change.mtu = wanted.mtu;
        if (!link->up) change.up = true;
        if (change.alias || change.mtu || change.up) netlink.change(link->index, change);

        std::set<std::string> there;
        const auto addresses = netlink.addresses();
        for (const auto& each : addresses)
            if (each.link == link->index && !each.text.starts_with("fe80:")) there.insert(each.text);
        for (const auto& address : wanted.addresses) {
            if (there.erase(address)) continue;
            if (const auto other = overlapped(address, link->index, addresses)) {
                // Somebody's odd wish for a network must not cut the host off, nor keep the rest from being done.
                notice("external network " + wanted.name + " overlaps the host's own " + *other +
                       "; the host takes no address on it");
                continue;
            }
            netlink.addAddress(link->index, address);
        }
        for (const auto& address : there) netlink.removeAddress(link->index, address);
        return link->index;
    }

    static std::optional<std::string> overlapped(const std::string& address, int link,
                                                 const std::vector<LinkAddress>& addresses) {
        const auto wanted = Prefix::parse(address);
        for (const auto& each : addresses)
            if (const auto used = Prefix::parse(each.text);
                each.link != link && used && wanted && used->overlaps(*wanted))
                return each.text;
        return std::nullopt;
    }

    /// Puts a device of ours on its bridge as it should be.
    void ensureOnBridge(Netlink& netlink, const Link& link, const std::string& bridge, int mtu, bool up) {
        const auto master = netlink.find(bridge);
        if (!master) throw Error(Failure::Broken, "device ", link.name, " has no bridge");
        LinkChange change;
        if (link.alias != mark_) change.alias = mark_;
        if (link.mtu != mtu) change.mtu = mtu;
        if (link.master != master->index) change.master = master->index;
        if (link.up != up) change.up = up;
        set("net/ipv6/conf/" + link.name + "/disable_ipv6", "1");
        if (change.alias || change.mtu || change.master || change.up) netlink.change(link.index, change);
    }

    static std::map<std::string, Link> linksByName(Netlink& netlink) {
        std::map<std::string, Link> links;
        for (auto& each : netlink.links()) links.emplace(each.name, each);
        return links;
    }

    UplinkLayout uplinkOf(const NetworkState& state) const {
        auto layout = uplinkLayout(state.plan, {options_.physical, options_.tunnelAddress, bridges_});
        layout.answers = !layout.local.empty() && state.odd == 0;
        return layout;
    }

    /// The network's bridge leads to other hosts, by the device that it should be.
    void ensureUplink(Netlink& netlink, const NetworkId& id, Work& work) {
        auto& state = networks_.at(id);
        if (!state.sound) return;
        state.joined = attempt(Of::Network, id.text, "uplink", [&] {
            UplinkLayout wanted;
            try {
                wanted = uplinkOf(state);
            } catch (const Error&) { // what it was on is no longer its way
                leaveUplink(netlink, state);
                throw;
            }
            if (!state.uplink.name.empty() && state.uplink != wanted) leaveUplink(netlink, state);
            if (wanted.name.empty()) return;
            auto link = netlink.find(wanted.name);
            const auto under = wanted.under.empty() ? std::nullopt : netlink.find(wanted.under);
            const bool own = isOwnUplink(wanted);
            if (!own && !link) throw Error(Failure::Broken, "this host has no device ", wanted.name);
            if (!wanted.under.empty() && !under) throw Error(Failure::Broken, "this host has no device ", wanted.under);
            if (own && link && !isMarked(link->alias, mark_))
                throw Error(Failure::Broken, "device ", wanted.name, " is there and is somebody else's");
            if (!own)
                for (const auto& each : netlink.addresses())
                    if (each.link == link->index && !each.text.starts_with("fe80:"))
                        throw Error(Failure::Broken, "device ", wanted.name, " has the host's address ", each.text,
                                    "; on a bridge it would be cut off");
            const bool known = link && state.uplink == wanted; // one that was there before us may know anything
            if (!wanted.across.empty()) {
                ensureOutsidePair(netlink, wanted, state.plan.mtu);
                link = netlink.find(wanted.name);
                if (!link) throw Error(Failure::Broken, "device ", wanted.name, " vanished while it was made");
            } else if (own && link && !known) {
                netlink.remove(link->index);
                link.reset();
            }
            if (!link) {
                if (under) {
                    if (!under->up) netlink.change(under->index, {.up = true});
                    netlink.addVlan(wanted.name, under->index, static_cast<int>(wanted.number));
                } else {
                    netlink.addVxlan(wanted.name, wanted.number, wanted.local, state.plan.mtu, wanted.answers);
                }
                link = netlink.find(wanted.name);
                if (!link) throw Error(Failure::Broken, "device ", wanted.name, " vanished while it was made");
            }
            if (own)
                ensureOnBridge(netlink, *link, state.bridge.name, state.plan.mtu, true);
            else
                netlink.change(link->index, {.up = true, .master = state.index});
            state.uplink = wanted;
            plannedLinks_[wanted.name] = {state.bridge.name, true, {}};
            if (wanted.local.empty() || known) return;
            work.remotes.erase(id); // it is told of all
            for (const auto& each : state.tunnels) netlink.addTunnel(link->index, "", each.first);
            for (const auto& each : state.remotes) addRemote(netlink, link->index, each.second);
        });
    }

    /// A pair whose far end is on a bridge of the host's: the host stays apart from what is on the network's own.
    void ensureOutsidePair(Netlink& netlink, const UplinkLayout& wanted, int mtu) {
        const auto across = netlink.find(wanted.across);
        if (!across) throw Error(Failure::Broken, "this host has no bridge ", wanted.across);
        auto far = netlink.find(wanted.far);
        if (const auto near = netlink.find(wanted.name); near && !far) {
            netlink.remove(near->index); // its other end has gone elsewhere
        } else if (far && !isMarked(far->alias, mark_)) {
            throw Error(Failure::Broken, "device ", wanted.far, " is there and is somebody else's");
        } else if (far && !near) {
            netlink.remove(far->index);
            far.reset();
        }
        if (!far) {
            const Fd here(static_cast<int>(
                check(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), "open the host's network namespace")));
            // A bridge without a MAC of its own takes the lowest of its ports: it must never be this one.
            auto mac = across->mac;
            mac.replace(0, 2, "fe");
            netlink.addVeth(wanted.name, wanted.far, here, mac, across->mtu);
            far = netlink.find(wanted.far);
            if (!far) throw Error(Failure::Broken, "device ", wanted.far, " vanished while it was made");
        }
        ensureOnBridge(netlink, *far, wanted.across, across->mtu, true);
        plannedLinks_[wanted.far] = {wanted.across, true, {}};
        if (const auto near = netlink.find(wanted.name); near && near->alias != mark_)
            netlink.change(near->index, {.mtu = mtu, .alias = mark_});
    }

    void leaveUplink(Netlink& netlink, NetworkState& state) {
        plannedLinks_.erase(state.uplink.name);
        plannedLinks_.erase(state.uplink.far);
        const auto before = std::exchange(state.uplink, {});
        const auto link = netlink.find(before.name);
        if (!link) return;
        if (!isOwnUplink(before))
            netlink.change(link->index, {.master = 0});
        else if (isMarked(link->alias, mark_))
            netlink.remove(link->index);
    }

    static void addRemote(Netlink& netlink, int vxlan, const RemoteLayout& remote) {
        netlink.addTunnel(vxlan, remote.mac, remote.tunnel);
        for (const auto& each : remote.addresses) netlink.addNeighbour(vxlan, each, remote.mac);
    }

    /// Who came to other hosts, and who went.
    void tellUplink(Netlink& netlink, const NetworkId& id,
                    const std::map<PortId, std::optional<RemoteLayout>>& changed) {
        auto& state = networks_.at(id);
        if (state.uplink.local.empty()) return;
        attempt(Of::Network, id.text, "neighbours", [&] {
            const auto link = netlink.find(state.uplink.name);
            if (!link) throw Error(Failure::Broken, "device ", state.uplink.name, " is missing");
            for (const auto& [port, before] : changed) {
                const auto now = state.remotes.find(port);
                if (before) {
                    for (const auto& each : before->addresses) netlink.removeNeighbour(link->index, each);
                    netlink.removeTunnel(link->index, before->mac, before->tunnel);
                    if (!state.tunnels.contains(before->tunnel)) netlink.removeTunnel(link->index, "", before->tunnel);
                }
                if (now == state.remotes.end()) continue;
                netlink.addTunnel(link->index, "", now->second.tunnel);
                addRemote(netlink, link->index, now->second);
            }
        });
    }

    /// The device under a name, of the kind that it should be; what is there under another is no more.
    std::optional<Link> makeTap(Netlink& netlink, const TapLayout& wanted) {
        auto link = netlink.find(wanted.name);
        const auto under = wanted.under.empty() ? std::nullopt : netlink.find(wanted.under);
        if (!wanted.under.empty() && !under)
            throw Error(Failure::Broken, "device ", wanted.under, " of the trunk is missing");
        const bool other = link && (link->kind == "vlan") == wanted.under.empty();
        if (link && isMarked(link->alias, mark_) &&
            (other || (!under && Netlink::hasQueues(wanted.name).value_or(wanted.multiqueue) != wanted.multiqueue) ||
             (under && (link->under != under->index || link->number != wanted.vlan)))) {
            netlink.remove(link->index);
            link.reset();
        }
        if (link) return link;
        if (under)
            netlink.addVlan(wanted.name, under->index, wanted.vlan);
        else
            netlink.addTap(wanted.name, wanted.multiqueue);
        return netlink.find(wanted.name);
    }

    void ensureTap(Netlink& netlink, const PortId& id, Work& work) {
        auto& state = ports_.at(id);
        const auto& wanted = *state.tap;
        state.tapped = attempt(Of::Port, id.text, "tap", [&] {
            const auto before = netlink.find(wanted.name);
            const auto link = makeTap(netlink, wanted);
            if (!link) throw Error(Failure::Broken, "device ", wanted.name, " vanished while it was made");
            if (link->kind != (wanted.under.empty() ? "tun" : "vlan"))
                throw Error(Failure::Broken, "device ", wanted.name, " is there and is no tap");
            if (!before || before->index != link->index) // it is another one: what it carried is gone
                if (const auto found = carried_.find(id); found != carried_.end())
                    for (const auto& each : found->second) {
                        ports_.at(each).tapped = false;
                        work.taps.insert(each);
                    }
            ensureOnBridge(netlink, *link, wanted.bridge, wanted.mtu, wanted.up);
            state.attached = link->running;
            plannedLinks_[wanted.name] = {wanted.bridge, wanted.up, id};
        });
    }

    void ensureDhcp(Netlink& netlink, const NetworkId& id, Work& work) {
        const auto found = networks_.find(id);
        if (found == networks_.end()) return;
        auto& state = found->second;
        const auto layout = state.sound ? dhcpLayout(state.plan, routerPlaces_) : std::nullopt;
        if (!layout) {
            if (!state.dhcp) return;
            Work gone;
            dropDhcp(id, gone);
            removeAll(netlink, gone);
            absolve(Of::Network, id.text, "namespace");
            absolve(Of::Network, id.text, "server");
            return;
        }
        const auto place = places_.find(layout->name);
        const bool same = state.dhcp == layout && place != places_.end() && place->second.furnished;
        const bool hadServer = state.dhcp && state.dhcp->dhcp;
        state.dhcp = layout;
        if (same) return;
        ensurePlace(netlink, Of::Network, id.text, *layout);
        if (layout->dhcp) {
            work.hosts.erase(id); // all of them are told
            if (!attempt(Of::Network, id.text, "server",
                         [&] { dhcp_.ensure(*layout->dhcp, layout->name, state.hosts); }))
                places_.at(layout->name).furnished = false;
        } else if (hadServer) {
            attempt(Of::Network, id.text, "server", [&] { dhcp_.remove(id.text); });
        }
    }

    void tellServer(const NetworkId& id, const DhcpServers::Hosts& hosts) {
        const auto found = networks_.find(id);
        if (found == networks_.end() || !found->second.dhcp || !found->second.dhcp->dhcp) return;
        attempt(Of::Network, id.text, "hosts",
                [&] { dhcp_.change(*found->second.dhcp->dhcp, found->second.dhcp->name, hosts); });
    }

    void ensureRouter(Netlink& netlink, const RouterId& id, Work&) {
        auto& state = routers_.at(id);
        const auto name = routerNamespaceOf(id);
        if (state.layout) {
            ensurePlace(netlink, Of::Router, id.text, *state.layout);
            const auto place = places_.find(name);
            if (!attempt(Of::Router, id.text, "announcements",
                         [&] {
                             if (state.layout->dhcp)
                                 dhcp_.ensure(*state.layout->dhcp, name, {});
                             else
                                 dhcp_.remove(id.text);
                         }) &&
                place != places_.end())
                place->second.furnished = false;
            return;
        }
        absolve(Of::Router, id.text, "announcements");
        dhcp_.remove(id.text);
        Work gone;
        dropPlace(name, gone);
        removeAll(netlink, gone);
        absolve(Of::Router, id.text, "namespace");
    }

    void ensurePlace(Netlink& netlink, Of of, const std::string& owner, const NamespaceLayout& wanted) {
        attempt(of, owner, "namespace", [&] {
            auto found = places_.find(wanted.name);
            const bool there = netns::exists(wanted.name);
            if (found != places_.end() && (!there || identityOf(wanted.name) != found->second.identity)) {
                // Whoever took the name away left a namespace that our sockets keep alive, with the inner ends of our
                // pairs.
                Work gone;
                dropPlace(wanted.name, gone);
                gone.namespacesGone.clear();
                for (auto each = listeners_.lower_bound(wanted.name + "/");
                     each != listeners_.end() && each->first.starts_with(wanted.name + "/");)
                    closeListener(each++);
                if (watch_) watch_->forget(wanted.name);
                removeAll(netlink, gone);
                places_.erase(found);
                found = places_.end();
                notice("the namespace " + wanted.name + " was taken away by somebody else; it is made again");
            }
            if (!there) netns::ensure(wanted.name);
            auto& place = places_[wanted.name];
            const bool fresh = found == places_.end();
            if (fresh) {
                place.of = of;
                place.owner = owner;
                place.identity = identityOf(wanted.name);
                if (wanted.rules) declareRouterTable(place.rules);
            }
            place.furnished = false;
            std::set<std::string> hostSides;
            for (const auto& each : wanted.interfaces) hostSides.insert(each.hostSide);
            std::vector<int> gone;
            for (const auto& each : place.layout.interfaces)
                if (!hostSides.contains(each.hostSide)) {
                    plannedLinks_.erase(each.hostSide);
                    if (const auto link = netlink.find(each.hostSide); link && isMarked(link->alias, mark_))
                        gone.push_back(link->index);
                }
            netlink.removeAll(gone, std::random_device{}() | 0x40000000u);
            const auto before = place.layout;
            place.layout = wanted;

            bool whole = true;
            const Fd inner = netns::open(wanted.name);
            for (const auto& each : wanted.interfaces)
                whole = attempt(Of::Network, each.network.text, "interface " + each.name,
                                [&] { ensurePair(netlink, each, inner); }) &&
                        whole;
            netns::inside(wanted.name, [&] {
                if (watch_) watch_->hear(wanted.name);
                whole = furnish(place, before) && whole;
            });
            if (watch_) watch_->quiet(wanted.name);
            if (!whole)
                throw Error(Failure::Broken, of == Of::Router ? "router " : "network ", owner, " is not wholly wired");
            place.furnished = true;
        });
    }

    /// The pair is there, its outer end on its bridge.
    void ensurePair(Netlink& netlink, const InterfaceLayout& wanted, const Fd& inner) {
        auto link = netlink.find(wanted.hostSide);
        if (!link) {
            netlink.addVeth(wanted.hostSide, wanted.name, inner, wanted.mac, wanted.mtu);
            link = netlink.find(wanted.hostSide);
            if (!link) throw Error(Failure::Broken, "device ", wanted.hostSide, " vanished while it was made");
        }
        if (link->kind != "veth")
            throw Error(Failure::Broken, "device ", wanted.hostSide, " is there and is no end of a pair");
        ensureOnBridge(netlink, *link, wanted.bridge, wanted.mtu, true);
        plannedLinks_[wanted.hostSide] = {wanted.bridge, true, {}};
    }

    /// In the namespace: addresses, routes, rules and listeners. False where an interface could not be furnished: that
    /// is its network's problem too.
    bool furnish(Place& place, const NamespaceLayout& before) {
        const auto& wanted = place.layout;
        Netlink netlink;
        auto links = linksByName(netlink);
        const auto loopback = links.find("lo");
        if (loopback == links.end()) throw Error(Failure::Broken, "namespace ", wanted.name, " has no loopback");
        if (loopback->second.alias != mark_) netlink.change(loopback->second.index, {.up = true, .alias = mark_});
        set("net/ipv4/conf/all/arp_ignore", "1");
        set("net/ipv4/conf/all/arp_announce", "2");
        set("net/ipv4/ip_forward", wanted.forwards ? "1" : "0");
        set("net/ipv6/conf/all/forwarding", wanted.forwards ? "1" : "0");
        if (wanted.rules) furnishRules(place, before);

        std::set<std::string> names{"lo"};
        for (const auto& each : wanted.interfaces) names.insert(each.name);
        for (const auto& [name, link] : links)
            if (!names.contains(name) && link.kind == "veth") netlink.remove(link.index);
        bool whole = true;
        for (const auto& each : wanted.interfaces)
            whole = attempt(Of::Network, each.network.text, "inside " + each.name,
                            [&] { furnishInterface(netlink, links, each); }) &&
                    whole;
        ensureRoutes(netlink, links, wanted);
        for (const auto& each : wanted.listeners) ensureListener(wanted.name, each, links);
        return whole;
    }

    void furnishRules(Place& place, const NamespaceLayout& before) {
        auto& rules = place.rules;
        const auto& wanted = *place.layout.rules;
        putRouterRules(rules, wanted);
        rules.give(wanted.elements);
        if (before.rules) {
            rules.take(before.rules->elements);
            for (const auto& [name, chain] : before.rules->chains)
                if (!wanted.chains.contains(name)) rules.removeChain(name);
        }
        ensureHelpers(place);
        for (const auto& [name, label] : wanted.counters)
            if (!before.rules || !before.rules->counters.contains(name))
                rules.declare(routerNatTable, name, "counter", "packets 0 bytes 0");
        bool ends = rules.loadsAll();
        if (before.rules)
            for (const auto& [name, label] : before.rules->counters)
                if (!wanted.counters.contains(name)) {
                    rules.drop(name);
                    ends = true;
                }
        if (!rules.changed()) return;
        // What is loaded anew begins at nothing, and what goes is asked no more. Else the kernel keeps it for us.
        if (ends) takeCounters(place, before.rules ? before.rules->counters : wanted.counters);
        nft::load(rules.commands());
        rules.loaded();
        place.generation = nft::generation();
        if (!before.rules) return;
        endMoved(*before.rules, wanted);
        if (before.rules->chains.at("forward").rules.empty() && !wanted.chains.at("forward").rules.empty())
            endUninvited(place.layout);
    }

    static bool areHelpersThere(std::size_t many) {
        const auto counts = nft::counts({std::string(helperTable)});
        const auto found = counts.find(std::string(helperTable) + " helping");
        return (found == counts.end() ? 0 : found->second) == many;
    }

    /// One that this kernel doesn't have costs nobody the others.
    void ensureHelpers(Place& place) {
        const auto& wanted = place.layout.rules->helpers;
        if (place.tried == wanted) return;
        nft::load(emptyHelpers());
        place.helpers.clear();
        std::erase_if(problems_, [&](const auto& each) {
            return std::get<1>(each.first) == place.owner && std::get<2>(each.first).starts_with("helper ");
        });
        for (const auto& each : wanted)
            if (attempt(place.of, place.owner, "helper " + each.helper, [&] { nft::load(oneHelper(each)); }))
                place.helpers.push_back(each);
        place.tried = wanted;
        place.generation = nft::generation();
    }

    /// In the namespace: what its meters have counted is ours to tell.
    void takeCounters(const Place& place, const std::map<std::string, MeteringLabelId>& counters) {
        if (counters.empty()) return;
        for (const auto& [name, counted] : nft::takeCounters(std::string(routerNatTable)))
            if (const auto counter = counters.find(name); counter != counters.end() && counted.packets > 0) {
                auto& sum = counted_[{counter->second, {place.owner}}];
                sum.packets += counted.packets;
                sum.bytes += counted.bytes;
            }
    }
    void takeCounters(const Place& place) {
        if (!place.layout.rules || place.layout.rules->counters.empty()) return;
        try {
            netns::inside(place.layout.name, [&] { takeCounters(place, place.layout.rules->counters); });
        } catch (const Error&) {
            // Of a namespace that somebody else took away there is nothing to tell.
        }
    }

    /// What came from outside straight to an address behind the router, before the router began to translate.
    static void endUninvited(const NamespaceLayout& layout) {
        std::vector<Prefix> inside;
        for (const auto& interface : layout.interfaces)
            if (interface.name.starts_with("qr-"))
                for (const auto& each : interface.addresses) inside.push_back(*Prefix::parse(each));
        const auto isInside = [&](const Address& address) {
            return std::any_of(inside.begin(), inside.end(), [&](const auto& each) { return each.contains(address); });
        };
        conntrack::end([&](const conntrack::Entry& entry) {
            const auto& connection = entry.connection;
            return connection.destination.version == 4 && entry.replySource == connection.destination &&
                   isInside(connection.destination) && !isInside(connection.source);
        });
    }

    /// A forwarded port: floating IP, protocol, port, and the address that it leads to.
    using Forwarded = std::tuple<Address, int, int, Address>;
    static std::set<Forwarded> closedForwards(const RouterRules& before, const RouterRules& now) {
        const std::set<RuleElement> still(now.elements.begin(), now.elements.end());
        std::set<Forwarded> closed;
        for (const auto& each : before.elements) {
            if (each.set != "forwards" || still.contains(each)) continue;
            const auto key = split(each.key, ' '), value = split(each.value, ' '); // "address . protocol . port"
            closed.insert({*Address::parse(std::string(key.at(0))), static_cast<int>(wholeNumberIn(key.at(2)).value()),
                           static_cast<int>(wholeNumberIn(key.at(4)).value()),
                           *Address::parse(std::string(value.at(0)))});
        }
        return closed;
    }

    /// What came or went by a floating IP that leads elsewhere now comes and goes no more.
    static void endMoved(const RouterRules& before, const RouterRules& now) {
        std::set<std::pair<Address, Address>> moved; // floating, fixed
        for (const auto& each : before.elements)
            if (each.set == "inward" && std::find(now.elements.begin(), now.elements.end(), each) == now.elements.end())
                moved.insert({*Address::parse(each.key), *Address::parse(each.value)});
        const auto closed = closedForwards(before, now);
        if (moved.empty() && closed.empty()) return;
        conntrack::end([&](const conntrack::Entry& entry) {
            const auto& connection = entry.connection;
            if (closed.contains(
                    {connection.destination, connection.protocol, connection.destinationPort, entry.replySource}))
                return true;
            return moved.contains({connection.destination, entry.replySource}) ||
                   moved.contains({entry.replyDestination, connection.source});
        });
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

    static void ensureRoutes(Netlink& netlink, const std::map<std::string, Link>& links,
                             const NamespaceLayout& wanted) {
        auto present = netlink.routes();
        std::vector<LinkRoute> planned;
        for (const auto& each : wanted.routes) {
            const auto link = links.find(each.interface);
            planned.push_back({each.destination, each.nexthop, link == links.end() ? 0 : link->second.index});
        }
        for (const auto& each : present)
            if (each.ours && std::find(planned.begin(), planned.end(), each) == planned.end())
                netlink.removeRoute(each);
        std::string wrong; // one route that can't be must not keep the others away
        for (const auto& each : planned)
            if (std::find(present.begin(), present.end(), each) == present.end()) try {
                    netlink.addRoute(each);
                } catch (const Error& problem) {
                    wrong += (wrong.empty() ? "" : "; ") + std::string(problem.what());
                }
        if (!wrong.empty()) throw Error(Failure::Broken, wrong);
    }

    void endConnections() {
        if (!rules_.mayHaveClosed()) return rules_.closedAll();
        conntrack::end([&](const conntrack::Entry& entry) { return rules_.closes(entry.connection); });
        rules_.closedAll();
    }

    void ensureListener(const std::string& netnsName, const ListenerLayout& wanted,
                        const std::map<std::string, Link>& links) {
        const auto place = netnsName + "/" + wanted.interface;
        const auto device = links.find(wanted.interface);
        if (device == links.end()) throw Error(Failure::Broken, "interface ", wanted.interface, " is missing");
        const int link = device->second.index;
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
        const auto waiting =
            std::find_if(fresh_.begin(), fresh_.end(), [&](const auto& fresh) { return fresh.place == each->first; });
        if (waiting != fresh_.end()) {
            close(waiting->socket);
            fresh_.erase(waiting);
        } else {
            closed_.push_back(each->first);
        }
        listeners_.erase(each);
    }

    /// A device of the host's own namespace as it should be.
    struct PlannedLink {
        std::string bridge; ///< empty: it is one
        bool up = true;
        PortId port; ///< whose tap it is
    };

    std::mutex mutex_;
    LinuxNetworkOptions options_;
    std::string mark_;
    DhcpServers dhcp_;
    std::optional<Numbers> numbers_;
    std::optional<Settings> settings_;
    std::set<std::string> bridges_; ///< of the host's, among the devices of physical networks

    // The plan that was applied last, and what has become of it.
    std::map<NetworkId, NetworkState> networks_;
    std::map<PortId, PortState> ports_;
    std::map<PortId, std::set<PortId>> carried_; ///< by a trunk's parent: sub-ports with a device
    std::map<RouterId, RouterState> routers_;
    std::map<SecurityGroupId, GroupState> groups_;
    RouterPlaces routerPlaces_;
    HostRules rules_;
    Outside outside_;
    PortLimits limits_{rules_.rules()};
    PacketLog packetLog_;
    std::uint32_t generation_ = 0; ///< of the host's rules when all of ours were there
    std::map<std::string, Place> places_;
    std::map<std::string, PlannedLink> plannedLinks_;
    std::map<std::pair<MeteringLabelId, RouterId>, nft::Counted> counted_;     ///< by meters, and not yet told
    std::map<std::tuple<Of, std::string, std::string>, std::string> problems_; ///< whose, of which step
    std::optional<std::chrono::steady_clock::time_point> looked_;
    bool surprised_ = false;

    std::map<std::string, OpenListener> listeners_;
    std::vector<MetadataListener> fresh_;
    std::vector<std::string> closed_;

    std::function<void()> changed_;
    std::optional<Watch> watch_; ///< the last: its thread uses all the others
};

}

std::unique_ptr<NetworkDriver> linuxNetworkDriver(LinuxNetworkOptions options) {
    return std::make_unique<LinuxNetworkDriver>(std::move(options));
}

}
