#include "platform/os/fd.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <stratolet/error.hpp>

namespace stratolet {

Fd::~Fd() {
    if (fd_ >= 0) ::close(fd_);
}

long check(long result, std::string_view doing) {
    if (result >= 0) return result;
    const int error = errno;
    const bool full = error == ENOSPC || error == EDQUOT;
    throw Error(full ? Failure::Full : Failure::Broken, "could not ", doing, ": ",
                std::system_category().message(error));
}

void writeAll(int fd, std::span<const std::byte> bytes, std::string_view doing) {
    while (!bytes.empty())
        bytes = bytes.subspan(static_cast<std::size_t>(check(::write(fd, bytes.data(), bytes.size()), doing)));
}

void writeAll(int fd, std::string_view text, std::string_view doing) {
    writeAll(fd, std::as_bytes(std::span(text)), doing);
}

}
