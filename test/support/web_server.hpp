#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "platform/os/fd.hpp"

namespace stratolet::test {

/// A socket that listens at an address of loopback, and its port; 0 takes a free one.
inline std::pair<Fd, std::uint16_t> listening(std::uint32_t loopback, std::uint16_t port) {
    Fd listener(static_cast<int>(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(loopback);
    address.sin_port = htons(port);
    check(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
    check(::listen(listener.get(), 64), "listen");
    socklen_t length = sizeof address;
    check(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
    return {std::move(listener), ntohs(address.sin_port)};
}

/// Answers each path as it was told, and counts who connects.
class WebServer {
public:
    /// `loopback` is its address; `port` 0 takes a free one.
    explicit WebServer(std::map<std::string, std::string> answers, std::uint32_t loopback = INADDR_LOOPBACK,
                       std::uint16_t port = 0)
        : answers_(std::move(answers)) {
        std::tie(listener_, port_) = listening(loopback, port);
        thread_ = std::thread([this] { serve(); });
    }
    ~WebServer() {
        ended_ = true;
        thread_.join();
    }
    std::string port() const { return std::to_string(port_); }
    std::string url(const std::string& path) const { return "http://127.0.0.1:" + port() + path; }
    int connections() const { return connections_; }
    std::string lastRequest() const { ///< whole
        const std::lock_guard lock(mutex_);
        return last_;
    }

    static std::string page(const std::string& body) {
        return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
               body;
    }
    static std::string redirect(const std::string& to) {
        return "HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: " + to + "\r\n\r\n";
    }

private:
    void serve() {
        while (!ended_) {
            pollfd watched{listener_.get(), POLLIN, 0};
            if (::poll(&watched, 1, 20) != 1) continue;
            const Fd peer(::accept(listener_.get(), nullptr, nullptr));
            ++connections_;
            std::string request;
            char piece[4096];
            while (request.find("\r\n\r\n") == std::string::npos) {
                const auto got = ::read(peer.get(), piece, sizeof piece);
                if (got <= 0) break;
                request.append(piece, static_cast<std::size_t>(got));
            }
            const auto length = request.find("Content-Length: ");
            const auto body = request.find("\r\n\r\n") + 4;
            while (length < body && request.size() < body + std::stoul(request.substr(length + 16))) {
                const auto got = ::read(peer.get(), piece, sizeof piece);
                if (got <= 0) break;
                request.append(piece, static_cast<std::size_t>(got));
            }
            {
                const std::lock_guard lock(mutex_);
                last_ = request;
            }
            const auto begin = request.find(' ') + 1, end = request.find(' ', begin);
            const auto found = answers_.find(request.substr(begin, end - begin));
            const std::string answer = found == answers_.end()
                                           ? "HTTP/1.1 404 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                                           : found->second;
            for (std::size_t sent = 0; sent < answer.size();) {
                const auto now = ::send(peer.get(), answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
                if (now <= 0) break;
                sent += static_cast<std::size_t>(now);
            }
        }
    }

    std::map<std::string, std::string> answers_;
    mutable std::mutex mutex_;
    std::string last_;
    Fd listener_;
    std::uint16_t port_ = 0;
    std::atomic<int> connections_ = 0;
    std::atomic<bool> ended_ = false;
    std::thread thread_;
};

/// Begins a long answer to everybody and sends a byte now and then, to any number of peers at once.
class TricklingServer {
public:
    TricklingServer() {
        std::tie(listener_, port_) = listening(INADDR_LOOPBACK, 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~TricklingServer() {
        ended_ = true;
        thread_.join();
    }
    std::string port() const { return std::to_string(port_); }
    std::string url() const { return "http://127.0.0.1:" + port() + "/image"; }
    int peers() const { return peers_; } ///< that have been answered so far

private:
    void serve() {
        std::vector<Fd> open;
        const std::string_view head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
        while (!ended_) {
            pollfd watched{listener_.get(), POLLIN, 0};
            if (::poll(&watched, 1, 20) == 1) {
                open.emplace_back(::accept(listener_.get(), nullptr, nullptr));
                ::send(open.back().get(), head.data(), head.size(), MSG_NOSIGNAL);
                ++peers_;
            }
            for (const auto& each : open) ::send(each.get(), "x", 1, MSG_NOSIGNAL);
        }
    }
    Fd listener_;
    std::uint16_t port_ = 0;
    std::atomic<int> peers_ = 0;
    std::atomic<bool> ended_ = false;
    std::thread thread_;
};

}
