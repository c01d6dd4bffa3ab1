#pragma once

#include <stratolet/ids.hpp>

#include <cstdint>
#include <map>
#include <string>

#include "platform/store/store.hpp"

// What projects have, counted from rows. SQL, and no rule.

namespace stratolet::block {

/// What a project has of one type, or of all, as far as it counts.
struct Held {
    std::int64_t volumes = 0, gigabytes = 0, snapshots = 0, snapshotGigabytes = 0;
};

namespace quota_table {
/// By the types' names; of all of them by "".
std::map<std::string, Held> held(store::Reader& db, const ProjectId& project);
std::int64_t volumesOf(store::Reader& db, const ProjectId& project, const std::string& type);
std::int64_t gigabytesOf(store::Reader& db, const ProjectId& project, const std::string& type);
std::int64_t snapshotsOf(store::Reader& db, const ProjectId& project, const std::string& type);
std::int64_t snapshotGigabytesOf(store::Reader& db, const ProjectId& project, const std::string& type);
std::int64_t groupsOf(store::Reader& db, const ProjectId& project);
}

}
