#include "network/driver/linux_outside.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stratolet/error.hpp>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <fstream>
#include <optional>
#include <set>

#include "network/address.hpp"
#include "network/driver/linux_entries.hpp"
#include "network/driver/linux_names.hpp"
#include "network/driver/linux_neighbours.hpp"
#include "network/driver/linux_netlink.hpp"
#include "network/driver/linux_nft.hpp"
#include "network/driver/linux_settings.hpp"
#include "platform/os/boot.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/folder.hpp"
#include "platform/text/text.hpp"

namespace stratolet::network {

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t leastLife = 3600; // seconds; a DHCP client that is back on its device renews within that

/// What was there, on disk. `lent`: the move was finished, and the gateways answered.
struct Note {
    std::string device;
    int index = 0; ///< of the device
    bool lent = false, back = false;
    bool noIpv6 = false;               ///< the device had none before
    std::int64_t written = 0;          ///< seconds of the clock that tells how old the lifetimes are
    std::vector<std::string> gateways; ///< that answered
    std::vector<Entry> addresses, routes;
};

std::int64_t secondsNow() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec;
}

/// Of a start of the kernel before this one nothing is left, and nothing is to be put back.
std::optional<Note> readNote(const fs::path& file) {
    std::ifstream in(file);
    std::string word, boot;
    if (!(in >> word >> boot) || word != "boot" || boot != bootId()) return std::nullopt;
    Note note;
    for (std::string text; in >> word >> text;) {
        if (word == "device") note.device = text;
        if (word == "index") note.index = std::stoi(text);
        if (word == "lent") note.lent = text == "1";
        if (word == "back") note.back = text == "1";
        if (word == "no-ipv6") note.noIpv6 = text == "1";
        if (word == "written") note.written = std::stoll(text);
        if (word == "gateway") note.gateways.push_back(text);
        if (word == "address") note.addresses.push_back(fromHex(text));
        if (word == "route") note.routes.push_back(fromHex(text));
    }
    return note.device.empty() ? std::nullopt : std::optional(note);
}

void writeNote(const fs::path& file, const Note& note) {
    std::string text = "boot " + bootId() + "\ndevice " + note.device + "\nindex " + std::to_string(note.index) +
                       "\nlent " + (note.lent ? "1" : "0") + "\nback " + (note.back ? "1" : "0") + "\nno-ipv6 " +
                       (note.noIpv6 ? "1" : "0") + "\nwritten " + std::to_string(note.written) + "\n";
    for (const auto& each : note.gateways) text += "gateway " + each + "\n";
    for (const auto& each : note.addresses) text += "address " + inHex(each) + "\n";
    for (const auto& each : note.routes) text += "route " + inHex(each) + "\n";
    const auto fresh = file.string() + ".new";
    const auto doing = "write " + file.string();
    const Fd out(static_cast<int>(check(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), doing)));
    writeAll(out.get(), text, doing);
    check(::fsync(out.get()), doing);
    check(::rename(fresh.c_str(), file.c_str()), doing);
    syncFolder(file.parent_path());
}

