#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "platform/ambient/ambient.hpp"

namespace stratolet::identity {

/// Digests of secrets that are random and long, so that microseconds are enough to check one: HMAC-SHA256 with a key
/// that is not in the store. A stolen store alone doesn't let anybody try secrets.
class DigestKey {
public:
    /// Reads the key, or makes one where there is no file, on disk where `durable`. Error(Broken) where the file is no
    /// key.
    DigestKey(const std::filesystem::path& file, Ambient& ambient, bool durable);

    std::string of(std::string_view secret) const; ///< 43 characters of base64url

    /// In a time that doesn't depend on where they differ.
    bool proves(std::string_view secret, std::string_view digest) const;

private:
    std::string key_;
};

}
