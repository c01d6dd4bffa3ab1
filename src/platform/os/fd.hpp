#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace stratolet {

/// One owner of a file descriptor.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd();

    int get() const noexcept { return fd_; }
    int release() noexcept { return std::exchange(fd_, -1); }
    explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    int fd_ = -1;
};

/// `result` where it is not negative; else Error(Broken) "could not <doing>: <errno's text>". The only way an errno
/// leaves a wrapper.
long check(long result, std::string_view doing);

/// All of it, at the descriptor's place. Error(Broken) "could not <doing>: …".
void writeAll(int fd, std::span<const std::byte> bytes, std::string_view doing);
void writeAll(int fd, std::string_view text, std::string_view doing);

/// A deleter for std::unique_ptr that calls a C library's own.
template <auto release> struct Releaser {
    void operator()(auto* owned) const noexcept { release(owned); }
};

/// One owner of a C library's object.
template <class T, auto release> using Handle = std::unique_ptr<T, Releaser<release>>;

}
