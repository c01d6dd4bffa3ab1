#include "compute/placement/provider.hpp"

#include <algorithm>
#include <functional>
#include <map>

#include <stratolet/error.hpp>

#include "compute/aggregate/aggregate_table.hpp"
#include "compute/scheduler/place.hpp"

namespace stratolet::compute::placement {
namespace {

Provider providerOf(const Host& host, std::vector<std::string> aggregates) {
    Provider made{.host = host.name,
                  .uuid = host.hypervisorId,
                  .name = host.hostname,
                  .inventories = {},
                  .traits = traitsOf(host),
                  .aggregates = std::move(aggregates)};
    const auto add = [&](const Inventory& each) {
        if (each.total > 0) made.inventories.push_back(each);
    };
    const auto& promises = host.promises;
    add({.resource = "VCPU", .total = host.vcpus, .ratio = promises.vcpus, .used = host.load.vcpus});
    add({.resource = "MEMORY_MB",
         .total = host.memory.count,
         .reserved = promises.reservedRam.count,
         .ratio = promises.ram,
         .used = host.load.ram.count});
    add({.resource = "DISK_GB", .total = host.disk.count, .ratio = promises.disk, .used = host.load.disk.count});
    return made;
}

}

const Inventory* Provider::of(std::string_view resource) const {
    const auto found = std::find_if(inventories.begin(), inventories.end(),
                                    [&](const Inventory& each) { return each.resource == resource; });
    return found == inventories.end() ? nullptr : &*found;
}

std::int64_t Provider::generation() const {
    std::string all = name;
    for (const auto& each : inventories)
        for (const auto number : {each.total, each.reserved, each.used}) all += "," + std::to_string(number);
    for (const auto& each : traits) all += "," + each;
    for (const auto& each : aggregates) all += "," + each;
    constexpr std::uint64_t prime = 16777619;
    std::uint64_t sum = 2166136261; // FNV-1a: the same in every process
    for (const char letter : all) sum = ((sum ^ static_cast<unsigned char>(letter)) * prime) & 0x7fffffffU;
    return static_cast<std::int64_t>(sum);
}

std::vector<Provider> providers(Core& core, store::Reader& db) {
    std::map<std::string, std::vector<std::string>> aggregates;
    for (const auto& each : aggregate_table::all(db))
        for (const auto& host : each.hosts) aggregates[host].push_back(each.uuid);
    std::vector<Provider> all;
    for (const auto& host : core.hosts.all(db)) all.push_back(providerOf(host, std::move(aggregates[host.name.text])));
    return all;
}

Provider provider(Core& core, store::Reader& db, const std::string& uuid) {
    auto all = providers(core, db);
    const auto found = std::find_if(all.begin(), all.end(), [&](const Provider& each) { return each.uuid == uuid; });
    if (found == all.end()) throw Error(Failure::NotFound, "No resource provider with uuid ", uuid, " found");
    return std::move(*found);
}

}
