#include "identity/identity.hpp"

namespace stratolet::identity {

std::optional<std::int64_t> unifiedLimit(store::Reader& db, const ProjectId& project, std::string_view serviceType,
                                         std::string_view resource) {
    return db
        .query("SELECT coalesce(own.resource_limit, registered.default_limit) FROM registered_limits registered "
               "JOIN services ON services.id = registered.service_id "
               "LEFT JOIN limits own ON own.registered_id = registered.id AND own.target_id = ? "
               "WHERE services.type = ? AND registered.resource_name = ? ORDER BY registered.region_id IS NULL LIMIT 1",
               project, serviceType, resource)
        .maybe<std::int64_t>([](const store::Row& row) { return row.integer(0); });
}

}
