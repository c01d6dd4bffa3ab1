#pragma once

#include "block/list/list_query.hpp"

namespace stratolet::block {

/// What lists of messages are filtered by.
ListNoun messageLists();

}
