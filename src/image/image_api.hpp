#pragma once

#include "image/image_service.hpp"
#include "platform/http/http.hpp"

namespace stratolet::image {

http::Routes imageRoutes(ImageService& images);
http::Routes memberRoutes(ImageService& images);
http::Routes schemaRoutes();

}
