#pragma once

#include <stratolet/ids.hpp>

namespace stratolet {

/// The name of a host's row. What the machine calls itself may change; this stays.
using HostName = Id<struct HostTag>;

}
