#include <algorithm>

#include <stratolet/error.hpp>

#include "network/agent/agent.hpp"
#include "network/collection.hpp"

namespace stratolet::network {

namespace {

using namespace http;

/// Whether a filter of the query, if there is one, lets `value` through.
bool asked(const Request& request, std::string_view name, std::string_view value) {
    const auto wanted = request.query.all(name);
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

/// A zone is there for networks by its DHCP agents, for routers by its L3 agents, and usable as long as one of them is.
Response list(Request& request, Core& core) {
    identity::callerOf(request).enforce();
    for (const auto& [name, value] : request.query)
        if (name != "name" && name != "resource" && name != "state" && name != "fields")
            throw Error(Failure::Invalid, "['", name, "'] is invalid attribute for filtering").as("HTTPBadRequest");
    const resource::Fields fields(request.query);
    return core.parts.store.read([&](store::Reader& db) {
        return jsonResponse(200, [&](JsonWriter& out) {
            const auto body = out.object();
            const auto zones = out.array("availability_zones");
            for (const auto& [resource, kind] : {std::pair{"network", dhcpAgent}, {"router", routerAgent}}) {
                const auto up = anyUp(db, kind);
                if (!up) continue;
                const auto* state = *up ? "available" : "unavailable";
                if (!asked(request, "name", defaultZone) || !asked(request, "resource", resource) ||
                    !asked(request, "state", state))
                    continue;
                const auto zone = out.object();
                if (fields.wants("name")) out.field("name", defaultZone);
                if (fields.wants("resource")) out.field("resource", resource);
                if (fields.wants("state")) out.field("state", state);
            }
        });
    });
}

}

void addZoneRoutes(Routes& routes, Agents& agents) {
    routes.push_back({Method::Get, "/v2.0/availability_zones", policy("get_availability_zone"),
                      [&core = agents.core()](Request& request) { return list(request, core); }});
}

}
