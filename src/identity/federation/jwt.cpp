#include "identity/federation/jwt.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <string>

#include <stratolet/error.hpp>

#include "identity/token/fernet.hpp"
#include "platform/os/fd.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {
namespace {

constexpr int rsaBitsMin = 2048; // RFC 7518, 3.3
constexpr std::size_t tokenBytesMax = 32 * 1024;

using PublicKey = Handle<EVP_PKEY, EVP_PKEY_free>;
using KeyContext = Handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestContext = Handle<EVP_MD_CTX, EVP_MD_CTX_free>;
using Number = Handle<BIGNUM, BN_free>;
using ParameterBuilder = Handle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Parameters = Handle<OSSL_PARAM, OSSL_PARAM_free>;
using Signature = Handle<ECDSA_SIG, ECDSA_SIG_free>;

const unsigned char* bytesOf(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

/// RFC 7518, 3.1.
struct Algorithm {
    std::string_view name;
    std::string_view kind; ///< of the key: "RSA", or the name of a curve
    const EVP_MD* (*digest)();
    bool pss = false;
};
constexpr std::array<Algorithm, 10> algorithms = {{{"RS256", "RSA", EVP_sha256},
                                                   {"RS384", "RSA", EVP_sha384},
                                                   {"RS512", "RSA", EVP_sha512},
                                                   {"PS256", "RSA", EVP_sha256, true},
                                                   {"PS384", "RSA", EVP_sha384, true},
                                                   {"PS512", "RSA", EVP_sha512, true},
                                                   {"ES256", "P-256", EVP_sha256},
                                                   {"ES384", "P-384", EVP_sha384},
                                                   {"ES512", "P-521", EVP_sha512},
                                                   {"EdDSA", "Ed25519", nullptr}}};

struct Curve {
    std::string_view name;
    std::size_t coordinateBytes;
};
constexpr std::array<Curve, 3> curves = {{{"P-256", 32}, {"P-384", 48}, {"P-521", 66}}};

template <class Table> auto named(const Table& table, std::string_view name) {
    return std::find_if(table.begin(), table.end(), [&](const auto& each) { return each.name == name; });
}

Number numberFrom(std::string_view bytes) {
    return Number(BN_bin2bn(bytesOf(bytes), static_cast<int>(bytes.size()), nullptr));
}

/// Null where it is no key.
PublicKey keyFrom(const char* kind, OSSL_PARAM_BLD* builder) {
    const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
    const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
    EVP_PKEY* key = nullptr;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
        return nullptr;
    PublicKey owned(key);
    const KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
    return check && EVP_PKEY_public_check(check.get()) == 1 ? std::move(owned) : nullptr;
}

std::string bytesIn(const Json& jwk, std::string_view name) { return fromBase64Url(jwk.text(name)).value_or(""); }

PublicKey rsaKey(const Json& jwk) {
    const auto modulus = numberFrom(bytesIn(jwk, "n")), exponent = numberFrom(bytesIn(jwk, "e"));
    const ParameterBuilder builder(OSSL_PARAM_BLD_new());
    if (BN_num_bits(modulus.get()) < rsaBitsMin ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
        return nullptr;
    return keyFrom("RSA", builder.get());
}

PublicKey curveKey(const Json& jwk, const Curve& curve) {
    const auto x = bytesIn(jwk, "x"), y = bytesIn(jwk, "y");
    if (x.size() != curve.coordinateBytes || y.size() != curve.coordinateBytes) return nullptr;
    const std::string point = '\x04' + x + y; // uncompressed (SEC 1, 2.3.3)
    const ParameterBuilder builder(OSSL_PARAM_BLD_new());
    if (OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.name.data(),
                                        curve.name.size()) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
        return nullptr;
    return keyFrom("EC", builder.get());
}

/// ECDSA's two numbers side by side (RFC 7518, 3.4) as OpenSSL wants them.
std::string derSignature(std::string_view raw) {
    const Signature signature(ECDSA_SIG_new());
    auto r = numberFrom(raw.substr(0, raw.size() / 2)), s = numberFrom(raw.substr(raw.size() / 2));
    if (!signature || ECDSA_SIG_set0(signature.get(), r.release(), s.release()) != 1) return {};
    std::string der(static_cast<std::size_t>(i2d_ECDSA_SIG(signature.get(), nullptr)), '\0');
    auto* out = reinterpret_cast<unsigned char*>(der.data());
    i2d_ECDSA_SIG(signature.get(), &out);
    return der;
}

bool verifies(EVP_PKEY* key, const Algorithm& algorithm, std::string_view signedText, std::string signature) {
    if (const auto* curve = named(curves, algorithm.kind); curve != curves.end()) {
        if (signature.size() != 2 * curve->coordinateBytes) return false;
        signature = derSignature(signature);
    }
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* options = nullptr; // owned by `context`
    if (EVP_DigestVerifyInit(context.get(), &options, algorithm.digest ? algorithm.digest() : nullptr, nullptr, key) !=
        1)
        return false;
    if (algorithm.pss && (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
                          EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1))
        return false;
    return EVP_DigestVerify(context.get(), bytesOf(signature), signature.size(), bytesOf(signedText),
                            signedText.size()) == 1;
}

/// A JSON object; nothing for any other text.
std::optional<Json> objectIn(std::string_view encoded) {
    const auto text = fromBase64Url(encoded);
    if (!text) return std::nullopt;
    try {
        auto object = Json::parse(*text, 16);
        return object.isObject() ? std::optional(std::move(object)) : std::nullopt;
    } catch (const Error&) {
        return std::nullopt;
    }
}

/// Of the types that a token for a login may have (RFC 8725, 3.11): not one that was made for something else, a logout
/// say.
bool isLoginType(std::string_view type) {
    return sameWithoutCase(type, "JWT") || sameWithoutCase(type, "at+jwt") ||
           sameWithoutCase(type, "application/at+jwt");
}

}

struct SigningKeys::Key {
    std::string id;        ///< empty where it has none
    std::string algorithm; ///< the only one it is for; empty: any that suits it
    std::string kind;      ///< as an algorithm names it
    PublicKey key;
};

SigningKeys SigningKeys::parse(std::string_view text) {
    SigningKeys set;
    for (const auto& each : Json::parse(text).array("keys").items()) {
        if (each.text("use", "sig") != "sig") continue;
        Key key{each.text("kid", ""), each.text("alg", ""), {}, nullptr};
        const auto type = each.text("kty");
        if (type == "RSA") {
            key.kind = type;
            key.key = rsaKey(each);
        } else if (type == "EC" || type == "OKP") {
            key.kind = each.text("crv");
            if (const auto* curve = named(curves, key.kind); curve != curves.end() && type == "EC")
                key.key = curveKey(each, *curve);
            else if (const auto bytes = bytesIn(each, "x"); key.kind == "Ed25519" && type == "OKP")
                key.key.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytesOf(bytes), bytes.size()));
        }
        if (key.key) set.keys_.push_back(std::make_shared<const Key>(std::move(key)));
    }
    if (set.keys_.empty()) throw Error(Failure::Invalid, "it has no key that tokens can be checked with");
    return set;
}

