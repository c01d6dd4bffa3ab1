#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
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
    virtual Task<void> write(std::array<asio::const_buffer, 2> parts) = 0;
    virtual Socket& socket() = 0;
    virtual bool encrypted() const = 0;
};

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
