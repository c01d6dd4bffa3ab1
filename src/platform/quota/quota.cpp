#include "platform/quota/quota.hpp"

#include <cassert>

#include <stratolet/error.hpp>

namespace stratolet {

Quotas::Quotas(std::string service, std::map<std::string, std::int64_t, std::less<>> defaults)
    : service_(std::move(service)),
      defaults_(std::move(defaults)) {}

std::int64_t Quotas::limit(store::Reader& db, const std::string& owner, std::string_view resource) const {
    const auto otherwise = defaults_.find(resource);
    assert(otherwise != defaults_.end());
    return own(db, owner, resource).value_or(otherwise->second);
}

std::optional<std::int64_t> Quotas::own(store::Reader& db, const std::string& owner, std::string_view resource) const {
    auto rows = db.query("SELECT hard_limit FROM quotas WHERE service = ? AND owner = ? AND resource = ?", service_,
                         owner, resource);
    return rows.next() ? std::optional(rows.row().integer(0)) : std::nullopt;
}

void Quotas::rename(store::Transaction& tx, std::string_view from, std::string_view to) const {
    forget(tx, to);
    tx.execute("UPDATE quotas SET resource = ? WHERE service = ? AND resource = ?", to, service_, from);
}

void Quotas::forget(store::Transaction& tx, std::string_view resource) const {
    tx.execute("DELETE FROM quotas WHERE service = ? AND resource = ?", service_, resource);
}

void Quotas::set(store::Transaction& tx, const std::string& owner, std::string_view resource,
                 std::int64_t limit) const {
    tx.execute("INSERT INTO quotas VALUES (?, ?, ?, ?) ON CONFLICT (service, owner, resource) DO UPDATE SET hard_limit "
               "= excluded.hard_limit",
               service_, owner, resource, limit);
}

void Quotas::reset(store::Transaction& tx, const std::string& owner) const {
    tx.execute("DELETE FROM quotas WHERE service = ? AND owner = ?", service_, owner);
}

bool Quotas::changed(store::Reader& db, const std::string& owner) const {
    return db.query("SELECT 1 FROM quotas WHERE service = ? AND owner = ?", service_, owner).any();
}

std::vector<std::string> Quotas::owners(store::Reader& db) const {
    return db.query("SELECT DISTINCT owner FROM quotas WHERE service = ? ORDER BY owner", service_).texts();
}

void Quotas::claim(store::Reader& db, const std::string& owner, std::string_view resource, std::int64_t used,
                   std::int64_t wanted) const {
    require(resource, limit(db, owner, resource), used, wanted);
}

void Quotas::require(std::string_view resource, std::int64_t most, std::int64_t used, std::int64_t wanted) {
    if (most < 0 || used + wanted <= most) return;
    throw Error(Failure::OverLimit, "Quota exceeded for ", resource, ": requested ", wanted, ", but already used ",
                used, " of ", most, " ", resource);
}

}
