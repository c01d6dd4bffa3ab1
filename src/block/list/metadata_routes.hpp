#pragma once

#include <functional>
#include <string>

#include "block/volume/volume.hpp"
#include "platform/http/http.hpp"

namespace stratolet::block {

/// The metadata of one kind of thing, below its path: shown, added to, replaced, and item by item.
struct MetadataRoutes {
    std::string path;                         ///< "/volumes/{volume_id}/metadata"
    std::string show, create, update, remove; ///< rules
    std::function<Metadata(const http::Request&)> read;
    std::function<Metadata(const http::Request&, const std::function<void(Metadata&)>& amend)> change;
    bool tagged = false; ///< since 3.15: shown with an Etag, and changed only if it still fits that of "If-Match"
};
void addMetadata(http::Routes& routes, const MetadataRoutes& its);

}
