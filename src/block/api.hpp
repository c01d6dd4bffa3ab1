#pragma once

#include <string>

#include "block/volume/volume_service.hpp"
#include "platform/http/http.hpp"

namespace stratolet::block {

http::Routes volumeRoutes(VolumeService& volumes);
http::Routes actionRoutes(VolumeService& volumes);
http::Routes attachmentRoutes(VolumeService& volumes);
http::Routes quotaRoutes(VolumeService& volumes);
http::Routes infoRoutes(VolumeService& volumes); ///< versions, zones, types, services, extensions

/// The same route below /v3/{project_id} and, since 3.67, below /v3 alone. `path` begins with "/".
void add(http::Routes& routes, http::Method method, const std::string& path, const std::string& rule, const http::Handler& handler,
         http::Runs runs = http::Runs::ByMethod);

}
