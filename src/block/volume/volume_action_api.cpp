#include <algorithm>
#include <array>
#include <span>

#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/attachment/attachment_service.hpp"
#include "block/volume/volume_change.hpp"
#include "block/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

using http::Request;
using http::Response;
using identity::callerOf;

/// What an action gets: who asks, for which volume, by which rule, with what.
struct Call {
    Request& request;
    Volumes& volumes;
    VolumeChanges& changes;
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

Response revert(const Call& call) {
    require(call.request, {40});
    call.changes.revert(call.caller, call.rule, call.volume, {object(call).maybeText("snapshot_id").value_or("")});
    return done();
}

constexpr std::array<std::string_view, 6> uploadFormats{"raw", "vmdk", "vdi", "qcow2", "vhd", "vhdx"};
constexpr std::array<std::string_view, 7> containerFormats{"bare", "ami", "ari", "aki", "ovf", "ova", "docker"};
constexpr std::array<std::string_view, 4> visibilities{"community", "public", "private", "shared"};

std::string oneOf(const Json& wanted, std::string_view name, std::string_view otherwise,
                  std::span<const std::string_view> known) {
    auto text = wanted.text(name, otherwise);
    if (std::find(known.begin(), known.end(), text) == known.end()) {
        std::string all;
        for (const auto each : known) all += (all.empty() ? "" : ", ") + std::string(each);
        wanted.at(name).refuse("It must be one of " + all + ".");
    }
    return text;
}

Response uploadImage(const Call& call) {
    const auto wanted = object(call);
    const bool since31 = microversionOf(call.request) >= Microversion{1};
    if (since31)
        wanted.onlyKnows({"image_name", "force", "disk_format", "container_format", "visibility", "protected"});
    else
        wanted.onlyKnows({"image_name", "force", "disk_format", "container_format"});
    WantedImage image;
    const auto name = wanted.at("image_name");
    image.image.name = name.text();
    if (image.image.name.empty() || lengthInCharacters(image.image.name) > 255)
        name.refuse("It must have 1 to 255 characters.");
    image.image.diskFormat = oneOf(wanted, "disk_format", "raw", uploadFormats);
    image.image.containerFormat = oneOf(wanted, "container_format", "bare", containerFormats);
    if (const auto force = wanted.find("force")) image.alsoInUse = truthIn(*force);
    if (since31) {
        image.image.visibility = oneOf(wanted, "visibility", "private", visibilities);
        if (image.image.visibility == "public")
            call.caller.enforce("volume_extension:volume_actions:upload_public", {});
        if (const auto isProtected = wanted.find("protected")) image.image.isProtected = truthIn(*isProtected);
    }
    const auto made = call.changes.upload(call.caller, call.rule, call.volume, image);
    return http::jsonResponse(202, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto content = out.object("os-volume_upload_image");
        const auto& volume = made.volume;
        out.field("id", volume.id);
        out.field("updated_at", volume.updated ? std::optional(isoMicros(*volume.updated)) : std::nullopt);
        out.field("status", nameOf(volume.status));
        out.field("display_description", volume.description);
        out.field("size", volume.size.count);
        {
            const auto type = out.object("volume_type");
            out.field("id", volume.type);
            out.field("name", volume.typeName);
        }
        out.field("image_id", made.image);
        out.field("container_format", image.image.containerFormat);
        out.field("disk_format", image.image.diskFormat);
        out.field("image_name", image.image.name);
        if (!since31) return;
        out.field("visibility", image.image.visibility);
        out.field("protected", image.image.isProtected);
    });
}

Response reimage(const Call& call) {
    require(call.request, {68});
    const auto wanted = object(call);
    const ImageId image{wanted.text("image_id")};
    if (!isUuid(image.text)) wanted.at("image_id").refuse("It must be a UUID.");
    const auto reserved = wanted.find("reimage_reserved");
    call.changes.reimage(call.caller, call.volume, image, reserved && truthIn(*reserved));
    return done();
}

Response completeExtension(const Call& call) {
    require(call.request, {71});
    truthIn(object(call).at("error"));
    call.changes.completeExtension(call.caller, call.rule, call.volume);
    return done();
}

Response migrate(const Call& call) {
    const auto wanted = object(call);
    const auto flag = [&](std::string_view name) {
        const auto value = wanted.find(name);
        return value && truthIn(*value);
    };
    if (const auto cluster = wanted.find("cluster"); cluster && !cluster->isNull())
        cluster->refuse("There are no clusters.");
    const auto host = wanted.at("host");
    if (host.text().empty() || host.text().size() > 255) host.refuse("It must have 1 to 255 characters.");
    flag("force_host_copy"); // it is copied here, whatever is said
    call.changes.migrate(call.caller, call.rule, call.volume, host.text(), flag("lock_volume"));
    return done();
}

