#include "compute/flavor/flavor.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

namespace stratolet::compute {
namespace {

[[noreturn]] void absent(const FlavorId& id) { throw Error(Failure::NotFound, "Flavor ", id, " could not be found."); }

auto numberOf(const Flavor& flavor, const std::string& key) -> std::optional<double> {
    if (key == "memory_mb") return static_cast<double>(flavor.ram.count);
    if (key == "vcpus") return static_cast<double>(flavor.vcpus);
    if (key == "root_gb") return static_cast<double>(flavor.disk.count);
    if (key == "ephemeral_gb") return static_cast<double>(flavor.ephemeral.count);
    if (key == "swap") return static_cast<double>(flavor.swap.count);
    if (key == "rxtx_factor") return flavor.rxtxFactor;
    if (key == "is_public") return flavor.isPublic ? 1 : 0;
    return std::nullopt;
}

void sortBy(std::vector<Flavor>& flavors, const std::string& key, bool descending) {
    if (key != "flavorid" && key != "name" && !numberOf({}, key)) throw Error(Failure::Invalid, "Sort key supplied was not valid: ", key);
    const auto before = [&](const Flavor& one, const Flavor& other) {
        if (key == "flavorid") return one.id < other.id;
        if (key == "name") return std::tie(one.name, one.id) < std::tie(other.name, other.id);
        return std::pair(*numberOf(one, key), one.id) < std::pair(*numberOf(other, key), other.id);
    };
    std::sort(flavors.begin(), flavors.end(),
              [&](const Flavor& one, const Flavor& other) { return descending ? before(other, one) : before(one, other); });
}

}

Flavor Flavors::known(store::Reader& db, const FlavorId& id) {
    auto flavor = FlavorTable::find(db, id);
    if (!flavor) absent(id);
    return *std::move(flavor);
}

std::optional<Flavor> Flavors::find(store::Reader& db, const identity::Caller& caller, const FlavorId& id) {
    auto flavor = FlavorTable::find(db, id);
    if (flavor && !flavor->isPublic && !caller.isAdmin() && !FlavorTable::hasAccess(db, id, caller.project)) return std::nullopt;
    return flavor;
}

Flavor Flavors::get(store::Reader& db, const identity::Caller& caller, const FlavorId& id) {
    auto flavor = find(db, caller, id);
    if (!flavor) absent(id);
    return *std::move(flavor);
}

std::vector<Flavor> Flavors::list(const identity::Caller& caller, const FlavorQuery& query) {
    return store_.read([&](store::Reader& db) {
        const bool admin = caller.isAdmin();
        std::vector<Flavor> flavors = FlavorTable::all(db);
        const auto granted = FlavorTable::grantedTo(db, caller.project);
        std::erase_if(flavors, [&](const Flavor& flavor) {
            const bool seen =
                admin ? !query.isPublic || flavor.isPublic == *query.isPublic : flavor.isPublic || granted.contains(flavor.id.text);
            return !seen || (query.minDisk && flavor.disk.count < *query.minDisk) || (query.minRam && flavor.ram.count < *query.minRam);
        });
        sortBy(flavors, query.sortKey, query.descending);
        if (query.marker) {
            const auto at =
                std::find_if(flavors.begin(), flavors.end(), [&](const Flavor& flavor) { return flavor.id.text == *query.marker; });
            if (at == flavors.end()) throw Error(Failure::Invalid, "marker [", *query.marker, "] not found");
            flavors.erase(flavors.begin(), at + 1);
        }
        if (static_cast<std::int64_t>(flavors.size()) > query.limit) flavors.resize(static_cast<std::size_t>(query.limit));
        return flavors;
    });
}

Flavor Flavors::create(Flavor flavor) {
    if (flavor.id.empty()) flavor.id = FlavorId{ambient_.uuid()};
    store_.write([&](store::Transaction& tx) {
        if (FlavorTable::find(tx, flavor.id)) throw Error(Failure::Conflict, "Flavor with ID ", flavor.id, " already exists.");
        if (tx.query("SELECT 1 FROM compute_flavors WHERE name = ?", flavor.name).any())
            throw Error(Failure::Conflict, "Flavor with name ", flavor.name, " already exists.");
        FlavorTable::insert(tx, flavor, ambient_.now());
    });
    return flavor;
}

Flavor Flavors::describe(const FlavorId& id, const std::optional<std::string>& description) {
    return store_.write([&](store::Transaction& tx) {
        known(tx, id);
        FlavorTable::describe(tx, id, description);
        return known(tx, id);
    });
}

void Flavors::remove(const FlavorId& id) {
    store_.write([&](store::Transaction& tx) {
        if (!FlavorTable::remove(tx, id)) absent(id);
    });
}

void Flavors::setSpecs(const FlavorId& id, const std::map<std::string, std::string>& specs) {
    store_.write([&](store::Transaction& tx) {
        known(tx, id);
        for (const auto& [name, value] : specs) FlavorTable::setSpec(tx, id, name, value);
    });
}

void Flavors::removeSpec(const FlavorId& id, const std::string& name) {
    store_.write([&](store::Transaction& tx) {
        known(tx, id);
        if (!FlavorTable::removeSpec(tx, id, name))
            throw Error(Failure::NotFound, "Flavor ", id, " has no extra specs with key ", name, ".");
    });
}

std::vector<std::string> Flavors::access(const FlavorId& id) {
    return store_.read([&](store::Reader& db) {
        if (known(db, id).isPublic) throw Error(Failure::NotFound, "Access list not available for public flavors.");
        return FlavorTable::projectsOf(db, id);
    });
}

std::vector<std::string> Flavors::grant(const FlavorId& id, const std::string& project) {
    return store_.write([&](store::Transaction& tx) {
        known(tx, id);
        if (!FlavorTable::grant(tx, id, project))
            throw Error(Failure::Conflict, "Flavor access already exists for flavor ", id, " and project ", project, " combination.");
        return FlavorTable::projectsOf(tx, id);
    });
}

std::vector<std::string> Flavors::revoke(const FlavorId& id, const std::string& project) {
    return store_.write([&](store::Transaction& tx) {
        known(tx, id);
        if (!FlavorTable::revoke(tx, id, project))
            throw Error(Failure::NotFound, "Flavor access not found for ", id, " / ", project, " combination.");
        return FlavorTable::projectsOf(tx, id);
    });
}

void Flavors::bootstrap() {
    store_.write([&](store::Transaction& tx) {
        if (tx.query("SELECT 1 FROM compute_flavors").any()) return;
        const auto add = [&](const char* id, const char* name, int vcpus, std::int64_t ram, std::int64_t disk) {
            FlavorTable::insert(tx, {.id = {id}, .name = name, .vcpus = vcpus, .ram = MiB{ram}, .disk = GiB{disk}}, ambient_.now());
        };
        add("1", "m1.tiny", 1, 512, 1);
        add("2", "m1.small", 1, 2048, 20);
        add("3", "m1.medium", 2, 4096, 40);
        add("4", "m1.large", 4, 8192, 80);
        add("5", "m1.xlarge", 8, 16384, 160);
    });
}

}
