#include "platform/http/session.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <exception>
#include <limits>

#include "platform/ambient/ambient.hpp"
#include "platform/http/request_parser.hpp"
#include "platform/http/websocket.hpp"
#include "platform/log/log.hpp"
#include "platform/workers/fair_workers.hpp"
#include "platform/workers/workers.hpp"

// g++ 12 takes Asio's own way to free a coroutine's frame for a mistake.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace stratolet::http {
namespace {

constexpr std::size_t smallReadBytes = 4 << 10, largeReadBytes = 256 << 10; // asked of the socket at once
constexpr std::size_t uploadPieceBytes = 512 << 10;                         // handed to a sink at once
constexpr std::size_t plainPieceBytes = 8 << 10;  // of a body that isn't streamed, looked at together
constexpr std::size_t skippedBytesMax = 64 << 10; // of an unwanted body, to keep the connection
constexpr std::size_t lingerBytesMax = 4 << 20;   // of an unwanted body, so that the client gets to read our answer
constexpr std::chrono::seconds lingerTime{2};

/// The Date header's value; made once a second.
const std::string& dateNow() {
    static thread_local std::time_t made = 0;
    static thread_local std::string text;
    const auto now = std::time(nullptr);
    if (now != made) {
        std::tm parts{};
        gmtime_r(&now, &parts);
        std::array<char, 40> buffer;
        text.assign(buffer.data(), std::strftime(buffer.data(), buffer.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts));
        made = now;
    }
    return text;
}

std::string headOf(const Response& response, std::optional<std::uint64_t> length, bool keep) {
    std::string head;
    head.reserve(384);
    head.append("HTTP/1.1 ")
        .append(std::to_string(response.status))
        .append(1, ' ')
        .append(reasonOf(response.status))
        .append("\r\n");
    for (const auto& [name, value] : response.headers) {
        head.append(name).append(": ").append(value);
        // A value from a user must not begin a header of its own.
        const auto begin = head.end() - static_cast<std::ptrdiff_t>(value.size());
        head.erase(
            std::remove_if(begin, head.end(), [](char each) { return each == '\r' || each == '\n' || each == '\0'; }),
            head.end());
        head.append("\r\n");
    }
    head.append("Date: ").append(dateNow()).append("\r\n");
    if (length)
        head.append("Content-Length: ").append(std::to_string(*length)).append("\r\n");
    else
        head.append("Transfer-Encoding: chunked\r\n");
    head.append(keep ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
    return head;
}

Error tooMuchBuffered() {
    return Error(Failure::Busy, "The server holds too much at the moment; try again in a moment");
}

bool mayHaveBody(int status) { return status >= 200 && status != 204 && status != 304; }

}

struct Session::Exchange {
    Exchange(std::uint32_t headerBytesMax, std::uint64_t bodyBytesMax) : parser(headerBytesMax, bodyBytesMax) {}
    RequestParser parser;
    Request request;
    Dispatch::Target place;
    bool waitsToGoOn = false; // the client sends no body before it is told to
};

Session::Session(SessionShared& shared, Executor executor, std::unique_ptr<Stream> stream, std::string site,
                 std::string origin, std::string peer, std::unique_ptr<Crowd::Admission> admission)
    : shared_(shared),
      executor_(executor),
      stream_(std::move(stream)),
      site_(std::move(site)),
      origin_(std::move(origin)),
      peer_(std::move(peer)),
      admission_(std::move(admission)) {
    boost::system::error_code gone;
    stream_->socket().set_option(asio::ip::tcp::no_delay(true), gone);
    expect(shared_.options.headerTimeout);
}

void Session::close() {
    boost::system::error_code already;
    stream_->socket().close(already);
}

void Session::tick(Clock::time_point now) {
    if (waitsForWorker_ || now <= deadline_) return;
    if (sends_ && answerMoves())
        expect(shared_.options.stallTimeout);
    else
        close();
}

void Session::closeIfIdle() {
    if (idle_) close();
}

/// What has to come, or to leave, within each stallTimeout.
std::size_t Session::leastBytes() const {
    return std::max<std::size_t>(
        shared_.options.bytesPerSecondLeast * static_cast<std::size_t>(shared_.options.stallTimeout.count()) / 1000, 1);
}

/// From now on a body must come: the least speed is asked of it, and to be there by `end`.
void Session::expectBody(Clock::time_point end) {
    bodyEnd_ = end;
    cameBytes_ = 0;
    deadline_ = std::min(end, Clock::now() + shared_.options.stallTimeout);
}

void Session::bodyCame(std::size_t bytes) {
    cameBytes_ += bytes;
    if (cameBytes_ >= leastBytes()) expectBody(bodyEnd_);
}

/// Whether the client has taken enough of the answer since this was last asked. What the kernel still holds (tcp(7),
/// SIOCOUTQ) has not arrived; it may be megabytes, so a slow client takes them long after we wrote them.
bool Session::answerMoves() {
    int unsent = 0;
    if (::ioctl(stream_->socket().native_handle(), SIOCOUTQ, &unsent) != 0) return false;
    const auto waiting = static_cast<std::uint64_t>(std::max(unsent, 0));
    const auto arrived = sent_ > waiting ? sent_ - waiting : 0;
    const bool moves = arrived >= arrived_ + leastBytes();
    arrived_ = arrived;
    return moves;
}

/// False where the client has hung up. Called on a worker, while this session waits for it and so keeps its socket.
bool Session::clientIsThere() {
    pollfd asked{stream_->socket().native_handle(), POLLRDHUP, 0};
    return ::poll(&asked, 1, 0) == 0;
}

/// Runs `work` on a worker while this coroutine waits. What it throws comes back; Error(Busy) where the workers' queue
/// is full, if it is bounded for this work: what has begun waits instead, and each session waits for one thing only.
Task<void> Session::onWorker(Queue queue, std::function<void()> work) {
    auto failed = std::make_shared<std::exception_ptr>();
    waitsForWorker_ = true;
    const bool taken = co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void(bool)>(
        [&](auto handler) {
            auto resume = std::make_shared<decltype(handler)>(std::move(handler));
            const auto done = [resume, executor = executor_](bool ran) {
                asio::post(executor, [resume, ran] { (*resume)(ran); });
            };
            auto task = [work = std::move(work), failed, done] {
                try {
                    work();
                } catch (...) {
                    *failed = std::current_exception();
                }
                done(true);
            };
            const bool accepted =
                queue == Queue::Costly
                    ? shared_.costly.submit(
                          {peer_, std::move(task), [this] { return clientIsThere(); }, [done] { done(false); }})
                : queue == Queue::Bounded ? shared_.workers.submit(std::move(task))
                                          : shared_.workers.insist(std::move(task));
            if (!accepted) done(false);
        },
        useTask);
    waitsForWorker_ = false;
    expect(shared_.options.stallTimeout);
    if (!taken) throw Error(Failure::Busy, "The server is too busy; try again in a moment");
    if (*failed) std::rethrow_exception(*failed);
}

/// Lets an upload go, on a worker: what it discards is unlinked, and written off in the store.
Task<void> Session::ended(std::unique_ptr<BodySink> sink) {
    if (!sink) co_return;
    try {
        co_await onWorker(Queue::Endless, [&] { sink.reset(); });
    } catch (const Error&) { // the workers have ended with the process; it goes here
    }
}

Task<std::size_t> Session::readMore(std::size_t most) {
    const auto room = pending_.room(std::clamp(most, smallReadBytes, largeReadBytes));
    const auto got = co_await stream_->readSome(asio::buffer(room.data(), room.size()));
    pending_.came(got);
    co_return got;
}

/// False where the client has gone before it said anything.
Task<bool> Session::readHead(RequestParser& parser) {
    idle_ = true;
    expect(shared_.options.idleTimeout);
    std::size_t came = pending_.bytes().size();
    if (pending_.empty()) {
        pending_.shrink(Crowd::Admission::freeBytes);
        if (shared_.draining) co_return false;
        came += co_await readMore();
    }
    expect(shared_.options.headerTimeout); // from the first byte on, however slowly the others come
    idle_ = false;
    for (;;) {
        pending_.drop(parser.feed(pending_.bytes())); // what makes no whole part yet stays
        if (parser.headDone()) co_return true;
        if (!admission_->holds(came)) throw tooMuchBuffered();
        came += co_await readMore();
    }
}

/// Until the body is whole, or `piece` bytes of it have come.
Task<void> Session::readBody(RequestParser& parser, std::size_t piece) {
    for (;;) {
        pending_.drop(parser.feed(pending_.bytes()));
        if (parser.done() || parser.body().size() >= piece) co_return;
        bodyCame(co_await readMore(piece - parser.body().size()));
    }
}

/// "100 Continue" to a client that waits for it (RFC 9110, 10.1.1).
Task<void> Session::sayGoOn(const Exchange& exchange) {
    if (!exchange.waitsToGoOn || !pending_.empty()) co_return;
    constexpr std::string_view go = "HTTP/1.1 100 Continue\r\n\r\n";
    std::uint64_t sent = 0;
    co_await stream_->write({asio::buffer(go), {}}, sent);
}

/// The gate comes before the body: from who may not, to where nothing is, or of what is too large, not a byte of it is
/// kept.
Task<Response> Session::answerPlain(Exchange& exchange) {
    auto& parser = exchange.parser;
    auto& request = exchange.request;
    auto& place = exchange.place;
    if (auto refusal = shared_.dispatch.refused(place, request)) co_return std::move(*refusal);
    const auto begun = Clock::now();
    try {
        parser.limitBody(place.site->bodyBytesMax);
        if (parser.contentLength().value_or(0) > place.site->bodyBytesMax)
            throw Error(Failure::TooLarge, "Request is too large.");
        if (parser.hasBody()) co_await sayGoOn(exchange);
        expectBody(begun + shared_.options.bodyTimeout);
        for (std::size_t room = 0; !parser.done();) {
            auto& body = parser.body();
            if (body.size() + plainPieceBytes + smallReadBytes > room) {
                room = std::max(2 * room, Crowd::Admission::freeBytes);
                if (!admission_->holds(room)) throw tooMuchBuffered();
                body.reserve(room);
            }
            co_await readBody(parser, body.size() + plainPieceBytes);
        }
    } catch (const Error& error) {
        parser.body() = std::string(); // the connection may stay a while
        co_return shared_.dispatch.refuse(place, request, error);
    }
    request.body = std::move(parser.body());
    // Who was let in a while ago may have lost that right meanwhile.
    if (Clock::now() - begun > std::chrono::seconds(1))
        if (auto refusal = shared_.dispatch.refused(place, request)) co_return std::move(*refusal);

    if (Dispatch::runsHere(place, request)) co_return shared_.dispatch.handle(place, request);
    Response response;
    std::optional<Error> busy;
    try {
        const auto queue = place.route->isCostly && place.route->isCostly(request) ? Queue::Costly : Queue::Bounded;
        co_await onWorker(queue, [&] { response = shared_.dispatch.handle(place, request); });
    } catch (const Error& error) {
        busy = error;
    }
    if (busy) co_return shared_.dispatch.refuse(place, request, *busy);
    co_return response;
}

/// An upload waits for workers, however many others do: nobody's load throws it away, and nothing turns its success
/// into a refusal.
Task<Response> Session::answerUpload(Exchange& exchange) {
    auto& parser = exchange.parser;
    auto& request = exchange.request;
    auto& place = exchange.place;
    if (auto refusal = shared_.dispatch.refused(place, request)) co_return std::move(*refusal);
    Response response;
    std::unique_ptr<BodySink> sink;
    std::optional<Error> failed;
    std::exception_ptr broken; // the client has gone
    try {
        co_await onWorker(Queue::Endless, [&] { sink = shared_.dispatch.receive(place, request, response); });
        if (!sink) co_return response;
        if (parser.hasBody()) co_await sayGoOn(exchange);
        // Nobody reads ahead of the disk: TCP holds the client back.
        while (!parser.done()) {
            expectBody();
            const auto most = admission_->holds(uploadPieceBytes) ? uploadPieceBytes : Crowd::Admission::freeBytes;
            co_await readBody(parser, most);
            const std::string piece = std::exchange(parser.body(), {});
            if (!piece.empty())
                co_await onWorker(Queue::Endless, [&] { sink->append(std::as_bytes(std::span(piece))); });
        }
        co_await onWorker(Queue::Endless, [&] { response = shared_.dispatch.finishUpload(place, request, *sink); });
    } catch (const Error& error) {
        failed = error;
    } catch (...) {
        broken = std::current_exception();
    }
    co_await ended(std::move(sink));
    if (broken) std::rethrow_exception(broken);
    if (failed) co_return shared_.dispatch.refuse(place, request, *failed);
    co_return response;
}

Task<void> Session::sendFile(FileBody file) {
    auto& socket = stream_->socket();
    if (stream_->encrypted()) {
        std::string piece(256 << 10, '\0');
        while (file.length > 0) {
            const auto got = ::pread(file.fd.get(), piece.data(), std::min<std::uint64_t>(piece.size(), file.length),
                                     static_cast<off_t>(file.offset));
            if (got <= 0) throw Error(Failure::Broken, "a file became shorter while it was sent");
            file.offset += static_cast<std::uint64_t>(got);
            file.length -= static_cast<std::uint64_t>(got);
            co_await stream_->write({asio::buffer(piece.data(), static_cast<std::size_t>(got)), {}}, sent_);
        }
        co_return;
    }
    socket.native_non_blocking(true);
    auto offset = static_cast<off_t>(file.offset);
    while (file.length > 0) {
        const auto sent =
            ::sendfile(socket.native_handle(), file.fd.get(), &offset, std::min<std::uint64_t>(file.length, 1 << 20));
        if (sent > 0) {
            file.length -= static_cast<std::uint64_t>(sent);
            sent_ += static_cast<std::uint64_t>(sent);
        } else if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            co_await socket.async_wait(asio::socket_base::wait_write, useTask);
        } else {
            throw Error(Failure::Broken, "a file could not be sent whole");
        }
    }
}

