#include "platform/http/stream.hpp"

#include <boost/asio/write.hpp>

namespace stratolet::http {
namespace {

class Plain : public Stream {
public:
    explicit Plain(Socket socket) : socket_(std::move(socket)) {}
    Task<void> handshake() override { co_return; }
    Task<std::size_t> readSome(asio::mutable_buffer into) override {
        co_return co_await socket_.async_read_some(into, useTask);
    }
    Task<void> write(std::array<asio::const_buffer, 2> parts, std::uint64_t& sent) override {
        co_await asio::async_write(socket_, parts, countingInto(sent), useTask);
    }
    Socket& socket() override { return socket_; }
    bool encrypted() const override { return false; }

private:
    Socket socket_;
};

}

std::unique_ptr<Stream> plainStream(Socket socket) { return std::make_unique<Plain>(std::move(socket)); }

}
