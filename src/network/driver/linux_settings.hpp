#pragma once

#include <string>

namespace stratolet::network {

/// A setting of the kernel below /proc/sys, in the network namespace of this thread; empty where there is none.
std::string settingOf(const std::string& name);
/// False where the kernel does not take it.
bool set(const std::string& name, const std::string& value);

}
