#pragma once

#include "block/list/list_query.hpp"

namespace stratolet::block {

/// What lists of volume types are filtered by.
ListNoun typeLists();

}
