#pragma once

#include <stratolet/disk.hpp>

#include <functional>
#include <string>

namespace stratolet {

/// What a secret says, as bytes: a passphrase of LUKS, a password of CHAP. Empty where nobody knows the secret (any
/// more). It is asked anew whenever a guest's host needs it, by a job; what comes back stands in no log, no plan, no
/// command line and no file.
using SecretLookup = std::function<std::string(const SecretId&)>;

}
