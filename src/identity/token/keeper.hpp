#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "identity/core.hpp"
#include "identity/token/fernet.hpp"
#include "platform/config/config.hpp"

namespace stratolet::identity {

std::vector<ConfigOption> keyOptions();

/// Keeps the two key repositories: notices within a second that somebody rotated them, rotates those of the tokens by
/// itself where the configuration asks for it, and seals the secrets in the store again with a new primary key.
class Keeper {
public:
    Keeper(Core& core, KeyRepository& tokenKeys);

private:
    void look();
    Core& core_;
    KeyRepository& tokenKeys_;
    std::string sealedWith_; // the name of the key that seals all stored credentials
};

/// Rotates the keys below a state directory, whose cloud may run meanwhile: those of tokens, or those of stored
/// credentials.
void rotateTokenKeys(const std::filesystem::path& stateDir, const Config& config);
void rotateCredentialKeys(const std::filesystem::path& stateDir);

}
