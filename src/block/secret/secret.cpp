#include "block/secret/secret.hpp"

#include <stratolet/error.hpp>

#include "platform/ambient/ambient.hpp"

namespace stratolet::block {

Secrets::Secrets(Parts parts, identity::Identity& identity) : parts_(parts), identity_(identity) {
    identity_.keepsSealed("volume_secrets", "sealed");
}

SecretId Secrets::keep(store::Transaction& tx, const std::string& text) {
    SecretId made{parts_.ambient.uuid()};
    tx.execute("INSERT INTO volume_secrets VALUES (?, ?)", made, identity_.seal(text));
    return made;
}

SecretId Secrets::create(store::Transaction& tx) { return keep(tx, parts_.ambient.secret(43)); }

SecretId Secrets::copy(store::Transaction& tx, const SecretId& of) {
    return of.empty() ? SecretId() : keep(tx, reveal(tx, of));
}

SecretId Secrets::adopt(store::Transaction& tx, const std::string& sealed) {
    const auto text = identity_.unseal(sealed);
    return text ? keep(tx, *text) : SecretId();
}

void Secrets::remove(store::Transaction& tx, const SecretId& secret) {
    tx.execute("DELETE FROM volume_secrets WHERE id = ?", secret);
}

std::optional<std::string> Secrets::sealed(store::Reader& db, const SecretId& secret) const {
    return db.query("SELECT sealed FROM volume_secrets WHERE id = ?", secret).maybeText();
}

std::optional<std::string> Secrets::find(store::Reader& db, const SecretId& secret) const {
    const auto kept = sealed(db, secret);
    if (!kept) return std::nullopt;
    auto text = identity_.unseal(*kept);
    if (!text) throw Error(Failure::Broken, "the passphrase ", secret, " was sealed with a key that is gone");
    return text;
}

std::string Secrets::reveal(store::Reader& db, const SecretId& secret) const {
    auto text = find(db, secret);
    if (!text) throw Error(Failure::Broken, "the passphrase ", secret, " is gone");
    return *std::move(text);
}

void Secrets::give(store::Transaction& tx, const SecretId& secret, const ImageId& image) {
    tx.execute("INSERT INTO volume_image_secrets VALUES (?, ?)", image, secret);
}

SecretId Secrets::ofImage(store::Reader& db, const ImageId& image) const {
    return {db.query("SELECT secret_id FROM volume_image_secrets WHERE image_id = ?", image).maybeText().value_or("")};
}

void Secrets::forget(store::Transaction& tx, const ImageId& image) {
    const auto secret = ofImage(tx, image);
    tx.execute("DELETE FROM volume_image_secrets WHERE image_id = ?", image);
    remove(tx, secret);
}

bool Secrets::same(store::Reader& db, const SecretId& one, const SecretId& other) const {
    if (one.empty() || other.empty()) return one.empty() && other.empty();
    return reveal(db, one) == reveal(db, other);
}

}
