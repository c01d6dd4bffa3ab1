#include <stratolet/error.hpp>

#include "compute/keypair/keypair.hpp"
#include "resource/table.hpp"

namespace stratolet::compute {
namespace {

using enum resource::Use;

void null(JsonWriter& out, const Keypair&) { out.value(nullptr); }

const resource::Table<Keypair>& table() {
    static const resource::Table<Keypair> made("compute_keypairs", 'k', {keypairLines().begin(), keypairLines().end()});
    return made;
}

}

const std::vector<Line<Keypair>>& keypairLines() {
    static const std::vector<Line<Keypair>> lines{
        line<&Keypair::name>("name", Show, "name").inBrief(),
        line<&Keypair::publicKey>("public_key", Show, "public_key").inBrief(),
        line<&Keypair::fingerprint>("fingerprint", Show, "fingerprint").inBrief(),
        line<&Keypair::type>("type", Show, "type").inBrief().since(2),
        line<&Keypair::user>("user_id", Show, "user"),
        {resource::attribute<&Keypair::number>("id", Show).computed("$.number")}, // the store counts them
        {resource::attribute<&Keypair::created>("created_at", Show).in("created").shown([](JsonWriter& out, const Keypair& keypair) {
            out.value(isoTime(keypair.created, true, ""));
        })},
        computedLine<Keypair>("updated_at", Show, null), // nothing changes one
        computedLine<Keypair>("deleted_at", Show, null),
        computedLine<Keypair>("deleted", Show, [](JsonWriter& out, const Keypair&) { out.value(false); })};
    return lines;
}

std::optional<Keypair> Keypairs::find(store::Reader& db, const UserId& user, const std::string& name) {
    auto found = table().where(db, "WHERE user = ? AND name = ?", user, name);
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::int64_t Keypairs::count(store::Reader& db, const UserId& user) {
    return db.query("SELECT count(*) FROM compute_keypairs WHERE user = ?", user).integer();
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
        const auto most = quotas_.limit(tx, project.text, "key_pairs");
        if (most >= 0 && count(tx, keypair.user) >= most) throw Error(Failure::OverLimit, "Quota exceeded, too many key pairs.");
        if (find(tx, keypair.user, keypair.name)) throw Error(Failure::Conflict, "Key pair '", keypair.name, "' already exists.");
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
