#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compute/api.hpp"
#include "compute/pattern.hpp"
#include "network/network.hpp"
#include "platform/store/paging.hpp"

namespace stratolet::compute {

/// Which servers a listing shows, and in what order. Made of a request's query, or by hand; a value, used once.
struct ServerQuery {
    bool allProjects = false;
    std::optional<ProjectId> project; ///< of all projects, only this one
    bool deleted = false;             ///< only deleted ones
    bool softDeletedToo = false;      ///< those too that wait to be reclaimed; lists leave them out unless asked
    std::optional<Time> changedSince, changedBefore;
    store::Conditions where; ///< what else SQL can say
    struct Matching {
        std::string_view expression; ///< of SQL, a text
        std::shared_ptr<const Pattern> pattern;
    };
    std::vector<Matching> patterns;                ///< what it can't: all must match
    std::vector<network::AddressFilter> addresses; ///< of their ports, each of which must be met by one
    std::vector<std::string> tags, tagsAny, notTags, notTagsAny;
    std::vector<store::SortKey> sort; ///< the last key is unique
    std::optional<std::string> marker;
    std::int64_t limit = 1000;
};

/// What GET /servers and /servers/detail (`whole`) ask for: filters, sort keys and paging of the API reference ("List
/// Servers"). A filter that only administrators are heard on is passed over for others; one that nobody knows is
/// Error(Invalid) from 2.75 on.
ServerQuery serverQueryIn(const Call& call, bool whole);

}
