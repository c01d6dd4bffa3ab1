#include "identity/credential/credential.hpp"

#include <stratolet/error.hpp>

namespace stratolet::identity::credential_table {
namespace {

constexpr std::string_view select =
    "SELECT id, user_id, project_id, type, blob, application_credential_id FROM credentials c";

auto fromRow(const Fernet& keys) {
    return [&keys](const store::Row& row) {
        auto blob = keys.open(row.text(4));
        if (!blob)
            throw Error(Failure::Broken, "credential ", row.text(0),
                        " was sealed with a key that is not there any more");
        return Credential{row.id<CredentialId>(0), row.id<UserId>(1),
                          row.id<ProjectId>(2),    row.text(3),
                          *std::move(blob),        row.id<ApplicationCredentialId>(5)};
    };
}

template <class AnId> std::optional<std::string> maybe(const AnId& id) {
    return id.empty() ? std::nullopt : std::optional(id.text);
}

std::optional<std::string> accessOf(const Credential& credential) {
    const auto key = accessKeyIn(credential);
    return key ? std::optional(key->access) : std::nullopt;
}

}

std::optional<Credential> find(store::Reader& db, const Fernet& keys, const CredentialId& id) {
    static const std::string sql = std::string(select) + " WHERE id = ?";
    return db.query(sql, id).maybe<Credential>(fromRow(keys));
}

std::optional<Credential> findByAccess(store::Reader& db, const Fernet& keys, const std::string& access) {
    static const std::string sql = std::string(select) + " WHERE access = ?";
    return db.query(sql, access).maybe<Credential>(fromRow(keys));
}

std::vector<Credential> list(store::Reader& db, const Fernet& keys, const store::Conditions& conditions) {
    return db.run(std::string(select) + conditions.where() + " ORDER BY created, id", conditions.values())
        .all<Credential>(fromRow(keys));
}

void insert(store::Transaction& tx, const Fernet& keys, const Credential& credential, Time now) {
    tx.execute("INSERT INTO credentials (id, user_id, project_id, type, blob, key_name, access, "
               "application_credential_id, created) VALUES "
               "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
               credential.id, credential.user, maybe(credential.project), credential.type, keys.seal(credential.blob),
               keys.repository().primaryName(), accessOf(credential), maybe(credential.applicationCredential), now);
}

void update(store::Transaction& tx, const Fernet& keys, const Credential& credential) {
    tx.execute(
        "UPDATE credentials SET user_id = ?, project_id = ?, type = ?, blob = ?, key_name = ?, access = ? WHERE id = ?",
        credential.user, maybe(credential.project), credential.type, keys.seal(credential.blob),
        keys.repository().primaryName(), accessOf(credential), credential.id);
}

void remove(store::Transaction& tx, const CredentialId& id) { tx.execute("DELETE FROM credentials WHERE id = ?", id); }

int reseal(store::Transaction& tx, const Fernet& keys) {
    store::Conditions others;
    others.add("key_name <> ?", keys.repository().primaryName());
    const auto found = list(tx, keys, others);
    for (const auto& each : found) update(tx, keys, each);
    return static_cast<int>(found.size());
}

}
