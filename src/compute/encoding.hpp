#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stratolet::compute {

std::string base64(std::string_view bytes);

/// Nothing where `text` is no base64 (padding is needed; white space and line ends are skipped).
std::optional<std::string> fromBase64(std::string_view text);

std::string md5Hex(std::string_view bytes);
std::string sha224Hex(std::string_view bytes);
std::string sha256Hex(std::string_view bytes);

/// Printable (no control characters) UTF-8.
bool isPrintable(std::string_view text);

std::optional<std::string> canonicalIpv4(const std::string& address);
std::optional<std::string> canonicalIpv6(const std::string& address);

}
