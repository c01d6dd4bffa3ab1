#include "compute/driver/libvirt_watch.hpp"

#include <dirent.h>
#include <libvirt/libvirt.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace stratolet::compute {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// The path of the local socket at the other end of a descriptor; empty for anything else.
std::string peerPathOf(int descriptor) {
    sockaddr_un address{};
    socklen_t length = sizeof address;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &length) != 0 || address.sun_family != AF_UNIX)
        return {};
    const auto most = std::min<std::size_t>(length - offsetof(sockaddr_un, sun_path), sizeof address.sun_path);
    std::string_view path(address.sun_path, length > offsetof(sockaddr_un, sun_path) ? most : 0);
    return std::string(path.substr(0, path.find('\0')));
}

/// The value of "socket=" in a URI's query.
std::string socketIn(const std::string& uri) {
    constexpr std::string_view name = "socket=";
    const auto query = uri.find('?');
    const auto at = query == std::string::npos ? query : uri.find(name, query);
    if (at == std::string::npos) return {};
    const auto from = at + name.size();
    return uri.substr(from, uri.find('&', from) - from);
}

}

LibvirtWatch::LibvirtWatch(const std::string& uri) : socket_(socketIn(uri)) {
    static const int registered = virEventRegisterDefaultImpl(); // the process's, once
    if (registered == 0) {
        // The loop looks up now and then whether it should end.
        timer_ = virEventAddTimeout(
            500, [](int, void*) {}, nullptr, nullptr);
        events_ = std::thread([this] {
            while (!ended_)
                if (virEventRunDefaultImpl() < 0) std::this_thread::sleep_for(100ms);
        });
    }
    limits_ = std::thread([this] { watch(); });
}

LibvirtWatch::~LibvirtWatch() {
    {
        const std::lock_guard guard(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    limits_.join();
    ended_ = true;
    if (events_.joinable()) events_.join();
    if (timer_ >= 0) virEventRemoveTimeout(timer_);
}

LibvirtWatch::Call::Call(LibvirtWatch& watch, std::chrono::milliseconds limit)
    : watch_(watch),
      until_(Clock::now() + limit) {
    {
        const std::lock_guard guard(watch_.mutex_);
        watch_.calls_.push_back(this);
    }
    watch_.changed_.notify_all();
}

LibvirtWatch::Call::~Call() {
    const std::lock_guard guard(watch_.mutex_);
    watch_.calls_.remove(this);
}

void LibvirtWatch::watch() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        auto next = Clock::now() + 1h;
        bool late = false;
        for (auto* each : calls_) {
            if (each->until_ <= Clock::now()) late = each->cut_ = true;
            next = std::min(next, each->until_);
        }
        if (late) {
            cutConnections();
            next = Clock::now() + 100ms; // again, should it have been about to connect
        }
        changed_.wait_until(lock, next);
    }
}

/// libvirt has no way to end a call from outside; it ends one itself when its connection does.
void LibvirtWatch::cutConnections() const {
    const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir("/proc/self/fd"), ::closedir);
    if (!open) return;
    while (const auto* entry = ::readdir(open.get())) {
        const int descriptor = std::atoi(entry->d_name);
        const auto path = descriptor > 2 ? peerPathOf(descriptor) : std::string();
        if (!path.empty() && (socket_.empty() ? path.find("/libvirt/") != std::string::npos : path == socket_))
            ::shutdown(descriptor, SHUT_RDWR);
    }
}

}
