#pragma once

#include "image/image_service.hpp"
#include "platform/http/http.hpp"

namespace stratolet::image {

/// The filters, order and page that a request for a list of images asks for. A parameter nobody knows filters by the
/// property of that name. Error(Invalid) naming the parameter that can't be.
ImageQuery imageQueryIn(const http::Query& query);

}
