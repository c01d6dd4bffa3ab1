#include "block/type/encryption.hpp"

namespace stratolet::block {

std::string_view formatOf(std::string_view provider) {
    if (provider == "luks2") return "luks2";
    if (provider == "luks") return "luks";
    // Cinder and Nova, before Pike: names of classes.
    const auto dot = provider.rfind('.');
    return provider.substr(dot == std::string_view::npos ? 0 : dot + 1) == "LuksEncryptor" ? "luks" : "";
}

namespace encryption_table {

std::optional<Encryption> of(store::Reader& db, const std::string& type) {
    return db
        .query("SELECT id, type_id, provider, control_location, cipher, key_size, created, updated FROM "
               "volume_type_encryption WHERE type_id = ?",
               type)
        .maybe<Encryption>([](const store::Row& row) {
            return Encryption{row.text(0),      row.text(1),         row.text(2), row.text(3),
                              row.maybeText(4), row.maybeInteger(5), row.time(6), row.maybeTime(7)};
        });
}

void save(store::Transaction& tx, const Encryption& encryption) {
    tx.execute("INSERT OR REPLACE INTO volume_type_encryption (id, type_id, provider, control_location, cipher, "
               "key_size, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
               encryption.id, encryption.type, encryption.provider, encryption.control, encryption.cipher,
               encryption.keySize, encryption.created, encryption.updated);
}

bool remove(store::Transaction& tx, const std::string& type) {
    return tx.execute("DELETE FROM volume_type_encryption WHERE type_id = ?", type) != 0;
}

}
}
