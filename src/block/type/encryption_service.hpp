#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "block/type/encryption.hpp"
#include "block/type/type_service.hpp"
#include "block/volume/volume.hpp"
#include "identity/caller.hpp"
#include "platform/parts.hpp"

namespace stratolet::block {

/// The verbs of types' encryption records. What is in use doesn't change (Error(Invalid)). Owned by the module; any
/// thread.
class TypeEncryptions {
public:
    TypeEncryptions(Parts parts, const VolumeTypes& types) : parts_(parts), types_(types) {}

    std::optional<Encryption> show(const identity::Caller& caller, const std::string& type) const;
    Encryption create(const identity::Caller& caller, Encryption encryption);
    void update(const identity::Caller& caller, const std::string& type, const std::function<void(Encryption&)>& amend);
    void remove(const identity::Caller& caller, const std::string& type);

    /// A volume, and how its type says that it is encrypted.
    std::pair<Volume, std::optional<Encryption>> ofVolume(const identity::Caller& caller, const VolumeId& volume) const;

private:
    Parts parts_;
    const VolumeTypes& types_;
};

}
