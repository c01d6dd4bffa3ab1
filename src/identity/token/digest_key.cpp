#include "identity/token/digest_key.hpp"

#include "identity/token/crypto.hpp"
#include "identity/token/fernet.hpp"
#include "identity/token/key_file.hpp"

namespace stratolet::identity {

DigestKey::DigestKey(const std::filesystem::path& file, Ambient& ambient, bool durable) {
    if (!std::filesystem::exists(file)) writeKeyFile(file, ambient, durable);
    key_ = readKeyFile(file);
}

std::string DigestKey::of(std::string_view secret) const { return base64Url(hmacSha256(key_, secret)); }

bool DigestKey::proves(std::string_view secret, std::string_view digest) const {
    return sameSecret(of(secret), digest);
}

}
