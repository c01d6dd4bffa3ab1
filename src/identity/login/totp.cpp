#include "identity/login/totp.hpp"

#include "identity/token/crypto.hpp"

namespace stratolet::identity {

std::string totpCode(std::string_view secret, std::int64_t step) {
    std::string counter;
    for (int shift = 56; shift >= 0; shift -= 8) counter += static_cast<char>(step >> shift);
    const std::string mac = hmacSha1(secret, counter);
    const auto at = static_cast<std::size_t>(mac.back() & 0x0F);
    std::uint32_t number = 0;
    for (std::size_t each = at; each < at + 4; ++each) number = number << 8 | static_cast<unsigned char>(mac[each]);
    number &= 0x7FFFFFFF;
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
