#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/ambient/ambient.hpp"
#include "platform/store/store.hpp"

namespace stratolet::block {

/// That, and how, the volumes of a type are encrypted. One that is in use keeps what it says.
struct Encryption {
    std::string id, type;                ///< type: id of the volume type
    std::string provider;                ///< "luks", "luks2", or an older name of a class of them
    std::string control = "front-end";   ///< where it is encrypted: "front-end" or "back-end"
    std::optional<std::string> cipher;   ///< "aes-xts-plain64"
    std::optional<std::int64_t> keySize; ///< bits
    Time created;
    std::optional<Time> updated;
};

/// Whether it is, and by whom has the volume in use: not by the back end.
inline bool isByUs(const std::optional<Encryption>& encryption) {
    return encryption && encryption->control == "front-end";
}

/// "luks" or "luks2" for a provider that is one of them, by its word or by the class that older clients name
/// ("nova.volume.encryptors.luks.LuksEncryptor"); empty for any other, which nobody here can encrypt with.
std::string_view formatOf(std::string_view provider);

/// SQL, and no rule.
namespace encryption_table {
std::optional<Encryption> of(store::Reader& db, const std::string& type);
void save(store::Transaction& tx, const Encryption& encryption);
bool remove(store::Transaction& tx, const std::string& type); ///< false: there was none
}

}