bool isEthernet(const std::string& device) {
    const Fd socket(static_cast<int>(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a socket")));
    ifreq request{};
    std::strncpy(request.ifr_name, device.c_str(), IFNAMSIZ - 1);
    return ::ioctl(socket.get(), SIOCGIFHWADDR, &request) == 0 && request.ifr_hwaddr.sa_family == ARPHRD_ETHER;
}

/// Everything that the kernel does differently on one device than on another goes over, as far as it lets us.
void copySettings(const std::string& from, const std::string& to) {
    for (const auto* family : {"ipv4", "ipv6"}) {
        const auto folder = std::string("net/") + family + "/conf/";
        std::error_code none;
        for (const auto& each : fs::directory_iterator("/proc/sys/" + folder + from, none)) {
            const auto name = each.path().filename().string();
            if (const auto value = settingOf(folder + from + "/" + name); !value.empty())
                set(folder + to + "/" + name, value);
        }
    }
}

/// Whether the kernel itself follows what routers announce on the device.
bool followsRouters(const std::string& device) {
    const auto folder = "net/ipv6/conf/" + device + "/";
    const auto accepts = settingOf(folder + "accept_ra");
    return accepts == "2" || (accepts == "1" && settingOf(folder + "forwarding") == "0");
}

std::vector<Entry> without(std::vector<Entry> some, const std::vector<Entry>& others) {
    std::erase_if(some, [&](const Entry& each) {
        return std::any_of(others.begin(), others.end(),
                           [&](const Entry& other) { return isSameAddress(each, other); });
    });
    return some;
}

std::vector<Entry> together(std::vector<Entry> some, const std::vector<Entry>& more) {
    some.insert(some.end(), more.begin(), more.end());
    return some;
}

}

struct Outside::Impl {
    OutsideOptions options;
    fs::path file;
    std::optional<Note> note;
    bool read = false;
    std::string told; ///< what was moved after it had appeared on the device; told once

    void tell(const std::string& line) const {
        if (options.notice) options.notice(line);
    }

    template <class Do> void step(std::string_view name, Do work) const {
        if (options.atStep) options.atStep(name, false);
        work();
        if (options.atStep) options.atStep(name, true);
    }

    const std::optional<Note>& noted() {
        if (!std::exchange(read, true)) note = readNote(file);
        return note;
    }

    void write(const Note& wanted) {
        ensureFolder(file.parent_path(), Lets::OthersThrough);
        writeNote(file, wanted);
        note = wanted;
        read = true;
    }

    static bool isBridge(Netlink& netlink, const std::string& device) {
        const auto link = netlink.find(device);
        return link && link->kind == "bridge";
    }

    std::string bridge() const {
        if (options.device.empty()) return {};
        Netlink netlink;
        return isBridge(netlink, options.device) ? options.device : options.bridge;
    }

    /// The bridge, which is there, up, and as the device is.
    Link ensureBridge(Netlink& netlink, const Link& device, bool noIpv6) const {
        auto bridge = netlink.find(options.bridge);
        if (!bridge) {
            netlink.addBridge(options.bridge, device.mac, device.mtu);
            bridge = netlink.find(options.bridge);
            if (!bridge) throw Error(Failure::Broken, "bridge ", options.bridge, " vanished while it was made");
        }
        if (bridge->kind != "bridge") throw Error(Failure::Broken, "device ", options.bridge, " is no bridge");
        if (bridge->alias != options.mark || !bridge->up) {
            copySettings(device.name, options.bridge);
            set("net/ipv6/conf/" + options.bridge + "/disable_ipv6",
                noIpv6 ? "1" : "0"); // the device may be lent by now
            netlink.change(bridge->index, {.up = true, .alias = options.mark});
        }
        return *bridge;
    }

    /// All that is on the device goes to the bridge; `all`: what is noted and is nowhere, too.
    void lend(const Note& wanted, bool all) const {
        Netlink netlink;
        Entries entries;
        const auto device = netlink.find(wanted.device);
        if (!device) throw Error(Failure::Broken, "this host has no interface ", wanted.device);
        Link bridge;
        step("bridge", [&] { bridge = ensureBridge(netlink, *device, wanted.noIpv6); });
        const bool renewed = followsRouters(wanted.device);
        const auto own = entries.addresses(device->index);
        step("addresses", [&] {
            const auto there = entries.addresses(bridge.index);
            for (const auto& each :
                 together(all ? without(without(wanted.addresses, own), there) : std::vector<Entry>(), own))
                // Whoever renews them on the device may not find them here. An address that ends would end the host.
                entries.addAddress(
                    each, bridge.index,
                    {.label = options.bridge, .plainRoute = false, .forever = !(renewed && isFromRouter(each))});
        });
        step("port", [&] {
            if (device->master != bridge.index || !device->up)
                netlink.change(device->index, {.up = true, .master = bridge.index});
        });
        step("routes", [&] {
            for (const auto& each : entries.routes(device->index))
                entries.moveRoute(each, device->index, bridge.index, renewed);
            if (!all) return;
            for (const auto& each : wanted.routes) entries.moveRoute(each, wanted.index, bridge.index, renewed);
        });
        step("clear", [&] {
            const auto left = entries.addresses(device->index);
            for (auto each = left.rbegin(); each != left.rend(); ++each) // those that others depend on are the first
                entries.removeAddress(*each, device->index);
            set("net/ipv6/conf/" + wanted.device + "/disable_ipv6", "1");
        });
    }

    void giveBack(Note wanted) {
        if (!wanted.back)
            step("note back", [&] {
                wanted.back = true;
                write(wanted);
            });
        Netlink netlink;
        Entries entries;
        const auto device = netlink.find(wanted.device);
        const auto bridge = netlink.find(options.bridge);
        if (device) {
            const bool all = !wanted.lent || !bridge; // else what was put on the bridge or taken from it later counts
            const auto older = static_cast<std::uint32_t>(std::max<std::int64_t>(secondsNow() - wanted.written, 0));
            step("addresses back", [&] {
                set("net/ipv6/conf/" + wanted.device + "/disable_ipv6", wanted.noIpv6 ? "1" : "0");
                const auto on = bridge ? entries.addresses(bridge->index) : std::vector<Entry>();
                const auto there = entries.addresses(device->index);
                for (const auto& each : without(wanted.addresses, there)) {
                    const bool has = std::any_of(on.begin(), on.end(),
                                                 [&](const Entry& other) { return isSameAddress(each, other); });
                    if (all || has)
                        entries.addAddress(
                            each, device->index,
                            {.label = wanted.device, .own = true, .older = older, .leastSeconds = leastLife});
                }
                for (const auto& each : without(without(on, wanted.addresses), there))
                    entries.addAddress(each, device->index, {.label = wanted.device});
            });
            step("routes back", [&] {
                if (!device->up) netlink.change(device->index, {.up = true});
                if (bridge)
                    for (const auto& each : entries.routes(bridge->index))
                        entries.moveRoute(each, bridge->index, device->index, true);
                if (all)
                    for (const auto& each : wanted.routes) entries.moveRoute(each, wanted.index, device->index, true);
            });
            step("port back", [&] {
                if (bridge && device->master == bridge->index) netlink.change(device->index, {.master = 0});
            });
        }
        step("bridge back", [&] {
            if (bridge) netlink.remove(bridge->index);
        });
        step("forget", [&] {
            ::unlink(file.c_str());
            syncFolder(file.parent_path());
            note.reset();
        });
        tell("interface " + wanted.device + " has its addresses and routes back; " + options.bridge + " is gone");
    }

    /// Those of the note that don't answer at the bridge within the patience.
    std::vector<std::string> silent(const Note& wanted) const {
        const auto end = std::chrono::steady_clock::now() + options.patience;
        std::vector<std::string> none;
        for (const auto& each : wanted.gateways) {
            const auto left =
                std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
            if (!answers(options.bridge, each, std::max(static_cast<int>(left.count()), 1000))) none.push_back(each);
        }
        return none;
    }

    Note noteOf(const Link& device) const {
        Entries entries;
        Note fresh;
        fresh.device = device.name;
        fresh.index = device.index;
        fresh.written = secondsNow();
        fresh.noIpv6 = settingOf("net/ipv6/conf/" + device.name + "/disable_ipv6") == "1";
        fresh.addresses = entries.addresses(device.index);
        fresh.routes = entries.routes(device.index);
        std::set<std::string> gateways;
        for (const auto& each : fresh.routes)
            if (const auto gateway = gatewayOf(each); !gateway.empty()) gateways.insert(gateway);
        for (const auto& each : gateways) {
            // It answers at once, or is not to be relied on.
            constexpr std::chrono::milliseconds most(2000);
            if (answers(device.name, each, static_cast<int>(std::min(most, options.patience / 5).count())))
                fresh.gateways.push_back(each);
            else
                tell("gateway " + each + " does not answer at " + device.name +
                     " even now; whether it does at the bridge is not looked at");
        }
        return fresh;
    }

    /// What is on the device and should be on the bridge.
    std::vector<std::string> left(Netlink& netlink) const {
        std::vector<std::string> found;
        if (!note || note->back || !note->lent) return found;
        const auto device = netlink.find(note->device), bridge = netlink.find(options.bridge);
        if (!device) return found; // somebody pulled it out
        if (!bridge || !bridge->up) found.push_back("there is no bridge " + options.bridge + " that is up");
        if (bridge && device->master != bridge->index)
            found.push_back("interface " + note->device + " is not on " + options.bridge);
        Entries entries;
        for (const auto& each : entries.addresses(device->index))
            found.push_back("address " + textOf(each) + " is on " + note->device + ", which is lent to " +
                            options.bridge + ": a DHCP client or network manager still configures " + note->device +
                            "; have it configure " + options.bridge);
        if (found.empty() && !entries.routes(device->index).empty())
            found.push_back("a route leads over " + note->device + ", which is lent to " + options.bridge);
        return found;
    }
};

Outside::Outside(OutsideOptions options) : impl_(std::make_unique<Impl>()) {
    impl_->file = options.folder / "outside";
    impl_->options = std::move(options);
}
Outside::~Outside() = default;

std::string Outside::bridge() const { return impl_->bridge(); }

void Outside::examine() const {
    const auto& options = impl_->options;
    const auto& name = options.device;
    if (name.empty()) return;
    const auto refuse = [&](const auto&... why) {
        throw Error(Failure::Invalid, "external_network = bridge:", name, ": ", why...);
    };
    Netlink netlink;
    std::map<int, Link> links;
    std::vector<std::string> names;
    for (const auto& each : netlink.links()) {
        links[each.index] = each;
        if (each.name != "lo" && !isMarked(each.alias, options.mark)) names.push_back(each.name);
    }
    const auto device = netlink.find(name);
    if (!device) refuse("this host has no such interface; it has ", joined(names));
    const bool lent = impl_->noted() && impl_->note->device == name;
    if (device->kind == "bridge") {
        if (isMarked(device->alias, options.mark))
            refuse("that bridge is made by stratolet itself; name the interface");
        return;
    }
    if (!isEthernet(name)) refuse("it is no Ethernet interface, and only those can be on a bridge");
    if (fs::exists(options.classes / name / "wireless") || fs::exists(options.classes / name / "phy80211"))
        refuse("it is wireless, and access points let no other MACs through than their client's; use a cable, or "
               "external_network = nat");
    if (isMarked(device->alias, options.mark)) refuse("it is of a network of this cloud");
    const auto bridge = netlink.find(options.bridge);
    if (device->master != 0 && !(bridge && device->master == bridge->index)) {
        const auto master = links.find(device->master);
        const auto whose = master == links.end() ? std::string("another") : master->second.name;
        refuse("it is a part of ", whose, "; say bridge:", whose);
    }
    if (lent) return;
    if (bridge && bridge->kind == "bridge" && !isMarked(bridge->alias, options.mark))
        refuse("there is a bridge ", options.bridge, " already, which isn't stratolet's; bridge:", options.bridge,
               " uses it as it is");
    if (bridge && bridge->kind != "bridge") refuse("there is a device ", options.bridge, ", which is no bridge");
    const auto naming = nft::tablesNaming(name, device->index);
    const auto both = nft::tablesNaming(options.bridge, bridge ? bridge->index : 0);
    for (const auto& each : naming)
        if (!both.contains(each))
            refuse("rules of the table \"", each, "\" name this interface, but what comes to the host will come by ",
                   options.bridge, "; have them name ", options.bridge, " too (\"",
                   each.ends_with("-legacy") ? "iptables-legacy-save" : "nft list table " + each, "\" shows them)");
}

void Outside::join() {
    auto& impl = *impl_;
    const auto& options = impl.options;
    if (impl.noted() && (impl.note->device != options.device || impl.note->back)) impl.giveBack(*impl.note);
    if (options.device.empty()) return;
    examine();
    Netlink netlink;
    if (Impl::isBridge(netlink, options.device)) return;
    if (impl.note && impl.note->lent) return follow();
    if (!impl.note) {
        if (networks().empty()) return; // it is not yet on the network itself
        const auto fresh = impl.noteOf(netlink.find(options.device).value());
        impl.step("note", [&] { impl.write(fresh); });
    }
    std::string failed;
    try {
        impl.lend(*impl.note, true);
        std::vector<std::string> silent;
        impl.step("gateways", [&] { silent = impl.silent(*impl.note); });
        if (!silent.empty())
            failed = "the gateway " + joined(silent) + " does not answer at " + options.bridge + " any more, within " +
                     std::to_string(options.patience.count() / 1000) + " s";
    } catch (const Error& problem) {
        failed = problem.what();
    }
    if (!failed.empty()) {
        impl.giveBack(*impl.note);
        throw Error(Failure::Broken, "external_network = bridge:", options.device, ": ", failed,
                    "; its addresses and routes are back on ", options.device,
                    ", and there is no way outside until it succeeds");
    }
    auto lent = *impl.note;
    lent.lent = true;
    impl.step("done", [&] { impl.write(lent); });
    std::vector<std::string> addresses;
    for (const auto& each : lent.addresses) addresses.push_back(textOf(each));
    impl.tell("interface " + options.device + " is on bridge " + options.bridge + " now, which has its addresses (" +
              joined(addresses) + ") and routes");
}

void Outside::follow() {
    auto& impl = *impl_;
    if (!impl.noted()) return;
    if (impl.note->back) return impl.giveBack(*impl.note);
    Netlink netlink;
    const auto left = impl.left(netlink);
    if (left.empty()) return;
    const bool whole = !Impl::isBridge(netlink, impl.options.bridge);
    impl.lend(*impl.note, whole);
    if (std::exchange(impl.told, joined(left)) != joined(left)) impl.tell(joined(left) + "; it was moved there");
}

std::vector<std::string> Outside::findings() const {
    auto& impl = *impl_;
    if (!impl.noted()) return {};
    if (impl.note->back || impl.note->device != impl.options.device)
        return {"interface " + impl.note->device + " has not all of its addresses and routes back from " +
                impl.options.bridge};
    if (!impl.note->lent)
        return {"the move of the addresses and routes of " + impl.note->device + " to " + impl.options.bridge +
                " is not finished"};
    Netlink netlink;
    return impl.left(netlink);
}

std::vector<OutsideNetwork> Outside::networks() const {
    const auto& options = impl_->options;
    if (options.device.empty()) return {};
    Netlink netlink;
    Entries entries;
    std::vector<OutsideNetwork> found;
    for (const auto& name : {bridge(), options.device}) {
        const auto link = netlink.find(name);
        if (!link) continue;
        for (const auto& each : entries.addresses(link->index)) {
            const auto text = textOf(each);
            const auto prefix = Prefix::parse(text);
            if (!prefix || prefix->version() != 4 || prefix->length > 30) continue;
            const auto same =
                std::find_if(found.begin(), found.end(), [&](const auto& one) { return one.cidr == prefix->text(); });
            auto& network = same != found.end() ? *same : found.emplace_back();
            network.cidr = prefix->text();
            network.mtu = link->mtu;
            network.addresses.push_back(text.substr(0, text.find('/')));
        }
        std::uint32_t best = ~std::uint32_t{0};
        std::string gateway;
        for (const auto& each : entries.routes(link->index)) {
            const auto address = Address::parse(gatewayOf(each));
            if (!address || address->version != 4 || (!gateway.empty() && metricOf(each) >= best)) continue;
            best = metricOf(each);
            gateway = address->text();
        }
        for (auto& each : found)
            if (const auto address = Address::parse(gateway); address && Prefix::parse(each.cidr)->contains(*address))
                each.gateway = gateway;
        if (!found.empty()) break;
    }
    std::stable_partition(found.begin(), found.end(), [](const auto& each) { return !each.gateway.empty(); });
    return found;
}

}
