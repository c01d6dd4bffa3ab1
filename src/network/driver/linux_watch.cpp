#include "network/driver/linux_watch.hpp"

#include <netinet/in.h> // before the kernel's own, which then leave its types alone

#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stratolet/error.hpp>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "platform/os/fd.hpp"

namespace stratolet::network {

namespace {

using namespace std::chrono_literals;
constexpr auto tickEvery = 4s;

/// A netlink socket that hears these groups of the present namespace.
Fd hears(int protocol, const std::vector<int>& groups) {
    Fd socket(static_cast<int>(
        check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol), "open a netlink socket")));
    const int size = 4 << 20;
    setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size); // less will do
    sockaddr_nl own{};
    own.nl_family = AF_NETLINK;
    check(bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), "listen for changes of the network");
    for (const int group : groups)
        check(setsockopt(socket.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group),
              "listen for changes of the network");
    return socket;
}

/// Reads all that is there; `each` gets every message. False where the kernel had to leave some out.
template <class Each> bool drain(const Fd& socket, bool& any, Each each) {
    thread_local std::vector<char> buffer(1 << 18);
    bool whole = true;
    for (;;) {
        const auto length = recv(socket.get(), buffer.data(), buffer.size(), 0);
        if (length < 0) {
            if (errno == EINTR) continue;
            if (errno == ENOBUFS) {
                whole = false;
                any = true;
                continue;
            }
            return whole;
        }
        if (length == 0) return whole;
        any = true;
        auto left = static_cast<unsigned>(length);
        for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
             message = NLMSG_NEXT(message, left))
            each(*message);
    }
}

std::string linkNameIn(nlmsghdr& message) {
    if (message.nlmsg_type != RTM_NEWLINK && message.nlmsg_type != RTM_DELLINK) return {};
    auto* info = static_cast<ifinfomsg*>(NLMSG_DATA(&message));
    auto left = static_cast<unsigned>(IFLA_PAYLOAD(&message));
    for (auto* each = IFLA_RTA(info); RTA_OK(each, left); each = RTA_NEXT(each, left))
        if (each->rta_type == IFLA_IFNAME) return static_cast<const char*>(RTA_DATA(each));
    return {};
}

}

struct Watch::Impl {
    struct Place {
        Fd network, rules;
        bool busy = true; ///< we are at work there
    };

    Listener listener;
    Fd links, rules, names, stop;
    std::mutex mutex;
    std::map<std::string, Place> places;
    std::thread thread;

    void wake() const {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = write(stop.get(), &one, sizeof one);
    }

    void hostChanged(const std::vector<pollfd>& ready) {
        bool any = false;
        if (ready[1].revents) {
            std::set<std::string> changed;
            const bool whole = drain(links, any, [&](nlmsghdr& message) { changed.insert(linkNameIn(message)); });
            changed.erase("");
            if (!whole || !changed.empty()) listener.links(whole ? changed : std::set<std::string>{});
        }
        if (ready[2].revents) {
            any = false;
            drain(rules, any, [](nlmsghdr&) {});
            if (any) listener.rules();
        }
        if (ready[3].revents) {
            std::array<char, 4096> events{};
            while (read(names.get(), events.data(), events.size()) > 0) {
            }
            listener.namespaces();
        }
    }

    /// The namespaces with something to tell.
    std::vector<std::string> insides() {
        std::vector<std::string> changed;
        const std::lock_guard lock(mutex);
        for (auto& [name, place] : places) {
            if (place.busy) continue;
            bool any = false;
            drain(place.network, any, [](nlmsghdr&) {});
            drain(place.rules, any, [](nlmsghdr&) {});
            if (any) changed.push_back(name);
        }
        return changed;
    }

    void run() {
        auto next = std::chrono::steady_clock::now() + tickEvery;
        bool stopping = false;
        while (!stopping) {
            std::vector<pollfd> ready{
                {stop.get(), POLLIN, 0}, {links.get(), POLLIN, 0}, {rules.get(), POLLIN, 0}, {names.get(), POLLIN, 0}};
            {
                const std::lock_guard lock(mutex);
                for (const auto& [name, place] : places)
                    if (!place.busy)
                        for (const auto* each : {&place.network, &place.rules})
                            ready.push_back({each->get(), POLLIN, 0});
            }
            const auto patience =
                std::chrono::duration_cast<std::chrono::milliseconds>(next - std::chrono::steady_clock::now());
            const int count =
                poll(ready.data(), ready.size(), static_cast<int>(std::max<std::int64_t>(patience.count(), 0)));
            if (ready[0].revents) {
                std::uint64_t woken = 0;
                [[maybe_unused]] const auto length = read(stop.get(), &woken, sizeof woken);
                stopping = woken >= (std::uint64_t{1} << 32);
                if (stopping) break;
            }
            try {
                if (count > 0) {
                    hostChanged(ready);
                    for (const auto& each : insides()) listener.inside(each);
                }
                if (std::chrono::steady_clock::now() >= next) {
                    next = std::chrono::steady_clock::now() + tickEvery;
                    listener.tick();
                }
            } catch (const std::exception&) {
                // Who can't look now looks at the next change, or when the time comes.
            }
            // A storm of changes is one change.
            std::this_thread::sleep_for(50ms);
        }
    }
};

Watch::Watch(Listener listener) : impl_(std::make_unique<Impl>()) {
    impl_->listener = std::move(listener);
    impl_->links = hears(NETLINK_ROUTE, {RTNLGRP_LINK});
    impl_->rules = hears(NETLINK_NETFILTER, {NFNLGRP_NFTABLES});
    impl_->names = Fd(static_cast<int>(check(inotify_init1(IN_CLOEXEC | IN_NONBLOCK), "watch for namespaces")));
    std::filesystem::create_directories("/run/netns");
    check(inotify_add_watch(impl_->names.get(), "/run/netns", IN_CREATE | IN_DELETE | IN_UNMOUNT | IN_DELETE_SELF),
          "watch /run/netns");
    impl_->stop = Fd(static_cast<int>(check(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "make an eventfd")));
    impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

Watch::~Watch() {
    const std::uint64_t end = std::uint64_t{1} << 32;
    [[maybe_unused]] const auto written = write(impl_->stop.get(), &end, sizeof end);
    impl_->thread.join();
}

void Watch::hear(const std::string& name) {
    const std::lock_guard lock(impl_->mutex);
    auto& place = impl_->places[name];
    place.busy = true;
    if (!place.network)
        place.network = hears(NETLINK_ROUTE, {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                              RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE});
    if (!place.rules) place.rules = hears(NETLINK_NETFILTER, {NFNLGRP_NFTABLES});
}

void Watch::quiet(const std::string& name) {
    {
        const std::lock_guard lock(impl_->mutex);
        const auto found = impl_->places.find(name);
        if (found == impl_->places.end()) return;
        bool any = false;
        drain(found->second.network, any, [](nlmsghdr&) {});
        drain(found->second.rules, any, [](nlmsghdr&) {});
        found->second.busy = false;
    }
    impl_->wake();
}

void Watch::forget(const std::string& name) {
    const std::lock_guard lock(impl_->mutex);
    impl_->places.erase(name);
}

}
