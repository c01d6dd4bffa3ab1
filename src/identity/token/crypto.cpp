#include "identity/token/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace stratolet::identity {
namespace {

const unsigned char* bytesOf(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string macOf(const EVP_MD* kind, std::string_view key, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned length = 0;
    HMAC(kind, key.data(), static_cast<int>(key.size()), bytesOf(text), text.size(), mac.data(), &length);
    return {reinterpret_cast<const char*>(mac.data()), length};
}

}

std::string hmacSha1(std::string_view key, std::string_view text) { return macOf(EVP_sha1(), key, text); }
std::string hmacSha256(std::string_view key, std::string_view text) { return macOf(EVP_sha256(), key, text); }

std::string sha256(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr);
    return {reinterpret_cast<const char*>(digest.data()), length};
}

std::string base64(std::string_view bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    text.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytesOf(bytes),
                                                         static_cast<int>(bytes.size()))));
    return text;
}

bool sameSecret(std::string_view left, std::string_view right) {
    return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}
