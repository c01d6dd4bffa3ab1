#include "network/unit/linux_world.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "network/address.hpp"
#include "network/driver/linux_netlink.hpp"
#include "platform/os/netns.hpp"
#include "platform/os/process.hpp"

namespace stratolet::network::test {

namespace {

Fd openTap(const std::string& name) {
    Fd tun(static_cast<int>(check(open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), "open /dev/net/tun")));
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    check(ioctl(tun.get(), TUNSETIFF, &request), "open the tap " + name);
    return tun;
}

struct Place {
    sockaddr_storage name{};
    socklen_t size = 0;
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&name); }
    int family() const { return name.ss_family; }
};

Place at(const std::string& address, int port) {
    Place place;
    if (address.find(':') == std::string::npos) {
        auto& four = reinterpret_cast<sockaddr_in&>(place.name);
        place.size = sizeof four;
        four.sin_family = AF_INET;
        four.sin_port = htons(static_cast<std::uint16_t>(port));
        inet_pton(AF_INET, address.c_str(), &four.sin_addr);
    } else {
        auto& six = reinterpret_cast<sockaddr_in6&>(place.name);
        place.size = sizeof six;
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(static_cast<std::uint16_t>(port));
        inet_pton(AF_INET6, address.c_str(), &six.sin6_addr);
    }
    return place;
}

}

std::string LinuxWorld::reason() { return geteuid() == 0 ? "" : "needs root"; }

LinuxWorld::LinuxWorld()
    : home_(static_cast<int>(check(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), "open the namespace"))) {
    static const bool apart = [] {
        check(unshare(CLONE_NEWNS), "have mounts of our own");
        check(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "keep mounts to ourselves");
        return true;
    }();
    static_cast<void>(apart);
    check(unshare(CLONE_NEWNET), "have a network of our own");
    std::filesystem::create_directories("/run/netns");
    check(mount("tmpfs", "/run/netns", "tmpfs", 0, nullptr), "have named namespaces of our own");
    std::string pattern = "/tmp/stratolet-network-XXXXXX";
    if (!mkdtemp(pattern.data())) check(-1, "make a folder");
    folder_ = pattern;
    std::filesystem::permissions(folder_, std::filesystem::perms(0755)); // DHCP servers read in it
    Netlink().change(1, {.up = true});
}

LinuxWorld::~LinuxWorld() {
    for (const auto& name : netns::list()) netns::remove(name);
    umount2("/run/netns", MNT_DETACH);
    if (setns(home_.get(), CLONE_NEWNET) != 0) std::abort();
    std::filesystem::remove_all(folder_);
}

