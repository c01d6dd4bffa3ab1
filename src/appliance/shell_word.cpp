#include "appliance/shell_word.hpp"

namespace stratolet {

std::string shellWord(const std::string& text) {
    if (!text.empty() &&
        text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:/._-") ==
            std::string::npos)
        return text;
    std::string word = "'";
    for (const char each : text) each == '\'' ? word += "'\\''" : word += each;
    return word + "'";
}

std::string fromShellWord(std::string_view word) {
    if (!word.starts_with('\'')) return std::string(word);
    std::string text;
    for (std::size_t at = 1; at + 1 < word.size(); ++at) {
        text += word[at];
        if (word.substr(at, 4) == "'\\''") at += 3;
    }
    return text;
}

}
