#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "block/backends.hpp"
#include "block/scheduler/scheduler_table.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/http/http.hpp"
#include "platform/log/log.hpp"
#include "platform/parts.hpp"

namespace stratolet::block {

class Scheduler;

/// The log of each of the binaries that clients know this service as, in the one log of the process: each has a level
/// of its own. What the whole process logs (its requests, its jobs) is no binary's.
struct ServiceLogs {
    explicit ServiceLogs(Log& whole) : api(whole), scheduler(whole), volume(whole), backup(whole) {}

    Log& of(std::string_view binary); ///< "cinder-api", "cinder-scheduler", "cinder-volume", "cinder-backup"

    Log api, scheduler, volume, backup;
};

/// What is told of this host and its back ends. What it names outlives it.
struct Hosting {
    Parts parts;
    const Backends& backends;
    Scheduler& scheduler;
    ServiceLogs& logs;
};

/// A part of this service as clients know it; all are in this process, so they are up.
struct ServiceNow {
    std::string_view binary;
    std::string host;
    ServiceSetting setting; ///< what an administrator has said of it
};
std::vector<ServiceNow> servicesOf(const Hosting& hosting, store::Reader& db);

http::Routes serviceRoutes(const Hosting& hosting); ///< services, their log, zones, the list of hosts

}
