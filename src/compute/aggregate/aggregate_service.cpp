#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/aggregate/aggregate.hpp"
#include "compute/aggregate/aggregate_table.hpp"
#include "compute/aggregate/cached_image.hpp"
#include "compute/host/host_table.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/json/json.hpp"

namespace stratolet::compute {
namespace {

using store::Transaction;

Aggregate known(store::Reader& db, std::int64_t number) {
    auto found = aggregate_table::find(db, number);
    if (!found) throw Error(Failure::NotFound, "Aggregate ", number, " could not be found.");
    return *std::move(found);
}

void requireFree(store::Reader& db, const std::string& name, std::int64_t except) {
    if (aggregate_table::named(db, name, except))
        throw Error(Failure::Conflict, "Aggregate ", name, " already exists.");
}

/// A host is in one zone. Error(`refused`) where another aggregate says another one of any of these.
void requireOneZone(store::Reader& db, std::int64_t number, const std::vector<std::string>& hosts,
                    const std::string& zone, std::string_view doing, Failure refused) {
    for (const auto& host : hosts)
        if (const auto other = aggregate_table::otherZoneOf(db, host, number); other && *other != zone)
            throw Error(refused, "Cannot ", doing, " aggregate ", number,
                        ". Reason: One or more hosts already in "
                        "availability zone(s) ['",
                        *other, "'].");
}

/// Servers don't change their zone without having been asked.
void requireNoServers(store::Reader& db, std::int64_t number, const std::vector<std::string>& hosts,
                      std::string_view doing) {
    for (const auto& name : hosts) {
        const auto host = host_table::find(db, {name});
        if (host && host->load.servers > 0)
            throw Error(Failure::Invalid, "Cannot ", doing, " aggregate ", number,
                        ". Reason: One or more hosts contain instances in this zone.");
    }
}

/// What the zone is to be from now on: nothing is none.
void changeZone(Transaction& tx, const Aggregate& aggregate, const std::optional<std::string>& zone,
                std::string_view doing) {
    if (zone == aggregate.zone()) return;
    if (zone) requireOneZone(tx, aggregate.number, aggregate.hosts, *zone, doing, Failure::Invalid);
    requireNoServers(tx, aggregate.number, aggregate.hosts, doing);
    if (zone)
        aggregate_table::setMetadata(tx, aggregate.number, std::string(zoneKey), *zone);
    else
        aggregate_table::removeMetadata(tx, aggregate.number, std::string(zoneKey));
}

Aggregate touched(Core& core, Transaction& tx, Aggregate aggregate) {
    aggregate.updated = core.now();
    aggregate_table::rename(tx, aggregate);
    return known(tx, aggregate.number);
}

}

std::vector<Aggregate> aggregates(Core& core) {
    return core.parts.store.read([&](store::Reader& db) { return aggregate_table::all(db); });
}

Aggregate aggregate(Core& core, std::int64_t number) {
    return core.parts.store.read([&](store::Reader& db) { return known(db, number); });
}

Aggregate createAggregate(Core& core, const std::string& name, const std::optional<std::string>& zone) {
    return core.parts.store.write([&](Transaction& tx) {
        requireFree(tx, name, 0);
        Aggregate made;
        made.uuid = core.parts.ambient.uuid();
        made.name = name;
        made.created = core.now();
        made.number = aggregate_table::insert(tx, made);
        if (zone) aggregate_table::setMetadata(tx, made.number, std::string(zoneKey), *zone);
        return known(tx, made.number);
    });
}

Aggregate updateAggregate(Core& core, std::int64_t number, const AggregateChange& change) {
    return core.parts.store.write([&](Transaction& tx) {
        auto found = known(tx, number);
        if (change.name) {
            requireFree(tx, *change.name, number);
            found.name = *change.name;
        }
        if (change.zone) changeZone(tx, found, change.zone, "update");
        return touched(core, tx, found);
    });
}

void removeAggregate(Core& core, std::int64_t number) {
    core.parts.store.write([&](Transaction& tx) {
        if (!known(tx, number).hosts.empty())
            throw Error(Failure::Invalid, "Cannot delete aggregate ", number, ". Reason: Host aggregate is not empty.");
        aggregate_table::remove(tx, number);
    });
}

Aggregate addHost(Core& core, std::int64_t number, const std::string& host) {
    return core.parts.store.write([&](Transaction& tx) {
        const auto found = known(tx, number);
        if (!host_table::find(tx, {host}))
            throw Error(Failure::NotFound, "Compute host ", host, " could not be found.");
        if (std::find(found.hosts.begin(), found.hosts.end(), host) != found.hosts.end())
            throw Error(Failure::Conflict, "Cannot add host to aggregate ", number, ". Reason: Aggregate ", number,
                        " already has host ", host, ".");
        const auto zone = found.zone();
        if (zone) requireOneZone(tx, number, {host}, *zone, "add host to", Failure::Conflict);
        aggregate_table::addHost(tx, number, host);
        host_table::zoneChanged(tx, {host});
        return touched(core, tx, found);
    });
}

Aggregate removeHost(Core& core, std::int64_t number, const std::string& host) {
    return core.parts.store.write([&](Transaction& tx) {
        const auto found = known(tx, number);
        if (std::find(found.hosts.begin(), found.hosts.end(), host) == found.hosts.end())
            throw Error(Failure::NotFound, "Aggregate ", number, " has no host ", host, ".");
        aggregate_table::removeHost(tx, number, host);
        host_table::zoneChanged(tx, {host});
        return touched(core, tx, found);
    });
}

Aggregate setMetadata(Core& core, std::int64_t number,
                      const std::map<std::string, std::optional<std::string>>& metadata) {
    return core.parts.store.write([&](Transaction& tx) {
        const auto found = known(tx, number);
        for (const auto& [name, value] : metadata) {
            if (name == zoneKey)
                changeZone(tx, found, value, "update metadata of");
            else if (value)
                aggregate_table::setMetadata(tx, number, name, *value);
            else
                aggregate_table::removeMetadata(tx, number, name);
        }
        return touched(core, tx, found);
    });
}

void cacheImages(Core& core, const identity::Caller& caller, std::int64_t number, const std::vector<ImageId>& images) {
    core.parts.store.write([&](Transaction& tx) {
        const auto found = known(tx, number);
        for (const auto& id : images) {
            const auto image = core.images.find(tx, caller, id);
            if (!image || image->status != "active")
                throw Error(Failure::Invalid, "Image ", id, " could not be found, or is not active.");
            const auto base = image->id.text + "-" + image->checksum;
            cached_image::want(tx, base, image->id, core.now());
            for (const auto& host : found.hosts)
                core.parts.jobs.enqueue(tx, "compute.image.cache", id.text + "@" + host,
                                        R"({"base":)" + jsonText(base) + "}", caller.project.text);
        }
    });
}

}
