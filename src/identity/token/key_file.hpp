#pragma once

#include <filesystem>
#include <string>

#include "platform/ambient/ambient.hpp"

namespace stratolet::identity {

// A secret key of 32 random bytes in a file of its own, as base64url with padding (the form of Fernet's keys).

/// Whole or not there, and readable by its owner alone from the first moment. `durable`: a power cut doesn't take it
/// back.
void writeKeyFile(const std::filesystem::path& file, Ambient& ambient, bool durable);

/// The bytes. Error(Broken) where the file is no key.
std::string readKeyFile(const std::filesystem::path& file);

}