Response completeMigration(const Call& call) {
    const auto wanted = object(call);
    const auto error = wanted.find("error");
    const auto kept = call.changes.completeMigration(call.caller, call.rule, call.volume,
                                                     VolumeId{wanted.text("new_volume")}, error && truthIn(*error));
    return http::jsonResponse(202, [&](JsonWriter& out) {
        const auto body = out.object();
        out.field("save_volume_id", kept);
    });
}

Response retype(const Call& call) {
    const auto wanted = object(call);
    const auto type = wanted.at("new_type");
    if (type.text().empty() || type.text().size() > 255) type.refuse("It must have 1 to 255 characters.");
    constexpr std::array<std::string_view, 2> policies{"never", "on-demand"};
    const auto policy = wanted.maybeText("migration_policy").value_or("never");
    if (std::find(policies.begin(), policies.end(), policy) == policies.end())
        wanted.at("migration_policy").refuse("It must be never or on-demand.");
    call.changes.retype(call.caller, call.rule, call.volume, type.text(), policy == "on-demand");
    return done();
}

Response unmanage(const Call& call) { return call.changes.unmanage(call.caller, call.rule, call.volume), done(); }

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

Response initializeConnection(const Call& call) {
    const auto connection =
        call.attachments.initialize(call.caller, call.rule, call.volume, connectorTextIn(object(call).at("connector")));
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.rawField("connection_info", connection);
    });
}

Response terminateConnection(const Call& call) {
    call.attachments.terminate(call.caller, call.rule, call.volume, connectorTextIn(object(call).at("connector")));
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
constexpr std::array<Action, 26> actions{{
    {"os-extend", "volume:extend", extend},
    {"os-reset_status", "volume_extension:volume_admin_actions:reset_status", resetStatus},
    {"os-force_delete", "volume_extension:volume_admin_actions:force_delete", forceDelete},
    {"os-undelete", "volume_extension:volume_admin_actions:undelete", undelete},
    {"revert", "volume:revert_to_snapshot", revert},
    {"os-volume_upload_image", "volume_extension:volume_actions:upload_image", uploadImage},
    {"os-reimage", "volume:reimage", reimage},
    {"os-extend_volume_completion", "volume_extension:volume_admin_actions:extend_volume_completion",
     completeExtension},
    {"os-migrate_volume", "volume_extension:volume_admin_actions:migrate_volume", migrate},
    {"os-migrate_volume_completion", "volume_extension:volume_admin_actions:migrate_volume_completion",
     completeMigration},
    {"os-retype", "volume:retype", retype},
    {"os-unmanage", "volume_extension:volume_unmanage", unmanage},
    {"os-set_bootable", "volume:update", setBootable},
    {"os-update_readonly_flag", "volume:update_readonly_flag", setReadOnly},
    {"os-reserve", "volume_extension:volume_actions:reserve", reserve},
    {"os-unreserve", "volume_extension:volume_actions:unreserve", unreserve},
    {"os-begin_detaching", "volume_extension:volume_actions:begin_detaching", beginDetaching},
    {"os-roll_detaching", "volume_extension:volume_actions:roll_detaching", rollDetaching},
    {"os-attach", "volume_extension:volume_actions:attach", attach},
    {"os-detach", "volume_extension:volume_actions:detach", detach},
    {"os-initialize_connection", "volume_extension:volume_actions:initialize_connection", initializeConnection},
    {"os-terminate_connection", "volume_extension:volume_actions:terminate_connection", terminateConnection},
    {"os-force_detach", "volume_extension:volume_admin_actions:force_detach", forceDetach},
    {"os-show_image_metadata", "volume_extension:volume_image_metadata:show", showImageMetadata},
    {"os-set_image_metadata", "volume_extension:volume_image_metadata:set", setImageMetadata},
    {"os-unset_image_metadata", "volume_extension:volume_image_metadata:remove", unsetImageMetadata},
}};

Response act(Request& request, Volumes& volumes, VolumeChanges& changes, Attachments& attachments) {
    const auto body = request.json();
    const auto name = actionIn(body);
    for (const auto& action : actions)
        if (action.name == name)
            return action.run({request,
                               volumes,
                               changes,
                               attachments,
                               callerOf(request),
                               {request.param("volume_id")},
                               action.rule,
                               body.at(name)});
    throw Error(Failure::Invalid, "There is no such action: ", name);
}

}

http::Routes volumeActionRoutes(Volumes& volumes, VolumeChanges& changes, Attachments& attachments) {
    http::Routes routes;
    // Each action has a rule of its own; the route's is the least that anybody needs.
    add(routes, http::Method::Post, "/volumes/{volume_id}/action", "volume:get",
        [&volumes, &changes, &attachments](Request& request) { return act(request, volumes, changes, attachments); });
    return routes;
}

}
