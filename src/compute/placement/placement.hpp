#pragma once

#include "compute/core.hpp"
#include "platform/http/http.hpp"

namespace stratolet::compute {

/// The placement API: a view over hosts and servers, so that nothing can drift. Its gate is identity's to add.
http::Site placementSite(Core& core);

}
