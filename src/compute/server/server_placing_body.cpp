#include "compute/server/server_placing_body.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/scheduler/near.hpp"
#include "compute/scheduler/query.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

/// "zone", or "zone:host", "zone:host:node", "zone::node", which only administrators may say (Nova,
/// parse_availability_zone).
void readZone(const Call& call, const Json& value, NewServers& wanted) {
    const auto text = textOf(value, 1, 255);
    const auto parts = split(text, ':');
    if (parts.size() > 3) throw Error(Failure::Invalid, "Unable to parse availability_zone");
    auto& placing = wanted.placing;
    placing.zone = parts[0];
    if (!placing.zone.empty()) wanted.pinnedZone = placing.zone;
    if (parts.size() > 1) placing.host.text = parts[1];
    if (parts.size() > 2) placing.hypervisor = parts[2];
    placing.forced = placing.host || !placing.hypervisor.empty();
    if (placing.forced) call.caller.enforce("os_compute_api:servers:create:forced_host", {});
}

void readHost(const Call& call, const Json& body, NewServers& wanted) {
    for (const char* name : {"host", "hypervisor_hostname"}) {
        const auto given = call.find(body, name, 74);
        if (!given) continue;
        call.caller.enforce("compute:servers:create:requested_destination", {});
        if (wanted.placing.forced)
            given->refuse("Destination host can't be specified with host or node in availability_zone.");
    }
    if (const auto host = body.find("host")) wanted.placing.host.text = textOf(*host, 1, 255);
    if (const auto node = body.find("hypervisor_hostname")) wanted.placing.hypervisor = textOf(*node, 1, 255);
}

void requireServers(const Json& hints, std::string_view name) {
    constexpr std::size_t most = 100;
    const auto given = hints.find(name);
    if (!given) return;
    if (!given->isArray()) {
        uuidOf(*given);
        return;
    }
    if (given->size() > most) given->refuse("It has more than 100 servers.");
    for (const auto& each : given->items()) uuidOf(each);
}

void requireNear(const Json& hints) {
    const auto prefix = hints.find("cidr");
    const auto near = hints.find("build_near_host_ip");
    if (!near && !prefix) return;
    const auto address = near ? addressOf(*near) : "0.0.0.0";
    if (prefix && !isBlockLength(address, textOf(*prefix, 2, 4))) prefix->refuse("It is not like '/24'.");
}

/// Other hints may come too, for schedulers that know them (Nova takes any).
void readHints(const Json& hints, NewServers& wanted) {
    if (!hints.isObject()) hints.refuse("It is not of type 'object'");
    constexpr std::size_t most = 32, bytesMost = 8192, queryMost = 1024; // which is asked of each host
    wanted.hints = hints.dump();
    if (hints.size() > most || wanted.hints.size() > bytesMost) hints.refuse("It says too much.");
    if (const auto group = hints.find("group")) uuidOf(*group);
    requireServers(hints, "same_host");
    requireServers(hints, "different_host");
    requireNear(hints);
    if (const auto query = hints.find("query")) {
        const auto text = query->isText() ? query->text() : query->dump();
        if (text.size() > queryMost) query->refuse("It is too long");
        requireQuery(text);
    }
    wanted.placing.hints = hintsIn(wanted.hints);
}

}

void readPlacing(const Call& call, const Json& whole, const Json& body, NewServers& wanted) {
    if (const auto zone = body.find("availability_zone"); zone && !zone->isNull()) readZone(call, *zone, wanted);
    readHost(call, body, wanted);
    for (const char* name : {"OS-SCH-HNT:scheduler_hints", "os:scheduler_hints"})
        if (const auto hints = whole.find(name)) readHints(*hints, wanted);
}

}
