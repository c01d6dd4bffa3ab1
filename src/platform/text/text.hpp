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

/// The same for two spellings of one name: its letters without case, whatever language they are of, and without a
/// difference between one that is written as a whole and one that is put together (Unicode: full case folding and NFD).
/// For comparing, never for showing.
std::string foldedName(std::string_view name);

/// Without blanks, tabs and carriage returns at its ends; a part of `text` itself.
std::string_view trimmed(std::string_view text);

/// The parts between the separators, parts of `text` itself: one more than there are separators, so one empty part of
/// an empty text.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Texts with something between each two, in their order.
template <class Texts> std::string joined(const Texts& texts, std::string_view between = ", ") {
    std::string all;
    for (const auto& each : texts) all.append(all.empty() ? std::string_view() : between).append(each);
    return all;
}

/// Two hexadecimal digits a byte, small letters.
std::string hexOf(std::string_view bytes);

/// 32 hexadecimal digits as UUIDs are written: "8-4-4-4-12".
std::string dashed(std::string hexadecimal);

/// A text that is a decimal number and nothing else, a '-' in front of it allowed; nothing for any other text and
/// beyond 64 bits.
std::optional<std::int64_t> wholeNumberIn(std::string_view text);

/// What a text says of yes and no, in the twelve spellings that Python's oslo.utils takes (true, 1, yes, on, t, y and
/// their opposites, in any case); nothing for any other text.
std::optional<bool> truthOf(std::string_view text);

/// The same of true, 1, false and 0 alone.
std::optional<bool> plainTruthOf(std::string_view text);

/// A dashed UUID, in either case.
bool isUuid(std::string_view text);

/// Bytes of the UTF-8 sequence (RFC 3629) that `text` begins with; 0 where it begins with none. `text` must not be
/// empty.
std::size_t utf8Sequence(std::string_view text);

bool isUtf8(std::string_view text);

/// With U+FFFD for each byte that is no part of UTF-8: fit for JSON and for a log.
std::string asUtf8(std::string_view bytes);

/// Characters (code points, not bytes) of a UTF-8 text: what the APIs' limits of length count.
std::size_t lengthInCharacters(std::string_view text);

/// The beginning of a UTF-8 text, a part of `text` itself: no more than `bytesMax`, and no character cut in two.
std::string_view beginningOf(std::string_view text, std::size_t bytesMax);

}
