#include <optional>
#include <string>

#include <stratolet/error.hpp>

#include "compute/encoding.hpp"
#include "compute/label/server_metadata.hpp"
#include "compute/server/server_body.hpp"
#include "compute/server/server_power.hpp"
#include "compute/server/server_reading.hpp"
#include "compute/server/server_view.hpp"
#include "compute/verb/rebuild.hpp"
#include "compute/verb/removal.hpp"
#include "compute/verb/rescue.hpp"
#include "compute/verb/resize.hpp"
#include "compute/verb/shelve.hpp"
#include "compute/verb/snapshot.hpp"
#include "compute/verb/verb_api.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

using http::Response;

ServerId idOf(const Call& call) { return ServerId{call.param("id")}; }

/// A verb that takes no arguments.
template <void verb(Core&, const identity::Caller&, const ServerId&), int status = 202>
Response plain(Call& call, Core& core, const Json&) {
    verb(core, call.caller, idOf(call));
    return http::emptyResponse(status);
}

/// The password that a body gives, or a new one; nothing but the answer ever has it.
std::string passwordIn(Core& core, const Json& arguments) {
    if (arguments.isObject())
        if (const auto given = arguments.find("adminPass"); given && !given->isNull()) return textOf(*given, 0, 255);
    return core.parts.ambient.secret(12);
}

Response changePassword(Call& call, Core& core, const Json& arguments) {
    call.onlyKnows(arguments, {"adminPass"});
    compute::changePassword(core, call.caller, idOf(call), textOf(arguments.at("adminPass"), 0, 255));
    return http::emptyResponse(202);
}

Response rescue(Call& call, Core& core, const Json& arguments) {
    ImageId image;
    if (arguments.isObject()) {
        call.onlyKnows(arguments, {"adminPass", "rescue_image_ref"});
        if (const auto given = arguments.find("rescue_image_ref")) {
            image.text = lastOf(textOf(*given, 1, 255));
            if (!isUuid(image.text)) given->refuse("It is no image.");
        }
    }
    const auto password = passwordIn(core, arguments);
    rescueServer(core, call.caller, idOf(call), image);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.field("adminPass", password);
    });
}

Response resize(Call& call, Core& core, const Json& arguments) {
    call.onlyKnows(arguments, {"flavorRef", "OS-DCF:diskConfig"});
    const auto reference = arguments.at("flavorRef");
    const FlavorId flavor{
        lastOf(reference.isInteger() ? std::to_string(reference.integer()) : textOf(reference, 1, 255))};
    std::optional<std::string> config;
    if (const auto given = arguments.find("OS-DCF:diskConfig")) config = diskConfigOf(*given);
    resizeServer(core, call.caller, idOf(call), flavor, config);
    return http::emptyResponse(202);
}

Response imageAnswer(const Call& call, const ImageId& image) {
    auto response = call.since(45) && image ? http::jsonResponse(202,
                                                                 [&](JsonWriter& out) {
                                                                     const auto body = out.object();
                                                                     out.field("image_id", image);
                                                                 })
                                            : http::emptyResponse(202);
    if (image && !call.since(45)) response.headers.set("Location", call.bookmark("/images/" + image.text));
    return response;
}

std::map<std::string, std::string> metadataIn(const Json& arguments) {
    const auto given = arguments.find("metadata");
    return given ? metadataOf(*given) : std::map<std::string, std::string>();
}

Response createImage(Call& call, Core& core, const Json& arguments) {
    call.onlyKnows(arguments, {"name", "metadata"});
    return imageAnswer(
        call, compute::createImage(core, call.caller, idOf(call), nameOf(arguments.at("name")), metadataIn(arguments)));
}

Response createBackup(Call& call, Core& core, const Json& arguments) {
    call.onlyKnows(arguments, {"name", "backup_type", "rotation", "metadata"});
    const auto name = nameOf(arguments.at("name"));
    const auto type = textOf(arguments.at("backup_type"), 0, 255);
    const auto rotation = integerOf(arguments.at("rotation"), 0, 1 << 20);
    return imageAnswer(
        call, compute::createBackup(core, call.caller, idOf(call), name, type, rotation, metadataIn(arguments)));
}

Response unshelve(Call& call, Core& core, const Json& arguments) {
    ComesBack to;
    if (arguments.isObject()) {
        call.onlyKnows(arguments, {"availability_zone", "host"});
        if (arguments.size() == 0)
            throw Error(Failure::Invalid, "Invalid input for field/attribute unshelve. It is empty.");
        if (const auto given = call.find(arguments, "availability_zone", 77)) {
            const bool any = given->isNull() && call.since(91); // it is pinned to none from now on
            to.zone = any ? "" : textOf(*given, 1, 255);
        }
        if (const auto host = call.find(arguments, "host", 91)) {
            call.caller.enforce("os_compute_api:os-shelve:unshelve_to_host", {});
            to.host.text = textOf(*host, 1, 255);
        }
    }
    unshelveServer(core, call.caller, idOf(call), to);
    return http::emptyResponse(202);
}

