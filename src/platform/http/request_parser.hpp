#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "platform/http/http.hpp"

namespace stratolet::http {

/// Turns the bytes of one request into its head and its body, in whatever pieces they come.
class RequestParser {
public:
    RequestParser(std::uint32_t headerBytesMax, std::uint64_t bodyBytesMax);
    ~RequestParser();

    /// How much of `bytes` belongs to this request; stops at the end of the head once, so that its owner can look. Body
    /// bytes are added to body(). What was not taken must be given again, with more behind it. Error(Invalid) for what
    /// is no HTTP, Error(TooLarge) beyond a limit.
    std::size_t feed(std::string_view bytes);

    bool headDone() const;
    bool done() const;

    const std::string& methodName() const;
    const std::string& target() const;
    Headers& headers();
    std::optional<std::uint64_t> contentLength() const;
    bool hasBody() const; ///< a length other than 0, or chunks
    bool expectsContinue()
        const; ///< while headers() are here: whether the client waits for "100 Continue" (RFC 9110, 10.1.1)
    bool keepAlive() const;

    std::string& body();                        ///< what has come and has not been taken away
    void limitBody(std::uint64_t bodyBytesMax); ///< after the head: another bound for this route

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
