#pragma once

#include "block/list/list_query.hpp"

namespace stratolet::block {

/// What lists of volumes are filtered by, and their order.
ListNoun volumeLists();

}
