#pragma once

#include <map>
#include <optional>
#include <string>

#include "platform/ambient/ambient.hpp"

namespace stratolet::identity {

/// A request that somebody signed with an access key, as a service that got it tells us: AWS signature versions 0, 1, 2
/// and 4.
struct SignedRequest {
    std::string access, signature;
    std::string verb, host, path;
    std::map<std::string, std::string> parameters;
    std::map<std::string, std::string> headers; ///< names in lower case
    std::string bodyHash;                       ///< SHA-256 in hexadecimal, for version 4
};

/// Whether `secret` made the signature. Error(Invalid) for a version that there is not, or parts that are missing.
bool isSignedBy(const SignedRequest& request, const std::string& secret);

/// When it was signed; nothing where it doesn't say.
std::optional<Time> signedAt(const SignedRequest& request);

/// The text that an S3 client signed, and whether `secret` made this signature of it: version 2, or 4 by its first
/// line.
bool isTextSignedBy(const std::string& text, const std::string& signature, const std::string& secret);
std::optional<Time> textSignedAt(const std::string& text, Time now);

}
