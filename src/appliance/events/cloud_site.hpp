#pragma once

#include "platform/http/http.hpp"
#include "platform/parts.hpp"

namespace stratolet {

/// What is the cloud's own and no service's, below /v1, for whom config/policy/cloud.yaml lets: events as they happen
/// (a list, or a stream of server-sent events that is taken up again by Last-Event-ID), and metrics with the names of
/// whose things they are. Still without its gate.
http::Site cloudSite(const Parts& parts);

}
