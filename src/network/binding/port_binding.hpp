#pragma once

#include <memory>

#include "network/l2/port.hpp"
#include "resource/collection.hpp"

namespace stratolet::network {

/// The routes of a port's bindings: at which hosts it is, or is about to be. What serves ports is `api`.
void addPortBindingRoutes(http::Routes& routes, Core& core,
                          const std::shared_ptr<const resource::CollectionApi<Port>>& api);

}
