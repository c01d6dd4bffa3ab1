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
    /// user_id, project_id, domain_id, user_domain_id, project_domain_id, system_scope ("all"), is_admin_project, trust.…, token.…
    std::map<std::string, std::string, std::less<>> attributes;
};

/// What is asked about: attributes of stored resources ("project_id", "target.user.domain_id"), never request fields as such.
using Target = std::map<std::string, std::string, std::less<>>;

/// The rules of one service: name → check, in the language of policy.yaml: role:x, rule:x, attribute:%(target)s, 'literal':%(target)s,
/// attribute:literal, and, or, not, ( ), "@" (always), "!" (never), "" (always).
class Policy {
public:
    /// Error(Invalid) "ORIGIN:LINE: rule "name": what is wrong" where any rule doesn't parse, or names a rule that doesn't exist.
    static std::shared_ptr<const Policy> parse(std::string_view defaults, std::string_view defaultsOrigin, std::string_view overrides = "",
                                               std::string_view overridesOrigin = "");

    /// False also where there is no such rule.
    bool allows(std::string_view rule, const Credentials& who, const Target& target) const;
    bool has(std::string_view rule) const;
    std::vector<std::string> names() const;

    /// The decision and every sub-check with its own result, one a line, for a person to read.
    std::string explain(std::string_view rule, const Credentials& who, const Target& target) const;

    struct Check; // a node of the parsed rule
    ~Policy();

private:
    Policy();
    std::map<std::string, std::shared_ptr<const Check>, std::less<>> rules_;
};

class Log;

/// The policies of all services, re-read when a file under the configuration directory changes (looked at twice a second).
class Policies {
public:
    /// `overrides` is the directory with <service>.yaml or <service>.json; it and they may be absent.
    Policies(std::filesystem::path overrides, Log& log);
    ~Policies();

    /// Adds a service with its built-in defaults. Error(Invalid) where the override is broken at start-up.
    void add(std::string service, std::string_view defaults);

    /// The rules in force now. Never null for a service that was added.
    std::shared_ptr<const Policy> of(std::string_view service) const;

    /// Reads changed files again. A broken one is refused whole: the old rules stay, the log names file, line and reason.
    void reread();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
