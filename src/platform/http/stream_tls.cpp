#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <stratolet/error.hpp>

#include "platform/http/stream.hpp"

namespace stratolet::http {
namespace {

class Tls : public Stream {
public:
    Tls(Socket socket, std::shared_ptr<asio::ssl::context> context)
        : context_(std::move(context)),
          stream_(std::move(socket), *context_) {}
    Task<void> handshake() override { co_await stream_.async_handshake(asio::ssl::stream_base::server, useTask); }
    Task<std::size_t> readSome(asio::mutable_buffer into) override {
        co_return co_await stream_.async_read_some(into, useTask);
    }
    Task<void> write(std::array<asio::const_buffer, 2> parts, std::uint64_t& sent) override {
        co_await asio::async_write(stream_, parts, countingInto(sent), useTask);
    }
    Socket& socket() override { return stream_.next_layer(); }
    bool encrypted() const override { return true; }

private:
    std::shared_ptr<asio::ssl::context> context_; // outlives a reload of the certificate
    asio::ssl::stream<Socket> stream_;
};

}

struct TlsContext::Impl {
    std::shared_ptr<asio::ssl::context> context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
};

TlsContext::TlsContext(const std::string& certificateFile, const std::string& keyFile)
    : impl_(std::make_shared<Impl>()) {
    try {
        impl_->context->set_options(asio::ssl::context::no_sslv2 | asio::ssl::context::no_sslv3 |
                                    asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
        impl_->context->use_certificate_chain_file(certificateFile);
        impl_->context->use_private_key_file(keyFile, asio::ssl::context::pem);
    } catch (const boost::system::system_error& problem) {
        throw Error(Failure::Invalid, "the certificate ", certificateFile, " with the key ", keyFile,
                    " cannot be used: ", problem.code().message());
    }
}
TlsContext::~TlsContext() = default;

std::unique_ptr<Stream> TlsContext::stream(Socket socket) const {
    return std::make_unique<Tls>(std::move(socket), impl_->context);
}

}
