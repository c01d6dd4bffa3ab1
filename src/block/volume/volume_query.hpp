#pragma once

#include "block/volume/volume_service.hpp"
#include "platform/http/http.hpp"

namespace stratolet::block {

/// The filters, order and page that a request for a list of volumes asks for. Error(Invalid) naming the parameter that
/// can't be; one that nobody knows is refused since 3.31 and means nothing before.
VolumeQuery volumeQueryIn(const http::Request& request);

}
