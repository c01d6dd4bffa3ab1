#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>

#include "identity/directory/user.hpp"
#include "identity/organisation/project.hpp"
#include "platform/config/config.hpp"
#include "platform/policy/policy.hpp"

namespace stratolet {

/// By id, or by name in the default domain. Error(Invalid) where there is none.
identity::User userCalled(store::Reader& db, const std::string& text);
identity::Project projectCalled(store::Reader& db, const std::string& text, bool isDomain);

/// Lets the staged key seal tokens (or stored credentials) from now on. The cloud may run meanwhile, and notices within
/// a second.
void rotateKeys(const std::filesystem::path& stateDir, const Config& config, bool ofCredentials);

/// Whether somebody may do something. Users, projects and domains by their id, or by their name (in the default
/// domain).
struct PolicyQuestion {
    std::string user;
    std::optional<std::string> project, domain; ///< what the token would be scoped to
    bool system = false;
    std::string rule;
    std::optional<std::string>
        service; ///< nothing: the one whose name the rule begins with, or else the only one that has the rule
    Target target;
};

/// Writes the decision and every check that led to it. 0 where it is yes, 1 where it is no. Reads only; the cloud may
/// run meanwhile. Error(Invalid) where there is no such user, project, domain or rule, or no role there.
int explainPolicy(const std::filesystem::path& stateDir, const Config& config, const PolicyQuestion& question,
                  std::ostream& out);

}
