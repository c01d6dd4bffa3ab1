#include "compute/encoding.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cctype>
#include <openssl/evp.h>
#include <stratolet/error.hpp>

#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

std::string digest(const EVP_MD* method, std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
    unsigned length = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), sum.data(), &length, method, nullptr) != 1)
        throw Error(Failure::Broken, "could not make a digest");
    return hexOf({reinterpret_cast<const char*>(sum.data()), length});
}

template <int family, std::size_t bytes> std::optional<std::string> canonical(const std::string& address) {
    std::array<unsigned char, bytes> raw{};
    std::array<char, 64> text{};
    if (inet_pton(family, address.c_str(), raw.data()) != 1) return std::nullopt;
    return std::string(inet_ntop(family, raw.data(), text.data(), text.size()));
}

}

std::string base64(std::string_view bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int length =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(length));
    return text;
}

std::optional<std::string> fromBase64(std::string_view text) {
    std::string bytes;
    unsigned bits = 0, have = 0;
    std::size_t digits = 0, padding = 0;
    for (const char letter : text) {
        if (std::isspace(static_cast<unsigned char>(letter))) continue;
        if (letter == '=') {
            ++padding;
            continue;
        }
        const int value = letter >= 'A' && letter <= 'Z'   ? letter - 'A'
                          : letter >= 'a' && letter <= 'z' ? letter - 'a' + 26
                          : letter >= '0' && letter <= '9' ? letter - '0' + 52
                          : letter == '+'                  ? 62
                          : letter == '/'                  ? 63
                                                           : -1;
        if (value < 0 || padding > 0) return std::nullopt;
        ++digits;
        bits = bits << 6 | static_cast<unsigned>(value);
        if ((have += 6) >= 8) {
            have -= 8;
            bytes += static_cast<char>(bits >> have & 0xff);
        }
    }
    if ((digits + padding) % 4 != 0 || padding > 2 || digits % 4 == 1) return std::nullopt;
    return bytes;
}

std::string md5Hex(std::string_view bytes) { return digest(EVP_md5(), bytes); }
std::string sha224Hex(std::string_view bytes) { return digest(EVP_sha224(), bytes); }
std::string sha256Hex(std::string_view bytes) { return digest(EVP_sha256(), bytes); }

bool isPrintable(std::string_view text) {
    while (!text.empty()) {
        const auto length = utf8Sequence(text);
        const auto first = static_cast<unsigned char>(text[0]);
        if (length == 0 || first < 0x20 || first == 0x7f) return false;
        if (length == 2 && first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0)
            return false; // C1 control characters
        text.remove_prefix(length);
    }
    return true;
}

std::optional<std::string> canonicalIpv4(const std::string& address) { return canonical<AF_INET, 4>(address); }
std::optional<std::string> canonicalIpv6(const std::string& address) { return canonical<AF_INET6, 16>(address); }

}
