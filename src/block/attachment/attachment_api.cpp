#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/attachment/attachment_service.hpp"
#include "block/attachment/attachment_table.hpp"
#include "block/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

constexpr Microversion attachmentsSince{27}, completeSince{44}, modeSince{54};

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
    // How a guest of ours reaches a volume is nobody else's business; who has said a connector was told.
    out.rawField("connection_info", attachment.connection.value_or("{}"));
}

Response attachmentResponse(const VolumeAttachment& attachment) {
    return http::jsonResponse(200, "attachment", [&](JsonWriter& out) { write(out, attachment, true); });
}

Response create(Request& request, Attachments& attachments) {
    require(request, attachmentsSince);
    const auto wanted = request.json().object("attachment");
    VolumeAttachment attachment;
    attachment.volume = {wanted.text("volume_uuid")};
    if (!isUuid(attachment.volume.text)) wanted.at("volume_uuid").refuse("It must be a UUID.");
    attachment.server = serverIn(wanted);
    if (const auto connector = wanted.find("connector");
        connector && !(connector->isNull() || (connector->isObject() && connector->size() == 0)))
        attachment.connector = connectorTextIn(*connector);
    if (const auto mode = wanted.maybeText("mode"); mode && microversionOf(request) >= modeSince)
        attachment.mode = *mode;
    if (attachment.mode != "rw" && attachment.mode != "ro") wanted.at("mode").refuse("It must be rw or ro.");
    return attachmentResponse(attachments.create(callerOf(request), attachment));
}

Response update(Request& request, Attachments& attachments) {
    require(request, attachmentsSince);
    const auto connector = connectorTextIn(request.json().object("attachment").at("connector"));
    return attachmentResponse(attachments.update(callerOf(request), attachmentIn(request), connector));
}

Response list(Request& request, Attachments& attachments, bool detailed) {
    require(request, attachmentsSince);
    store::Conditions conditions;
    const auto& table = attachmentColumns;
    for (const auto& each : table.words())
        if (const auto value = each.may(resource::Filter) ? request.query.find(each.name) : std::nullopt)
            conditions.add(each.kept(table.text().alias) + " = ?", *value);
    const auto limit = request.query.integer("limit", 0, 1000).value_or(1000);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("attachments");
        for (const auto& each :
             attachments.list(callerOf(request), conditions, request.query.flag("all_tenants"), limit))
            write(out, each, detailed);
    });
}

Response remove(Request& request, Attachments& attachments) {
    require(request, attachmentsSince);
    const auto left = attachments.remove(callerOf(request), attachmentIn(request));
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("attachments");
        for (const auto& each : left) write(out, each, false);
    });
}

Response act(Request& request, Attachments& attachments) {
    require(request, completeSince);
    if (const auto action = actionIn(request.json()); action != "os-complete")
        throw Error(Failure::Invalid, "There is no such action: ", action);
    attachments.complete(callerOf(request), attachmentIn(request));
    return http::emptyResponse(204);
}

}

http::Routes attachmentRoutes(Attachments& attachments) {
    http::Routes routes;
    const auto with = http::boundTo(std::ref(attachments));
    const std::string attachment = "/attachments/{attachment_id}";
    add(routes, Method::Post, "/attachments", "volume:attachment_create", with(create));
    add(routes, Method::Get, "/attachments", "volume:get_all", with(list, false));
    add(routes, Method::Get, "/attachments/detail", "volume:get_all", with(list, true));
    add(routes, Method::Get, attachment, "volume:get", [&attachments](Request& request) {
        require(request, attachmentsSince);
        return attachmentResponse(attachments.show(callerOf(request), attachmentIn(request)));
    });
    add(routes, Method::Put, attachment, "volume:attachment_update", with(update));
    add(routes, Method::Delete, attachment, "volume:attachment_delete", with(remove));
    add(routes, Method::Post, attachment + "/action", "volume:attachment_complete", with(act));
    return routes;
}

}
