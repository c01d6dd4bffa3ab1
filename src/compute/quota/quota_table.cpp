#include "compute/quota/quota_table.hpp"

namespace stratolet::compute {
namespace {

// All owners that begin with "<project>/": "0" is what comes after "/".
std::string from(const std::string& project) { return project + "/"; }
std::string until(const std::string& project) { return project + "0"; }

}

std::int64_t QuotaTable::givenToUsers(store::Reader& db, std::string_view service, const std::string& project,
                                      std::string_view resource) {
    return db
        .query("SELECT coalesce(sum(hard_limit), 0) FROM quotas WHERE service = ? AND owner >= ? AND owner < ? AND "
               "resource = ? AND hard_limit > 0",
               service, from(project), until(project), resource)
        .integer();
}

void QuotaTable::removeOfUsers(store::Transaction& tx, std::string_view service, const std::string& project) {
    tx.execute("DELETE FROM quotas WHERE service = ? AND owner >= ? AND owner < ?", service, from(project),
               until(project));
}

}
