#include "platform/http/server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <list>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "platform/http/admission.hpp"
#include "platform/http/session.hpp"
#include "platform/http/stream.hpp"
#include "platform/log/log.hpp"
#include "platform/metrics/metrics.hpp"
#include "platform/workers/fair_workers.hpp"

namespace stratolet::http {
namespace {

using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

/// One I/O thread with its sessions.
struct Loop {
    asio::io_context context{1};
    asio::executor_work_guard<Executor> guard{context.get_executor()};
    asio::steady_timer ticker{context};
    std::list<Session> sessions;
    std::thread thread;
    std::atomic<Session::Clock::time_point> turned = Session::Clock::now();

    void tick() {
        turned = Session::Clock::now();
        ticker.expires_after(std::chrono::milliseconds(500));
        ticker.async_wait([this](boost::system::error_code stopped) {
            if (stopped) return;
            const auto now = Session::Clock::now();
            for (auto& each : sessions) each.tick(now);
            tick();
        });
    }
};

struct Listener {
    std::unique_ptr<Acceptor> acceptor;
    std::string site, origin, place;
    Crowd& crowd;
    bool adopted;
    bool local = false; ///< of this machine: it has no addresses
};

/// Whether a process of root, or of the user that we are, is at the other end (unix(7), SO_PEERCRED).
bool isOurs(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == ::geteuid());
}

/// The address of the other end, an IPv4 one as such whatever socket it came through; empty where it has gone already.
std::string peerOf(const Socket& socket) {
    boost::system::error_code gone;
    auto address = socket.remote_endpoint(gone).address();
    if (gone) return {};
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    return address.to_string();
}

}

struct Server::Impl {
    ServerOptions options;
    Workers& workers;
    Ambient& ambient;
    Log& log;
    std::atomic<bool> draining = false;
    Dispatch dispatch;
    SessionShared shared;
    Buffers buffers;
    std::list<Crowd> crowds; // one a listener; outlive the sessions
    std::vector<std::unique_ptr<Loop>> loops;
    std::list<Listener>
        listeners; // these and the list of crowds: touched on the first loop's thread only, once started
    std::mutex tlsMutex;
    std::shared_ptr<const TlsContext> tls;
    std::atomic<std::size_t> connections = 0, adoptedConnections = 0, next = 0;
    std::size_t turnedAway = 0; // since the log last said so
    std::chrono::steady_clock::time_point turnedAwayLogged{};
    FairWorkers costly;
    bool started = false;

    Impl(ServerOptions given, Workers& givenWorkers, Ambient& givenAmbient, Log& givenLog, Metrics& metrics)
        : options(std::move(given)),
          workers(givenWorkers),
          ambient(givenAmbient),
          log(givenLog),
          dispatch(givenAmbient, givenLog, metrics),
          shared{dispatch, workers, costly, ambient, log, options, draining},
          buffers{options.bufferedBytesMax, options.bufferedBytesPerPeerMax},
          costly("costly", options.costlyThreads, options.costlyQueue) {
        for (int each = 0; each < std::max(1, options.threads); ++each) loops.push_back(std::make_unique<Loop>());
        metrics.gauge("stratolet_http_connections", "Open connections",
                      [this] { return static_cast<double>(connections.load()); });
        if (!options.certificateFile.empty())
            tls = std::make_shared<const TlsContext>(options.certificateFile, options.keyFile);
    }

    std::shared_ptr<const TlsContext> tlsNow() {
        const std::lock_guard guard(tlsMutex);
        return tls;
    }

    /// A connection that has its place, on its way to a loop. Only what is handed on lives longer than this.
    struct Arrival {
        int fd;
        asio::ip::tcp protocol;
        std::string site, origin, peer;
        std::unique_ptr<Crowd::Admission> admission;
        bool adopted, local;
    };

    void leave(bool adopted) {
        --connections;
        if (adopted) --adoptedConnections;
    }

