#pragma once

#include <stratolet/error.hpp>

namespace stratolet::http {

/// The status that tells of a failure (RFC 9110, 15), where a service has no other for it.
int usualStatus(Failure failure);

/// The failure that a status tells of; Broken for one that tells of none of them.
Failure failureOf(int status);

}
