#pragma once

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "identity/token/fernet.hpp"

namespace stratolet::test {

/// Somebody who signs JSON Web Tokens with a key of their own, by one algorithm of RFC 7518.
class Issuer {
public:
    explicit Issuer(std::string algorithm = "ES256", std::string keyId = "k1", unsigned rsaBits = 2048)
        : algorithm_(std::move(algorithm)),
          keyId_(std::move(keyId)),
          key_(isRsa()                 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(rsaBits))
               : algorithm_ == "EdDSA" ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                                       : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve().c_str())) {}

    /// The public key as the member of a JSON Web Key Set, with `more` members (",…").
    std::string publicKey(const std::string& more = "") const {
        const auto head = R"({"kid":")" + keyId_ + R"(","use":"sig")" + more;
        if (isRsa()) return head + R"(,"kty":"RSA","n":")" + number("n", 0) + R"(","e":")" + number("e", 0) + "\"}";
        if (algorithm_ != "EdDSA")
            return head + R"(,"kty":"EC","crv":")" + curve() + R"(","x":")" + number("qx", half()) + R"(","y":")" +
                   number("qy", half()) + "\"}";
        std::string raw(32, '\0');
        auto size = raw.size();
        EVP_PKEY_get_raw_public_key(key_.get(), bytes(raw), &size);
        return head + R"(,"kty":"OKP","crv":"Ed25519","x":")" + identity::base64Url(raw) + "\"}";
    }
    std::string keySet() const { return R"({"keys":[)" + publicKey() + "]}"; }

    /// `claims` is a JSON text; so is `header`, which usually says what is true.
    std::string token(const std::string& claims, std::string header = "") const {
        if (header.empty()) header = R"({"alg":")" + algorithm_ + R"(","kid":")" + keyId_ + R"(","typ":"JWT"})";
        const auto content = identity::base64Url(header) + "." + identity::base64Url(claims);
        return content + "." + identity::base64Url(signatureOf(content));
    }

    /// The modulus of an RSA key, as somebody who only knows what is public might use it.
    std::string publicBytes() const { return number("n", 0); }

private:
    struct Free {
        void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    };

    bool isRsa() const { return algorithm_.starts_with("RS") || algorithm_.starts_with("PS"); }
    std::string curve() const { return algorithm_ == "ES256" ? "P-256" : algorithm_ == "ES384" ? "P-384" : "P-521"; }
    int half() const { return algorithm_ == "ES256" ? 32 : algorithm_ == "ES384" ? 48 : 66; }
    static unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
    static const unsigned char* bytes(const std::string& text) {
        return reinterpret_cast<const unsigned char*>(text.data());
    }

    /// A number of the key as base64url, of `size` bytes (0: as many as it needs).
    std::string number(const char* name, int size) const {
        BIGNUM* value = nullptr;
        if (EVP_PKEY_get_bn_param(key_.get(), name, &value) != 1)
            throw std::logic_error(std::string("the key has no ") + name);
        std::string raw(static_cast<std::size_t>(size == 0 ? BN_num_bytes(value) : size), '\0');
        BN_bn2binpad(value, bytes(raw), static_cast<int>(raw.size()));
        BN_free(value);
        return identity::base64Url(raw);
    }

    std::string signatureOf(const std::string& content) const {
        const auto digest = algorithm_.ends_with("256")   ? EVP_sha256()
                            : algorithm_.ends_with("384") ? EVP_sha384()
                            : algorithm_.ends_with("512") ? EVP_sha512()
                                                          : nullptr;
        const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
        EVP_PKEY_CTX* options = nullptr;
        EVP_DigestSignInit(context.get(), &options, digest, nullptr, key_.get());
        if (algorithm_.starts_with("PS")) {
            EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
            EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST);
        }
        std::string signature(1024, '\0');
        auto size = signature.size();
        if (EVP_DigestSign(context.get(), bytes(signature), &size, bytes(content), content.size()) != 1)
            throw std::logic_error("nothing was signed");
        signature.resize(size);
        if (!algorithm_.starts_with("ES")) return signature;
        const auto* der = bytes(std::as_const(signature));
        auto* numbers = d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(size));
        std::string raw(static_cast<std::size_t>(2 * half()), '\0');
        BN_bn2binpad(ECDSA_SIG_get0_r(numbers), bytes(raw), half());
        BN_bn2binpad(ECDSA_SIG_get0_s(numbers), bytes(raw) + half(), half());
        ECDSA_SIG_free(numbers);
        return raw;
    }

    std::string algorithm_, keyId_;
    std::unique_ptr<EVP_PKEY, Free> key_;
};

}
