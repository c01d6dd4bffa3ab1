#include "platform/http/server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <pthread.h>
#include <sys/socket.h>

#include <future>
#include <list>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "platform/http/session.hpp"
#include "platform/http/stream.hpp"
#include "platform/log/log.hpp"
#include "platform/metrics/metrics.hpp"

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

    void tick() {
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
};

}

struct Server::Impl {
    ServerOptions options;
    Workers& workers;
    Ambient& ambient;
    Log& log;
    std::atomic<bool> draining = false;
    Dispatch dispatch;
    SessionShared shared;
    std::vector<std::unique_ptr<Loop>> loops;
    std::list<Listener> listeners; // touched on the first loop's thread only, once started
    std::mutex tlsMutex;
    std::shared_ptr<const TlsContext> tls;
    std::atomic<std::size_t> connections = 0, next = 0;
    bool started = false;

    Impl(ServerOptions given, Workers& givenWorkers, Ambient& givenAmbient, Log& givenLog, Metrics& metrics)
        : options(std::move(given)),
          workers(givenWorkers),
          ambient(givenAmbient),
          log(givenLog),
          dispatch(givenAmbient, givenLog, metrics),
          shared{dispatch, workers, ambient, log, options, draining} {
        for (int each = 0; each < std::max(1, options.threads); ++each) loops.push_back(std::make_unique<Loop>());
        metrics.gauge("stratolet_http_connections", "Open connections", [this] { return static_cast<double>(connections.load()); });
        if (!options.certificateFile.empty()) tls = std::make_shared<const TlsContext>(options.certificateFile, options.keyFile);
    }

    std::shared_ptr<const TlsContext> tlsNow() {
        const std::lock_guard guard(tlsMutex);
        return tls;
    }

    void welcome(int fd, const asio::ip::tcp& protocol, const std::string& site, const std::string& origin) {
        auto& loop = *loops[next++ % loops.size()];
        asio::post(loop.context, [this, &loop, fd, protocol, site, origin] {
            Socket socket(loop.context);
            boost::system::error_code problem;
            socket.assign(protocol, fd, problem);
            if (problem) {
                --connections;
                return;
            }
            const auto context = origin.empty() ? tlsNow() : nullptr;
            auto stream = context ? context->stream(std::move(socket)) : plainStream(std::move(socket));
            loop.sessions.emplace_front(shared, loop.context.get_executor(), std::move(stream), site, origin);
            const auto session = loop.sessions.begin();
            asio::co_spawn(loop.context.get_executor(), session->run(), [this, &loop, session](std::exception_ptr) {
                loop.sessions.erase(session);
                --connections;
            });
        });
    }

    void accept(Listener& listener) {
        listener.acceptor->async_accept([this, &listener](boost::system::error_code problem, Socket socket) {
            if (problem == asio::error::operation_aborted || !listener.acceptor->is_open()) return;
            if (!problem) {
                const auto protocol = socket.local_endpoint(problem).protocol();
                if (connections.load() >= options.connectionsMax) {
                    log.warning("too many connections, one was turned away");
                } else if (!problem) {
                    const int fd = socket.release(problem);
                    if (!problem) {
                        ++connections;
                        welcome(fd, protocol, listener.site, listener.origin);
                    }
                }
            } else { // out of descriptors, say: not in a hurry
                auto pause = std::make_shared<asio::steady_timer>(loops.front()->context, std::chrono::milliseconds(100));
                pause->async_wait([this, &listener, pause](boost::system::error_code) { accept(listener); });
                return;
            }
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

void Server::add(Site site) { impl_->dispatch.add(std::move(site)); }
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
    const auto taken = acceptor->local_endpoint().port();
    impl_->listeners.push_back({std::move(acceptor), site, {}, {}});
    return taken;
}

void Server::adopt(Fd listening, std::string origin, std::string site, std::string place) {
    auto& loop = *impl_->loops.front();
    impl_->onLoop(loop, [&] {
        int family = AF_INET;
        socklen_t size = sizeof family;
        ::getsockopt(listening.get(), SOL_SOCKET, SO_DOMAIN, &family, &size);
        auto acceptor = std::make_unique<Acceptor>(loop.context.get_executor(),
                                                   family == AF_INET6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), listening.release());
        impl_->listeners.push_back({std::move(acceptor), std::move(site), std::move(origin), std::move(place)});
        if (impl_->started) impl_->accept(impl_->listeners.back());
    });
}

void Server::forget(const std::string& place) {
    impl_->onLoop(*impl_->loops.front(), [&] {
        for (auto& each : impl_->listeners) {
            boost::system::error_code already;
            if (each.place == place) each.acceptor->close(already); // the entry stays until the end: its pending accept still names it
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
        for (auto& loop : impl_->loops)
            impl_->onLoop(*loop, [&] {
                for (auto& each : loop->sessions) each.closeIfIdle();
            });
        if (impl_->connections == 0) return;
        if (patience.count() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    } while (std::chrono::steady_clock::now() < until);
}

void Server::reloadCertificate() {
    if (impl_->options.certificateFile.empty()) return;
    auto fresh = std::make_shared<const TlsContext>(impl_->options.certificateFile, impl_->options.keyFile);
    const std::lock_guard guard(impl_->tlsMutex);
    impl_->tls = std::move(fresh);
}

Response Server::handle(Request request, const std::string& site) {
    auto& dispatch = impl_->dispatch;
    const std::string target = request.queryText.empty() ? request.path : request.path + "?" + std::exchange(request.queryText, {});
    const auto place = dispatch.prepare(request, target, site, false);
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
