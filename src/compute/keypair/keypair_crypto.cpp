#include "compute/keypair/keypair.hpp"

#include <algorithm>
#include <array>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "compute/encoding.hpp"
#include "platform/os/fd.hpp"
#include "platform/text/text.hpp"

#include <stratolet/error.hpp>

namespace stratolet::compute {
namespace {

/// The length-prefixed string at the start of `blob`, which it is taken from; nothing where there is no whole one.
std::optional<std::string> takeString(std::string_view& blob) {
    if (blob.size() < 4) return std::nullopt;
    std::size_t length = 0;
    for (std::size_t index = 0; index < 4; ++index) length = length << 8 | static_cast<unsigned char>(blob[index]);
    if (length > blob.size() - 4) return std::nullopt;
    std::string text(blob.substr(4, length));
    blob.remove_prefix(4 + length);
    return text;
}

void putString(std::string& blob, std::string_view text) {
    for (int shift = 24; shift >= 0; shift -= 8) blob += static_cast<char>(text.size() >> shift & 0xff);
    blob += text;
}

/// As SSH writes numbers: no superfluous zero, but one where the first bit is set.
std::string numberBytes(const BIGNUM* number) {
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
    BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
    if (!bytes.empty() && (bytes[0] & 0x80)) bytes.insert(bytes.begin(), '\0');
    return bytes;
}

void hexFree(char* text) { OPENSSL_free(text); }

std::string colons(const std::string& hex) {
    std::string text;
    for (std::size_t index = 0; index < hex.size(); index += 2) text += (index ? ":" : "") + hex.substr(index, 2);
    return text;
}

std::string contentOf(BIO* memory) {
    char* text = nullptr;
    const long length = BIO_get_mem_data(memory, &text);
    return std::string(text, static_cast<std::size_t>(length));
}

int partsOf(const std::string& kind) {
    if (kind == "ssh-rsa") return 2;                            // exponent, modulus
    if (kind == "ssh-ed25519") return 1;                        // point
    if (kind.starts_with("ecdsa-sha2-nistp")) return 2;         // curve, point
    if (kind == "sk-ssh-ed25519@openssh.com") return 2;         // point, application
    if (kind == "sk-ecdsa-sha2-nistp256@openssh.com") return 3; // curve, point, application
    return 0;
}

}

std::string sshFingerprint(const std::string& key) {
    const auto refuse = [] {
        throw Error(Failure::Invalid, "Keypair data is invalid: failed to generate fingerprint");
    };
    // As OpenSSH reads the first line; what stands below it is taken along (compute does).
    const std::string line = key.substr(0, key.find_first_of("\r\n"));
    const auto kindEnd = line.find_first_of(" \t");
    if (kindEnd == std::string::npos || key.find('\0') != std::string::npos) refuse();
    const std::string kind = line.substr(0, kindEnd);
    const auto dataFrom = line.find_first_not_of(" \t", kindEnd);
    if (dataFrom == std::string::npos) refuse();
    const auto blob = fromBase64(line.substr(dataFrom, line.find_first_of(" \t", dataFrom) - dataFrom));
    if (!blob || partsOf(kind) == 0) refuse();
    std::string_view rest = *blob;
    if (takeString(rest) != kind) refuse();
    for (int part = 0; part < partsOf(kind); ++part) {
        const auto value = takeString(rest);
        if (!value || value->empty()) refuse();
        if (kind == "ssh-ed25519" && value->size() != 32) refuse();
    }
    if (!rest.empty()) refuse();
    return colons(md5Hex(*blob));
}

FreshKey generateRsaKey() {
    const Handle<EVP_PKEY, EVP_PKEY_free> key(EVP_RSA_gen(2048));
    BIGNUM *exponent = nullptr, *modulus = nullptr;
    if (!key || EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_RSA_E, &exponent) != 1 ||
        EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_RSA_N, &modulus) != 1)
        throw Error(Failure::Broken, "could not generate a key");
    const Handle<BIGNUM, BN_free> ownsExponent(exponent), ownsModulus(modulus);
    std::string blob;
    putString(blob, "ssh-rsa");
    putString(blob, numberBytes(exponent));
    putString(blob, numberBytes(modulus));
    const Handle<BIO, BIO_free_all> memory(BIO_new(BIO_s_mem()));
    if (!memory ||
        PEM_write_bio_PrivateKey_traditional(memory.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
        throw Error(Failure::Broken, "could not write a key");
    return {"ssh-rsa " + base64(blob) + " Generated-by-Stratolet", contentOf(memory.get())};
}

std::string certificateFingerprint(const std::string& certificate) {
    const Handle<BIO, BIO_free_all> memory(BIO_new_mem_buf(certificate.data(), static_cast<int>(certificate.size())));
    const Handle<X509, X509_free> parsed(memory ? PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr) : nullptr);
    std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
    unsigned length = 0;
    if (!parsed || X509_digest(parsed.get(), EVP_sha1(), sum.data(), &length) != 1)
        throw Error(Failure::Invalid, "Keypair data is invalid: failed to generate X509 fingerprint");
    const Handle<char, hexFree> hex(OPENSSL_buf2hexstr(sum.data(), static_cast<long>(length)));
    return lowered(hex.get()); // as clients know it
}

FreshKey generateCertificate(const std::string& user) {
    const auto fail = [] { throw Error(Failure::Broken, "could not make a certificate"); };
    const Handle<EVP_PKEY, EVP_PKEY_free> key(EVP_RSA_gen(2048));
    const Handle<X509, X509_free> certificate(X509_new());
    if (!key || !certificate) fail();
    X509* const fresh = certificate.get();
    const Handle<BIGNUM, BN_free> serial(BN_new());
    if (BN_rand(serial.get(), 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) != 1 ||
        !BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(fresh)))
        fail();
    constexpr long tenYears = 10L * 365 * 24 * 3600;
    X509_NAME* const name = X509_get_subject_name(fresh);
    const auto* const commonName = reinterpret_cast<const unsigned char*>(user.data());
    const Handle<X509_EXTENSION, X509_EXTENSION_free> usage(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_ext_key_usage, "clientAuth"));
    const bool made =
        X509_set_version(fresh, 2) == 1 && X509_gmtime_adj(X509_getm_notBefore(fresh), 0) &&
        X509_gmtime_adj(X509_getm_notAfter(fresh), tenYears) && X509_set_pubkey(fresh, key.get()) == 1 &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, commonName,
                                   static_cast<int>(std::min<std::size_t>(user.size(), 64)), -1, 0) == 1 &&
        X509_set_issuer_name(fresh, name) == 1 && usage && X509_add_ext(fresh, usage.get(), -1) == 1 &&
        X509_sign(fresh, key.get(), EVP_sha256()) > 0;
    const Handle<BIO, BIO_free_all> open(BIO_new(BIO_s_mem())), secret(BIO_new(BIO_s_mem()));
    if (!made || !open || !secret || PEM_write_bio_X509(open.get(), fresh) != 1 ||
        PEM_write_bio_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
        fail();
    return {contentOf(open.get()), contentOf(secret.get())};
}

}