Guest::Guest(std::string name, const std::string& tap, const std::string& mac)
    : name_(std::move(name)),
      tap_(openTap(tap)),
      stop_(eventfd(0, EFD_CLOEXEC)) {
    netns::ensure(name_);
    netns::inside(name_, [&] {
        inner_ = openTap("eth0");
        Netlink netlink;
        const int index = netlink.find("eth0").value().index;
        netlink.change(index, {.mac = mac});
        netlink.change(index, {.up = true});
    });
    relay_ = std::thread([this] {
        std::vector<unsigned char> buffer(70000);
        pollfd ready[3] = {{tap_.get(), POLLIN, 0}, {inner_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
        while (poll(ready, 3, -1) >= 0 && !(ready[2].revents & POLLIN)) {
            for (int side = 0; side < 2; ++side) {
                if (!(ready[side].revents & POLLIN)) continue;
                const auto length = read(ready[side].fd, buffer.data(), buffer.size());
                if (length <= 0) continue;
                [[maybe_unused]] const auto written =
                    write(ready[1 - side].fd, buffer.data(), static_cast<std::size_t>(length));
                if (side != 0) continue;
                while (busy_.test_and_set()) std::this_thread::yield();
                seen_.emplace_back(buffer.begin(), buffer.begin() + length);
                busy_.clear();
            }
        }
    });
}

Guest::~Guest() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(stop_.get(), &one, sizeof one);
    relay_.join();
}

void Guest::sends(const std::vector<unsigned char>& frame) {
    check(write(tap_.get(), frame.data(), frame.size()), "send a frame");
}

int Guest::received(const std::vector<unsigned char>& part) const {
    while (busy_.test_and_set()) std::this_thread::yield();
    const auto count = std::count_if(seen_.begin(), seen_.end(), [&](const auto& frame) {
        return std::search(frame.begin(), frame.end(), part.begin(), part.end()) != frame.end();
    });
    busy_.clear();
    return static_cast<int>(count);
}

void Guest::has(const std::string& address, const std::string& gateway) {
    netns::inside(name_, [&] {
        Netlink netlink;
        netlink.addAddress(netlink.find("eth0").value().index, address);
        if (!gateway.empty()) netlink.addRoute({"0.0.0.0/0", gateway, 0});
    });
}

bool Guest::pings(const std::string& address) const { return pingsIn(name_, address); }

Fd listensIn(const std::string& netns, const std::string& address, int port) {
    Fd out;
    netns::inside(netns, [&] {
        const auto place = at(address, port);
        Fd socket(static_cast<int>(check(::socket(place.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "open a socket")));
        check(bind(socket.get(), place.get(), place.size), "bind to " + address);
        check(listen(socket.get(), 16), "listen");
        out = std::move(socket);
    });
    return out;
}

bool connectsIn(const std::string& netns, const std::string& address, int port, int patienceMs) {
    bool connected = false;
    netns::inside(netns, [&] {
        const auto place = at(address, port);
        const Fd socket(static_cast<int>(
            check(::socket(place.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "open a socket")));
        connect(socket.get(), place.get(), place.size);
        pollfd ready{socket.get(), POLLOUT, 0};
        if (poll(&ready, 1, patienceMs) != 1) return;
        int problem = 0;
        socklen_t size = sizeof problem;
        getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
        connected = problem == 0;
    });
    return connected;
}

Stream::Stream(const std::string& from, const std::string& fromAddress, const Fd& listening, const std::string& address,
               int port) {
    netns::inside(from, [&] {
        const auto own = at(fromAddress, 0), other = at(address, port);
        Fd socket(static_cast<int>(
            check(::socket(own.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "open a socket")));
        check(bind(socket.get(), own.get(), own.size), "bind to " + fromAddress);
        connect(socket.get(), other.get(), other.size);
        pollfd ready{socket.get(), POLLOUT, 0};
        if (poll(&ready, 1, 3000) == 1) near_ = std::move(socket);
    });
    pollfd waiting{listening.get(), POLLIN, 0};
    if (poll(&waiting, 1, 2000) == 1)
        far_ = Fd(accept4(listening.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

bool Stream::lives(int patienceMs) { return says(near_, far_, patienceMs); }
bool Stream::answers(int patienceMs) { return says(far_, near_, patienceMs); }

bool Stream::says(const Fd& from, const Fd& to, int patienceMs) {
    if (!from || !to) return false;
    char buffer[64];
    while (recv(to.get(), buffer, sizeof buffer, 0) > 0) {
    }
    if (send(from.get(), "x", 1, MSG_NOSIGNAL) != 1) return false;
    pollfd ready{to.get(), POLLIN, 0};
    return poll(&ready, 1, patienceMs) == 1 && recv(to.get(), buffer, sizeof buffer, 0) > 0;
}

bool pingsIn(const std::string& netns, const std::string& address, int tries) {
    for (int each = 0; each < tries; ++each)
        if (process::run({.argv = {"busybox", "ping", "-c", "1", "-W", "1", address}, .netns = netns}).succeeded())
            return true;
    return false;
}

bool datagramArrives(const std::string& from, const std::string& to, const std::string& address, int number) {
    const auto place = at(address, number);
    Fd in, out;
    netns::inside(to, [&] {
        in = Fd(socket(place.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        check(bind(in.get(), place.get(), place.size), "bind to " + address);
    });
    netns::inside(from, [&] { out = Fd(socket(place.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0)); });
    for (int tries = 0; tries < 8; ++tries) {
        char byte = 'x';
        static_cast<void>(sendto(out.get(), &byte, 1, 0, place.get(), place.size));
        usleep(50'000);
        if (recv(in.get(), &byte, 1, 0) == 1) return true;
    }
    return false;
}

std::vector<unsigned char> bytesOf(const std::string& hex) {
    std::vector<unsigned char> out;
    std::string digits;
    for (const char each : hex)
        if (each != ' ') digits += each;
    for (std::size_t index = 0; index + 1 < digits.size(); index += 2)
        out.push_back(static_cast<unsigned char>(std::stoi(digits.substr(index, 2), nullptr, 16)));
    return out;
}

}
