#pragma once

#include <string>
#include <string_view>

#include "platform/ambient/ambient.hpp"

namespace stratolet::identity {

/// bcrypt "$2b$" with 2^`rounds` iterations (4 to 31). Takes as long as it should: a quarter of a second at 12.
std::string hashPassword(const std::string& password, int rounds, Ambient& ambient);

/// False for an empty hash too, after the same time as for a real one.
bool passwordMatches(const std::string& password, const std::string& hash, int rounds);

}
