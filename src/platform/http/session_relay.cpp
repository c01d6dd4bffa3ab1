#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <memory>
#include <vector>

#include "platform/http/session.hpp"
#include "platform/http/websocket.hpp"

// g++ 12 takes Asio's own way to free a coroutine's frame for a mistake.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace stratolet::http {
namespace {

using Clock = Session::Clock;
using Other = asio::posix::basic_stream_descriptor<Executor>;

constexpr std::size_t pieceBytes = 16 << 10; // of a message that we send
constexpr std::chrono::seconds goodbye{2};   // for the client to close, once it has been told
enum Close { Ended = 1000, Leaving = 1001, BadFrame = 1002, NotAllowed = 1008, TooLarge = 1009 }; // RFC 6455, 7.4.1

}

/// A connection that is a websocket now. Three coroutines, all on the session's thread: what the client says goes to
/// the other end, what that says goes to the client, and one looks each second whether all this may go on. It is over
/// when all three have ended.
class Session::Relaying {
public:
    Relaying(Session& session, Relay relay)
        : session_(session),
          other_(session.executor_, relay.other.release()),
          goesOn_(std::move(relay.goesOn)),
          turn_(session.executor_),
          second_(session.executor_) {}

    Task<void> run() {
        session_.deadline_ = Clock::time_point::max(); // watch() keeps the times from now on
        heard_ = Clock::now();
        begin(fromOther());
        begin(watch());
        std::exception_ptr gone;
        try {
            co_await fromClient();
        } catch (...) {
            gone = std::current_exception();
        }
        end();
        boost::system::error_code ignored;
        while (others_ > 0) {
            session_.close(); // who waits for the client waits no more
            second_.expires_after(std::chrono::milliseconds(10));
            co_await second_.async_wait(asio::redirect_error(useTask, ignored));
        }
        if (gone) std::rethrow_exception(gone);
    }

private:
    void begin(Task<void> part) {
        ++others_;
        asio::co_spawn(session_.executor_, std::move(part), [this](std::exception_ptr) { --others_; });
    }

    /// Nothing more is relayed.
    void end() {
        ended_ = true;
        boost::system::error_code already;
        other_.close(already);
        second_.cancel();
        turn_.cancel();
    }

    /// Sends a frame whole: several have something to say, each when the one before has been said.
    Task<void> say(FrameKind kind, std::string_view content) {
        boost::system::error_code ignored;
        while (speaks_) {
            turn_.expires_at(Clock::time_point::max());
            co_await turn_.async_wait(asio::redirect_error(useTask, ignored));
        }
        const std::string head = frameHead(kind, content.size());
        speaks_ = true;
        std::exception_ptr gone;
        try {
            co_await session_.stream_->write({asio::buffer(head), asio::buffer(content)}, session_.sent_);
        } catch (...) {
            gone = std::current_exception();
        }
        speaks_ = false;
        turn_.cancel_one();
        if (gone) std::rethrow_exception(gone);
    }

    /// Tells the client that it is over; what it still says is dropped, and after a while so is the connection.
    Task<void> sayGoodbye(Close why) {
        if (closed_) co_return;
        closed_ = true;
        session_.expect(goodbye);
        const std::string code{static_cast<char>(why >> 8), static_cast<char>(why & 0xff)};
        co_await say(FrameKind::Close, code);
    }

    Task<void> fromClient() {
        Close wrong = Ended;
        bool within = false; // a message that came in parts
        for (bool over = false; !over;) {
            std::optional<Frame> frame;
            try {
                frame = takeFrame(session_.pending_);
                if (frame && (frame->kind == FrameKind::Continuation) != within &&
                    static_cast<unsigned>(frame->kind) < static_cast<unsigned>(FrameKind::Close))
                    throw Error(Failure::Invalid, "a message within another, or the middle of none");
            } catch (const Error& error) {
                wrong = error.failure() == Failure::TooLarge ? TooLarge : BadFrame;
                over = true;
            }
            if (over) break;
            if (!frame) {
                co_await session_.readMore(pieceBytes);
                heard_ = Clock::now();
                continue;
            }
            switch (frame->kind) {
            case FrameKind::Close: over = true; break;
            case FrameKind::Ping: co_await say(FrameKind::Pong, frame->content); break;
            case FrameKind::Pong: break;
            case FrameKind::Continuation:
            case FrameKind::Text:
            case FrameKind::Binary:
                within = !frame->last;
                if (!closed_) co_await asio::async_write(other_, asio::buffer(frame->content), useTask);
                break;
            }
        }
        co_await sayGoodbye(wrong);
    }

    Task<void> fromOther() {
        std::vector<char> piece(pieceBytes);
        for (;;) {
            boost::system::error_code over;
            const auto got = co_await other_.async_read_some(asio::buffer(piece), asio::redirect_error(useTask, over));
            if (over) break;
            co_await say(FrameKind::Binary, {piece.data(), got});
        }
        co_await sayGoodbye(Ended);
    }

    /// Asks a client that is silent whether it is still there, and ends what may not go on. It waits for nobody who
    /// doesn't take what he is sent.
    Task<void> watch() {
        boost::system::error_code ignored;
        const auto& options = session_.shared_.options;
        while (!ended_) {
            second_.expires_after(std::chrono::seconds(1));
            co_await second_.async_wait(asio::redirect_error(useTask, ignored));
            if (ended_ || closed_) continue;
            const auto silent = Clock::now() - heard_;
            const bool allowed = !goesOn_ || goesOn_();
            if (silent > options.idleTimeout) session_.close();
            if (!allowed || session_.shared_.draining) {
                if (speaks_)
                    session_.close();
                else
                    co_await sayGoodbye(allowed ? Leaving : NotAllowed);
                boost::system::error_code already;
                other_.close(already);
            } else if (silent > options.idleTimeout / 3 && !speaks_) {
                co_await say(FrameKind::Ping, "");
            }
        }
    }

    Session& session_;
    Other other_;
    std::function<bool()> goesOn_;
    asio::steady_timer turn_, second_;
    Clock::time_point heard_;
    int others_ = 0;
    bool speaks_ = false; // a frame is being sent
    bool closed_ = false; // the client has been told
    bool ended_ = false;
};

Task<void> Session::relay(const Response& head, Relay with) {
    std::string text = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n";
    for (const auto& [name, value] : head.headers) text.append(name).append(": ").append(value).append("\r\n");
    text += "\r\n";
    co_await stream_->write({asio::buffer(text), {}}, sent_);
    Relaying relaying(*this, std::move(with));
    co_await relaying.run();
}

}
