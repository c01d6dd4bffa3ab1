#pragma once

#include "image/cache/cache.hpp"
#include "image/data/image_data.hpp"
#include "image/image_service.hpp"
#include "image/import/imports.hpp"
#include "image/member/member_service.hpp"
#include "image/metadef/metadef.hpp"
#include "image/wire.hpp"
#include "platform/http/http.hpp"

// The routes of image, noun by noun. What is handed in must outlive them; the module owns it.

namespace stratolet::image {

http::Routes imageRoutes(ImageService& images, ImageData& data, const Stores& stores, Minors has);
http::Routes memberRoutes(ImageMembers& members);
http::Routes importRoutes(Imports& imports, const Stores& stores);
http::Routes taskRoutes(Imports& imports);
http::Routes cacheRoutes(Cache& cache);
http::Routes nearCopyRoutes(Parts parts, ImageService& images, NearCopies& copies);
http::Routes schemaRoutes();
http::Routes metadefRoutes(Metadefs& metadefs);
http::Routes metadefSchemaRoutes();

}
