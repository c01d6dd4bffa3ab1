#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace stratolet::http {

/// Memory for what has come and is not handled yet, and for answers that have not left: one for all connections of a
/// process.
struct Buffers {
    std::size_t bytesMax = 0, bytesPerPeerMax = 0;
    std::atomic<std::size_t> bytes = 0;
};

/// Who is connected to one listener. Each peer gets a part at most, so that none can shut the others out.
/// Threads: any. Outlives the admissions that it gave.
class Crowd {
public:
    Crowd(Buffers& buffers, std::size_t connectionsMax, std::size_t connectionsPerPeerMax)
        : buffers_(buffers),
          connectionsMax_(connectionsMax),
          connectionsPerPeerMax_(connectionsPerPeerMax) {}

    struct Peer {
        std::size_t connections = 0, bytes = 0;
    };
    using Peers = std::map<std::string, Peer, std::less<>>;

    /// One connection's place in the crowd, given back when it ends.
    class Admission {
    public:
        Admission(Crowd& crowd, Peers::iterator peer) : crowd_(crowd), peer_(peer) {}
        ~Admission();
        Admission(const Admission&) = delete;

        /// What this connection buffers from now on. False where its peer, or all connections together, would then
        /// buffer more than they may; it holds what it held before. The first `freeBytes` are everybody's.
        bool holds(std::size_t bytes);

        static constexpr std::size_t freeBytes = 16 << 10;

    private:
        Crowd& crowd_;
        Peers::iterator peer_;
        std::size_t counted_ = 0;
    };

    /// Null where the listener, or this peer of it, has as many connections as it may. Of IPv6 (RFC 6177) a peer has a
    /// whole /64.
    std::unique_ptr<Admission> admit(const std::string& address);

private:
    Buffers& buffers_;
    const std::size_t connectionsMax_, connectionsPerPeerMax_;
    std::mutex mutex_;
    std::size_t connections_ = 0;
    Peers peers_;
};

}
