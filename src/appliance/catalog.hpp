#pragma once

#include <vector>

#include "identity/identity.hpp"

namespace stratolet {

/// What the catalog has, and the ports that each service has where it stands alone.
std::vector<identity::CatalogService> catalogServices();

}
