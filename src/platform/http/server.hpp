#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/http/http.hpp"

namespace stratolet {
class Ambient;
class Log;
class FairWorkers;
class Metrics;
class Workers;
}

namespace stratolet::http {

/// Bounds and times of all connections together.
struct ServerOptions {
    int threads = 2;
    std::size_t connectionsMax = 4096;        ///< of one listener, and of all adopted ones together
    std::size_t connectionsPerPeerMax = 1024; ///< of one listener and one address of a client (IPv6: one /64)
    std::size_t connectionsPerPlaceMax = 64;  ///< of one adopted listener; a quarter of them at most from one peer
    std::size_t costlyThreads = 1;            ///< of the lane for requests that are costly (Route::isCostly)
    std::size_t costlyQueue = 16;             ///< how many may wait there: some seconds' work
    std::uint32_t headerBytesMax = 64 << 10;
    std::size_t bufferedBytesMax = 64 << 20,
                bufferedBytesPerPeerMax = 16 << 20; ///< what connections hold beyond 16 KiB each; then 503
    std::chrono::milliseconds headerTimeout =
        std::chrono::seconds(20); ///< from the first byte of a request to the end of its header
    std::chrono::milliseconds idleTimeout = std::chrono::seconds(75);  ///< between requests
    std::chrono::milliseconds stallTimeout = std::chrono::seconds(60); ///< a body that makes no progress, either way
    std::chrono::milliseconds bodyTimeout =
        std::chrono::seconds(60);              ///< from the head of a request to the end of a body that isn't streamed
    std::size_t bytesPerSecondLeast = 1 << 10; ///< of a body, over each stallTimeout, either way
    std::string certificateFile = {}, keyFile = {}; ///< both empty: plain HTTP
};

/// A socket that listens; `site` names the one that is served at its root, empty serves all by prefix.
struct Listening {
    Fd socket;
    std::string site;
};

/// One listener (or several) for all sites: sessions on a few I/O threads, handlers there or on the workers.
class Server {
public:
    Server(ServerOptions options, Workers& workers, Ambient& ambient, Log& log, Metrics& metrics);
    ~Server();

    /// Before start(). `onlyFrom`: the origin of the requests (see listenLocally) that alone reach it; empty: all do.
    void add(Site site, std::string onlyFrom = {});

    /// See Dispatch::readWithin(); before start().
    void readWithin(std::function<void(const std::function<void()>& handler)> around);

    /// See Dispatch::tell(); before start().
    void tellAnswers(std::function<void(const Site& site, const Request& request, const Response& response)> hears);

    /// See Dispatch::refuseFirst(); before start().
    void refuseFirst(std::function<std::optional<int>(const Site& site, const Request& request)> refuse);

    /// See Dispatch::holdFirst(); before start().
    void holdFirst(std::function<std::chrono::milliseconds(const Site& site, const Request& request)> hold);

    /// The public address of it all, which links begin with. Before start().
    void announce(std::string endpoint);

    /// Binds and listens, accepting from start() on. Port 0 takes a free one. `site` names one site that is served at
    /// the root here (a classic port); empty serves all by prefix. Returns the port.
    std::uint16_t listen(const std::string& address, std::uint16_t port, const std::string& site = "");

    /// The same from a socket that another server has handed over.
    std::uint16_t listen(Listening handedOver);

    /// Accepts from a socket that listens already (in another namespace, say); requests carry `origin` and go to `site`
    /// only. Any time. `place` is this socket's own name. Its connections are counted apart from those of the public
    /// listeners.
    void adopt(Fd listening, std::string origin, std::string site, std::string place);

    /// Listens at a socket of this machine (unix(7)) that nobody but its owner can open, in place of one that is left
    /// from before; requests carry `origin` and go to all sites by prefix. A peer that is neither root nor the user
    /// that we are is turned away. Before start(). Error(Broken) where the socket can't be made; its file stays.
    void listenLocally(const std::filesystem::path& socket, std::string origin);

    /// Closes the socket that adopt() was given under this name.
    void forget(const std::string& place);

    void start();

    /// Gives the public listeners away as they are: who connects from now on waits until somebody listens again. No
    /// request that comes after this one is served here; those that are being served are. Not on an I/O thread.
    std::vector<Listening> handOver();

    /// Stops accepting, lets requests end (up to `patience`), closes idle connections.
    void drain(std::chrono::milliseconds patience);

    /// Whether each I/O thread has done something within this time: they do twice a second, whoever asks. Any thread.
    bool turns(std::chrono::milliseconds within) const;

    /// Reads certificate and key again; the old ones stay where the new are broken (Error).
    void reloadCertificate();

    /// What a request gets, without a socket: the whole way through router, gate and handler. For tests, and for who
    /// speaks for somebody in this process; on a thread that may wait.
    Response handle(Request request, const std::string& site = "");

    const std::vector<Site>& sites() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
