#include <algorithm>
#include <map>

#include "compute/api.hpp"
#include "compute/host/service.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;
using ByZone = std::map<std::string, std::vector<Service>>;

/// A zone is available as long as one of its services is in use.
bool isAvailable(const std::vector<Service>& services) {
    return std::any_of(services.begin(), services.end(), [](const Service& each) { return !each.disabled; });
}

void writeHosts(JsonWriter& out, const std::vector<Service>& services) {
    std::map<std::string, std::vector<const Service*>> byHost;
    for (const auto& each : services) byHost[each.host].push_back(&each);
    const auto hosts = out.object("hosts");
    for (const auto& [host, own] : byHost) {
        const auto one = out.object(host);
        for (const auto* each : own) {
            const auto service = out.object(each->binary);
            out.field("available", each->up);
            out.field("active", !each->disabled);
            each->updated ? out.field("updated_at", isoTime(*each->updated, true, ""))
                          : out.field("updated_at", nullptr);
        }
    }
}

void write(JsonWriter& out, const std::string& name, const std::vector<Service>& services, bool whole) {
    const auto zone = out.object();
    out.field("zoneName", name);
    const bool available = isAvailable(services);
    {
        const auto state = out.object("zoneState");
        out.field("available", available);
    }
    whole&& available ? writeHosts(out, services) : out.field("hosts", nullptr);
}

Response list(Call& call, Core& core, bool whole) {
    call.caller.enforce();
    ByZone zones;
    for (auto& each : services(core, core.reader()))
        if (whole || each.zone != internalZone) zones[each.zone].push_back(std::move(each));
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("availabilityZoneInfo");
        for (const bool available : {true, false})
            for (const auto& [name, its] : zones)
                if (isAvailable(its) == available) write(out, name, its, whole);
    });
}

}

void addZoneRoutes(http::Routes& routes, Core& core) {
    const std::string rule = "os_compute_api:os-availability-zone:";
    addRoute(routes, Method::Get, "/os-availability-zone", rule + "list",
             [&](Call& call) { return list(call, core, false); });
    addRoute(routes, Method::Get, "/os-availability-zone/detail", rule + "detail",
             [&](Call& call) { return list(call, core, true); });
}

}
