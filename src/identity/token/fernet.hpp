#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "identity/token/key_repository.hpp"
#include "platform/ambient/ambient.hpp"

namespace stratolet::identity {

/// Fernet (github.com/fernet/spec, version 0x80): AES-128-CBC and HMAC-SHA256 around a payload, as base64url without
/// padding. The repository's primary key encrypts, all others only decrypt. Safe to use from several threads while its
/// keys rotate.
class Fernet {
public:
    Fernet(std::filesystem::path folder, Ambient& ambient, bool durable = true) ///< see KeyRepository
        : ambient_(ambient),
          repository_(std::move(folder), ambient, durable) {}

    std::string seal(std::string_view payload) const;

    /// Nothing for what none of our keys made.
    std::optional<std::string> open(std::string_view token) const;

    KeyRepository& repository() { return repository_; }
    const KeyRepository& repository() const { return repository_; }

private:
    Ambient& ambient_;
    KeyRepository repository_;
};

std::string base64Url(std::string_view bytes); ///< without padding
std::optional<std::string> fromBase64Url(std::string_view text);

}
