#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/attachment/interface_attachment.hpp"
#include "compute/server/server_reading.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

ServerId idOf(const Call& call) { return ServerId{call.param("id")}; }

std::vector<network::PortFacts> portsFor(Call& call, Core& core) {
    auto& db = core.reader();
    return core.network.portsOf(db, allowedServer(db, call.caller, idOf(call)).id);
}

void write(JsonWriter& out, const Call& call, const network::PortFacts& port) {
    const auto scope = out.object();
    out.field("port_id", port.id);
    out.field("net_id", port.network);
    out.field("mac_addr", port.mac);
    out.field("port_state", port.status);
    {
        const auto ips = out.array("fixed_ips");
        for (const auto& ip : port.fixedIps) {
            const auto item = out.object();
            out.field("subnet_id", ip.subnet);
            out.field("ip_address", ip.address);
        }
    }
    if (call.since(70)) out.field("tag", nullptr);
}

Response answer(const Call& call, const network::PortFacts& port) {
    return http::jsonResponse(200, "interfaceAttachment", [&](JsonWriter& out) { write(out, call, port); });
}

Response listNics(Call& call, Core& core) {
    const auto ports = portsFor(call, core);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("interfaceAttachments");
        for (const auto& port : ports) write(out, call, port);
    });
}

Response showNic(Call& call, Core& core) {
    for (const auto& port : portsFor(call, core))
        if (port.id.text == call.param("port")) return answer(call, port);
    throw Error(Failure::NotFound, "Instance ", call.param("id"), " does not have fixed port ", call.param("port"));
}

Response attachNic(Call& call, Core& core) {
    WantedNic wanted;
    if (!call.request.body.empty()) {
        const Json body = call.body("interfaceAttachment");
        call.onlyKnows(body, {"port_id", "net_id", "fixed_ips", "tag"});
        if (const auto port = body.find("port_id"); port && !port->isNull()) wanted.port.text = uuidOf(*port);
        if (const auto network = body.find("net_id"); network && !network->isNull())
            wanted.network.text = uuidOf(*network);
        if (wanted.port && wanted.network) throw Error(Failure::Invalid, "Must not input both network_id and port_id");
        if (const auto tag = call.find(body, "tag", 49)) textOf(*tag, 1, 60);
        if (const auto ips = body.find("fixed_ips")) {
            if (!ips->isArray() || ips->size() != 1) ips->refuse("It must have one item.");
            const Json ip = ips->items().front();
            call.onlyKnows(ip, {"ip_address"});
            wanted.fixedIp = addressOf(ip.at("ip_address"));
            if (!wanted.network) throw Error(Failure::Invalid, "Must input network_id when request IP address");
        }
    }
    return answer(call, attachInterface(core, call.caller, idOf(call), wanted));
}

}

void addInterfaceAttachmentRoutes(http::Routes& routes, Core& core) {
    const std::string nics = "/servers/{id}/os-interface", nicRule = "os_compute_api:os-attach-interfaces:";
    addRoute(routes, Method::Get, nics, nicRule + "list", [&](Call& call) { return listNics(call, core); });
    addRoute(routes, Method::Post, nics, nicRule + "create", [&](Call& call) { return attachNic(call, core); });
    addRoute(routes, Method::Get, nics + "/{port}", nicRule + "show", [&](Call& call) { return showNic(call, core); });
    addRoute(routes, Method::Delete, nics + "/{port}", nicRule + "delete", [&](Call& call) {
        detachInterface(core, call.caller, idOf(call), PortId{call.param("port")});
        return http::emptyResponse(202);
    });
}

}