/// An empty one is the end.
Task<void> Session::sendChunk(std::string piece) {
    std::array<char, 24> size;
    const auto digits = std::snprintf(size.data(), size.size(), "%zx\r\n", piece.size());
    piece += "\r\n";
    co_await stream_->write({asio::buffer(size.data(), static_cast<std::size_t>(digits)), asio::buffer(piece)}, sent_);
}

Task<void> Session::sendSource(BodySource& source) {
    for (;;) {
        std::string piece;
        co_await onWorker(Queue::Endless, [&] { piece = source.next(); });
        const bool last = piece.empty();
        co_await sendChunk(std::move(piece));
        if (last) co_return;
    }
}

/// Until nothing is left to tell, we end, or the client has lost the right to hear it. A client that is gone is met by
/// a comment now and then (a line that begins with a colon: HTML, server-sent events).
Task<void> Session::sendFeed(Exchange& exchange, const Feed& feed) {
    constexpr std::chrono::milliseconds pause{100};
    constexpr std::chrono::seconds askAgain{1}, commentAfter{15};
    asio::steady_timer timer(executor_);
    auto asked = Clock::now(), told = asked;
    while (!shared_.draining) {
        const auto now = Clock::now();
        if (now - asked >= askAgain) {
            asked = now;
            if (shared_.dispatch.refused(exchange.place, exchange.request)) break;
        }
        auto piece = feed();
        if (!piece) break;
        if (piece->empty() && now - told >= commentAfter) *piece = ": still here\n\n";
        if (!piece->empty()) {
            told = now;
            expect(shared_.options.stallTimeout);
            co_await sendChunk(std::move(*piece));
            continue; // there may be more
        }
        deadline_ = Clock::time_point::max();
        timer.expires_after(pause);
        co_await timer.async_wait(useTask);
    }
    expect(shared_.options.stallTimeout);
    co_await sendChunk({});
}

