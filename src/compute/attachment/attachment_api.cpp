#include <algorithm>

#include "compute/api.hpp"
#include "compute/encoding.hpp"
#include "compute/server/server.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

ServerId idOf(const Call& call) { return ServerId{call.param("id")}; }

ServerDetails detailsFor(Call& call, Servers& servers) {
    auto& db = servers.reader();
    const Server server = servers.get(db, call.caller, idOf(call));
    call.caller.enforce({{"project_id", server.project.text}, {"user_id", server.user.text}});
    return servers.details(db, server);
}

// Volumes.

void write(JsonWriter& out, const Call& call, const VolumeTie& tie, bool fresh) {
    const auto scope = out.object();
    if (!call.since(89) || fresh) out.field("id", tie.attachment.volume);
    out.field("volumeId", tie.attachment.volume);
    out.field("serverId", tie.attachment.server);
    out.field("device", tie.attachment.device);
    if (call.since(70)) out.field("tag", tie.tag);
    if (call.since(79)) out.field("delete_on_termination", false);
    if (call.since(89) && !fresh) {
        out.field("attachment_id", tie.attachment.id);
        out.field("bdm_uuid", tie.attachment.id);
    }
}

Response answer(const Call& call, const VolumeTie& tie, bool fresh) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.key("volumeAttachment");
        write(out, call, tie, fresh);
    });
}

std::string uuidOf(const Json& value) {
    if (!value.isText() || !isUuid(value.text())) value.refuse("It is not a 'uuid'");
    return value.text();
}

Response listVolumes(Call& call, Servers& servers) {
    const auto ties = detailsFor(call, servers).volumes;
    const auto& query = call.request.query;
    const Page page = pageOf(query);
    const auto offset = query.integer("offset", 0, INT32_MAX).value_or(0);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("volumeAttachments");
        std::int64_t index = 0;
        for (const auto& tie : ties)
            if (index++ >= offset && index <= offset + page.limit) write(out, call, tie, false);
    });
}

Response showVolume(Call& call, Servers& servers) {
    for (const auto& tie : detailsFor(call, servers).volumes)
        if (tie.attachment.volume.text == call.param("volume")) return answer(call, tie, false);
    throw Error(Failure::NotFound, "Instance ", call.param("id"), " is not attached to volume ", call.param("volume"));
}

Response attachVolume(Call& call, Servers& servers) {
    const Json body = call.body("volumeAttachment");
    call.onlyKnows(body, {"volumeId", "device", "tag", "delete_on_termination"});
    const VolumeId volume{uuidOf(body.at("volumeId"))};
    // The device is the hypervisor's to choose: guests name their disks themselves, whatever is asked for here.
    if (const auto device = body.find("device"); device && !device->isNull())
        if (const std::string path = textOf(*device, 1, 255); !path.starts_with("/dev/") && path.find('/') != std::string::npos)
            device->refuse("It is no device.");
    std::optional<std::string> tag;
    if (const auto given = body.find("tag")) {
        if (!call.since(49)) given->refuse("Additional properties are not allowed.");
        tag = textOf(*given, 1, 60);
    }
    if (const auto ends = body.find("delete_on_termination")) {
        if (!call.since(79)) ends->refuse("Additional properties are not allowed.");
        if (booleanOf(*ends)) ends->refuse("Deleting volumes with their server is not offered here; it can be false only.");
    }
    return answer(call, servers.attachVolume(call.caller, idOf(call), volume, tag), true);
}

// Network interfaces.

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
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.key("interfaceAttachment");
        write(out, call, port);
    });
}

Response listNics(Call& call, Servers& servers) {
    const auto ports = detailsFor(call, servers).ports;
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("interfaceAttachments");
        for (const auto& port : ports) write(out, call, port);
    });
}

Response showNic(Call& call, Servers& servers) {
    for (const auto& port : detailsFor(call, servers).ports)
        if (port.id.text == call.param("port")) return answer(call, port);
    throw Error(Failure::NotFound, "Instance ", call.param("id"), " does not have fixed port ", call.param("port"));
}

Response attachNic(Call& call, Servers& servers) {
    WantedNic wanted;
    if (!call.request.body.empty()) {
        const Json body = call.body("interfaceAttachment");
        call.onlyKnows(body, {"port_id", "net_id", "fixed_ips", "tag"});
        if (const auto port = body.find("port_id"); port && !port->isNull()) wanted.port.text = uuidOf(*port);
        if (const auto network = body.find("net_id"); network && !network->isNull()) wanted.network.text = uuidOf(*network);
        if (wanted.port && wanted.network) throw Error(Failure::Invalid, "Must not input both network_id and port_id");
        if (const auto tag = body.find("tag")) {
            if (!call.since(49)) tag->refuse("Additional properties are not allowed.");
            textOf(*tag, 1, 60);
        }
        if (const auto ips = body.find("fixed_ips")) {
            if (!ips->isArray() || ips->size() != 1) ips->refuse("It must have one item.");
            const Json ip = ips->items().front();
            call.onlyKnows(ip, {"ip_address"});
            const std::string address = textOf(ip.at("ip_address"), 1, 64);
            const auto canonical = canonicalIpv4(address) ? canonicalIpv4(address) : canonicalIpv6(address);
            if (!canonical) ip.at("ip_address").refuse("It is not an address.");
            if (!wanted.network) throw Error(Failure::Invalid, "Must input network_id when request IP address");
            wanted.fixedIp = *canonical;
        }
    }
    return answer(call, servers.attachNic(call.caller, idOf(call), wanted));
}

}

void addAttachmentRoutes(http::Routes& routes, Servers& servers) {
    const std::string volumes = "/servers/{id}/os-volume_attachments", volumeRule = "os_compute_api:os-volumes-attachments:";
    addRoute(routes, Method::Get, volumes, volumeRule + "index", [&](Call& call) { return listVolumes(call, servers); });
    addRoute(routes, Method::Post, volumes, volumeRule + "create", [&](Call& call) { return attachVolume(call, servers); });
    addRoute(routes, Method::Get, volumes + "/{volume}", volumeRule + "show", [&](Call& call) { return showVolume(call, servers); });
    addRoute(routes, Method::Delete, volumes + "/{volume}", volumeRule + "delete", [&](Call& call) {
        servers.detachVolume(call.caller, idOf(call), VolumeId{call.param("volume")});
        return http::emptyResponse(202);
    });
    const std::string nics = "/servers/{id}/os-interface", nicRule = "os_compute_api:os-attach-interfaces:";
    addRoute(routes, Method::Get, nics, nicRule + "list", [&](Call& call) { return listNics(call, servers); });
    addRoute(routes, Method::Post, nics, nicRule + "create", [&](Call& call) { return attachNic(call, servers); });
    addRoute(routes, Method::Get, nics + "/{port}", nicRule + "show", [&](Call& call) { return showNic(call, servers); });
    addRoute(routes, Method::Delete, nics + "/{port}", nicRule + "delete", [&](Call& call) {
        servers.detachNic(call.caller, idOf(call), PortId{call.param("port")});
        return http::emptyResponse(202);
    });
}

}
