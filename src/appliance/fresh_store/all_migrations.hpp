#pragma once

#include <vector>

#include "platform/store/store.hpp"

namespace stratolet {

/// The schema's migrations, of all modules, in the order in which they are to run.
std::vector<store::Migration> allMigrations();

}
