#pragma once

#include <string>
#include <string_view>

#include "platform/ambient/ambient.hpp"

namespace stratolet::identity {

/// Error(Invalid) for more than 4,096 bytes: Keystone's max_password_length. The same for everybody, before anybody is
/// looked for.
void checkPasswordLength(const std::string& password);

/// bcrypt "$2b$" with 2^`rounds` iterations (4 to 31). Takes as long as it should: a quarter of a second at 12. It
/// looks at the first 72 bytes and at no others.
std::string hashPassword(const std::string& password, int rounds, Ambient& ambient);

/// False for an empty hash too, after the same time as for a real one.
bool passwordMatches(const std::string& password, const std::string& hash, int rounds);

}
