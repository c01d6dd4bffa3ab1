#pragma once

#include <stratolet/ids.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "platform/ambient/ambient.hpp"
#include "platform/store/store.hpp"

namespace stratolet::compute {

/// What one server takes, and since when. The sizes are those it has, or had at its end.
struct Usage {
    ServerId server;
    ProjectId project;
    std::string name, flavor;
    std::int64_t vcpus = 0, ram = 0, disk = 0; ///< ram in MiB, disk in GiB
    Time launched;
    std::optional<Time> ended;
    std::string state; ///< that of the server; "terminated" where it has ended
};

/// Servers that have run at some time between `start` and `stop`, by project and id.
struct UsageQuery {
    Time start, stop;
    std::optional<ProjectId> project = {};
    std::optional<std::string> marker = {}; ///< the server that the page before ends with
    std::int64_t limit = 1000;              ///< -1: all
};

/// SQL of what servers have used. Its rows are written by those of the servers themselves: see the migration.
struct UsageTable {
    static std::vector<Usage> list(store::Reader& db,
                                   const UsageQuery& query); ///< Error(Invalid) where the marker isn't there
    /// How many servers each host has had in that time.
    static std::map<std::string, std::int64_t> byHost(store::Reader& db, Time start, Time stop);
    static void purge(store::Transaction& tx, Time endedBefore);
};

}
