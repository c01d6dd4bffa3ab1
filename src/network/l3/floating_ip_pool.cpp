#include "network/common_api.hpp"
#include "network/l2/network_record.hpp"
#include "network/l2/subnet.hpp"
#include "platform/store/many.hpp"

namespace stratolet::network {

namespace {

/// The IPv4 subnets out of which the caller's floating IPs may be: those of the external networks that they see.
http::Response list(http::Request& request, Core& core) {
    const auto& caller = identity::callerOf(request);
    const auto& project = caller.project.text;
    caller.enforce(ownedBy(project));
    return core.parts.store.read([&](store::Reader& db) {
        auto networks = networkTable.where(db, "WHERE n.external");
        std::erase_if(networks, [&](const auto& each) { return !isOpenTo(each, caller); });
        const auto subnets = subnetTable.where(db,
                                               "WHERE s.network IN (SELECT value FROM json_each(?)) AND s.ip_version = "
                                               "4 ORDER BY s.created, s.id",
                                               store::asList(idsOf(networks)));
        return http::jsonResponse(200, [&](JsonWriter& out) {
            const auto body = out.object();
            const auto pools = out.array("floatingip_pools");
            for (const auto& each : subnets) {
                const auto pool = out.object();
                out.field("subnet_id", each.id);
                out.field("subnet_name", each.standard.name);
                out.field("network_id", each.network);
                out.field("cidr", each.cidr.text());
                out.field("project_id", project); // whose floating IPs they would be
                out.field("tenant_id", project);
            }
        });
    });
}

}

void addFloatingIpPoolRoutes(http::Routes& routes, Core& core) {
    routes.push_back({http::Method::Get, "/v2.0/floatingip_pools", http::policy("get_floatingip_pool"),
                      [&core](http::Request& request) { return list(request, core); }});
}

}
