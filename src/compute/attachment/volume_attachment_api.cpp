#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/attachment/volume_attachment.hpp"
#include "compute/server/server_reading.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

ServerId idOf(const Call& call) { return ServerId{call.param("id")}; }

std::vector<VolumeTie> tiesFor(Call& call, Core& core) {
    auto& db = core.reader();
    return tiesOf(core, db, allowedServer(db, call.caller, idOf(call)).id);
}

void write(JsonWriter& out, const Call& call, const VolumeTie& tie, bool fresh) {
    const auto scope = out.object();
    if (!call.since(89) || fresh) out.field("id", tie.attachment.volume);
    out.field("volumeId", tie.attachment.volume);
    out.field("serverId", tie.attachment.server);
    out.field("device", tie.attachment.device);
    if (call.since(70)) out.field("tag", tie.device.tag);
    if (call.since(79)) out.field("delete_on_termination", tie.device.deleteOnTermination);
    if (call.since(89) && !fresh) {
        out.field("attachment_id", tie.attachment.id);
        out.field("bdm_uuid", tie.device.id);
    }
}

Response answer(const Call& call, const VolumeTie& tie, bool fresh) {
    return http::jsonResponse(200, "volumeAttachment", [&](JsonWriter& out) { write(out, call, tie, fresh); });
}

Response listVolumes(Call& call, Core& core) {
    const auto ties = tiesFor(call, core);
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

Response showVolume(Call& call, Core& core) {
    for (const auto& tie : tiesFor(call, core))
        if (tie.attachment.volume.text == call.param("volume")) return answer(call, tie, false);
    throw Error(Failure::NotFound, "Instance ", call.param("id"), " is not attached to volume ", call.param("volume"));
}

Response attachVolume(Call& call, Core& core) {
    const Json body = call.body("volumeAttachment");
    call.onlyKnows(body, {"volumeId", "device", "tag", "delete_on_termination"});
    WantedVolume wanted{.volume = {uuidOf(body.at("volumeId"))}};
    // The device is the hypervisor's to choose: guests name their disks themselves, whatever is asked for here.
    if (const auto device = body.find("device"); device && !device->isNull())
        if (const std::string path = textOf(*device, 1, 255);
            !path.starts_with("/dev/") && path.find('/') != std::string::npos)
            device->refuse("It is no device.");
    if (const auto tag = call.find(body, "tag", 49)) wanted.tag = textOf(*tag, 1, 60);
    if (const auto ends = call.find(body, "delete_on_termination", 79)) wanted.deleteOnTermination = booleanOf(*ends);
    const auto tie = compute::attachVolume(core, call.caller, idOf(call), wanted);
    return call.since(101) ? http::emptyResponse(202) : answer(call, tie, true);
}

/// Before 2.85 it changes one volume for another, since then also whether the volume goes with the server.
Response updateVolume(Call& call, Core& core) {
    const Json body = call.body("volumeAttachment");
    if (call.since(85))
        call.onlyKnows(body, {"volumeId", "device", "tag", "serverId", "id", "delete_on_termination"});
    else
        call.onlyKnows(body, {"volumeId"});
    const VolumeId old{call.param("volume")}, wanted{uuidOf(body.at("volumeId"))};
    if (wanted != old) {
        call.caller.enforce("os_compute_api:os-volumes-attachments:swap", {});
        swapVolume(core, call.caller, idOf(call), old, wanted);
        return http::emptyResponse(202);
    }
    const auto ends = call.find(body, "delete_on_termination", 85);
    if (!ends) throw Error(Failure::Invalid, "Cannot swap a volume for itself.");
    setDeleteOnTermination(core, call.caller, idOf(call), old, booleanOf(*ends));
    return http::emptyResponse(202);
}

}

void addVolumeAttachmentRoutes(http::Routes& routes, Core& core) {
    const std::string volumes = "/servers/{id}/os-volume_attachments",
                      volumeRule = "os_compute_api:os-volumes-attachments:";
    addRoute(routes, Method::Get, volumes, volumeRule + "index", [&](Call& call) { return listVolumes(call, core); });
    addRoute(routes, Method::Post, volumes, volumeRule + "create",
             [&](Call& call) { return attachVolume(call, core); });
    addRoute(routes, Method::Get, volumes + "/{volume}", volumeRule + "show",
             [&](Call& call) { return showVolume(call, core); });
    addRoute(routes, Method::Put, volumes + "/{volume}", volumeRule + "update",
             [&](Call& call) { return updateVolume(call, core); });
    addRoute(routes, Method::Delete, volumes + "/{volume}", volumeRule + "delete", [&](Call& call) {
        detachVolume(core, call.caller, idOf(call), VolumeId{call.param("volume")});
        return http::emptyResponse(202);
    });
}

}
