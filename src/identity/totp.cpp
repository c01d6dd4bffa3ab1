#include "identity/totp.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace stratolet::identity {

std::string totpCode(std::string_view secret, std::int64_t step) {
    std::array<unsigned char, 8> counter{};
    for (std::size_t each = 0; each < counter.size(); ++each) counter[each] = static_cast<unsigned char>(step >> (56 - 8 * each));
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned length = 0;
    HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()), counter.data(), counter.size(), mac.data(), &length);
    const std::size_t at = mac[length - 1] & 0x0F;
    const auto number = (static_cast<std::uint32_t>(mac[at]) & 0x7F) << 24 | static_cast<std::uint32_t>(mac[at + 1]) << 16 |
                        static_cast<std::uint32_t>(mac[at + 2]) << 8 | mac[at + 3];
    const auto digits = std::to_string(number % 1000000);
    return std::string(6 - digits.size(), '0') + digits;
}

std::int64_t totpStepAt(Time time) { return toMicros(time) / 30'000'000; }

std::optional<std::string> fromBase32(std::string_view text) {
    std::string bytes;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char each : text) {
        if (each == '=' || each == ' ' || each == '-') continue;
        const int value = each >= 'A' && each <= 'Z'   ? each - 'A'
                          : each >= 'a' && each <= 'z' ? each - 'a'
                          : each >= '2' && each <= '7' ? each - '2' + 26
                                                       : -1;
        if (value < 0) return std::nullopt;
        bits = bits << 5 | static_cast<std::uint32_t>(value);
        count += 5;
        if (count >= 8) {
            count -= 8;
            bytes += static_cast<char>(bits >> count);
            bits &= (1U << count) - 1;
        }
    }
    return bytes;
}

}
