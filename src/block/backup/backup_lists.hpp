#pragma once

#include "block/list/list_query.hpp"

namespace stratolet::block {

/// What lists of backups are filtered by, and their order.
ListNoun backupLists();

}
