#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stratolet {

/// What is known of who asks. Filled from a validated token only, never from the request (OSSA S18).
struct Credentials {
    std::vector<std::string> roles;
    /// user_id, project_id, domain_id, user_domain_id, project_domain_id, system_scope ("all"), is_admin_project,
    /// trust.…, token.…
    std::map<std::string, std::string, std::less<>> attributes;
};

/// What is asked about: attributes of stored resources ("project_id", "target.user.domain_id"), never request fields as
/// such.
using Target = std::map<std::string, std::string, std::less<>>;

/// The rules of one service: name → check, in the language of policy.yaml: role:x, rule:x, attribute:%(target)s,
/// 'literal':%(target)s, attribute:literal, and, or, not, ( ), "@" (always), "!" (never), "" (always). A check may also
/// be a list of checks, of which one must hold, each of them a text or a list of texts that must all hold
/// (oslo.policy's older form).
///
/// A default rule names behind itself, in a comment "# scope system,domain,project", what a token must be scoped to for
/// the rule to hold at all; a rule without is for any. It is part of the rule wherever that is asked, by its name or by
/// another rule, and an override of the check leaves it as it is. A token without a scope counts as one of a project
/// (oslo.policy, enforce_scope).
class Policy {
public:
    /// Error(Invalid) "ORIGIN:LINE: rule "name": what is wrong" where any rule doesn't parse, or names a rule that
    /// doesn't exist. Without `enforceScope` the scopes are left out.
    static std::shared_ptr<const Policy> parse(std::string_view defaults, std::string_view defaultsOrigin,
                                               std::string_view overrides = "", std::string_view overridesOrigin = "",
                                               bool enforceScope = true);

    /// False also where there is no such rule.
    /// `otherwise` has what the target does not say itself.
    bool allows(std::string_view rule, const Credentials& who, const Target& target,
                const Target& otherwise = {}) const;
    bool has(std::string_view rule) const;

    /// False where the rule is for tokens of other scopes than this one's. True of a rule that there isn't.
    bool isFor(std::string_view rule, const Credentials& who) const;
    std::vector<std::string> names() const;

    /// The scopes that the rule is for: some of "system", "domain", "project"; empty where it is for any.
    std::vector<std::string> scopesOf(std::string_view rule) const;

    /// The decision and every sub-check with its own result, one a line, for a person to read.
    std::string explain(std::string_view rule, const Credentials& who, const Target& target) const;

    struct Check; // a node of the parsed rule
    struct Rule {
        std::shared_ptr<const Check> check;
        unsigned scopes = 0; // bits; 0: any
    };
    ~Policy();

private:
    Policy();
    std::map<std::string, Rule, std::less<>> rules_;
};

class Log;

/// The policies of all services, re-read when a file under the configuration directory changes (looked at twice a
/// second).
class Policies {
public:
    /// `overrides` is the directory with <service>.yaml or <service>.json; it and they may be absent.
    Policies(std::filesystem::path overrides, Log& log, bool enforceScope = true);
    ~Policies();

    /// Adds a service with its built-in defaults. Error(Invalid) where the override is broken at start-up.
    void add(std::string service, std::string_view defaults);

    /// The rules in force now. Never null for a service that was added.
    std::shared_ptr<const Policy> of(std::string_view service) const;

    /// Reads changed files again. A broken one is refused whole: the old rules stay, the log names file, line and
    /// reason.
    void reread();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
