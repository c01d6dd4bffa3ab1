#pragma once

#include <string>

namespace stratolet {

/// Which start of the kernel this is: another one with every start of the machine (random(4)). Empty where it can't be
/// known. Any thread.
std::string bootId();

}
