#pragma once

#include <string>

#include <stratolet/ids.hpp>

#include "platform/ambient/ambient.hpp"
#include "platform/store/store.hpp"

// SQL of base copies that no server stands on: those that were asked for before one needs them, and those that one
// stood on before (which the rows of servers add by themselves). Nothing else.

namespace stratolet::compute::cached_image {

void want(store::Transaction& tx, const std::string& base, const ImageId& image, Time now);
void imageGone(store::Transaction& tx, const ImageId& image);
void remove(store::Transaction& tx, const std::string& base);

bool known(store::Reader& db, const std::string& base);
bool wantedSince(store::Reader& db, const std::string& base, Time time);

}
