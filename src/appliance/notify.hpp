#pragma once

#include <string_view>

namespace stratolet {

/// Tells systemd how we are ("READY=1", "STOPPING=1", "WATCHDOG=1"), where it listens: sd_notify(3). Does nothing
/// elsewhere.
void notifySystemd(std::string_view state);

}
