#include "platform/tls/own_certificates.hpp"

#include <arpa/inet.h>

#include <fstream>
#include <iterator>
#include <optional>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stratolet/error.hpp>

#include "platform/os/fd.hpp"
#include "platform/os/file.hpp"
#include "platform/os/folder.hpp"

namespace stratolet::tls {
namespace {

namespace fs = std::filesystem;
using Key = Handle<EVP_PKEY, EVP_PKEY_free>;
using Certificate = Handle<X509, X509_free>;
using Memory = Handle<BIO, BIO_free_all>;
using Days = std::chrono::days;

// Clients refuse certificates of servers that are good for longer (CA/Browser Forum: 398 days).
constexpr Days serverGoodFor(365), serverAheadOfEnd(30), authorityGoodFor(3650), authorityAheadOfEnd(400);
constexpr Days clocksMayDiffer(1);

void must(bool done, const char* what) {
    ERR_clear_error();
    if (!done) throw Error(Failure::Broken, "could not ", what);
}

std::time_t secondsOf(Time time) { return std::chrono::system_clock::to_time_t(time); }

bool isAddress(const std::string& text) {
    in6_addr any{};
    return ::inet_pton(AF_INET, text.c_str(), &any) == 1 || ::inet_pton(AF_INET6, text.c_str(), &any) == 1;
}

bool isName(const std::string& text) {
    constexpr std::size_t most = 253; // RFC 1035
    return !text.empty() && text.size() <= most &&
           text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-") ==
               std::string::npos;
}

Memory contentOf(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    Memory memory(BIO_new(BIO_s_mem()));
    if (memory) BIO_write(memory.get(), text.data(), static_cast<int>(text.size()));
    return memory;
}

std::string textIn(BIO* memory) {
    char* text = nullptr;
    const long length = BIO_get_mem_data(memory, &text);
    return {text, static_cast<std::size_t>(length)};
}

Key readKey(const fs::path& file) {
    const auto memory = contentOf(file);
    return Key(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
}

Certificate readCertificate(const fs::path& file) {
    const auto memory = contentOf(file);
    return Certificate(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
}

void writeKey(const fs::path& file, EVP_PKEY* key) {
    const Memory memory(BIO_new(BIO_s_mem()));
    must(memory && PEM_write_bio_PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
         "write a key");
    writeFile(file, textIn(memory.get()));
}

void writeCertificate(const fs::path& file, X509* certificate) {
    const Memory memory(BIO_new(BIO_s_mem()));
    must(memory && PEM_write_bio_X509(memory.get(), certificate) == 1, "write a certificate");
    writeFile(file, textIn(memory.get()), {.mode = 0644});
}

Key freshKey() {
    Key key(EVP_EC_gen("P-256"));
    must(key != nullptr, "generate a key");
    return key;
}

bool isGoodFor(X509* certificate, Time now, Days ahead) {
    auto then = secondsOf(now + ahead), today = secondsOf(now);
    return X509_cmp_time(X509_get0_notAfter(certificate), &then) > 0 &&
           X509_cmp_time(X509_get0_notBefore(certificate), &today) < 0;
}

bool isFor(X509* certificate, const std::vector<std::string>& names) {
    for (const auto& each : names) {
        const bool named = isAddress(each) ? X509_check_ip_asc(certificate, each.c_str(), 0) == 1
                                           : X509_check_host(certificate, each.c_str(), each.size(), 0, nullptr) == 1;
        if (!named) return false;
    }
    return true;
}

/// What both kinds have: a number of their own, a name, how long they are good, whose key.
Certificate begun(EVP_PKEY* key, const std::string& commonName, Time now, Days goodFor) {
    Certificate certificate(X509_new());
    const Handle<BIGNUM, BN_free> serial(BN_new());
    auto today = secondsOf(now);
    must(certificate && serial && BN_rand(serial.get(), 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
             BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get())) &&
             X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
             X509_time_adj_ex(X509_getm_notBefore(certificate.get()), -static_cast<int>(clocksMayDiffer.count()), 0,
                              &today) &&
             X509_time_adj_ex(X509_getm_notAfter(certificate.get()), static_cast<int>(goodFor.count()), 0, &today) &&
             X509_set_pubkey(certificate.get(), key) == 1 &&
             X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                                        reinterpret_cast<const unsigned char*>(commonName.data()),
                                        static_cast<int>(commonName.size()), -1, 0) == 1,
         "begin a certificate");
    return certificate;
}

void extend(X509* certificate, X509* issuer, int what, const std::string& value) {
    X509V3_CTX context{};
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const Handle<X509_EXTENSION, X509_EXTENSION_free> extension(
        X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str()));
    must(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "extend a certificate");
}

void sign(X509* certificate, X509* issuer, EVP_PKEY* key) {
    must(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
             X509_sign(certificate, key, EVP_sha256()) > 0,
         "sign a certificate");
}

Certificate madeAuthority(EVP_PKEY* key, Time now) {
    auto certificate = begun(key, "Stratolet's own authority", now, authorityGoodFor);
    X509* const own = certificate.get();
    extend(own, own, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    extend(own, own, NID_key_usage, "critical,keyCertSign");
    extend(own, own, NID_subject_key_identifier, "hash");
    sign(own, own, key);
    return certificate;
}

Certificate madeServer(EVP_PKEY* key, const std::vector<std::string>& names, X509* authority, EVP_PKEY* authorityKey,
                       Time now) {
    auto certificate = begun(key, "Stratolet", now, serverGoodFor);
    std::string alternatives;
    for (const auto& each : names)
        alternatives += (alternatives.empty() ? "" : ",") + std::string(isAddress(each) ? "IP:" : "DNS:") + each;
    extend(certificate.get(), authority, NID_basic_constraints, "critical,CA:FALSE");
    extend(certificate.get(), authority, NID_key_usage, "critical,digitalSignature");
    extend(certificate.get(), authority, NID_ext_key_usage, "serverAuth");
    extend(certificate.get(), authority, NID_authority_key_identifier, "keyid");
    extend(certificate.get(), authority, NID_subject_alt_name, alternatives);
    sign(certificate.get(), authority, authorityKey);
    return certificate;
}

}

OwnCertificates ensureOwnCertificates(const fs::path& folder, const std::vector<std::string>& names, Time now) {
    OwnCertificates files{folder / "ca.pem", folder / "server.pem", folder / "server.key"};
    const auto authorityKeyFile = folder / "ca.key";
    std::vector<std::string> wanted;
    for (const auto& each : names)
        if (isAddress(each) || isName(each)) wanted.push_back(each);
    ensureFolder(folder, Lets::OthersThrough);

    auto authorityKey = readKey(authorityKeyFile);
    auto authority = readCertificate(files.authority);
    if (!authorityKey) {
        authorityKey = freshKey();
        writeKey(authorityKeyFile, authorityKey.get());
        authority.reset();
    }
    if (!authority || X509_check_private_key(authority.get(), authorityKey.get()) != 1 ||
        !isGoodFor(authority.get(), now, authorityAheadOfEnd)) {
        authority = madeAuthority(authorityKey.get(), now);
        writeCertificate(files.authority, authority.get());
    }

    auto key = readKey(files.key);
    const auto certificate = readCertificate(files.certificate);
    const bool good = key && certificate && X509_check_private_key(certificate.get(), key.get()) == 1 &&
                      X509_verify(certificate.get(), authorityKey.get()) == 1 &&
                      isGoodFor(certificate.get(), now, serverAheadOfEnd) && isFor(certificate.get(), wanted);
    ERR_clear_error(); // of what was missing or broken; the listener would take it for its own
    if (good) return files;
    if (!key) {
        key = freshKey();
        writeKey(files.key, key.get());
    }
    writeCertificate(files.certificate, madeServer(key.get(), wanted, authority.get(), authorityKey.get(), now).get());
    files.fresh = true;
    return files;
}

}
