#include "compute/flavor/flavor.hpp"

#include <stratolet/error.hpp>

#include "compute/flavor/flavor_table.hpp"

namespace stratolet::compute {
namespace {

[[noreturn]] void absent(const FlavorId& id) { throw Error(Failure::NotFound, "Flavor ", id, " could not be found."); }

}

Flavor Flavors::known(store::Reader& db, const FlavorId& id) {
    auto flavor = FlavorTable::find(db, id);
    if (!flavor) absent(id);
    return *std::move(flavor);
}

std::optional<Flavor> Flavors::find(store::Reader& db, const identity::Caller& caller, const FlavorId& id) {
    auto flavor = FlavorTable::find(db, id);
    if (flavor && !flavor->isPublic && !caller.isAdmin() && !FlavorTable::hasAccess(db, id, caller.project))
        return std::nullopt;
    return flavor;
}

Flavor Flavors::get(store::Reader& db, const identity::Caller& caller, const FlavorId& id) {
    auto flavor = find(db, caller, id);
    if (!flavor) absent(id);
    return *std::move(flavor);
}

std::vector<Flavor> Flavors::list(const identity::Caller& caller, const FlavorQuery& query) {
    const auto seenBy = caller.isAdmin() ? std::nullopt : std::optional(caller.project);
    return store_.read([&](store::Reader& db) { return FlavorTable::list(db, query, seenBy); });
}

Flavor Flavors::create(Flavor flavor) {
    if (flavor.id.empty()) flavor.id = FlavorId{ambient_.uuid()};
    flavor.created = ambient_.now();
    store_.write([&](store::Transaction& tx) {
        if (FlavorTable::find(tx, flavor.id))
            throw Error(Failure::Conflict, "Flavor with ID ", flavor.id, " already exists.");
        if (FlavorTable::named(tx, flavor.name))
            throw Error(Failure::Conflict, "Flavor with name ", flavor.name, " already exists.");
        FlavorTable::insert(tx, flavor);
    });
    return flavor;
}

Flavor Flavors::describe(const FlavorId& id, const std::optional<std::string>& description) {
    return store_.write([&](store::Transaction& tx) {
        Flavor flavor = known(tx, id);
        flavor.description = description;
        FlavorTable::update(tx, flavor);
        return flavor;
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
            throw Error(Failure::Conflict, "Flavor access already exists for flavor ", id, " and project ", project,
                        " combination.");
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

void Flavors::forget(store::Transaction& tx, const ProjectId& project) { FlavorTable::forget(tx, project); }

void Flavors::bootstrap() {
    store_.write([&](store::Transaction& tx) {
        if (FlavorTable::any(tx)) return;
        const auto now = ambient_.now();
        const auto add = [&](const char* id, const char* name, int vcpus, std::int64_t ram, std::int64_t disk) {
            FlavorTable::insert(
                tx, {.id = {id}, .name = name, .vcpus = vcpus, .ram = MiB{ram}, .disk = GiB{disk}, .created = now});
        };
        add("1", "m1.tiny", 1, 512, 1);
        add("2", "m1.small", 1, 2048, 20);
        add("3", "m1.medium", 2, 4096, 40);
        add("4", "m1.large", 4, 8192, 80);
        add("5", "m1.xlarge", 8, 16384, 160);
    });
}

}
