#pragma once

#include "compute/api.hpp"
#include "compute/server/server_making.hpp"

namespace stratolet::compute {

/// What POST /servers says of where the server is to be: `availability_zone`, `host`, `hypervisor_hostname` of `body`,
/// and the hints beside it in `whole`. Error(Invalid) names the field, Error(Forbidden) for what only others may ask.
void readPlacing(const Call& call, const Json& whole, const Json& body, NewServers& wanted);

}
