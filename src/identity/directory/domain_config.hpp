#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "identity/core.hpp"
#include "identity/organisation/project.hpp"
#include "platform/config/config.hpp"
#include "platform/http/http.hpp"

namespace stratolet::identity {

/// An option of the directory (LDAP) that a domain may have of its own. The names and defaults are Keystone's.
struct DirectoryOption {
    enum class Kind { Text, Number, Truth };
    std::string_view name;
    std::string_view otherwise;
    Kind kind = Kind::Text;
    bool sensitive = false; ///< never shown
};
extern const std::vector<DirectoryOption> directoryOptions;

/// The same as options of the section [ldap] of the configuration file.
std::vector<ConfigOption> directoryConfigOptions();

/// Directory options by name, as texts.
using DirectorySettings = std::map<std::string, std::string, std::less<>>;

/// What the section [ldap] says.
DirectorySettings directorySettings(const Config& config);

/// The same with what the domain's own configuration puts over it.
/// Error(Broken) where its password was sealed with a key that is gone.
DirectorySettings directorySettings(const Core& core, store::Reader& db, const DomainId& domain);

/// SQL: those of domain_configs whose value is sealed.
std::string sensitiveOptions();

/// The domains whose own configuration says that their users are in a directory.
std::vector<DomainId> domainsWithDirectory(store::Reader& db);

void addDomainConfigRoutes(http::Routes& routes, Core& core);

}
