#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

constexpr Microversion attachmentsSince{27}, completeSince{44};

AttachmentId attachmentIn(const Request& request) { return {request.param("attachment_id")}; }

void write(JsonWriter& out, const VolumeAttachment& attachment, bool detailed) {
    const auto body = out.object();
    out.field("id", attachment.id);
    out.field("volume_id", attachment.volume);
    out.field("instance", attachment.server.empty() ? std::nullopt : std::optional(attachment.server.text));
    out.field("status", nameOf(attachment.status));
    if (!detailed) return;
    out.field("attach_mode", attachment.mode);
    out.field("attached_at", attachment.attached ? isoMicros(*attachment.attached) : "");
    out.field("detached_at", "");
    const auto none = out.object("connection_info"); // how a guest of ours reaches a volume is nobody else's business
}

Response attachmentResponse(const VolumeAttachment& attachment) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.key("attachment");
        write(out, attachment, true);
    });
}

Response create(Request& request, VolumeService& volumes) {
    require(request, attachmentsSince);
    const auto wanted = request.json().object("attachment");
    VolumeAttachment attachment;
    attachment.volume = {wanted.text("volume_uuid")};
    if (!isUuid(attachment.volume.text)) wanted.at("volume_uuid").refuse("It must be a UUID.");
    if (const auto server = wanted.maybeText("instance_uuid")) {
        if (!isUuid(*server)) wanted.at("instance_uuid").refuse("It must be a UUID.");
        attachment.server = {*server};
    }
    if (const auto connector = wanted.find("connector");
        connector && !(connector->isNull() || (connector->isObject() && connector->size() == 0)))
        connector->refuse("Other hosts cannot reach the volumes of this one.");
    if (const auto mode = wanted.maybeText("mode")) attachment.mode = *mode;
    if (attachment.mode != "rw" && attachment.mode != "ro") wanted.at("mode").refuse("It must be rw or ro.");
    return attachmentResponse(volumes.createAttachment(callerOf(request), attachment));
}

Response list(Request& request, VolumeService& volumes, bool detailed) {
    require(request, attachmentsSince);
    store::Conditions conditions;
    for (const auto& [name, column] :
         {std::pair{"volume_id", "a.volume_id = ?"}, std::pair{"instance_id", "a.server_id = ?"}, std::pair{"status", "a.status = ?"}})
        if (const auto value = request.query.find(name)) conditions.add(column, *value);
    const auto limit = request.query.integer("limit", 0, 1000).value_or(1000);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("attachments");
        for (const auto& each : volumes.attachments(callerOf(request), conditions, request.query.flag("all_tenants"), limit))
            write(out, each, detailed);
    });
}

Response remove(Request& request, VolumeService& volumes) {
    require(request, attachmentsSince);
    const auto left = volumes.removeAttachment(callerOf(request), attachmentIn(request));
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("attachments");
        for (const auto& each : left) write(out, each, false);
    });
}

Response act(Request& request, VolumeService& volumes) {
    require(request, completeSince);
    const auto body = request.json();
    if (!body.isObject() || body.size() != 1) throw Error(Failure::Invalid, "The request body must name one action.");
    if (body.names().front() != "os-complete") throw Error(Failure::Invalid, "There is no such action: ", body.names().front());
    volumes.completeAttachment(callerOf(request), attachmentIn(request));
    return http::emptyResponse(204);
}

}

http::Routes attachmentRoutes(VolumeService& volumes) {
    http::Routes routes;
    const std::string attachment = "/attachments/{attachment_id}";
    add(routes, Method::Post, "/attachments", "volume:attachment_create",
        [&volumes](Request& request) { return create(request, volumes); });
    add(routes, Method::Get, "/attachments", "volume:get_all", [&volumes](Request& request) { return list(request, volumes, false); });
    add(routes, Method::Get, "/attachments/detail", "volume:get_all",
        [&volumes](Request& request) { return list(request, volumes, true); });
    add(routes, Method::Get, attachment, "volume:get", [&volumes](Request& request) {
        require(request, attachmentsSince);
        return attachmentResponse(volumes.attachment(callerOf(request), attachmentIn(request)));
    });
    add(routes, Method::Delete, attachment, "volume:attachment_delete", [&volumes](Request& request) { return remove(request, volumes); });
    add(routes, Method::Post, attachment + "/action", "volume:attachment_complete",
        [&volumes](Request& request) { return act(request, volumes); });
    return routes;
}

}
