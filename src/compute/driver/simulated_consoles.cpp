#include "compute/driver/simulated_consoles.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "compute/driver/socket_stream.hpp"

namespace stratolet::compute {
namespace {

/// What a VNC server says (RFC 6143, 7.1 to 7.3): each sentence once the client has said so many bytes.
struct Sentence {
    std::size_t after;
    std::string text;
};

const std::vector<Sentence>& screenTalk() {
    using namespace std::string_literals;
    static const std::string name = "simulated";
    static const std::vector<Sentence> talk = {{0, "RFB 003.008\n"},
                                               {12, "\x01\x01"s},         // one kind of security: none
                                               {1, std::string(4, '\0')}, // it is well
                                               {1, "\x02\x80\x01\xe0"s    // 640 × 480
                                                   "\x20\x18\x00\x01\x00\xff\x00\xff\x00\xff\x10\x08\x00\x00\x00\x00"s +
                                                       std::string("\0\0\0", 3) + static_cast<char>(name.size()) +
                                                       name}};
    return talk;
}

struct Conversation {
    Fd socket;
    bool echoes = false;
    std::size_t said = 0, heard = 0; // sentences; bytes since the last one
};

void tell(Conversation& each, const std::string& text) {
    static_cast<void>(::send(each.socket.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

void goOn(Conversation& each) {
    const auto& talk = screenTalk();
    while (!each.echoes && each.said < talk.size() && each.heard >= talk[each.said].after) {
        each.heard -= talk[each.said].after;
        tell(each, talk[each.said++].text);
    }
}

/// False once the other end has gone.
bool answer(Conversation& each) {
    std::array<char, 4096> buffer;
    const auto got = ::recv(each.socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return false;
    if (got <= 0) return true;
    each.heard += static_cast<std::size_t>(got);
    if (each.echoes)
        tell(each, {buffer.data(), static_cast<std::size_t>(got)});
    else
        goOn(each);
    return true;
}

}

struct SimulatedConsoles::Impl {
    Impl() {
        listener = Fd(static_cast<int>(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "open a socket")));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        check(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), length), "take a port");
        check(::listen(listener.get(), 16), "listen");
        check(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length), "ask for a port");
        port = ntohs(address.sin_port);
        std::tie(wake, woken) = socketPair();
        thread = std::thread([this] { talk(); });
    }
    ~Impl() {
        wake = Fd();
        thread.join();
    }

    void talk() {
        for (;;) {
            std::vector<pollfd> watched{{woken.get(), POLLIN, 0}, {listener.get(), POLLIN, 0}};
            for (const auto& each : conversations) watched.push_back({each.socket.get(), POLLIN, 0});
            if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return;
            std::size_t at = 2;
            for (auto each = conversations.begin(); each != conversations.end();) {
                const bool stays = watched[at++].revents == 0 || answer(*each);
                each = stays ? std::next(each) : conversations.erase(each);
            }
            if (watched[1].revents != 0) {
                conversations.push_back({.socket = Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC))});
                goOn(conversations.back());
            }
            char hint = 0;
            if (watched[0].revents != 0 && ::recv(woken.get(), &hint, 1, MSG_DONTWAIT) == 0) return;
            const std::lock_guard guard(lock);
            for (auto& each : fresh) conversations.push_back({.socket = std::move(each), .echoes = true});
            fresh.clear();
        }
    }

    std::unique_ptr<ByteStream> serial() {
        auto [mine, theirs] = socketPair();
        {
            const std::lock_guard guard(lock);
            fresh.push_back(std::move(mine));
        }
        check(::send(wake.get(), "", 1, MSG_NOSIGNAL), "wake the consoles");
        return std::make_unique<SocketStream>(std::move(theirs));
    }

    Fd listener, wake, woken;
    std::uint16_t port = 0;
    std::list<Conversation> conversations; // the thread's
    std::mutex lock;
    std::vector<Fd> fresh; // serial ports that the thread doesn't know yet
    std::thread thread;
};

SimulatedConsoles::SimulatedConsoles() : impl_(std::make_unique<Impl>()) {}
SimulatedConsoles::~SimulatedConsoles() = default;

Endpoint SimulatedConsoles::screen() { return {.host = "127.0.0.1", .port = impl_->port}; }
std::unique_ptr<ByteStream> SimulatedConsoles::serial() { return impl_->serial(); }

}