Task<void> Session::send(Exchange& exchange, Response response, bool keep) {
    std::optional<std::uint64_t> length = response.body.size();
    if (response.file) length = response.file->length;
    if (response.source || response.feed) length.reset();
    std::string head = headOf(response, mayHaveBody(response.status) ? length : std::optional<std::uint64_t>(0), keep);
    sent_ = arrived_ = 0;
    sends_ = true;
    expect(shared_.options.stallTimeout);
    const bool headOnly = exchange.request.method == Method::Head || !mayHaveBody(response.status);
    co_await stream_->write({asio::buffer(head), headOnly ? asio::const_buffer() : asio::buffer(response.body)}, sent_);
    if (!headOnly && response.file) co_await sendFile(std::move(*response.file));
    if (!headOnly && response.source) co_await sendSource(*response.source);
    if (!headOnly && response.feed) co_await sendFeed(exchange, response.feed);
    sends_ = false;
}

/// Takes what the client still sends of a body that nobody wants: all of a small one, so that the connection can serve
/// another request, or some of it, so that closing does not throw our answer away with it.
Task<void> Session::leaveRest(RequestParser& parser, bool keep) {
    if (!keep) {
        co_await linger();
        co_return;
    }
    parser.limitBody(std::numeric_limits<std::uint64_t>::max());
    expectBody(Clock::now() + shared_.options.bodyTimeout);
    while (!parser.done()) {
        co_await readBody(parser, plainPieceBytes);
        parser.body().clear();
    }
}

