#include "network/subnet_pool.hpp"

namespace stratolet::network::subnet_pool_table {

namespace {

const std::string select = "SELECT o.id, o.project, o.name, o.description, o.revision, o.created, o.updated, o.ip_version, o.prefixes, "
                           "o.default_prefixlen, o.min_prefixlen, "
                           "o.max_prefixlen, o.default_quota, o.shared, o.is_default FROM subnet_pools o";

SubnetPool fromRow(const store::Row& row) {
    SubnetPool pool;
    pool.id = row.id<SubnetPoolId>(0);
    pool.standard = standardOf(row, 1);
    pool.ipVersion = static_cast<int>(row.integer(7));
    for (const auto& each : textsOf(row.text(8))) pool.prefixes.push_back(Prefix::parse(each).value());
    pool.defaultLength = static_cast<int>(row.integer(9));
    pool.leastLength = static_cast<int>(row.integer(10));
    pool.mostLength = static_cast<int>(row.integer(11));
    pool.defaultQuota = row.maybeInteger(12);
    pool.shared = row.boolean(13);
    pool.isDefault = row.boolean(14);
    return pool;
}

std::string encodedPrefixes(const SubnetPool& pool) {
    Texts texts;
    for (const auto& each : pool.prefixes) texts.push_back(each.text());
    return encoded(texts);
}

}

std::optional<SubnetPool> find(store::Reader& db, const SubnetPoolId& id) {
    return db.query(select + " WHERE o.id = ?", id).maybe<SubnetPool>(fromRow);
}

std::vector<SubnetPool> list(store::Reader& db, const store::Conditions& conditions, const std::string& order) {
    return db.run(select + conditions.where() + order, conditions.values()).all<SubnetPool>(fromRow);
}

void insert(store::Transaction& tx, const SubnetPool& pool) {
    const auto& own = pool.standard;
    tx.execute("INSERT INTO subnet_pools (id, project, name, description, revision, created, updated, ip_version, prefixes, "
               "default_prefixlen, min_prefixlen, max_prefixlen, "
               "default_quota, shared, is_default) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               pool.id, own.project, own.name, own.description, own.revision, own.created, own.updated, pool.ipVersion,
               encodedPrefixes(pool), pool.defaultLength, pool.leastLength, pool.mostLength, pool.defaultQuota, pool.shared,
               pool.isDefault);
}

void update(store::Transaction& tx, const SubnetPool& pool) {
    const auto& own = pool.standard;
    tx.execute("UPDATE subnet_pools SET name = ?, description = ?, revision = ?, updated = ?, prefixes = ?, default_prefixlen = ?, "
               "min_prefixlen = ?, max_prefixlen = ?, "
               "default_quota = ?, is_default = ? WHERE id = ?",
               own.name, own.description, own.revision, own.updated, encodedPrefixes(pool), pool.defaultLength, pool.leastLength,
               pool.mostLength, pool.defaultQuota, pool.isDefault, pool.id);
}

void remove(store::Transaction& tx, const SubnetPoolId& id) { tx.execute("DELETE FROM subnet_pools WHERE id = ?", id); }

}
