#pragma once

#include <atomic>
#include <chrono>
#include <list>
#include <memory>
#include <string>

#include "platform/http/admission.hpp"
#include "platform/http/dispatch.hpp"
#include "platform/http/incoming.hpp"
#include "platform/http/server.hpp"
#include "platform/http/stream.hpp"

namespace stratolet::http {

/// What all sessions of one I/O thread share.
struct SessionShared {
    Dispatch& dispatch;
    Workers& workers;
    FairWorkers& costly;
    Ambient& ambient;
    Log& log;
    const ServerOptions& options;
    std::atomic<bool>& draining;
};

/// One connection: requests one after the other, until either side has enough. Lives on one I/O thread; only handlers
/// go elsewhere.
class Session {
public:
    Session(SessionShared& shared, Executor executor, std::unique_ptr<Stream> stream, std::string site,
            std::string origin, std::string peer, std::unique_ptr<Crowd::Admission> admission);

    Task<void> run();

    using Clock = std::chrono::steady_clock;

    /// Called by the thread's ticker: a session that is past its deadline, or too slow, is closed.
    void tick(Clock::time_point now);
    void closeIfIdle();

private:
    struct Exchange;
    enum class Queue { Bounded, Endless, Costly };
    Task<bool> serveOne();
    Task<bool> readHead(class RequestParser& parser);
    Task<void> readBody(class RequestParser& parser, std::size_t piece);
    Task<void> sayGoOn(const Exchange& exchange);
    Task<Response> answerPlain(Exchange& exchange);
    Task<Response> answerUpload(Exchange& exchange);
    Task<void> send(Exchange& exchange, Response response, bool keep);
    Task<void> sendFile(FileBody file);
    Task<void> sendChunk(std::string piece);
    Task<void> sendSource(BodySource& source);
    Task<void> sendFeed(Exchange& exchange, const Feed& feed);
    Task<void> waits(std::chrono::milliseconds time);
    Task<void> leaveRest(class RequestParser& parser, bool keep);
    Task<void> linger();
    class Relaying;
    Task<void> relay(const Response& head, Relay with);
    Task<std::size_t> readMore(std::size_t most = 0);
    Task<void> onWorker(Queue queue, std::function<void()> work);
    Task<void> ended(std::unique_ptr<BodySink> sink);
    bool clientIsThere();
    void expect(std::chrono::milliseconds patience) { deadline_ = Clock::now() + patience; }
    void expectBody(Clock::time_point end = Clock::time_point::max());
    void bodyCame(std::size_t bytes);
    bool answerMoves();
    std::size_t leastBytes() const;
    void close();

    SessionShared& shared_;
    Executor executor_;
    std::unique_ptr<Stream> stream_;
    std::string site_, origin_, peer_;
    std::unique_ptr<Crowd::Admission> admission_;
    Incoming pending_;
    Clock::time_point deadline_;
    Clock::time_point bodyEnd_; // of a body that isn't streamed
    std::size_t cameBytes_ = 0; // of a body, since its deadline was last set
    std::uint64_t sent_ = 0,
                  arrived_ =
                      0; // of an answer: given to the kernel, and taken by the client when the deadline was last set
    bool idle_ = true;
    bool sends_ = false;
    bool waitsForWorker_ = false; // no deadline: the worker has its own
};

}
