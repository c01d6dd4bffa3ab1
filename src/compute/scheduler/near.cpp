#include "compute/scheduler/near.hpp"

#include <arpa/inet.h>
#include <array>
#include <optional>
#include <sys/socket.h>

#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

struct Bits {
    std::array<unsigned char, 16> bytes{};
    int count = 0;
};

std::optional<Bits> bitsOf(const std::string& address) {
    Bits bits;
    if (::inet_pton(AF_INET, address.c_str(), bits.bytes.data()) == 1)
        bits.count = 32;
    else if (::inet_pton(AF_INET6, address.c_str(), bits.bytes.data()) == 1)
        bits.count = 128;
    else
        return std::nullopt;
    return bits;
}

std::optional<std::int64_t> lengthIn(const std::string& length) {
    if (length.empty()) return 24; // Nova's default
    return length.front() == '/' ? wholeNumberIn(std::string_view(length).substr(1)) : std::nullopt;
}

}

bool isBlockLength(const std::string& address, const std::string& length) {
    const auto bits = bitsOf(address);
    const auto count = lengthIn(length);
    return bits && count && *count >= 0 && *count <= bits->count;
}

bool isNear(const std::string& address, const std::string& other, const std::string& length) {
    const auto one = bitsOf(address), two = bitsOf(other);
    if (!one || !two || one->count != two->count || !isBlockLength(address, length)) return false;
    const auto count = *lengthIn(length);
    for (std::int64_t bit = 0; bit < count; ++bit) {
        const auto byte = static_cast<std::size_t>(bit / 8);
        const auto mask = 0x80 >> (bit % 8);
        if ((one->bytes[byte] & mask) != (two->bytes[byte] & mask)) return false;
    }
    return true;
}

}
