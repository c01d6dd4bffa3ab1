#pragma once

#include <stratolet/ids.hpp>

#include "platform/store/store.hpp"

namespace stratolet::identity {

/// Error(Forbidden) where the users and groups of this domain are kept in a directory, which we only read.
void refuseInDirectory(store::Reader& db, const DomainId& domain);

}
