#pragma once

#include "compute/core.hpp"
#include "platform/http/http.hpp"

namespace stratolet::compute {

/// What guests see at 169.254.169.254; requests carry the network's id as their origin.
http::Site metadataSite(Core& core);

}
