#include "identity/login/password_rules.hpp"

#include <regex>

#include <stratolet/error.hpp>

#include "identity/login/password.hpp"

namespace stratolet::identity {
namespace {

std::string regexComplaint(const std::string& text) {
    try {
        const std::regex tried(text);
        return {};
    } catch (const std::regex_error& problem) {
        return std::string("is no regular expression: ") + problem.what();
    }
}

}

std::vector<ConfigOption> passwordRuleOptions() {
    return {{"identity", "password_hash_rounds", "12", wholeNumber(4, 31)},
            {"identity", "lockout_failure_attempts", "0", wholeNumber(0, 1000000)},
            {"identity", "lockout_duration", "1800", wholeNumber(1, 365 * 24 * 3600)},
            {"identity", "password_expires_days", "0", wholeNumber(0, 36500)},
            {"identity", "password_regex", "", {"a regular expression (ECMAScript), or nothing", regexComplaint}},
            {"identity", "password_regex_description", "", anyText()},
            {"identity", "unique_last_password_count", "0", wholeNumber(0, 100)},
            {"identity", "minimum_password_age", "0", wholeNumber(0, 36500)},
            {"identity", "change_password_upon_first_use", "false", trueOrFalse()},
            {"identity", "disable_user_account_days_inactive", "0", wholeNumber(0, 36500)}};
}

PasswordRules::PasswordRules(const Config& config)
    : rounds(static_cast<int>(config.integer("identity", "password_hash_rounds"))),
      lockoutFailures(config.integer("identity", "lockout_failure_attempts")),
      lockoutDuration(config.seconds("identity", "lockout_duration")),
      expires(config.integer("identity", "password_expires_days")),
      regex(config.text("identity", "password_regex")),
      regexDescription(config.text("identity", "password_regex_description")),
      uniqueLast(config.integer("identity", "unique_last_password_count")),
      minimumAge(config.integer("identity", "minimum_password_age")),
      changeUponFirstUse(config.boolean("identity", "change_password_upon_first_use")),
      inactive(config.integer("identity", "disable_user_account_days_inactive")) {}

void PasswordRules::check(const std::string& password) const {
    const auto refuse = [](const std::string& what) {
        throw Error(Failure::Invalid, "Invalid input for field 'password': ", what); // never the value
    };
    if (password.empty()) refuse("it must not be empty.");
    checkPasswordLength(password);
    if (password.find('\0') != std::string::npos) refuse("it must not contain a NUL character.");
    if (regex.empty()) return;
    if (!std::regex_search(password, std::regex(regex), std::regex_constants::match_continuous))
        refuse("The password does not match the requirements: " +
               (regexDescription.empty() ? regex : regexDescription));
}

std::optional<Time> PasswordRules::endOf(Time now) const {
    if (expires.count() == 0) return std::nullopt;
    return now + expires;
}

}
