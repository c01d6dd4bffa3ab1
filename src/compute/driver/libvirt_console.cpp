#include "compute/driver/libvirt_console.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <string>

#include "compute/driver/domain_xml.hpp"
#include "compute/driver/libvirt_calls.hpp"
#include "compute/driver/socket_stream.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute::libvirt {
namespace {

constexpr int openMost = 64;
constexpr std::size_t waitingBytesMax = 64 << 10; // each way; then nobody reads ahead

std::atomic<int> open = 0;

/// Carries bytes between a stream of libvirt's and a socket. It belongs to libvirt's event loop, which deletes it once
/// either end has gone; all but the constructor runs there.
class Carrier {
public:
    Carrier(virStreamPtr stream, Fd socket) : stream_(stream), socket_(std::move(socket)) { ++open; }
    ~Carrier() {
        virStreamFree(stream_);
        --open;
    }

    /// False where the loop doesn't take it: it is the caller's still.
    bool begin() {
        const std::lock_guard guard(lock_);
        watch_ = virEventAddHandle(
            socket_.get(), VIR_EVENT_HANDLE_READABLE,
            [](int, int, int events, void* self) { static_cast<Carrier*>(self)->socketMay(events); }, this,
            [](void* self) { delete static_cast<Carrier*>(self); });
        if (watch_ < 0) return false;
        if (virStreamEventAddCallback(
                stream_, VIR_STREAM_EVENT_READABLE,
                [](virStreamPtr, int events, void* self) { static_cast<Carrier*>(self)->streamMay(events); }, this,
                nullptr) < 0)
            end();
        return true;
    }

private:
    void socketMay(int events) {
        const std::lock_guard guard(lock_);
        if (ended_) return;
        if ((events & VIR_EVENT_HANDLE_READABLE) != 0) {
            std::array<char, 4096> piece;
            const auto got = ::recv(socket_.get(), piece.data(), piece.size(), MSG_DONTWAIT);
            if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return end();
            if (got > 0) toGuest_.append(piece.data(), static_cast<std::size_t>(got));
        } else if ((events & (VIR_EVENT_HANDLE_HANGUP | VIR_EVENT_HANDLE_ERROR)) != 0) {
            return end();
        }
        pass();
    }

    void streamMay(int events) {
        const std::lock_guard guard(lock_);
        if (ended_) return;
        while ((events & VIR_STREAM_EVENT_READABLE) != 0 && toUser_.size() < waitingBytesMax) {
            std::array<char, 4096> piece;
            const int got = virStreamRecv(stream_, piece.data(), piece.size());
            if (got == -2) break; // nothing more now
            if (got <= 0) return end();
            toUser_.append(piece.data(), static_cast<std::size_t>(got));
        }
        if ((events & (VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP)) != 0) return end();
        pass();
    }

    /// What waits goes where it can, and the loop tells of what can go on.
    void pass() {
        while (!toUser_.empty()) {
            const auto sent = ::send(socket_.get(), toUser_.data(), toUser_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent < 0 && (errno == EAGAIN || errno == EINTR)) break;
            if (sent <= 0) return end();
            toUser_.erase(0, static_cast<std::size_t>(sent));
        }
        while (!toGuest_.empty()) {
            const int sent = virStreamSend(stream_, toGuest_.data(), toGuest_.size());
            if (sent == -2) break;
            if (sent <= 0) return end();
            toGuest_.erase(0, static_cast<std::size_t>(sent));
        }
        const int ofSocket = (toGuest_.size() < waitingBytesMax ? VIR_EVENT_HANDLE_READABLE : 0) |
                             (toUser_.empty() ? 0 : VIR_EVENT_HANDLE_WRITABLE);
        const int ofStream = (toUser_.size() < waitingBytesMax ? VIR_STREAM_EVENT_READABLE : 0) |
                             (toGuest_.empty() ? 0 : VIR_STREAM_EVENT_WRITABLE);
        virEventUpdateHandle(watch_, ofSocket);
        virStreamEventUpdateCallback(stream_, ofStream);
    }

    void end() {
        ended_ = true;
        virStreamEventRemoveCallback(stream_);
        virStreamAbort(stream_);
        socket_ = Fd();
        virEventRemoveHandle(watch_); // deletes this, later
    }

    std::mutex lock_; // begin() runs elsewhere
    virStreamPtr stream_;
    Fd socket_;
    int watch_ = -1;
    std::string toGuest_, toUser_;
    bool ended_ = false;
};

/// The content of ` name='…'`.
std::string valueOf(std::string_view element, std::string_view name) {
    const std::string opening = " " + std::string(name) + "='";
    const auto at = element.find(opening);
    if (at == std::string_view::npos) return {};
    const auto from = at + opening.size();
    return std::string(element.substr(from, element.find('\'', from) - from));
}

}

std::optional<Endpoint> screenIn(std::string_view domain) {
    const auto at = domain.find("<graphics type='vnc'");
    if (at == std::string_view::npos) return std::nullopt;
    const auto element = domain.substr(at, domain.find('>', at) - at);
    const auto port = wholeNumberIn(valueOf(element, "port"));
    if (!port || *port <= 0 || *port > 0xffff) return std::nullopt; // it has none until the guest runs
    const auto host = valueOf(element, "listen");
    return Endpoint{.host = host.empty() ? "127.0.0.1" : host, .port = static_cast<std::uint16_t>(*port)};
}

std::unique_ptr<ByteStream> serialOf(virConnectPtr connection, virDomainPtr domain) {
    if (open >= openMost) throw Error(Failure::Busy, "too many serial consoles are open");
    const virStreamPtr stream = virStreamNew(connection, VIR_STREAM_NONBLOCK);
    if (!stream) fail("open a serial console");
    auto [mine, theirs] = socketPair();
    auto carrier = std::make_unique<Carrier>(stream, std::move(mine));
    if (virDomainOpenConsole(domain, nullptr, stream, VIR_DOMAIN_CONSOLE_FORCE) < 0) fail("open a serial console");
    if (!carrier->begin()) fail("carry a serial console");
    static_cast<void>(carrier.release()); // the loop's from here on
    return std::make_unique<SocketStream>(std::move(theirs));
}

}
