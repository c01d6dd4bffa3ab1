#pragma once

#include <string>

namespace stratolet::compute {

/// Whether two addresses are in one block of this length: "/24", which an empty text stands for. False for what is no
/// address, or of another version.
bool isNear(const std::string& address, const std::string& other, const std::string& length);

/// Whether blocks of such addresses have such a length.
bool isBlockLength(const std::string& address, const std::string& length);

}
