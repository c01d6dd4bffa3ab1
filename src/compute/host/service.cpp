#include "compute/host/service.hpp"

#include "compute/encoding.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/parts.hpp"

namespace stratolet::compute {
namespace {

/// The same for one part of one cloud for ever.
std::string uuidFrom(const std::string& name) {
    auto digits = sha224Hex(name).substr(0, 32);
    for (const std::size_t dash : {8U, 13U, 18U, 23U}) digits.insert(dash, 1, '-');
    return digits;
}

/// A part that this process plays. Hosts never count so far.
Service ownPart(const Core& core, const std::string& binary, std::int64_t number) {
    return {.number = number,
            .id = uuidFrom(core.parts.cloud.id + binary),
            .binary = binary,
            .host = core.parts.cloud.host,
            .zone = std::string(internalZone),
            .updated = core.now()};
}

}

Service serviceOf(const Host& host) {
    return {.number = host.number,
            .id = host.serviceId,
            .binary = std::string(computeBinary),
            .host = host.name.text,
            .zone = host.zone,
            .up = host.up(),
            .disabled = host.disabled,
            .forcedDown = host.forcedDown,
            .reason = host.disabledReason,
            .updated = host.seen};
}

std::vector<Service> services(const Core& core, store::Reader& db) {
    constexpr std::int64_t conductor = 1000001, scheduler = 1000002;
    std::vector<Service> all{ownPart(core, "nova-conductor", conductor), ownPart(core, "nova-scheduler", scheduler)};
    for (const auto& host : core.hosts.all(db)) all.push_back(serviceOf(host));
    return all;
}

}
