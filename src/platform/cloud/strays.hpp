#pragma once

#include <set>
#include <string>
#include <string_view>

#include "platform/ambient/ambient.hpp"
#include "platform/parts.hpp"
#include "platform/store/store.hpp"

namespace stratolet {

// Nothing unknown is destroyed. What a driver has is removed only where a row says that it goes, or the memory of its
// deletion does: a store may be older than what stands beside it (a backup that was put back). All else is a stray:
// kept and told. A kind is "guest", "volume", "image", …; a place is of its kind: a host, a back end, a store.

/// Remembers, for a week at least, that somebody deleted this. An empty `place` is everywhere.
void bury(store::Transaction& tx, std::string_view kind, std::string_view place, const std::string& id, Time now);

/// It is made again, or it is there again: what is found of it from now on is the new one's.
void unbury(store::Transaction& tx, std::string_view kind, std::string_view place, const std::string& id);

/// At this place or everywhere.
bool isBuried(store::Reader& db, std::string_view kind, std::string_view place, const std::string& id);

/// Tells of all strays of this kind at this place that there are now: once in the log, and for as long as they are
/// there in the metrics and by "stratolet doctor". Those that are there no more are forgotten. Any thread; writes only
/// what has changed.
void tellStrays(const Parts& parts, std::string_view kind, std::string_view place, const std::set<std::string>& ids);

bool isStray(store::Reader& db, std::string_view kind, const std::string& id); ///< at any place

/// Counts them.
void declareStrayMetrics(const Parts& parts);

}
