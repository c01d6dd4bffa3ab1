#include <algorithm>
#include <iterator>

#include "platform/text/text.hpp"
#include "platform/text/unicode_data.hpp"

namespace stratolet {
namespace {

constexpr char32_t none = 0xFFFFFFFF;

/// Takes a character off the front of UTF-8; `none` and one byte where it begins with none.
char32_t takeCharacter(std::string_view& text) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
    char32_t letter = length == 1 ? first : first & (0x7FU >> length);
    bool whole = length != 0 && text.size() >= length;
    for (std::size_t each = 1; whole && each < length; ++each) {
        const auto next = static_cast<unsigned char>(text[each]);
        whole = (next & 0xC0) == 0x80;
        letter = letter << 6 | (next & 0x3F);
    }
    text.remove_prefix(whole ? length : 1);
    return whole ? letter : none;
}

void put(std::string& out, char32_t letter) {
    const auto follow = [&](int shift) { out += static_cast<char>(0x80 | (letter >> shift & 0x3F)); };
    if (letter < 0x80) {
        out += static_cast<char>(letter);
    } else if (letter < 0x800) {
        out += static_cast<char>(0xC0 | letter >> 6);
        follow(0);
    } else if (letter < 0x10000) {
        out += static_cast<char>(0xE0 | letter >> 12);
        follow(6);
        follow(0);
    } else {
        out += static_cast<char>(0xF0 | letter >> 18);
        follow(12);
        follow(6);
        follow(0);
    }
}

/// The syllables of Hangul are made of their parts by counting (Unicode, 3.12).
void decomposeHangul(std::u32string& out, char32_t syllable) {
    constexpr char32_t vowels = 21, trailings = 28;
    const auto place = syllable - 0xAC00;
    out += static_cast<char32_t>(0x1100 + place / (vowels * trailings));
    out += static_cast<char32_t>(0x1161 + place / trailings % vowels);
    if (place % trailings != 0) out += static_cast<char32_t>(0x11A7 + place % trailings);
}

void fold(std::u32string& out, char32_t letter) {
    if (letter < 0x80) {
        out += letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter;
    } else if (letter >= 0xAC00 && letter <= 0xD7A3) {
        decomposeHangul(out, letter);
    } else {
        const auto* found =
            std::lower_bound(std::begin(unicode::foldings), std::end(unicode::foldings), letter,
                             [](const unicode::Folding& each, char32_t wanted) { return each.from < wanted; });
        if (found != std::end(unicode::foldings) && found->from == letter)
            out += found->to;
        else
            out += letter;
    }
}

unsigned orderOf(char32_t letter) {
    const auto* found =
        std::lower_bound(std::begin(unicode::combinings), std::end(unicode::combinings), letter,
                         [](const unicode::Combining& each, char32_t wanted) { return each.last < wanted; });
    return found != std::end(unicode::combinings) && found->first <= letter ? found->order : 0;
}

/// Marks on one letter stand in the order of their classes (Unicode, 3.11).
void sortMarks(std::u32string& letters) {
    for (auto begin = letters.begin(); begin != letters.end();) {
        const auto isMark = [](char32_t each) { return orderOf(each) != 0; };
        const auto first = std::find_if(begin, letters.end(), isMark);
        const auto last = std::find_if_not(first, letters.end(), isMark);
        std::stable_sort(first, last, [](char32_t left, char32_t right) { return orderOf(left) < orderOf(right); });
        begin = last;
    }
}

}

std::string foldedName(std::string_view name) {
    if (std::all_of(name.begin(), name.end(), [](unsigned char each) { return each < 0x80; })) return lowered(name);
    std::u32string letters;
    while (!name.empty()) {
        const auto broken = static_cast<unsigned char>(name.front());
        const auto letter = takeCharacter(name);
        if (letter == none)
            letters += static_cast<char32_t>(broken);
        else
            fold(letters, letter);
    }
    sortMarks(letters);
    std::string folded;
    for (const auto each : letters) put(folded, each);
    return folded;
}

}
