#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "compute/core.hpp"
#include "identity/caller.hpp"
#include "platform/http/http.hpp"
#include "platform/store/many.hpp"

// A server's metadata: texts by name that its owner gives it and its guest can read. How many there may be is a quota's
// matter.

namespace stratolet::compute {

using Metadata = std::map<std::string, std::string>;

/// SQL of metadata, and nothing else.
struct MetadataTable {
    using Item = std::pair<const std::string, std::string>;
    static Metadata of(store::Reader& db, const ServerId& id);
    static store::ByOwner<Item> of(store::Reader& db, const std::vector<std::string>& servers);
    static void set(store::Transaction& tx, const ServerId& id, const Metadata& items); ///< beside those that are there
    static bool remove(store::Transaction& tx, const ServerId& id, const std::string& name);
};

/// `replace`: what is there goes. Error(Conflict) where the server is in no state for it, Error(OverLimit) past the
/// quota.
void setMetadata(Core& core, const identity::Caller& caller, const ServerId& id, const Metadata& items, bool replace);
void removeMetadata(Core& core, const identity::Caller& caller, const ServerId& id, const std::string& name);

/// "metadata" of a body. Error(Invalid).
Metadata metadataOf(const Json& object);

/// /servers/{id}/metadata and one item of it.
void addMetadataRoutes(http::Routes& routes, Core& core);

}