/// A value, or null, which takes it away.
template <class Read> auto orNull(const std::optional<Json>& given, Read read)
    -> std::optional<std::optional<decltype(read(*given))>> {
    if (!given) return std::nullopt;
    if (given->isNull()) return std::optional<decltype(read(*given))>();
    return std::optional(read(*given));
}

std::string userDataOf(const Json& value) {
    auto text = textOf(value, 0, 65535);
    if (!fromBase64(text)) value.refuse("It is not a 'base64'");
    return text;
}

Rebuild rebuildIn(const Call& call, const Json& body) {
    call.onlyKnows(body, {"imageRef", "name", "adminPass", "metadata", "personality", "preserve_ephemeral",
                          "OS-DCF:diskConfig", "accessIPv4", "accessIPv6", "description", "key_name", "user_data",
                          "trusted_image_certificates", "hostname"});
    Rebuild wanted;
    wanted.image.text = lastOf(textOf(body.at("imageRef"), 1, 255));
    if (!isUuid(wanted.image.text)) throw Error(Failure::Invalid, "Invalid imageRef provided.");
    const auto name = body.find("name"), config = body.find("OS-DCF:diskConfig"), four = body.find("accessIPv4"),
               six = body.find("accessIPv6"), description = call.find(body, "description", 19),
               hostname = call.find(body, "hostname", 90);
    Server said; // read once, before anything is changed
    if (name) said.name = nameOf(*name);
    if (config) said.diskConfig = diskConfigOf(*config);
    if (four) said.accessIpv4 = accessAddress(*four, 4);
    if (six) said.accessIpv6 = accessAddress(*six, 6);
    if (description) said.description = descriptionOf(*description);
    if (hostname) said.hostname = hostnameOf(*hostname, call.since(94));
    wanted.change = [said, hasName = name.has_value(), hasConfig = config.has_value(), hasFour = four.has_value(),
                     hasSix = six.has_value(), hasText = description.has_value(),
                     hasHost = hostname.has_value()](Server& server) {
        if (hasName) server.name = said.name;
        if (hasConfig) server.diskConfig = said.diskConfig;
        if (hasFour) server.accessIpv4 = said.accessIpv4;
        if (hasSix) server.accessIpv6 = said.accessIpv6;
        if (hasText) server.description = said.description;
        if (hasHost) server.hostname = said.hostname;
    };
    if (const auto metadata = body.find("metadata")) wanted.metadata = metadataOf(*metadata);
    wanted.files = filesIn(call, body);
    wanted.keyName = orNull(call.find(body, "key_name", 54), [](const Json& value) { return textOf(value, 1, 255); });
    wanted.userData = orNull(call.find(body, "user_data", 57), userDataOf);
    if (const auto certificates = call.find(body, "trusted_image_certificates", 63);
        certificates && !certificates->isNull())
        certificates->refuse("Signed images are not checked here; it can be null only.");
    if (const auto keep = body.find("preserve_ephemeral")) wanted.preserveEphemeral = booleanOf(*keep);
    wanted.volumesToo = call.since(93);
    return wanted;
}

Response rebuild(Call& call, Core& core, const Json& arguments) {
    const auto wanted = rebuildIn(call, arguments);
    const auto password = passwordIn(core, arguments);
    const auto server = rebuildServer(core, call.caller, idOf(call), wanted);
    const auto details = detailsOf(core, core.reader(), server);
    auto response = http::jsonResponse(202, "server", [&](JsonWriter& out) {
        ServerWriter(call, core, Showing::Rebuilt).write(out, server, details, [&] {
            out.field("adminPass", password);
            if (call.since(57)) out.field("user_data", server.userData);
        });
    });
    response.headers.set("Location", call.self("/servers/" + server.id.text));
    return response;
}

constexpr ActionRoute actions[] = {
    {"pause", plain<pauseServer>},
    {"unpause", plain<unpauseServer>},
    {"suspend", plain<suspendServer>},
    {"resume", plain<resumeServer>},
    {"rescue", rescue},
    {"unrescue", plain<unrescueServer>},
    {"rebuild", rebuild},
    {"resize", resize},
    {"confirmResize", plain<confirmResize, 204>},
    {"revertResize", plain<revertResize>},
    {"createImage", createImage},
    {"createBackup", createBackup},
    {"shelve", plain<shelveServer>},
    {"shelveOffload", plain<offloadServer>},
    {"unshelve", unshelve},
    {"changePassword", changePassword},
    {"trigger_crash_dump", plain<crashServer>, {.from = 17}},
    {"forceDelete", plain<forceRemoveServer>},
    {"restore", plain<restoreServer>},
};

}

std::span<const ActionRoute> lifeActions() { return actions; }

}
