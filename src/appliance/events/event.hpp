#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/ambient/ambient.hpp"
#include "platform/json/json.hpp"
#include "platform/store/store.hpp"

namespace stratolet {

/// What has become of a thing: a row that a trigger has made in the same transaction.
struct Event {
    std::int64_t id = 0; ///< rises, with gaps
    Time time;
    std::string type; ///< SERVICE.NOUN.created, .updated or .deleted
    std::string resource, project;
    std::optional<std::string> status; ///< as it was then, where such a thing has one; of a server its vm_state
};

/// Which of them somebody wants, and may see.
struct EventFilter {
    std::optional<std::string> project; ///< none: those of all
    std::string type;                   ///< begins so: "compute.", "compute.server."
};

namespace event_table {

/// The last `id` that there is; 0 where nothing has happened.
std::int64_t last(store::Reader& db);

/// The least `since` after which all is still here.
std::int64_t keptSince(store::Reader& db);

/// Whether what came after `since` is still here, all of it. Not so of one that this store has never had.
bool has(store::Reader& db, std::int64_t since);

/// The next after `since`, in order. `seen` is how far was looked: from there on the next look goes on.
std::vector<Event> next(store::Reader& db, std::int64_t since, const EventFilter& filter, std::int64_t& seen);

/// Removes some of those from before `until`, the last one never; true where there may be more of them.
bool prune(store::Transaction& tx, Time until);

}

/// {"id", "time", "type", "resource_id", "project_id", "status"}; a project or status that there isn't is null.
void write(JsonWriter& out, const Event& event);

}
