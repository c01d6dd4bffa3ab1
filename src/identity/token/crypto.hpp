#pragma once

#include <string>
#include <string_view>

namespace stratolet::identity {

// Digests and their texts. What is bytes here is in a string.

std::string hmacSha1(std::string_view key, std::string_view text);
std::string hmacSha256(std::string_view key, std::string_view text);
std::string sha256(std::string_view text);
std::string base64(std::string_view bytes); ///< with padding

/// Compares without telling by the time where they differ.
bool sameSecret(std::string_view left, std::string_view right);

}
