#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stratolet::fuzz {

/// Gives the bytes to the code under test. Whatever they are, it must neither crash nor hang; std::abort() where an answer can't be.
void run(std::string_view input);

/// Inputs that the code knows, from which others are made.
std::vector<std::string> seeds();

}