    void welcome(Arrival arrival) {
        auto& loop = *loops[next++ % loops.size()];
        asio::post(loop.context, [this, &loop, arrival = std::move(arrival)]() mutable {
            Socket socket(loop.context);
            boost::system::error_code problem;
            socket.assign(arrival.protocol, arrival.fd, problem);
            const bool adopted = arrival.adopted;
            if (problem) return leave(adopted);
            const auto context = adopted || arrival.local ? nullptr : tlsNow();
            auto stream = context ? context->stream(std::move(socket)) : plainStream(std::move(socket));
            loop.sessions.emplace_front(shared, loop.context.get_executor(), std::move(stream), std::move(arrival.site),
                                        std::move(arrival.origin), std::move(arrival.peer),
                                        std::move(arrival.admission));
            const auto session = loop.sessions.begin();
            asio::co_spawn(loop.context.get_executor(), session->run(),
                           [this, &loop, session, adopted](std::exception_ptr) {
                               loop.sessions.erase(session);
                               leave(adopted);
                           });
        });
    }

    /// Takes the connection in, or closes it where its listener, or its peer there, has as many as it may.
    void admit(Listener& listener, Socket socket) {
        const bool adopted = listener.adopted;
        if (listener.local && !isOurs(socket.native_handle())) return turnAway(listener, "another user");
        const auto peer = listener.local ? std::string("local") : peerOf(socket);
        auto admission = adopted && adoptedConnections >= options.connectionsMax ? nullptr : listener.crowd.admit(peer);
        if (!admission) return turnAway(listener, peer);
        boost::system::error_code problem;
        // Of a socket without addresses the library needs none: it reads and writes what is a stream.
        const auto protocol = listener.local ? asio::ip::tcp::v4() : socket.local_endpoint(problem).protocol();
        if (problem) return;
        const int fd = socket.release(problem);
        if (problem) return;
        ++connections;
        if (adopted) ++adoptedConnections;
        welcome({fd, protocol, listener.site, listener.origin, peer, std::move(admission), adopted, listener.local});
    }

    /// The log hears of it once in ten seconds: it is the attacker who sets the pace.
    void turnAway(const Listener& listener, const std::string& peer) {
        ++turnedAway;
        const auto now = std::chrono::steady_clock::now();
        if (now - turnedAwayLogged < std::chrono::seconds(10)) return;
        log.warning("too many connections, some were turned away",
                    {{"count", std::to_string(turnedAway)}, {"peer", peer}, {"network", listener.origin}});
        turnedAwayLogged = now;
        turnedAway = 0;
    }

    void accept(Listener& listener) {
        listener.acceptor->async_accept([this, &listener](boost::system::error_code problem, Socket socket) {
            if (problem == asio::error::operation_aborted || !listener.acceptor->is_open()) return;
            if (problem && problem != asio::error::connection_aborted) { // out of descriptors, say: not in a hurry
                auto pause =
                    std::make_shared<asio::steady_timer>(loops.front()->context, std::chrono::milliseconds(100));
                pause->async_wait([this, &listener, pause](boost::system::error_code) { accept(listener); });
                return;
            }
            if (!problem) admit(listener, std::move(socket));
            accept(listener);
        });
    }

    /// Runs on the loop's thread (or here, before it has one) and waits.
    template <class Work> void onLoop(Loop& loop, Work work) {
        if (!loop.thread.joinable()) return work();
        std::promise<void> done;
        asio::post(loop.context, [&] {
            work();
            done.set_value();
        });
        done.get_future().wait();
    }

    std::unique_ptr<Acceptor> acceptorOf(Fd listening) {
        int family = AF_INET;
        socklen_t size = sizeof family;
        ::getsockopt(listening.get(), SOL_SOCKET, SO_DOMAIN, &family, &size);
        return std::make_unique<Acceptor>(loops.front()->context.get_executor(),
                                          family == AF_INET6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(),
                                          listening.release());
    }

    /// A public listener; returns its port.
    std::uint16_t openToAll(std::unique_ptr<Acceptor> acceptor, const std::string& site) {
        const auto port = acceptor->local_endpoint().port();
        auto& crowd = crowds.emplace_back(buffers, options.connectionsMax, options.connectionsPerPeerMax);
        listeners.push_back({std::move(acceptor), site, {}, {}, crowd, false});
        return port;
    }

