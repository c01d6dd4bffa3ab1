#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compute/core.hpp"
#include "platform/http/http.hpp"
#include "platform/jobs/jobs.hpp"

namespace stratolet::compute {

/// Of an aggregate's metadata: the name of the availability zone that its hosts are in.
inline constexpr std::string_view zoneKey = "availability_zone";

/// Hosts that are alike, and what is said of them.
struct Aggregate {
    std::int64_t number = 0;
    std::string uuid;
    std::string name;
    Time created;
    std::optional<Time> updated;
    std::vector<std::string> hosts;              ///< names of their rows
    std::map<std::string, std::string> metadata; ///< the zone too

    std::optional<std::string> zone() const {
        const auto found = metadata.find(std::string(zoneKey));
        return found == metadata.end() ? std::nullopt : std::optional(found->second);
    }
};

/// What changes an aggregate; what isn't there stays as it is.
struct AggregateChange {
    std::optional<std::string> name, zone;
};

// The verbs: one transaction each. Error(NotFound) where there is no such aggregate.
std::vector<Aggregate> aggregates(Core& core);
Aggregate aggregate(Core& core, std::int64_t number);
Aggregate createAggregate(Core& core, const std::string& name, const std::optional<std::string>& zone);
Aggregate updateAggregate(Core& core, std::int64_t number, const AggregateChange& change);
void removeAggregate(Core& core, std::int64_t number); ///< Error(Invalid) while it has hosts

/// Error(NotFound) for a host that there isn't; Error(Conflict) where it is in the aggregate already, or in another
/// zone with servers.
Aggregate addHost(Core& core, std::int64_t number, const std::string& host);
Aggregate removeHost(Core& core, std::int64_t number, const std::string& host);

/// What is null goes, the rest stays or becomes so.
Aggregate setMetadata(Core& core, std::int64_t number,
                      const std::map<std::string, std::optional<std::string>>& metadata);

/// Base copies of these images are made on the aggregate's hosts, by jobs. The images are the caller's to see.
void cacheImages(Core& core, const identity::Caller& caller, std::int64_t number, const std::vector<ImageId>& images);
void declareImageCaching(Core& core); ///< its job, and what becomes of the copies of an image that is deleted

void addAggregateRoutes(http::Routes& routes, Core& core);

}
