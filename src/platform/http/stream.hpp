#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

// Only the files of this folder include this one.

namespace stratolet::http {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;
template <class T> using Task = asio::awaitable<T, Executor>;
inline constexpr asio::use_awaitable_t<Executor> useTask{};
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

/// A connection, plain or TLS. Failures and the end of the stream are boost::system::system_error.
class Stream {
public:
    virtual ~Stream() = default;
    virtual Task<void> handshake() = 0;
    virtual Task<std::size_t> readSome(asio::mutable_buffer into) = 0;
    virtual Task<void> write(std::array<asio::const_buffer, 2> parts,
                             std::uint64_t& sent) = 0; ///< adds to `sent` as it goes
    virtual Socket& socket() = 0;
    virtual bool encrypted() const = 0;
};

/// When to go on writing (as asio::transfer_all), telling how much has gone so far.
inline auto countingInto(std::uint64_t& sent) {
    return [&sent, before = sent](const boost::system::error_code& problem, std::size_t written) -> std::size_t {
        sent = before + written;
        return problem ? 0 : 1 << 16;
    };
}

std::unique_ptr<Stream> plainStream(Socket socket);

/// Certificate and key, loaded; Error(Invalid) where they are no good.
class TlsContext {
public:
    TlsContext(const std::string& certificateFile, const std::string& keyFile);
    ~TlsContext();
    std::unique_ptr<Stream> stream(Socket socket) const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}
