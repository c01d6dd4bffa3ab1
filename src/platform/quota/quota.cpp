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
    auto rows = db.query("SELECT hard_limit FROM quotas WHERE service = ? AND owner = ? AND resource = ?", service_,
                         owner, resource);
    return rows.next() ? rows.row().integer(0) : otherwise->second;
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
    const auto most = limit(db, owner, resource);
    if (most < 0 || used + wanted <= most) return;
    throw Error(Failure::OverLimit, "Quota exceeded for ", resource, ": requested ", wanted, ", but already used ",
                used, " of ", most, " ", resource);
}

}
