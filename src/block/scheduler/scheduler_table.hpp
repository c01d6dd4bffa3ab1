#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <stratolet/ids.hpp>

#include "platform/ambient/ambient.hpp"
#include "platform/store/store.hpp"

// SQL, and no rule: what is promised of pools and who has it, and which services are disabled.

namespace stratolet::block {

/// What an administrator has said of a service.
struct ServiceSetting {
    std::string binary, host;
    bool disabled = false;
    std::optional<std::string> reason;
    Time updated;
};

/// What a pool has promised to volumes.
struct Promised {
    std::int64_t volumes = 0, gigabytes = 0;
};

/// What a project has in a back end.
struct Share {
    ProjectId project;
    std::int64_t volumes = 0, gigabytes = 0, snapshots = 0, snapshotGigabytes = 0;
};

namespace scheduler_table {
std::map<std::string, Promised> promised(store::Reader& db);           ///< by pool
std::vector<Share> shares(store::Reader& db, const std::string& host); ///< in "host@backend", by project
std::vector<std::string> disabledHosts(store::Reader& db);             ///< "host@backend" of "cinder-volume"
std::vector<ServiceSetting> settings(store::Reader& db);
void set(store::Transaction& tx, const ServiceSetting& setting);
}

}
