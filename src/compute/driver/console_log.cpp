#include "compute/driver/console_log.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/os/fd.hpp"

namespace stratolet::compute {
namespace {

std::string endOf(const std::filesystem::path& file, std::size_t bytesMax) {
    const Fd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat facts {};
    if (!fd || fstat(fd.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) return {};
    const auto length = std::min<std::size_t>(bytesMax, static_cast<std::size_t>(facts.st_size));
    std::string text(length, '\0');
    std::size_t have = 0;
    while (have < length) {
        const auto got = pread(fd.get(), text.data() + have, length - have,
                               facts.st_size - static_cast<off_t>(length) + static_cast<off_t>(have));
        if (got <= 0) break;
        have += static_cast<std::size_t>(got);
    }
    text.resize(have);
    return text;
}

}

std::string lastLines(const std::string& text, int lines) {
    if (lines < 0) return text;
    if (lines == 0) return {};
    std::size_t end = text.size();
    if (end > 0 && text[end - 1] == '\n') --end; // it ends the last line, it does not begin another
    std::size_t start = end;
    for (int seen = 0; start > 0; --start) {
        if (text[start - 1] == '\n' && ++seen == lines) break;
    }
    return text.substr(start, end - start);
}

std::string readConsoleLog(const std::filesystem::path& file, int lines, std::size_t bytesMax) {
    std::string text = endOf(file, bytesMax);
    if (text.size() < bytesMax) {
        auto before = file;
        before += ".0";
        text.insert(0, endOf(before, bytesMax - text.size()));
    }
    return lastLines(text, lines);
}

}
