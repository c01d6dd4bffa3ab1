#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

struct sockaddr;

// What others serve over HTTP, asked by us.

namespace stratolet::web {

/// An http or https address as the one who connects reads it: "http://0x7f.1/" has the host 127.0.0.1.
struct Address {
    std::string host;
    std::uint16_t port = 0;
};

/// Nothing where the text is no http or https address with a host and without a user or a password.
std::optional<Address> parsed(const std::string& url);

/// How slow the other end may be: at least so many bytes a second, on the average of each `window`.
struct Pace {
    std::int64_t bytesPerSecondMin = 32 << 10;
    std::chrono::seconds window{60};
};

/// One request. Nothing of ours is sent along but what stands here: no proxy, no cookies, no credentials.
struct Ask {
    std::string url;
    std::optional<std::string> post = {}; ///< the body of a POST, or of `method`; else it is a GET
    std::string method = {};              ///< in place of those two
    std::string localSocket = {};         ///< of this machine (unix(7)): asked instead of the host that the url names
    /// A body that is read while it is sent, instead of `post`: fills what it is given, 0 at the end.
    struct Upload {
        std::function<std::size_t(std::span<std::byte>)> read;
        std::int64_t bytes = 0; ///< all that it will give
    };
    std::optional<Upload> upload = {};
    std::vector<std::string> headers = {};
    std::string certificates = {}; ///< a file with those that https is to be believed by; empty: the system's
    std::int64_t bytesMax = 0;     ///< of the answer
    int redirectsMax = 5;
    std::chrono::milliseconds connectTimeout = std::chrono::seconds(10);
    std::chrono::milliseconds timeout{0}; ///< of the whole; 0: as long as the pace holds
    std::optional<Pace> pace = {};
    /// Asked of each address before it is connected to, after its name has been resolved: why it must not be, empty
    /// where it may. Null: all may.
    std::function<std::string(const sockaddr& address, std::uint16_t port)> refusal = {};
    std::function<bool()> cancelled = {};                          ///< asked now and then
    std::function<void(std::int64_t, std::int64_t)> progress = {}; ///< bytes of bytes, 0 where nobody says
};

/// The answer's bytes as they come; blocks the calling thread. Error(Invalid) where the address is refused, or the
/// answer is no success; Error(TooLarge); Error(Invalid) where it comes slower than the pace (trying again would not
/// make it faster); Error(TimedOut) past the time; Error(Busy) when cancelled; Error(Broken) for other troubles.
void fetch(const Ask& ask, const std::function<void(std::span<const std::byte>)>& take);

/// What came back, whatever it says.
struct Answer {
    int status = 0;
    std::string body;
};

/// The whole answer, also one that is no success. Error as from fetch().
Answer ask(const Ask& ask);

}
