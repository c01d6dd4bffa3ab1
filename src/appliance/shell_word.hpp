#pragma once

#include <string>
#include <string_view>

namespace stratolet {

/// As a word for a shell: letters, digits and :/._- as they are, anything else between single quotes.
std::string shellWord(const std::string& text);

/// What shellWord() was given.
std::string fromShellWord(std::string_view word);

}
