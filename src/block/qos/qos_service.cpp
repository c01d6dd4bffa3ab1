#include <algorithm>

#include <stratolet/error.hpp>

#include "block/qos/qos.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {

using identity::Caller;

namespace {

Error missingQos(const std::string& id) { return Error(Failure::NotFound, "No such QoS spec ", id, "."); }

Qos there(store::Reader& db, const std::string& id) {
    auto qos = qos_table::find(db, id);
    if (!qos) throw missingQos(id);
    return *std::move(qos);
}

VolumeType typeThere(store::Reader& db, const std::string& id) {
    auto type = type_table::find(db, id);
    if (!type) throw missingType(id);
    return *std::move(type);
}

void requireSense(const Qos& qos) {
    if (std::find(qosConsumers.begin(), qosConsumers.end(), qos.consumer) == qosConsumers.end())
        throw Error(Failure::Invalid, "Valid consumer of QoS specs are: front-end, back-end, both");
    constexpr std::size_t specsMax = 1000; // Cinder bounds it by the size of a request alone, again and again
    if (qos.specs.size() > specsMax) throw Error(Failure::Invalid, "QoS specs have at most ", specsMax, " keys.");
}

constexpr std::array<ListFilter, 3> filters{{{"id"}, {"name"}, {"consumer"}}};

}

ListNoun qosLists() { return {"qos_specs", filters, qosColumns.text(), qosColumns.words()}; }

// Nova (libvirt, volume.py) gives these to the guest; Cinder (volume manager) what is said for each gigabyte.
std::map<std::string, std::int64_t> guestLimits(const Qos& qos, GiB size) {
    constexpr std::array<std::string_view, 13> words{
        "total_bytes_sec",   "read_bytes_sec",      "write_bytes_sec",    "total_iops_sec",      "read_iops_sec",
        "write_iops_sec",    "total_bytes_sec_max", "read_bytes_sec_max", "write_bytes_sec_max", "total_iops_sec_max",
        "read_iops_sec_max", "write_iops_sec_max",  "size_iops_sec"};
    std::map<std::string, std::int64_t> limits;
    if (qos.consumer == "back-end") return limits;
    const auto numberOf = [&](const std::string& name) -> std::optional<std::int64_t> {
        const auto found = qos.specs.find(name);
        const auto number = found == qos.specs.end() ? std::nullopt : wholeNumberIn(found->second);
        constexpr std::int64_t most = std::int64_t{1} << 40; // what times a size is no overflow
        return number && *number >= 0 && *number <= most ? number : std::nullopt;
    };
    for (const auto each : words) {
        const std::string word(each);
        if (const auto flat = numberOf(word)) limits[word] = *flat;
        if (const auto perGigabyte = numberOf(word + "_per_gb"))
            limits[word] = std::max(*perGigabyte * size.count, numberOf(word + "_per_gb_min").value_or(0));
    }
    return limits;
}

ListPage<Qos> QosSpecs::list(const Caller& caller, ListQuery query) const {
    caller.enforce();
    return parts_.store.read([&](store::Reader& db) {
        if (!query.listing.marker.empty()) there(db, query.listing.marker);
        return ListPage<Qos>{resource::pageOf(db, qosColumns, query.listing, query.offset)};
    });
}

Qos QosSpecs::show(const Caller& caller, const std::string& id) const {
    caller.enforce();
    return there(parts_.store.reader(), id);
}

Qos QosSpecs::create(const Caller& caller, Qos qos) {
    caller.enforce();
    requireSense(qos);
    return parts_.store.write([&](store::Transaction& tx) {
        if (qos_table::isNamed(tx, qos.name))
            throw Error(Failure::Conflict, "QoS Specs ", qos.name, " already exists.");
        qos.id = parts_.ambient.uuid();
        qos.created = parts_.ambient.now();
        qos_table::insert(tx, qos);
        return qos;
    });
}

void QosSpecs::set(const Caller& caller, const std::string& id, const std::optional<std::string>& consumer,
                   const std::map<std::string, std::string>& specs) {
    caller.enforce();
    parts_.store.write([&](store::Transaction& tx) {
        auto qos = there(tx, id);
        if (consumer) qos.consumer = *consumer;
        for (const auto& [name, value] : specs) qos.specs[name] = value;
        requireSense(qos);
        qos.updated = parts_.ambient.now();
        qos_table::save(tx, qos);
    });
}

/// All of them, or none.
void QosSpecs::unset(const Caller& caller, const std::string& id, const std::vector<std::string>& keys) {
    caller.enforce();
    parts_.store.write([&](store::Transaction& tx) {
        auto qos = there(tx, id);
        for (const auto& each : keys)
            if (qos.specs.erase(each) == 0)
                throw Error(Failure::NotFound, "QoS spec ", id, " has no spec with key ", each, ".");
        qos.updated = parts_.ambient.now();
        qos_table::save(tx, qos);
    });
}

void QosSpecs::remove(const Caller& caller, const std::string& id, bool force) {
    caller.enforce();
    parts_.store.write([&](store::Transaction& tx) {
        there(tx, id);
        if (!force && !qos_table::typesOf(tx, id).empty()) throw Error(Failure::Invalid, "Qos specs still in use.");
        qos_table::disassociateAll(tx, id);
        qos_table::remove(tx, id);
    });
}

std::vector<VolumeType> QosSpecs::associations(const Caller& caller, const std::string& id) const {
    caller.enforce();
    auto& db = parts_.store.reader();
    there(db, id);
    return qos_table::typesOf(db, id);
}

void QosSpecs::associate(const Caller& caller, const std::string& id, const std::string& type) {
    caller.enforce();
    parts_.store.write([&](store::Transaction& tx) {
        there(tx, id);
        const auto found = typeThere(tx, type);
        if (!found.qos.empty() && found.qos != id)
            throw Error(Failure::Invalid, "Invalid volume type: Type ", type,
                        " is already associated with another qos specs: ", found.qos);
        qos_table::associate(tx, type, id);
    });
}

void QosSpecs::disassociate(const Caller& caller, const std::string& id, const std::string& type) {
    caller.enforce();
    parts_.store.write([&](store::Transaction& tx) {
        there(tx, id);
        if (typeThere(tx, type).qos == id) qos_table::associate(tx, type, std::nullopt);
    });
}

void QosSpecs::disassociateAll(const Caller& caller, const std::string& id) {
    caller.enforce();
    parts_.store.write([&](store::Transaction& tx) {
        there(tx, id);
        qos_table::disassociateAll(tx, id);
    });
}

}