Task<void> Session::linger() {
    boost::system::error_code ignored;
    stream_->socket().shutdown(asio::socket_base::shutdown_send, ignored);
    expect(lingerTime);
    for (std::size_t taken = 0; taken < lingerBytesMax;) {
        pending_.clear();
        taken += co_await readMore();
    }
    asio::steady_timer pause(executor_, lingerTime);
    co_await pause.async_wait(useTask);
}

Task<void> Session::waits(std::chrono::milliseconds time) {
    deadline_ = Clock::time_point::max();
    asio::steady_timer timer(executor_, time);
    co_await timer.async_wait(useTask);
    expect(shared_.options.stallTimeout);
}

/// False where the connection has served its last request.
Task<bool> Session::serveOne() {
    Exchange exchange(shared_.options.headerBytesMax, shared_.options.headerBytesMax);
    auto& parser = exchange.parser;
    auto& request = exchange.request;
    auto& place = exchange.place;
    Response response;
    bool understood = false;
    try {
        if (!co_await readHead(parser)) co_return false;
        understood = true;
    } catch (const Error& error) {
        request.requestId = "req-" + shared_.ambient.uuid();
        response = shared_.dispatch.refuse(place, request, error);
    }
    if (understood) {
        exchange.waitsToGoOn = parser.expectsContinue();
        request.method = methodOf(parser.methodName());
        request.headers = std::move(parser.headers());
        request.contentLength = parser.contentLength();
        request.peer = peer_;
        request.origin = origin_;
        place = shared_.dispatch.prepare(request, parser.target(), site_);
        if (const auto time = shared_.dispatch.holds(place, request); time.count() > 0) co_await waits(time);
        const bool upload = place.route && std::holds_alternative<Upload>(place.route->handler);
        if (upload) parser.limitBody(std::numeric_limits<std::uint64_t>::max());
        // Not in one expression: g++ 12 runs both sides of a conditional with co_await in it.
        if (upload)
            response = co_await answerUpload(exchange);
        else
            response = co_await answerPlain(exchange);
        if (!admission_->holds(response.body.size()) &&
            (request.method == Method::Get || request.method == Method::Head))
            response = shared_.dispatch.refuse(place, request, tooMuchBuffered());
    }
    shared_.dispatch.complete(place, request, response);
    const bool restIsSmall =
        understood && !exchange.waitsToGoOn && request.contentLength.value_or(skippedBytesMax + 1) <= skippedBytesMax;
    if (response.relay) {
        Relay with = std::move(*response.relay);
        co_await relay(response, std::move(with));
        co_return false;
    }
    // Who wanted a websocket and gets none has no other request.
    const bool keep = understood && !response.feed && (parser.done() || restIsSmall) && parser.keepAlive() &&
                      !shared_.draining && !asksForWebsocket(request);
    // Behind the requests that have come meanwhile: to wake a client that sleeps is dear, and one waking then serves
    // all answers of a round.
    co_await asio::post(executor_, useTask);
    co_await send(exchange, std::move(response), keep);
    admission_->holds(0);
    if (!understood || !parser.done()) co_await leaveRest(parser, keep);
    co_return keep;
}

Task<void> Session::run() {
    try {
        co_await stream_->handshake();
        while (co_await serveOne()) {
        }
    } catch (const boost::system::system_error&) { // the other end has gone, or took too long
    } catch (const std::exception& problem) {
        shared_.log.warning("connection dropped", {{"peer", peer_}, {"reason", problem.what()}});
    }
    boost::system::error_code already;
    stream_->socket().shutdown(asio::socket_base::shutdown_both, already);
    close();
}

}
