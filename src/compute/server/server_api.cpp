#include "compute/server/server_api.hpp"

#include <algorithm>
#include <vector>

#include <stratolet/error.hpp>

#include "compute/action/action.hpp"
#include "compute/attachment/interface_attachment.hpp"
#include "compute/attachment/volume_attachment.hpp"
#include "compute/label/server_metadata.hpp"
#include "compute/label/server_tags.hpp"
#include "compute/server/server_body.hpp"
#include "compute/server/server_changing.hpp"
#include "compute/server/server_making.hpp"
#include "compute/server/server_query.hpp"
#include "compute/server/server_reading.hpp"
#include "compute/server/server_view.hpp"
#include "compute/verb/removal.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

ServerId idOf(const Call& call) { return ServerId{call.param("id")}; }

Response show(Call& call, Core& core) {
    return core.parts.store.read([&](store::Reader& db) {
        const Server server = allowedServer(db, call.caller, idOf(call));
        return http::jsonResponse(200, "server", [&](JsonWriter& out) {
            ServerWriter(call, core, Showing::Whole).write(out, server, detailsOf(core, db, server));
        });
    });
}

Response update(Call& call, Core& core) {
    const Json body = call.body("server");
    call.onlyKnows(body, {"name", "OS-DCF:diskConfig", "accessIPv4", "accessIPv6", "description", "hostname"});
    const auto description = call.find(body, "description", 19);
    const auto hostname = call.find(body, "hostname", 90);
    const Server server = updateServer(core, call.caller, idOf(call), [&](Server& changed) {
        if (const auto name = body.find("name")) changed.name = nameOf(*name);
        if (const auto config = body.find("OS-DCF:diskConfig")) changed.diskConfig = diskConfigOf(*config);
        if (const auto address = body.find("accessIPv4")) changed.accessIpv4 = accessAddress(*address, 4);
        if (const auto address = body.find("accessIPv6")) changed.accessIpv6 = accessAddress(*address, 6);
        if (description) changed.description = descriptionOf(*description);
        if (hostname) changed.hostname = hostnameOf(*hostname, call.since(94));
    });
    return http::jsonResponse(200, "server", [&](JsonWriter& out) {
        ServerWriter(call, core, Showing::Changed).write(out, server, detailsOf(core, core.reader(), server));
    });
}

Response list(Call& call, Core& core, bool whole) {
    call.caller.enforce();
    const ServerQuery query = serverQueryIn(call, whole);
    std::vector<Server> found;
    std::vector<ServerDetails> details;
    core.parts.store.read([&](store::Reader& db) { // one moment for the whole page
        found = listServers(core, call.caller, query);
        if (whole) details = detailsOf(core, db, found);
    });
    ServerWriter writer(call, core, Showing::InList);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto outer = out.object();
        {
            const auto items = out.array("servers");
            for (std::size_t each = 0; each < found.size(); ++each) {
                const auto& server = found[each];
                if (whole) {
                    writer.write(out, server, details[each]);
                    continue;
                }
                const auto item = out.object();
                out.field("id", server.id);
                out.field("name", server.name);
                call.links(out, "/servers/" + server.id.text);
            }
        }
        const bool full = query.limit > 0 && static_cast<std::int64_t>(found.size()) == query.limit;
        if (full) call.nextLink(out, "servers_links", found.back().id.text);
    });
}

Response addresses(Call& call, Core& core, bool one) {
    auto& db = core.reader();
    const Server server = allowedServer(db, call.caller, idOf(call));
    const auto ports = detailsOf(core, db, server).ports;
    if (one && std::none_of(ports.begin(), ports.end(),
                            [&](const auto& port) { return port.networkName == call.param("network"); }))
        throw Error(Failure::NotFound, "Network label does not exist");
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto outer = out.object();
        if (one) {
            writeAddresses(out, ports, call.param("network"));
        } else {
            const auto all = out.object("addresses");
            writeAddresses(out, ports);
        }
    });
}

}

void addServerRoutes(http::Routes& routes, Core& core) {
    const std::string rule = "os_compute_api:servers:";
    addRoute(routes, Method::Get, "/servers", rule + "index", [&](Call& call) { return list(call, core, false); });
    addRoute(routes, Method::Get, "/servers/detail", rule + "detail",
             [&](Call& call) { return list(call, core, true); });
    addRoute(routes, Method::Post, "/servers", rule + "create", [&](Call& call) { return createServer(call, core); });
    addRoute(routes, Method::Get, "/servers/{id}", rule + "show", [&](Call& call) { return show(call, core); });
    addRoute(routes, Method::Put, "/servers/{id}", rule + "update", [&](Call& call) { return update(call, core); });
    addRoute(routes, Method::Delete, "/servers/{id}", rule + "delete", [&](Call& call) {
        removeServer(core, call.caller, idOf(call));
        return http::emptyResponse(204);
    });
    addRoute(routes, Method::Get, "/servers/{id}/ips", "os_compute_api:ips:index",
             [&](Call& call) { return addresses(call, core, false); });
    addRoute(routes, Method::Get, "/servers/{id}/ips/{network}", "os_compute_api:ips:show",
             [&](Call& call) { return addresses(call, core, true); });
    addMetadataRoutes(routes, core);
    addTagRoutes(routes, core);
    addServerActionRoutes(routes, core);
    addActionRoutes(routes, core);
    addVolumeAttachmentRoutes(routes, core);
    addInterfaceAttachmentRoutes(routes, core);
}

}
