#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/core.hpp"
#include "identity/directory/domain_config.hpp"
#include "identity/directory/user.hpp"
#include "platform/config/config.hpp"

namespace stratolet::identity {

/// Error(Forbidden) where the users and groups of this domain are kept in a directory, which we only read.
void refuseInDirectory(store::Reader& db, const DomainId& domain);

/// What the attribute user_enabled_attribute with this value (empty: there is none) says, by the settings
/// user_enabled_default, _mask and _invert. What cannot be understood does not enable anybody.
bool isEnabledInDirectory(std::string_view value, const DirectorySettings& settings);

std::vector<ConfigOption> directoriesConfigOptions();

/// To be called by every change that settings of directories may come from, or the domains that they are for: they
/// count from then on, not when the timer comes round.
void noteDirectories(store::Transaction& tx, Core& core);

/// The domains whose users and groups are kept in a directory (LDAP). Their rows here are copies, renewed by a timer
/// and by logins, so that all the rest finds them as it finds others; passwords are the directory's matter.
class Directories {
public:
    explicit Directories(Core& core);

    /// Whom a login with a password turns out to be.
    struct Login {
        bool inDirectory = false; ///< false: not a user of a directory, so that the password that we keep counts
        std::optional<User> user; ///< nothing: the directory refuses
    };

    /// Whether login() would ask a directory, which costs us no hashing. Reads the store only.
    bool answersFor(store::Reader& db, const std::optional<User>& known, const Json& reference) const;

    /// Asks the directory about a user we know, or else about the name and domain that `reference` (the "user" of a
    /// login's body) gives. Error(Broken) where the directory does not answer.
    Login login(const std::optional<User>& known, const Json& reference, const std::string& password);

    /// Makes the copies like what the directories have now. Entries that are gone stay, disabled, with what was
    /// assigned to them.
    void synchronize();

private:
    std::optional<DirectorySettings> settingsOf(store::Reader& db, const DomainId& domain) const;

    Core& core_;
};

}
