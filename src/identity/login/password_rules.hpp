#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/ambient/ambient.hpp"
#include "platform/config/config.hpp"

namespace stratolet::identity {

/// What the operator asks of passwords and accounts: the options of Keystone's [security_compliance], here in
/// [identity]. All are off by default.
struct PasswordRules {
    int rounds = 12;                            ///< bcrypt's cost
    std::int64_t lockoutFailures = 0;           ///< failed logins in a row that lock an account; 0: never
    std::chrono::seconds lockoutDuration{1800}; ///< for how long
    std::chrono::days expires{0};               ///< a password is good for so long; 0: for ever
    std::string regex,
        regexDescription;            ///< what a password must match from its beginning (ECMAScript); empty: anything
    std::int64_t uniqueLast = 0;     ///< the last passwords, the present one included, that a user may not take again
    std::chrono::days minimumAge{0}; ///< until a user may change a password again
    bool changeUponFirstUse = false; ///< a password that an administrator set is good for nothing but to change it
    std::chrono::days inactive{0};   ///< an account not used for so long counts as disabled; 0: never

    explicit PasswordRules(const Config& config);

    /// Error(Invalid) naming the field `password` where it breaks a rule about its form.
    void check(const std::string& password) const;

    /// When a password set now by its user ends.
    std::optional<Time> endOf(Time now) const;
};

std::vector<ConfigOption> passwordRuleOptions();

/// How a user's logins went.
struct Login {
    std::int64_t failures = 0;
    std::optional<Time> lastFailure, lastActive, passwordChanged;
};

}
