#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/ambient/ambient.hpp"

namespace stratolet::identity {

/// Fernet (github.com/fernet/spec, version 0x80): AES-128-CBC and HMAC-SHA256 around a payload, as base64url without padding.
/// The keys are files named by numbers: 0 is staged, the highest is primary (it encrypts), all others only decrypt.
class Fernet {
public:
    /// Reads the repository, or makes one with keys 0 and 1 where the folder is empty or absent. Error(Broken) where a key is no key.
    Fernet(std::filesystem::path folder, Ambient& ambient);

    std::string seal(std::string_view payload) const;

    /// Nothing for what none of our keys made.
    std::optional<std::string> open(std::string_view token) const;

private:
    Ambient& ambient_;
    std::vector<std::string> keys_; // 32 bytes each, the primary first
};

std::string base64Url(std::string_view bytes); ///< without padding
std::optional<std::string> fromBase64Url(std::string_view text);

}
