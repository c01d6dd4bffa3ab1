#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace stratolet {

/// Why something was refused, in no protocol's words. The api layer of each service turns it into its own status.
enum class Failure {
    Invalid,         ///< the request itself is wrong; the message names the field
    Unauthenticated, ///< nobody we know
    Forbidden,       ///< somebody we know, who may not
    NotFound,        ///< absent, or not for this caller's eyes
    Conflict,        ///< right in itself, but not in the present state
    OverLimit,       ///< a quota would be exceeded
    TooLarge,        ///< a body or a header beyond its bound
    Unsupported,     ///< a media type or a version that is not spoken here
    TimedOut,        ///< a deadline passed
    Busy,            ///< a queue is full; try again later
    Full,            ///< no room left on the host: it may go on by itself when there is
    Broken,          ///< our own fault or the host's; the caller gets a request id, the log the cause
};

std::string_view nameOf(Failure failure);

/// A refusal. Absence is std::optional, a bug is assert. The message is for the caller to read, unless the failure is
/// Broken.
class Error : public std::runtime_error {
public:
    template <class... Parts> explicit Error(Failure failure, const Parts&... parts)
        : std::runtime_error(joined(parts...)),
          failure_(failure) {}

    Failure failure() const noexcept { return failure_; }

    /// The class name that some dialects put on the wire (network: `type`), empty where there is none.
    const std::string& type() const noexcept { return type_; }

    /// Names the refusal: `throw Error(Failure::Conflict, …).as("NetworkInUse")`.
    Error as(std::string_view type) const {
        Error named = *this;
        named.type_ = type;
        return named;
    }

private:
    template <class... Parts> static std::string joined(const Parts&... parts) {
        std::ostringstream text;
        (text << ... << parts);
        return std::move(text).str();
    }

    Failure failure_;
    std::string type_;
};

inline std::string_view nameOf(Failure failure) {
    switch (failure) {
    case Failure::Invalid: return "invalid";
    case Failure::Unauthenticated: return "unauthenticated";
    case Failure::Forbidden: return "forbidden";
    case Failure::NotFound: return "not found";
    case Failure::Conflict: return "conflict";
    case Failure::OverLimit: return "over limit";
    case Failure::TooLarge: return "too large";
    case Failure::Unsupported: return "unsupported";
    case Failure::TimedOut: return "timed out";
    case Failure::Busy: return "busy";
    case Failure::Full: return "full";
    case Failure::Broken: return "broken";
    }
    std::abort();
}

}
