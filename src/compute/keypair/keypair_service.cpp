#include <stratolet/error.hpp>

#include "compute/keypair/keypair.hpp"
#include "resource/table.hpp"

namespace stratolet::compute {
namespace {

const resource::Table<Keypair>& table() {
    static const resource::Table<Keypair> made("compute_keypairs", 'k', {keypairLines().begin(), keypairLines().end()});
    return made;
}

}

std::optional<Keypair> Keypairs::find(store::Reader& db, const UserId& user, const std::string& name) {
    auto found = table().where(db, "WHERE user = ? AND name = ?", user, name);
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::int64_t Keypairs::count(store::Reader& db, const UserId& user) {
    return db.query("SELECT count(*) FROM compute_keypairs WHERE user = ?", user).integer();
}

void Keypairs::forget(store::Transaction& tx, const UserId& user) {
    tx.execute("DELETE FROM compute_keypairs WHERE user = ?", user);
}

Keypair Keypairs::get(const UserId& user, const std::string& name) {
    auto keypair = find(store_.reader(), user, name);
    if (!keypair) throw Error(Failure::NotFound, "Keypair ", name, " not found for user ", user);
    return *std::move(keypair);
}

std::vector<Keypair> Keypairs::list(const UserId& user, const std::optional<std::string>& marker, std::int64_t limit) {
    return store_.read([&](store::Reader& db) {
        if (marker && !find(db, user, *marker)) throw Error(Failure::Invalid, "marker [", *marker, "] not found");
        return table().where(db, "WHERE user = ? AND name > ? ORDER BY name LIMIT ?", user, marker.value_or(""), limit);
    });
}

Keypair Keypairs::create(Keypair keypair, const ProjectId& project) {
    keypair.created = ambient_.now();
    return store_.write([&](store::Transaction& tx) {
        const auto most = quotas_.limit(tx, QuotaOwner{project, keypair.user}, "key_pairs");
        if (most >= 0 && count(tx, keypair.user) >= most)
            throw Error(Failure::OverLimit, "Quota exceeded, too many key pairs.");
        if (find(tx, keypair.user, keypair.name))
            throw Error(Failure::Conflict, "Key pair '", keypair.name, "' already exists.");
        table().insert(tx, keypair);
        return *find(tx, keypair.user, keypair.name);
    });
}

void Keypairs::remove(const UserId& user, const std::string& name) {
    store_.write([&](store::Transaction& tx) {
        if (tx.execute("DELETE FROM compute_keypairs WHERE user = ? AND name = ?", user, name) == 0)
            throw Error(Failure::NotFound, "Keypair ", name, " not found for user ", user);
    });
}

}
