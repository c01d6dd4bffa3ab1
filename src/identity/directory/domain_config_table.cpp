#include "identity/directory/domain_config_table.hpp"

namespace stratolet::identity::domain_config_table {

std::vector<DomainConfigOption> of(store::Reader& db, const std::string& domain) {
    return db.query("SELECT group_name, option_name, value FROM domain_configs WHERE domain_id = ?", domain)
        .all<DomainConfigOption>([](const store::Row& row) {
            return DomainConfigOption{row.text(0), row.text(1), row.text(2)};
        });
}

bool has(store::Reader& db, const std::string& domain, const std::string& group, const std::string& name) {
    return db
        .query("SELECT 1 FROM domain_configs WHERE domain_id = ? AND group_name = ? AND (? = '' OR option_name = ?)",
               domain, group, name, name)
        .any();
}

void set(store::Transaction& tx, const std::string& domain, const DomainConfigOption& option) {
    tx.execute("INSERT OR REPLACE INTO domain_configs VALUES (?, ?, ?, ?)", domain, option.group, option.name,
               option.value);
}

bool remove(store::Transaction& tx, const std::string& domain, const std::string& group, const std::string& name) {
    return tx.execute("DELETE FROM domain_configs WHERE domain_id = ? AND (? = '' OR group_name = ?) AND (? = '' OR "
                      "option_name = ?)",
                      domain, group, group, name, name) > 0;
}

}
