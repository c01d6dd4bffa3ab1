#include "platform/log/rolling_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <stratolet/error.hpp>

namespace stratolet {

std::filesystem::path RollingFile::older(int number) const { return file_.string() + "." + std::to_string(number); }

void RollingFile::open() {
    out_ = Fd(::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    struct stat status {};
    if (!out_ || ::fstat(out_.get(), &status) != 0) throw Error(Failure::Broken, "could not open ", file_.string());
    written_ = static_cast<std::uintmax_t>(status.st_size);
}

void RollingFile::turn() {
    std::error_code ignored;
    std::filesystem::remove(older(size_.files - 1), ignored);
    for (int number = size_.files - 2; number > 0; --number)
        std::filesystem::rename(older(number), older(number + 1), ignored);
    std::filesystem::rename(file_, older(1), ignored);
    out_ = Fd();
}

void RollingFile::append(std::string_view lines) {
    if (lines.empty()) return;
    try {
        if (!out_) open();
        if (written_ > 0 && written_ + lines.size() > size_.bytesMost) {
            turn();
            open();
        }
        writeAll(out_.get(), lines, "write " + file_.string());
        written_ += lines.size();
    } catch (const Error&) {
        out_ = Fd();
        throw;
    }
}

}
