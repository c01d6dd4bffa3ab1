#include "appliance/fresh_store/all_migrations.hpp"

#include "platform/resources.hpp"

namespace stratolet {

std::vector<store::Migration> allMigrations() {
    std::vector<store::Migration> all;
    for (const auto* each : {"platform", "identity", "image", "block", "network", "compute"}) {
        const auto some = migrationsOf(each);
        all.insert(all.end(), some.begin(), some.end());
    }
    return all;
}

}
