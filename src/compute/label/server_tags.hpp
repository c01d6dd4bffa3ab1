#pragma once

#include <set>
#include <string>
#include <vector>

#include "compute/core.hpp"
#include "identity/caller.hpp"
#include "platform/http/http.hpp"
#include "platform/store/many.hpp"

// A server's tags: words that its owner finds it by, since 2.26. At most 50, of at most 60 characters each (API
// reference, "Server tags").

namespace stratolet::compute {

constexpr std::size_t tagsMost = 50, tagLengthMax = 60;

/// SQL of tags, and nothing else.
struct TagTable {
    static std::vector<std::string> of(store::Reader& db, const ServerId& id); ///< in alphabetical order
    static store::ByOwner<std::string> of(store::Reader& db, const std::vector<std::string>& servers);
    static bool add(store::Transaction& tx, const ServerId& id, const std::string& tag); ///< false where it is there
    static bool remove(store::Transaction& tx, const ServerId& id, const std::string& tag);
};

void setTags(Core& core, const identity::Caller& caller, const ServerId& id, const std::set<std::string>& tags);
bool addTag(Core& core, const identity::Caller& caller, const ServerId& id,
            const std::string& tag); ///< false where it is there
void removeTag(Core& core, const identity::Caller& caller, const ServerId& id, const std::string& tag);

/// "tags" of a body. Error(Invalid).
std::set<std::string> tagsOf(const Json& array);

/// /servers/{id}/tags and one of them.
void addTagRoutes(http::Routes& routes, Core& core);

}
