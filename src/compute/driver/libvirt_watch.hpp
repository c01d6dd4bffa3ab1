#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <string>
#include <thread>

namespace stratolet::compute {

/// Sees to it that no call to libvirt waits for ever. It runs libvirt's event loop, which connections' keep-alive
/// needs, and cuts the connection of a call that takes longer than its limit: the call then fails, as it does where
/// libvirt goes away. Threads: two of its own; calls come from any. One per process, made before the first connection,
/// ends after the last.
class LibvirtWatch {
public:
    /// Sockets of `uri` are those that go to where libvirt listens, or to the "socket" that it names. Connections that
    /// are not over a local socket end by their keep-alive alone.
    explicit LibvirtWatch(const std::string& uri);
    ~LibvirtWatch();
    LibvirtWatch(const LibvirtWatch&) = delete;

    /// A call that is under way, or a few that belong together: as long as this lives.
    class Call {
    public:
        Call(LibvirtWatch& watch, std::chrono::milliseconds limit);
        ~Call();
        Call(const Call&) = delete;

        bool cut() const { return cut_; } ///< it took too long, and its connection is gone

    private:
        friend class LibvirtWatch;
        LibvirtWatch& watch_;
        std::chrono::steady_clock::time_point until_;
        std::atomic<bool> cut_ = false;
    };

private:
    void watch();
    void cutConnections() const;

    std::string socket_; ///< the path that the URI names, or empty
    std::mutex mutex_;
    std::condition_variable changed_;
    std::list<Call*> calls_;
    bool stopping_ = false;
    std::atomic<bool> ended_ = false;
    int timer_ = -1;
    std::thread events_, limits_;
};

}
