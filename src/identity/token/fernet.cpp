#include "identity/token/fernet.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "platform/os/fd.hpp"

namespace stratolet::identity {
namespace {

constexpr char version = '\x80';
constexpr std::size_t headBytes = 1 + 8 + 16, macBytes = 32, blockBytes = 16;

using Cipher = Handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

const unsigned char* bytesOf(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytesOf(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string macOf(std::string_view key, std::string_view content) {
    std::string mac(macBytes, '\0');
    unsigned length = 0;
    HMAC(EVP_sha256(), key.data(), 16, bytesOf(content), content.size(), bytesOf(mac), &length);
    return mac;
}

std::string encrypted(std::string_view key, std::string_view iv, std::string_view plain) {
    const Cipher cipher(EVP_CIPHER_CTX_new());
    std::string out(plain.size() + blockBytes, '\0');
    int first = 0, last = 0;
    EVP_EncryptInit_ex(cipher.get(), EVP_aes_128_cbc(), nullptr, bytesOf(key) + 16, bytesOf(iv));
    EVP_EncryptUpdate(cipher.get(), bytesOf(out), &first, bytesOf(plain), static_cast<int>(plain.size()));
    EVP_EncryptFinal_ex(cipher.get(), bytesOf(out) + first, &last);
    out.resize(static_cast<std::size_t>(first) + static_cast<std::size_t>(last));
    return out;
}

std::optional<std::string> decrypted(std::string_view key, std::string_view iv, std::string_view hidden) {
    const Cipher cipher(EVP_CIPHER_CTX_new());
    std::string out(hidden.size() + blockBytes, '\0');
    int first = 0, last = 0;
    EVP_DecryptInit_ex(cipher.get(), EVP_aes_128_cbc(), nullptr, bytesOf(key) + 16, bytesOf(iv));
    if (EVP_DecryptUpdate(cipher.get(), bytesOf(out), &first, bytesOf(hidden), static_cast<int>(hidden.size())) != 1)
        return std::nullopt;
    if (EVP_DecryptFinal_ex(cipher.get(), bytesOf(out) + first, &last) != 1) return std::nullopt;
    out.resize(static_cast<std::size_t>(first) + static_cast<std::size_t>(last));
    return out;
}

std::string randomBytes(Ambient& ambient, std::size_t count) {
    std::string bytes(count, '\0');
    ambient.randomize(std::as_writable_bytes(std::span(bytes)));
    return bytes;
}

}

std::string base64Url(std::string_view bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    text.resize(
        static_cast<std::size_t>(EVP_EncodeBlock(bytesOf(text), bytesOf(bytes), static_cast<int>(bytes.size()))));
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    while (text.ends_with('=')) text.pop_back();
    return text;
}

std::optional<std::string> fromBase64Url(std::string_view given) {
    std::string text(given);
    while (text.ends_with('=')) text.pop_back();
    for (auto& each : text) {
        if (each == '-')
            each = '+';
        else if (each == '_')
            each = '/';
        else if (!std::isalnum(static_cast<unsigned char>(each)))
            return std::nullopt;
    }
    const std::size_t padding = (4 - text.size() % 4) % 4;
    if (padding == 3) return std::nullopt;
    text.append(padding, '=');
    std::string bytes(text.size() / 4 * 3, '\0');
    const int length = EVP_DecodeBlock(bytesOf(bytes), bytesOf(text), static_cast<int>(text.size()));
    if (length < 0) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(length) - padding);
    while (given.ends_with('=')) given.remove_suffix(1);
    if (base64Url(bytes) != given)
        return std::nullopt; // bits behind the last byte: a second spelling of the same token
    return bytes;
}

std::string Fernet::seal(std::string_view payload) const {
    std::string token(1, version);
    const auto seconds = static_cast<std::uint64_t>(toMicros(ambient_.now()) / 1000000);
    for (int shift = 56; shift >= 0; shift -= 8) token += static_cast<char>(seconds >> shift);
    const std::string iv = randomBytes(ambient_, 16);
    const auto keys = repository_.keys();
    token.append(iv).append(encrypted(keys->front(), iv, payload));
    token += macOf(keys->front(), token);
    return base64Url(token);
}

std::optional<std::string> Fernet::open(std::string_view token) const {
    const auto bytes = fromBase64Url(token);
    if (!bytes || bytes->size() < headBytes + blockBytes + macBytes || bytes->front() != version) return std::nullopt;
    const std::string_view content(bytes->data(), bytes->size() - macBytes);
    const std::string_view mac(bytes->data() + content.size(), macBytes);
    const auto keys = repository_.keys();
    for (const auto& key : *keys)
        if (CRYPTO_memcmp(macOf(key, content).data(), mac.data(), macBytes) == 0)
            return decrypted(key, content.substr(9, 16), content.substr(headBytes));
    return std::nullopt;
}

}
