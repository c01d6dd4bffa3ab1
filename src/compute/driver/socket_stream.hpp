#pragma once

#include <stratolet/driver/hypervisor.hpp>

#include <memory>
#include <sys/socket.h>
#include <utility>

#include "platform/os/fd.hpp"

namespace stratolet::compute {

/// A ByteStream that is one end of a socket.
class SocketStream : public ByteStream {
public:
    explicit SocketStream(Fd socket) : socket_(std::move(socket)) {}
    int release() noexcept override { return socket_.release(); }

private:
    Fd socket_;
};

/// Both ends of one: what is written to either comes out of the other. Neither blocks.
inline std::pair<Fd, Fd> socketPair() {
    int ends[2] = {-1, -1};
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), "make a pair of sockets");
    return {Fd(ends[0]), Fd(ends[1])};
}

}
