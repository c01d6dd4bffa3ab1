#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>

#include "appliance/settings.hpp"
#include "platform/json/json.hpp"

// The operator's commands: each asks the cloud that runs on this host (LocalCloud) and writes what it says, as a table
// or as the JSON that came. They return the program's exit code; Error where there is nothing to show.

namespace stratolet {

/// How a command was called.
struct Asked {
    const Settings& settings;
    std::filesystem::path stateDir;
    bool json = false;
    std::ostream& out;
};

/// The answer as JSON where that is asked for (true), else it is for the caller to show.
bool printed(const Asked& asked, const Json& answer);
Json written(const std::function<void(JsonWriter&)>& write); ///< what `write` writes

int showStatus(const Asked& asked);

/// Also of a cloud that does not run, from its store: without lanes then.
int listJobs(const Asked& asked);
int showJob(const Asked& asked, const std::string& id);
int retryJob(const Asked& asked, const std::string& id);
int cancelJob(const Asked& asked, const std::string& id);

/// A resource's whole story; all namesakes where a name has several. By id or name.
int tellWhy(const Asked& asked, const std::string& resource);

/// What has become of things after `since` (none: the last hundred), of types that begin with `type`. `follow`: goes on
/// until the program is ended.
int listEvents(const Asked& asked, std::optional<std::int64_t> since, const std::string& type, bool follow);

/// What should not be (see examine()); also of a cloud that does not run. 0 where there is nothing.
int lookForFindings(const Asked& asked);

/// 0 where nothing is left.
int repairHost(const Asked& asked);

/// Also where no cloud runs: the routes that one would have.
int listRoutes(const Asked& asked);

int listHosts(const Asked& asked);
/// Error(Invalid) where neither or both are wanted.
int setHost(const Asked& asked, const std::string& name, const std::optional<std::string>& disabledReason, bool enable);

/// Lines for a shell; the administrator's with the password that the state directory has.
int printOpenrc(const Asked& asked, const std::string& user, const std::string& project);
int setPassword(const Asked& asked, const std::string& user, const std::string& password);

/// Boots a guest and takes it away, telling each step with its time. `image`: id or name; empty: what is there, or in a
/// sandbox one that is made for it. `keep`: leaves all of it.
int demonstrate(const Asked& asked, const std::string& image, bool keep);

}