std::optional<Json> SigningKeys::claimsIn(std::string_view token) const {
    if (token.size() > tokenBytesMax || token.find('=') != std::string_view::npos)
        return std::nullopt; // no padding (RFC 7515, 2)
    const auto parts = split(token, '.');
    if (parts.size() != 3) return std::nullopt;
    const auto header = objectIn(parts[0]);
    const auto signature = fromBase64Url(parts[2]);
    if (!header || !signature || header->has("crit"))
        return std::nullopt; // an extension that must be understood (RFC 7515, 4.1.11)
    const auto textOf = [&](std::string_view name) {
        const auto found = header->find(name);
        return found && found->isText() ? found->text() : std::string();
    };
    const auto* algorithm = named(algorithms, textOf("alg"));
    if (algorithm == algorithms.end() || (header->has("typ") && !isLoginType(textOf("typ")))) return std::nullopt;
    const auto id = textOf("kid");
    const auto signedText = token.substr(0, parts[0].size() + 1 + parts[1].size());
    const auto made = [&](const auto& key) {
        return key->kind == algorithm->kind && (key->algorithm.empty() || key->algorithm == algorithm->name) &&
               (id.empty() || key->id.empty() || key->id == id) &&
               verifies(key->key.get(), *algorithm, signedText, *signature);
    };
    return std::any_of(keys_.begin(), keys_.end(), made) ? objectIn(parts[1]) : std::nullopt;
}

}
