#pragma once

#include <string>

#include <stratolet/ids.hpp>

#include "platform/ambient/ambient.hpp"
#include "platform/store/store.hpp"

// SQL of base copies that were asked for before a server needs them, and nothing else.

namespace stratolet::compute::cached_image {

void want(store::Transaction& tx, const std::string& base, const ImageId& image, Time now);
void imageGone(store::Transaction& tx, const ImageId& image);
void remove(store::Transaction& tx, const std::string& base);

bool known(store::Reader& db, const std::string& base);
bool wantedSince(store::Reader& db, const std::string& base, Time time);

}
