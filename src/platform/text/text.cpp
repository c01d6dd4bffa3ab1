#include "platform/text/text.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace stratolet {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd"; // U+FFFD

/// Whether a byte of UTF-8 is not the first of its character.
bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

char small(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

}

std::string lowered(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), small);
    return out;
}

bool sameWithoutCase(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char a, char b) { return small(a) == small(b); });
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r";
    const auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::string hexOf(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(2 * bytes.size());
    for (const unsigned char each : bytes) hex.append(1, digits[each >> 4]).append(1, digits[each & 15]);
    return hex;
}

std::string dashed(std::string hexadecimal) {
    for (const std::size_t at : {8, 13, 18, 23}) hexadecimal.insert(at, 1, '-');
    return hexadecimal;
}

std::optional<std::int64_t> wholeNumberIn(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<bool> truthOf(std::string_view text) {
    for (const std::string_view yes : {"true", "1", "yes", "on", "t", "y"})
        if (sameWithoutCase(text, yes)) return true;
    for (const std::string_view no : {"false", "0", "no", "off", "f", "n"})
        if (sameWithoutCase(text, no)) return false;
    return std::nullopt;
}

std::optional<bool> plainTruthOf(std::string_view text) {
    if (text == "1" || sameWithoutCase(text, "true")) return true;
    if (text == "0" || sameWithoutCase(text, "false")) return false;
    return std::nullopt;
}

bool isUuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
        if (dash ? text[at] != '-' : !std::isxdigit(static_cast<unsigned char>(text[at]))) return false;
    }
    return true;
}

std::size_t utf8Sequence(std::string_view text) {
    const auto at = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    const unsigned char first = at(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t index = 1; index < length; ++index)
        if (!continues(text[index])) return 0;
    const bool longerThanNeeded = (first == 0xe0 && at(1) < 0xa0) || (first == 0xf0 && at(1) < 0x90);
    const bool surrogate = first == 0xed && at(1) > 0x9f, beyondUnicode = first == 0xf4 && at(1) > 0x8f;
    return longerThanNeeded || surrogate || beyondUnicode ? 0 : length;
}

bool isUtf8(std::string_view text) {
    while (!text.empty()) {
        const auto length = utf8Sequence(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string asUtf8(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    while (!bytes.empty()) {
        const auto length = utf8Sequence(bytes);
        text += length == 0 ? replacement : bytes.substr(0, length);
        bytes.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return text;
}

std::size_t lengthInCharacters(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char each) { return !continues(each); }));
}

std::string_view beginningOf(std::string_view text, std::size_t bytesMax) {
    if (text.size() <= bytesMax) return text;
    while (bytesMax > 0 && continues(text[bytesMax])) --bytesMax;
    return text.substr(0, bytesMax);
}

}