    void closeIdle() {
        for (auto& loop : loops)
            onLoop(*loop, [&] {
                for (auto& each : loop->sessions) each.closeIfIdle();
            });
    }

    void stopLoops() {
        for (auto& each : loops) {
            onLoop(*each, [&] { each->ticker.cancel(); });
            each->guard.reset();
            each->context.stop();
            if (each->thread.joinable()) each->thread.join();
        }
    }
};

Server::Server(ServerOptions options, Workers& workers, Ambient& ambient, Log& log, Metrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), workers, ambient, log, metrics)) {}

Server::~Server() {
    drain(std::chrono::milliseconds(0));
    impl_->stopLoops();
}

void Server::announce(std::string endpoint) { impl_->dispatch.announce(std::move(endpoint)); }
void Server::tellAnswers(Dispatch::Hears hears) { impl_->dispatch.tell(std::move(hears)); }
void Server::refuseFirst(Dispatch::RefuseFirst refuse) { impl_->dispatch.refuseFirst(std::move(refuse)); }
void Server::holdFirst(Dispatch::HoldFirst hold) { impl_->dispatch.holdFirst(std::move(hold)); }
void Server::readWithin(std::function<void(const std::function<void()>& handler)> around) {
    impl_->dispatch.readWithin(std::move(around));
}

void Server::add(Site site, std::string onlyFrom) { impl_->dispatch.add(std::move(site), std::move(onlyFrom)); }
const std::vector<Site>& Server::sites() const { return impl_->dispatch.sites(); }

std::uint16_t Server::listen(const std::string& address, std::uint16_t port, const std::string& site) {
    boost::system::error_code problem;
    const auto parsed = asio::ip::make_address(address, problem);
    if (problem) throw Error(Failure::Invalid, "\"", address, "\" is no address to listen on");
    auto acceptor = std::make_unique<Acceptor>(impl_->loops.front()->context.get_executor());
    const asio::ip::tcp::endpoint endpoint(parsed, port);
    acceptor->open(endpoint.protocol());
    acceptor->set_option(asio::socket_base::reuse_address(true));
    if (parsed.is_v6()) acceptor->set_option(asio::ip::v6_only(!parsed.is_unspecified()));
    acceptor->bind(endpoint, problem);
    if (!problem) acceptor->listen(1024, problem);
    if (problem) throw Error(Failure::Invalid, "cannot listen on ", address, " port ", port, ": ", problem.message());
    return impl_->openToAll(std::move(acceptor), site);
}

std::uint16_t Server::listen(Listening handedOver) {
    return impl_->openToAll(impl_->acceptorOf(std::move(handedOver.socket)), handedOver.site);
}

void Server::adopt(Fd listening, std::string origin, std::string site, std::string place) {
    auto& loop = *impl_->loops.front();
    impl_->onLoop(loop, [&] {
        auto acceptor = impl_->acceptorOf(std::move(listening));
        const auto most = impl_->options.connectionsPerPlaceMax;
        auto& crowd = impl_->crowds.emplace_back(impl_->buffers, most, std::max<std::size_t>(most / 4, 1));
        impl_->listeners.push_back(
            {std::move(acceptor), std::move(site), std::move(origin), std::move(place), crowd, true});
        if (impl_->started) impl_->accept(impl_->listeners.back());
    });
}

