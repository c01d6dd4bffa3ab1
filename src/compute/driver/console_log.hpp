#pragma once

#include <filesystem>
#include <string>

namespace stratolet::compute {

/// The end of a console log: the last `lines` lines (all where negative), never more than `bytesMax`. A log that was
/// rotated ("<file>.0") counts as one with its predecessor. Symbolic links and anything that is no plain file read as
/// empty. No newline at the end where lines were counted.
std::string readConsoleLog(const std::filesystem::path& file, int lines, std::size_t bytesMax = 256 << 10);

/// The last `lines` lines of `text`; all where negative.
std::string lastLines(const std::string& text, int lines);

}
