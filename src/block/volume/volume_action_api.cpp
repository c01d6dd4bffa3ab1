#include <array>

#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/attachment/attachment_service.hpp"
#include "block/volume/volume_service.hpp"
#include "block/wire.hpp"

namespace stratolet::block {
namespace {

using http::Request;
using http::Response;
using identity::callerOf;

/// What an action gets: who asks, for which volume, by which rule, with what.
struct Call {
    Request& request;
    Volumes& volumes;
    Attachments& attachments;
    const identity::Caller& caller;
    VolumeId volume;
    std::string_view rule;
    Json arguments; ///< what stands behind the action's name; may be null
};

Json object(const Call& call) {
    if (!call.arguments.isObject()) call.arguments.refuse("It must be an object.");
    return call.arguments;
}

Response done(int status = 202) { return http::emptyResponse(status); }

Response extend(const Call& call) {
    call.volumes.extend(call.caller, call.rule, call.volume, sizeIn(object(call).at("new_size")),
                        microversionOf(call.request) >= Microversion{42});
    return done();
}

Response resetStatus(const Call& call) {
    const auto name = object(call).at("status");
    const auto status = volumeStatusNamed(name.text());
    if (!status) name.refuse("No volume has such a status.");
    call.volumes.resetStatus(call.caller, call.rule, call.volume, *status);
    return done();
}

Response forceDelete(const Call& call) { return call.volumes.forceRemove(call.caller, call.rule, call.volume), done(); }

Response undelete(const Call& call) { return call.volumes.undelete(call.caller, call.rule, call.volume), done(); }

Response setBootable(const Call& call) {
    call.volumes.setBootable(call.caller, call.rule, call.volume, truthIn(object(call).at("bootable")));
    return done(200);
}

Response setReadOnly(const Call& call) {
    call.volumes.setReadOnly(call.caller, call.rule, call.volume, truthIn(object(call).at("readonly")));
    return done();
}

Response reserve(const Call& call) { return call.attachments.reserve(call.caller, call.rule, call.volume), done(); }
Response unreserve(const Call& call) { return call.attachments.unreserve(call.caller, call.rule, call.volume), done(); }
Response beginDetaching(const Call& call) {
    return call.attachments.beginDetaching(call.caller, call.rule, call.volume), done();
}
Response rollDetaching(const Call& call) {
    return call.attachments.rollDetaching(call.caller, call.rule, call.volume), done();
}

Response attach(const Call& call) {
    const auto wanted = object(call);
    VolumeAttachment attachment;
    attachment.server = serverIn(wanted);
    if (const auto host = wanted.find("host_name")) attachment.hostName = shortTextOrNull(*host);
    if (attachment.server.empty() == !attachment.hostName.has_value())
        throw Error(Failure::Invalid, "Invalid request to attach volume to an instance and/or a host: one of "
                                      "instance_uuid and host_name is needed.");
    attachment.device = wanted.text("mountpoint");
    if (attachment.device->empty() || attachment.device->size() > 255)
        wanted.at("mountpoint").refuse("It must have 1 to 255 characters.");
    attachment.mode = wanted.text("mode", "rw");
    if (attachment.mode != "rw" && attachment.mode != "ro") wanted.at("mode").refuse("It must be rw or ro.");
    call.attachments.attach(call.caller, call.rule, call.volume, attachment);
    return done();
}

Response detach(const Call& call) {
    AttachmentId attachment;
    if (call.arguments.isObject()) attachment = {call.arguments.maybeText("attachment_id").value_or("")};
    call.attachments.detach(call.caller, call.rule, call.volume, attachment);
    return done();
}

Response forceDetach(const Call& call) {
    const auto attachment = object(call).maybeText("attachment_id");
    call.attachments.forceDetach(call.caller, call.rule, call.volume, {attachment.value_or("")});
    return done();
}

Response showImageMetadata(const Call& call) {
    return metadataResponse(call.volumes.imageMetadata(call.caller, call.volume));
}

Response setImageMetadata(const Call& call) {
    const auto wanted = metadataIn(object(call).object("metadata"));
    return metadataResponse(call.volumes.changeImageMetadata(call.caller, call.volume, [&](Metadata& metadata) {
        for (const auto& [name, value] : wanted) metadata[name] = value;
    }));
}

Response unsetImageMetadata(const Call& call) {
    const auto key = object(call).text("key");
    call.volumes.changeImageMetadata(call.caller, call.volume, [&](Metadata& metadata) {
        if (metadata.erase(key) == 0) throw Error(Failure::NotFound, "Metadata item was not found");
    });
    return done(200);
}

struct Action {
    std::string_view name, rule;
    Response (*run)(const Call&);
};
constexpr std::array<Action, 16> actions{{
    {"os-extend", "volume:extend", extend},
    {"os-reset_status", "volume_extension:volume_admin_actions:reset_status", resetStatus},
    {"os-force_delete", "volume_extension:volume_admin_actions:force_delete", forceDelete},
    {"os-undelete", "volume_extension:volume_admin_actions:undelete", undelete},
    {"os-set_bootable", "volume:update", setBootable},
    {"os-update_readonly_flag", "volume:update_readonly_flag", setReadOnly},
    {"os-reserve", "volume_extension:volume_actions:reserve", reserve},
    {"os-unreserve", "volume_extension:volume_actions:unreserve", unreserve},
    {"os-begin_detaching", "volume_extension:volume_actions:begin_detaching", beginDetaching},
    {"os-roll_detaching", "volume_extension:volume_actions:roll_detaching", rollDetaching},
    {"os-attach", "volume_extension:volume_actions:attach", attach},
    {"os-detach", "volume_extension:volume_actions:detach", detach},
    {"os-force_detach", "volume_extension:volume_admin_actions:force_detach", forceDetach},
    {"os-show_image_metadata", "volume_extension:volume_image_metadata:show", showImageMetadata},
    {"os-set_image_metadata", "volume_extension:volume_image_metadata:set", setImageMetadata},
    {"os-unset_image_metadata", "volume_extension:volume_image_metadata:remove", unsetImageMetadata},
}};

Response act(Request& request, Volumes& volumes, Attachments& attachments) {
    const auto body = request.json();
    const auto name = actionIn(body);
    for (const auto& action : actions)
        if (action.name == name)
            return action.run({request,
                               volumes,
                               attachments,
                               callerOf(request),
                               {request.param("volume_id")},
                               action.rule,
                               body.at(name)});
    throw Error(Failure::Invalid, "There is no such action: ", name);
}

}

http::Routes volumeActionRoutes(Volumes& volumes, Attachments& attachments) {
    http::Routes routes;
    // Each action has a rule of its own; the route's is the least that anybody needs.
    add(routes, http::Method::Post, "/volumes/{volume_id}/action", "volume:get",
        [&volumes, &attachments](Request& request) { return act(request, volumes, attachments); });
    return routes;
}

}