void Server::listenLocally(const std::filesystem::path& socket, std::string origin) {
    const auto doing = "listen at " + socket.string();
    // By way of its folder's descriptor: an address has 108 bytes, a path may have more.
    const Fd folder(
        static_cast<int>(check(::open(socket.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), doing)));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto place = "/proc/self/fd/" + std::to_string(folder.get()) + "/" + socket.filename().string();
    if (place.size() >= sizeof address.sun_path)
        throw Error(Failure::Broken, "could not ", doing, ": its name is too long");
    place.copy(address.sun_path, place.size());
    Fd listening(static_cast<int>(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), doing)));
    ::unlink(place.c_str());
    check(::fchmod(listening.get(), 0600), doing); // what bind(2) makes its file with
    check(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), doing);
    check(::listen(listening.get(), 64), doing);
    auto acceptor = std::make_unique<Acceptor>(impl_->loops.front()->context.get_executor(), asio::ip::tcp::v4(),
                                               listening.release());
    const auto& options = impl_->options;
    auto& crowd =
        impl_->crowds.emplace_back(impl_->buffers, options.connectionsPerPlaceMax, options.connectionsPerPlaceMax);
    impl_->listeners.push_back({std::move(acceptor), {}, std::move(origin), {}, crowd, false, true});
}

void Server::forget(const std::string& place) {
    impl_->onLoop(*impl_->loops.front(), [&] {
        for (auto& each : impl_->listeners) {
            boost::system::error_code already;
            if (each.place == place)
                each.acceptor->close(already); // the entry stays until the end: its pending accept still names it
        }
    });
}

void Server::start() {
    impl_->started = true;
    for (auto& each : impl_->listeners) impl_->accept(each);
    for (auto& each : impl_->loops) {
        each->tick();
        each->thread = std::thread([&loop = *each] {
            ::pthread_setname_np(::pthread_self(), "http");
            loop.context.run();
        });
    }
}

std::vector<Listening> Server::handOver() {
    impl_->draining = true;
    std::vector<Listening> given;
    impl_->onLoop(*impl_->loops.front(), [&] {
        for (auto& each : impl_->listeners) {
            if (each.adopted || each.local || !each.acceptor->is_open()) continue;
            boost::system::error_code problem;
            const int fd = each.acceptor->release(problem); // closed, it would stay known to a poll of ours
            if (!problem) given.push_back({Fd(fd), each.site});
        }
    });
    impl_->closeIdle();
    return given;
}

void Server::drain(std::chrono::milliseconds patience) {
    impl_->draining = true;
    impl_->onLoop(*impl_->loops.front(), [&] {
        for (auto& each : impl_->listeners) {
            boost::system::error_code already;
            each.acceptor->close(already);
        }
    });
    const auto until = std::chrono::steady_clock::now() + patience;
    do {
        impl_->closeIdle();
        if (impl_->connections == 0) break;
        if (patience.count() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    } while (std::chrono::steady_clock::now() < until);
    impl_->costly.finish(); // what the handlers work on goes before this does
}

bool Server::turns(std::chrono::milliseconds within) const {
    const auto now = Session::Clock::now();
    return std::all_of(impl_->loops.begin(), impl_->loops.end(),
                       [&](const auto& each) { return now - each->turned.load() <= within; });
}

void Server::reloadCertificate() {
    if (impl_->options.certificateFile.empty()) return;
    auto fresh = std::make_shared<const TlsContext>(impl_->options.certificateFile, impl_->options.keyFile);
    const std::lock_guard guard(impl_->tlsMutex);
    impl_->tls = std::move(fresh);
}

Response Server::handle(Request request, const std::string& site) {
    auto& dispatch = impl_->dispatch;
    const std::string target =
        request.queryText.empty() ? request.path : request.path + "?" + std::exchange(request.queryText, {});
    const auto place = dispatch.prepare(request, target, site);
    std::this_thread::sleep_for(dispatch.holds(place, request));
    Response response;
    if (auto refusal = dispatch.refused(place, request)) {
        response = std::move(*refusal);
    } else if (std::holds_alternative<Upload>(place.route->handler)) {
        if (const auto sink = dispatch.receive(place, request, response)) {
            sink->append(std::as_bytes(std::span(request.body)));
            response = dispatch.finishUpload(place, request, *sink);
        }
    } else if (place.site->bodyBytesMax < request.body.size()) {
        response = dispatch.refuse(place, request, Error(Failure::TooLarge, "Request is too large."));
    } else {
        response = dispatch.handle(place, request);
    }
    dispatch.complete(place, request, response);
    return response;
}

}
