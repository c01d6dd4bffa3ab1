#include "platform/http/session.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <exception>
#include <limits>

#include "platform/ambient/ambient.hpp"
#include "platform/http/request_parser.hpp"
#include "platform/log/log.hpp"
#include "platform/workers/workers.hpp"

namespace stratolet::http {
namespace {

constexpr std::size_t smallReadBytes = 4 << 10, largeReadBytes = 256 << 10; // asked of the socket at once
constexpr std::size_t uploadPieceBytes = 512 << 10;                         // handed to a sink at once
constexpr std::size_t lingerBytesMax = 4 << 20; // of an unwanted body, so that the client gets to read our answer

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
    head.append("HTTP/1.1 ").append(std::to_string(response.status)).append(1, ' ').append(reasonOf(response.status)).append("\r\n");
    for (const auto& [name, value] : response.headers) {
        head.append(name).append(": ").append(value);
        // A value from a user must not begin a header of its own.
        const auto begin = head.end() - static_cast<std::ptrdiff_t>(value.size());
        head.erase(std::remove_if(begin, head.end(), [](char each) { return each == '\r' || each == '\n'; }), head.end());
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

bool mayHaveBody(int status) { return status >= 200 && status != 204 && status != 304; }

}

struct Session::Exchange {
    Exchange(std::uint32_t headerBytesMax, std::uint64_t bodyBytesMax) : parser(headerBytesMax, bodyBytesMax) {}
    RequestParser parser;
    Request request;
    Dispatch::Target place;
};

Session::Session(SessionShared& shared, Executor executor, std::unique_ptr<Stream> stream, std::string site, std::string origin)
    : shared_(shared),
      executor_(executor),
      stream_(std::move(stream)),
      site_(std::move(site)),
      origin_(std::move(origin)) {
    boost::system::error_code gone;
    const auto peer = stream_->socket().remote_endpoint(gone);
    if (!gone) {
        auto address = peer.address();
        if (address.is_v6() && address.to_v6().is_v4_mapped()) address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
        peer_ = address.to_string();
    }
    stream_->socket().set_option(asio::ip::tcp::no_delay(true), gone);
    expect(shared_.options.headerTimeout);
}

void Session::close() {
    boost::system::error_code already;
    stream_->socket().close(already);
}

void Session::tick(Clock::time_point now) {
    if (!waitsForWorker_ && now > deadline_) close();
}

void Session::closeIfIdle() {
    if (idle_) close();
}

/// Runs `work` on a worker while this coroutine waits; Error(Busy) where the workers' queue is full. What it throws comes back.
Task<void> Session::onWorker(std::function<void()> work) {
    auto failed = std::make_shared<std::exception_ptr>();
    waitsForWorker_ = true;
    const bool taken = co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void(bool)>(
        [&](auto handler) {
            auto resume = std::make_shared<decltype(handler)>(std::move(handler));
            const auto done = [resume, executor = executor_](bool ran) { asio::post(executor, [resume, ran] { (*resume)(ran); }); };
            const bool accepted = shared_.workers.submit([work = std::move(work), failed, done] {
                try {
                    work();
                } catch (...) {
                    *failed = std::current_exception();
                }
                done(true);
            });
            if (!accepted) done(false);
        },
        useTask);
    waitsForWorker_ = false;
    expect(shared_.options.stallTimeout);
    if (!taken) throw Error(Failure::Busy, "The server is too busy; try again in a moment");
    if (*failed) std::rethrow_exception(*failed);
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
    if (pending_.empty()) {
        if (shared_.draining) co_return false;
        co_await readMore();
    }
    expect(shared_.options.headerTimeout); // from the first byte on, however slowly the others come
    idle_ = false;
    for (;;) {
        pending_.drop(parser.feed(pending_.bytes())); // what makes no whole part yet stays
        if (parser.headDone()) co_return true;
        co_await readMore();
    }
}

/// Until the body is whole, or `piece` bytes of it have come.
Task<void> Session::readBody(RequestParser& parser, std::size_t piece) {
    for (;;) {
        pending_.drop(parser.feed(pending_.bytes()));
        if (parser.done() || parser.body().size() >= piece) co_return;
        expect(shared_.options.stallTimeout);
        co_await readMore(piece);
    }
}

Task<Response> Session::answerPlain(Exchange& exchange) {
    auto& parser = exchange.parser;
    auto& request = exchange.request;
    auto& place = exchange.place;
    try {
        parser.limitBody(place.site ? place.site->bodyBytesMax : 1 << 20);
        if (parser.contentLength().value_or(0) > (place.site ? place.site->bodyBytesMax : 1 << 20))
            throw Error(Failure::TooLarge, "Request is too large.");
        if (parser.hasBody() && request.headers["Expect"] == "100-continue" && pending_.empty()) {
            constexpr std::string_view go = "HTTP/1.1 100 Continue\r\n\r\n";
            co_await stream_->write({asio::buffer(go), {}});
        }
        co_await readBody(parser, std::numeric_limits<std::size_t>::max());
    } catch (const Error& error) {
        co_return shared_.dispatch.refuse(place, request, error);
    }
    request.body = std::move(parser.body());
    if (auto refusal = shared_.dispatch.refused(place, request)) co_return std::move(*refusal);

    const auto runs = place.route->runs;
    const bool here = runs == Runs::Here || (runs == Runs::ByMethod && (request.method == Method::Get || request.method == Method::Head));
    if (here) co_return shared_.dispatch.handle(place, request);
    Response response;
    std::optional<Error> busy;
    try {
        co_await onWorker([&] { response = shared_.dispatch.handle(place, request); });
    } catch (const Error& error) {
        busy = error;
    }
    if (busy) co_return shared_.dispatch.refuse(place, request, *busy);
    co_return response;
}

Task<Response> Session::answerUpload(Exchange& exchange) {
    auto& parser = exchange.parser;
    auto& request = exchange.request;
    auto& place = exchange.place;
    if (auto refusal = shared_.dispatch.refused(place, request)) co_return std::move(*refusal);
    Response refusal;
    std::unique_ptr<BodySink> sink;
    std::optional<Error> failed;
    try {
        co_await onWorker([&] { sink = shared_.dispatch.receive(place, request, refusal); });
        if (!sink) co_return refusal;
        if (parser.hasBody() && request.headers["Expect"] == "100-continue" && pending_.empty()) {
            constexpr std::string_view go = "HTTP/1.1 100 Continue\r\n\r\n";
            co_await stream_->write({asio::buffer(go), {}});
        }
        // Nobody reads ahead of the disk: TCP holds the client back.
        while (!parser.done()) {
            co_await readBody(parser, uploadPieceBytes);
            const std::string piece = std::exchange(parser.body(), {});
            if (!piece.empty()) co_await onWorker([&] { sink->append(std::as_bytes(std::span(piece))); });
        }
        Response response;
        co_await onWorker([&] { response = shared_.dispatch.finishUpload(place, request, *sink); });
        co_await onWorker([&] { sink.reset(); });
        co_return response;
    } catch (const Error& error) {
        failed = error;
    }
    sink.reset();
    co_return shared_.dispatch.refuse(place, request, *failed);
}

Task<void> Session::sendFile(FileBody file) {
    auto& socket = stream_->socket();
    if (stream_->encrypted()) {
        std::string piece(256 << 10, '\0');
        while (file.length > 0) {
            const auto got =
                ::pread(file.fd.get(), piece.data(), std::min<std::uint64_t>(piece.size(), file.length), static_cast<off_t>(file.offset));
            if (got <= 0) throw Error(Failure::Broken, "a file became shorter while it was sent");
            file.offset += static_cast<std::uint64_t>(got);
            file.length -= static_cast<std::uint64_t>(got);
            expect(shared_.options.stallTimeout);
            co_await stream_->write({asio::buffer(piece.data(), static_cast<std::size_t>(got)), {}});
        }
        co_return;
    }
    socket.native_non_blocking(true);
    auto offset = static_cast<off_t>(file.offset);
    while (file.length > 0) {
        const auto sent = ::sendfile(socket.native_handle(), file.fd.get(), &offset, std::min<std::uint64_t>(file.length, 1 << 20));
        if (sent > 0) {
            file.length -= static_cast<std::uint64_t>(sent);
        } else if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            expect(shared_.options.stallTimeout);
            co_await socket.async_wait(asio::socket_base::wait_write, useTask);
        } else {
            throw Error(Failure::Broken, "a file could not be sent whole");
        }
    }
}

Task<void> Session::sendSource(BodySource& source) {
    for (;;) {
        std::string piece;
        co_await onWorker([&] { piece = source.next(); });
        std::array<char, 24> size;
        const auto digits = std::snprintf(size.data(), size.size(), "%zx\r\n", piece.size());
        const bool last = piece.empty();
        piece += "\r\n";
        co_await stream_->write({asio::buffer(size.data(), static_cast<std::size_t>(digits)), asio::buffer(piece)});
        if (last) co_return;
    }
}

Task<void> Session::send(Exchange& exchange, Response response, bool keep) {
    std::optional<std::uint64_t> length = response.body.size();
    if (response.file) length = response.file->length;
    if (response.source) length.reset();
    std::string head = headOf(response, mayHaveBody(response.status) ? length : std::optional<std::uint64_t>(0), keep);
    expect(shared_.options.stallTimeout);
    if (exchange.request.method == Method::Head || !mayHaveBody(response.status)) {
        co_await stream_->write({asio::buffer(head), {}});
        co_return;
    }
    co_await stream_->write({asio::buffer(head), asio::buffer(response.body)});
    if (response.file) co_await sendFile(std::move(*response.file));
    if (response.source) co_await sendSource(*response.source);
}

/// Takes some of what the client still sends, so that closing does not throw our answer away with it.
Task<void> Session::linger() {
    boost::system::error_code ignored;
    stream_->socket().shutdown(asio::socket_base::shutdown_send, ignored);
    expect(std::chrono::seconds(2));
    for (std::size_t taken = 0; taken < lingerBytesMax;) {
        pending_.clear();
        taken += co_await readMore();
    }
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
        request.method = methodOf(parser.methodName());
        request.headers = std::move(parser.headers());
        request.contentLength = parser.contentLength();
        request.peer = peer_;
        request.origin = origin_;
        place = shared_.dispatch.prepare(request, parser.target(), site_, stream_->encrypted());
        const bool upload = place.route && std::holds_alternative<Upload>(place.route->handler);
        if (upload) parser.limitBody(std::numeric_limits<std::uint64_t>::max());
        // Not in one expression: g++ 12 runs both sides of a conditional with co_await in it.
        if (upload)
            response = co_await answerUpload(exchange);
        else
            response = co_await answerPlain(exchange);
    }
    shared_.dispatch.complete(place, request, response);
    const bool wholeRead = understood && parser.done();
    const bool keep = wholeRead && parser.keepAlive() && !shared_.draining;
    // Behind the requests that have come meanwhile: to wake a client that sleeps is dear, and one waking then serves all answers of a
    // round.
    co_await asio::post(executor_, useTask);
    co_await send(exchange, std::move(response), keep);
    if (!wholeRead) co_await linger();
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
