#pragma once

#include <stratolet/disk.hpp>

#include <optional>
#include <string>

#include "identity/identity.hpp"
#include "platform/parts.hpp"
#include "platform/store/store.hpp"

namespace stratolet::block {

/// The passphrases of sealed volumes, snapshots and backups: made here, sealed in the store, told to QEMU alone. Each
/// has one owner, so that it goes with it. Owned by the module; any thread.
class Secrets {
public:
    Secrets(Parts parts, identity::Identity& identity);

    SecretId create(store::Transaction& tx);                           ///< of 256 random bits
    SecretId copy(store::Transaction& tx, const SecretId& of);         ///< that says the same; empty of an empty one
    SecretId adopt(store::Transaction& tx, const std::string& sealed); ///< empty where none of our keys sealed it
    void remove(store::Transaction& tx, const SecretId& secret);       ///< one that isn't there is gone

    /// What it says. Error(Broken) where it is gone, or was sealed with keys that are.
    std::string reveal(store::Reader& db, const SecretId& secret) const;

    /// The same; nothing of one that isn't there.
    std::optional<std::string> find(store::Reader& db, const SecretId& secret) const;

    /// As it is kept: what adopt() takes, of this cloud or one with the same keys; nothing of one that isn't there.
    std::optional<std::string> sealed(store::Reader& db, const SecretId& secret) const;

    // Of images that sealed volumes have been made: who says so is this table, whatever the image says of itself.
    void give(store::Transaction& tx, const SecretId& secret, const ImageId& image); ///< it is the image's from now on
    SecretId ofImage(store::Reader& db,
                     const ImageId& image) const;              ///< empty of one that no volume of ours was sealed as
    void forget(store::Transaction& tx, const ImageId& image); ///< its own goes; twice is harmless

    bool same(store::Reader& db, const SecretId& one, const SecretId& other) const; ///< say the same

private:
    SecretId keep(store::Transaction& tx, const std::string& text);

    Parts parts_;
    identity::Identity& identity_;
};

}
