#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stratolet {

/// ASCII letters made small, all else as it is.
std::string lowered(std::string_view text);

/// Equal but for the case of ASCII letters.
bool sameWithoutCase(std::string_view left, std::string_view right);

/// Without blanks, tabs and carriage returns at its ends; a part of `text` itself.
std::string_view trimmed(std::string_view text);

/// The parts between the separators, parts of `text` itself: one more than there are separators, so one empty part of an empty text.
std::vector<std::string_view> split(std::string_view text, char separator);

/// A text that is a decimal number and nothing else, a '-' in front of it allowed; nothing for any other text and beyond 64 bits.
std::optional<std::int64_t> wholeNumberIn(std::string_view text);

}
