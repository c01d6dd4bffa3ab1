#include "image/data/copying.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "platform/os/fd.hpp"

namespace stratolet::image {

Copied copied(const std::filesystem::path& from, ImageSink* into, const std::function<void()>& goOn) {
    const Fd data(static_cast<int>(check(::open(from.c_str(), O_RDONLY | O_CLOEXEC), "open image data")));
    Copied copy;
    Digests digests;
    std::string piece(1 << 20, '\0');
    for (;;) {
        if (goOn) goOn();
        const auto got = check(::read(data.get(), piece.data(), piece.size()), "read image data");
        if (got == 0) break;
        const auto bytes = std::as_bytes(std::span(piece.data(), static_cast<std::size_t>(got)));
        digests.append(bytes);
        if (into) into->append(bytes);
        copy.bytes += got;
    }
    copy.digests = digests.finish();
    return copy;
}

}
