#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "platform/json/json.hpp"

namespace stratolet::identity {

/// The public keys of somebody who signs tokens: a JSON Web Key Set (RFC 7517).
class SigningKeys {
public:
    /// Keys that cannot have signed a token for us (symmetric, for encryption, RSA of less than 2048 bits, unknown
    /// curves) are left out. Error(Invalid) where `text` is no key set, or has no key that is left.
    static SigningKeys parse(std::string_view text);

    /// The claims of a JSON Web Token (RFC 7519) that one of these keys has signed by RS256, RS384, RS512, PS256,
    /// PS384, PS512, ES256, ES384, ES512 or EdDSA; nothing for any other text. Whom the claims are for, and for how
    /// long they hold, has not been looked at.
    std::optional<Json> claimsIn(std::string_view token) const;

private:
    struct Key;
    std::vector<std::shared_ptr<const Key>> keys_;
};

}
