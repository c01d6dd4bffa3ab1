#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/ambient/ambient.hpp"

namespace stratolet::identity {

/// Time-based passcodes (RFC 6238): six digits, SHA-1, steps of 30 seconds.
std::string totpCode(std::string_view secret, std::int64_t step);
std::int64_t totpStepAt(Time time);

/// RFC 4648, in either case, with or without padding and blanks; nothing for what is none.
std::optional<std::string> fromBase32(std::string_view text);

}
