#include "platform/http/request_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <limits>

namespace stratolet::http {
namespace {

namespace beast = boost::beast::http;
using beast::error;
using boost::beast::string_view;

}

struct RequestParser::Impl : beast::basic_parser<true> {
    std::string method, target, collected;
    Headers headers;
    std::uint64_t bodyMax = 0, bodySeen = 0;

    void on_request_impl(beast::verb, string_view name, string_view path, int, boost::beast::error_code&) override {
        method.assign(name.data(), name.size());
        target.assign(path.data(), path.size());
    }
    void on_response_impl(int, string_view, int, boost::beast::error_code&) override {}
    void on_field_impl(beast::field, string_view name, string_view value, boost::beast::error_code&) override {
        headers.add({name.data(), name.size()}, {value.data(), value.size()});
    }
    void on_header_impl(boost::beast::error_code&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const& length, boost::beast::error_code& problem) override {
        if (length && *length > bodyMax) problem = error::body_limit;
    }
    std::size_t on_body_impl(string_view bytes, boost::beast::error_code& problem) override { return collect(bytes, problem); }
    void on_chunk_header_impl(std::uint64_t, string_view, boost::beast::error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, boost::beast::error_code& problem) override {
        return collect(bytes, problem);
    }
    void on_finish_impl(boost::beast::error_code&) override {}

    std::size_t collect(string_view bytes, boost::beast::error_code& problem) {
        bodySeen += bytes.size();
        if (bodySeen > bodyMax) {
            problem = error::body_limit;
            return 0;
        }
        collected.append(bytes.data(), bytes.size());
        return bytes.size();
    }
};

RequestParser::RequestParser(std::uint32_t headerBytesMax, std::uint64_t bodyBytesMax) : impl_(std::make_unique<Impl>()) {
    impl_->header_limit(headerBytesMax);
    impl_->body_limit(boost::none); // ours is kept in collect(), since it can change after the head
    impl_->bodyMax = bodyBytesMax;
}
RequestParser::~RequestParser() = default;

std::size_t RequestParser::feed(std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size() && !impl_->is_done()) {
        const bool hadHead = impl_->is_header_done();
        boost::beast::error_code problem;
        const auto used = impl_->put(boost::asio::const_buffer(bytes.data() + taken, bytes.size() - taken), problem);
        taken += used;
        if (problem == error::need_more) return taken;
        if (problem == error::header_limit) throw Error(Failure::TooLarge, "The header of the request is too large").as("header");
        if (problem == error::body_limit) throw Error(Failure::TooLarge, "Request is too large.");
        if (problem) throw Error(Failure::Invalid, "This is no HTTP/1.1 request: ", problem.message());
        if (!hadHead && impl_->is_header_done()) return taken;
        if (used == 0) return taken;
    }
    return taken;
}

bool RequestParser::headDone() const { return impl_->is_header_done(); }
bool RequestParser::done() const { return impl_->is_done(); }
const std::string& RequestParser::methodName() const { return impl_->method; }
const std::string& RequestParser::target() const { return impl_->target; }
Headers& RequestParser::headers() { return impl_->headers; }
std::optional<std::uint64_t> RequestParser::contentLength() const {
    const auto length = impl_->content_length();
    return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
}
bool RequestParser::hasBody() const { return impl_->chunked() || contentLength().value_or(0) > 0; }
bool RequestParser::keepAlive() const { return impl_->keep_alive(); }
std::string& RequestParser::body() { return impl_->collected; }
void RequestParser::limitBody(std::uint64_t bodyBytesMax) { impl_->bodyMax = bodyBytesMax; }

}
