#include "platform/http/request_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <limits>

#include "platform/text/text.hpp"

namespace stratolet::http {
namespace {

namespace beast = boost::beast::http;
using beast::error;
using boost::beast::string_view;

constexpr std::size_t targetBytesMax = 16 << 10; // twice of what the originals' servers take
constexpr std::size_t emptyLinesMax = 4;         // in front of a request (RFC 9112, 2.2)

constexpr std::size_t lastChunkBytes = std::string_view("0\r\n\r\n").size();

bool isHexDigit(char each) {
    return (each >= '0' && each <= '9') || (each >= 'a' && each <= 'f') || (each >= 'A' && each <= 'F');
}
bool isDigit(char each) { return each >= '0' && each <= '9'; }

/// What may stand in a registered name beside "%" (RFC 3986, 3.2.2).
bool isNameLetter(char each) {
    return isDigit(each) || (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
           std::string_view("-._~!$&'()*+,;=").find(each) != std::string_view::npos;
}

/// host [ ":" port ], the host not empty (RFC 9112, 3.2; RFC 3986, 3.2.2).
bool isHost(std::string_view text) {
    std::size_t end = 0;
    if (text.starts_with('[')) { // an IPv6 address
        end = text.find(']');
        if (end == std::string_view::npos || end < 3) return false;
        const auto address = text.substr(1, end - 1);
        if (!std::all_of(address.begin(), address.end(),
                         [](char each) { return isHexDigit(each) || each == ':' || each == '.'; }))
            return false;
        ++end;
    } else {
        while (end < text.size() && text[end] != ':') {
            if (text[end] == '%') {
                if (text.size() - end < 3 || !isHexDigit(text[end + 1]) || !isHexDigit(text[end + 2])) return false;
                end += 3;
            } else if (isNameLetter(text[end])) {
                ++end;
            } else {
                return false;
            }
        }
        if (end == 0) return false;
    }
    const auto rest = text.substr(end);
    if (rest.empty()) return true;
    const auto port = rest.substr(1);
    return rest[0] == ':' && port.size() <= 5 && std::all_of(port.begin(), port.end(), isDigit);
}

}

struct RequestParser::Impl : beast::basic_parser<true> {
    std::string method, target, collected;
    Headers headers;
    int version = 11;
    std::uint64_t headerMax = 0;
    std::size_t emptyLines = 0, starvedAt = 0;
    std::uint64_t bodyMax = 0, bodySeen = 0;

    void on_request_impl(beast::verb, string_view name, string_view path, int number,
                         boost::beast::error_code&) override {
        method.assign(name.data(), name.size());
        target.assign(path.data(), path.size());
        version = number;
    }
    void on_response_impl(int, string_view, int, boost::beast::error_code&) override {}
    void on_field_impl(beast::field, string_view name, string_view value, boost::beast::error_code&) override {
        if (is_header_done()) return; // a trailer's field, which says nothing that we ask for
        headers.add({name.data(), name.size()}, {value.data(), value.size()});
    }

    /// What Beast lets pass. Whoever reads such a head otherwise than we do would take a body for a request.
    void examineHead() const {
        if (target.size() > targetBytesMax)
            throw Error(Failure::TooLarge, "The target of the request is too long").as("target");
        if (const auto codings = headers.count("Transfer-Encoding"); codings > 0) {
            if (codings > 1 || version < 11 || !sameWithoutCase(trimmed(headers["Transfer-Encoding"]), "chunked"))
                throw Error(Failure::Invalid,
                            "The only transfer coding that is understood here is chunked"); // RFC 9112, 6.1 and 6.3
        }
        const auto hosts = headers.count("Host"); // RFC 9112, 3.2
        if (hosts > 1) throw Error(Failure::Invalid, "The request has more than one Host");
        if (hosts == 0 && version >= 11) throw Error(Failure::Invalid, "The request has no Host");
        if (hosts == 1 && !isHost(headers["Host"])) throw Error(Failure::Invalid, "The request's Host is none");
    }
    void on_header_impl(boost::beast::error_code&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const& length, boost::beast::error_code& problem) override {
        if (length && *length > bodyMax) problem = error::body_limit;
    }
    std::size_t on_body_impl(string_view bytes, boost::beast::error_code& problem) override {
        return collect(bytes, problem);
    }
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

RequestParser::RequestParser(std::uint32_t headerBytesMax, std::uint64_t bodyBytesMax)
    : impl_(std::make_unique<Impl>()) {
    impl_->header_limit(headerBytesMax);
    impl_->body_limit(boost::none); // ours is kept in collect(), since it can change after the head
    impl_->headerMax = headerBytesMax;
    impl_->bodyMax = bodyBytesMax;
}
RequestParser::~RequestParser() = default;

std::size_t RequestParser::feed(std::string_view bytes) {
    std::size_t taken = 0;
    if (impl_->method.empty() && impl_->starvedAt == 0) {
        for (; impl_->emptyLines < emptyLinesMax && bytes.substr(taken).starts_with("\r\n"); taken += 2)
            ++impl_->emptyLines;
        if (bytes.substr(taken) == "\r") return taken; // perhaps the beginning of another
    }
    if (bytes.size() - taken <= impl_->starvedAt) return taken; // nothing new to look at
    // Beast asserts that it gets so much of the last chunk when it goes on with it; there always comes so much.
    if (impl_->starvedAt > 0 && impl_->is_header_done() && bytes.size() - taken < lastChunkBytes) return taken;
    while (taken < bytes.size() && !impl_->is_done()) {
        const bool hadHead = impl_->is_header_done();
        boost::beast::error_code problem;
        const auto used = impl_->put(boost::asio::const_buffer(bytes.data() + taken, bytes.size() - taken), problem);
        taken += used;
        if (problem == error::need_more) {
            impl_->starvedAt = bytes.size() - taken;
            // A chunk's extensions and the trailer come whole or not at all, and Beast would wait for their end for
            // ever.
            if (impl_->is_header_done() && impl_->starvedAt > impl_->headerMax)
                throw Error(Failure::TooLarge, "The header of a chunk, or the trailer, is too large").as("header");
            return taken;
        }
        impl_->starvedAt = 0;
        if (problem == error::header_limit)
            throw Error(Failure::TooLarge, "The header of the request is too large").as("header");
        if (problem == error::body_limit) throw Error(Failure::TooLarge, "Request is too large.");
        if (problem) throw Error(Failure::Invalid, "This is no HTTP/1.1 request: ", problem.message());
        if (!hadHead && impl_->is_header_done()) {
            impl_->examineHead();
            return taken;
        }
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
bool RequestParser::expectsContinue() const {
    return impl_->version >= 11 && sameWithoutCase(impl_->headers["Expect"], "100-continue");
}
bool RequestParser::hasBody() const { return impl_->chunked() || contentLength().value_or(0) > 0; }
bool RequestParser::keepAlive() const { return impl_->keep_alive(); }
std::string& RequestParser::body() { return impl_->collected; }
void RequestParser::limitBody(std::uint64_t bodyBytesMax) { impl_->bodyMax = bodyBytesMax; }

}
