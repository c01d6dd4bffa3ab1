#include "block/wire.hpp"

#include <algorithm>
#include <cctype>

#include <stratolet/error.hpp>

#include "block/volume/volume_table.hpp"
#include "platform/http/error_page.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

std::pair<int, std::string_view> faultOf(const Error& error) {
    switch (error.failure()) {
    case Failure::Invalid: return {400, "badRequest"};
    case Failure::Unauthenticated: return {401, "unauthorized"};
    case Failure::Forbidden: return {403, "forbidden"};
    case Failure::NotFound: return {404, "itemNotFound"};
    case Failure::Conflict: return {409, "conflictingRequest"};
    case Failure::OverLimit: return {413, "overLimit"};
    case Failure::TooLarge: return {error.type() == "header" ? 431 : 413, "overLimit"};
    case Failure::Unsupported:
        return error.type() == "version" ? std::pair{406, std::string_view("computeFault")}
                                         : std::pair{415, std::string_view("badMediaType")};
    case Failure::TimedOut: return {504, "computeFault"};
    case Failure::Busy: return {503, "serviceUnavailable"};
    case Failure::Full: return {507, "computeFault"};
    case Failure::Broken: return {500, "computeFault"};
    }
    std::abort();
}

/// What the header says to the service "volume" in its comma separated list; nothing where it doesn't speak to it.
std::optional<std::string_view> wantedVersion(const http::Request& request) {
    for (const auto item : split(request.headers["OpenStack-API-Version"], ',')) {
        const auto each = trimmed(item);
        const auto space = each.find(' ');
        if (each.substr(0, space) == "volume")
            return space == std::string_view::npos ? std::string_view() : trimmed(each.substr(space));
    }
    return std::nullopt;
}

}

Microversion microversionOf(const http::Request& request) {
    const auto text = wantedVersion(request);
    if (!text) return {0};
    if (*text == "latest") return newest;
    const auto dot = text->find('.');
    const auto major = wholeNumberIn(text->substr(0, dot)),
               minor = dot == std::string_view::npos ? std::nullopt : wholeNumberIn(text->substr(dot + 1));
    if (!major || !minor || *minor < 0)
        throw Error(Failure::Invalid, "API Version String '", *text,
                    "' is of invalid format. It must be of format 'major.minor'.");
    if (*major != 3 || *minor > newest.minor)
        throw Error(Failure::Unsupported, "Version ", *text,
                    " is not supported by the API. Minimum is 3.0 and maximum is 3.", newest.minor, ".")
            .as("version");
    return {static_cast<int>(*minor)};
}

void require(const http::Request& request, Microversion least) {
    if (microversionOf(request) < least) throw Error(Failure::NotFound, "The resource could not be found.");
}

http::Response refusal(const http::Request&, const Error& error) {
    const auto [status, name] = faultOf(error);
    const bool ours = error.failure() == Failure::Broken;
    auto response = http::jsonResponse(status, [&, code = status, fault = name](JsonWriter& out) {
        const auto body = out.object();
        const auto content = out.object(fault);
        out.field("code", code);
        out.field("message", ours ? "The server has either erred or is incapable of performing the requested operation."
                                  : error.what());
    });
    if (error.failure() == Failure::OverLimit) response.headers.add("Retry-After", "0");
    return response;
}

http::Response noRoute(const http::Request& request, const std::vector<http::Method>&) {
    return http::errorPage(request, 404, "The resource could not be found.");
}

void gate(http::Request& request) {
    const auto version = microversionOf(request);
    if (request.route->access.rule.empty()) return;
    const auto& caller = identity::callerOf(request);
    for (const auto& [name, value] : request.params) {
        if (name != "project_id") continue;
        if (value != caller.project.text) throw Error(Failure::Invalid, "Malformed request url");
        return;
    }
    if (request.route->pattern.starts_with("/v3/default-types")) return; // never had one
    if (version < Microversion{67})
        throw Error(Failure::NotFound, "The resource could not be found."); // the project became optional then
}

void finish(const http::Request& request, http::Response& response) {
    response.headers.set("x-openstack-request-id", request.requestId);
    response.headers.set("x-compute-request-id", request.requestId);
    if (!request.route || request.path == "/") return;
    response.headers.set("Vary", "OpenStack-API-Version");
    try {
        response.headers.set("OpenStack-API-Version", "volume 3." + std::to_string(microversionOf(request).minor));
    } catch (const Error&) {
    } // a version that was refused: there is none to tell
}

VolumeStyle styleOf(const http::Request& request, bool detailed) {
    return {microversionOf(request), identity::callerOf(request), request.base, detailed};
}

void writeLinks(JsonWriter& out, const VolumeStyle& style, const Volume& volume) {
    writeLinks(out, style.base, "/" + volume.project.text + "/volumes/" + volume.id.text);
}

void writeLinks(JsonWriter& out, const std::string& base, const std::string& path) {
    const auto links = out.array("links");
    for (const auto& [rel, href] : {std::pair{"self", base + "/v3" + path}, std::pair{"bookmark", base + path}}) {
        const auto link = out.object();
        out.field("rel", rel);
        out.field("href", href);
    }
}

void writeMetadata(JsonWriter& out, std::string_view name, const Metadata& metadata) {
    const auto object = out.object(name);
    for (const auto& [key, value] : metadata) out.field(key, value);
}

http::Response metadataResponse(const Metadata& metadata, std::string_view name) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        writeMetadata(out, name, metadata);
    });
}

namespace {

void writeAttachments(JsonWriter& out, const VolumeStyle& style, const std::vector<VolumeAttachment>& attachments) {
    const bool mayKnowHost = style.caller.may("volume_extension:volume_host_attribute", {});
    const auto list = out.array("attachments");
    for (const auto& each : attachments) {
        if (each.status != AttachmentStatus::Attached && each.status != AttachmentStatus::Detaching) continue;
        const auto one = out.object();
        out.field("id", each.volume);
        out.field("attachment_id", each.id);
        out.field("volume_id", each.volume);
        out.field("server_id", each.server.empty() ? std::nullopt : std::optional(each.server.text));
        out.field("host_name", mayKnowHost ? each.hostName : std::nullopt);
        out.field("device", each.device);
        out.field("attached_at", each.attached ? std::optional(isoMicros(*each.attached)) : std::nullopt);
    }
}

/// What only "show" and "detail" tell, to whom it concerns.
void writeExtended(JsonWriter& out, const VolumeStyle& style, const Volume& volume) {
    const Target target{{"project_id", volume.project.text}};
    if (style.caller.may("volume_extension:volume_host_attribute", target))
        out.field("os-vol-host-attr:host", volume.host == nowhere ? std::nullopt : std::optional(volume.host));
    if (style.caller.may("volume_extension:volume_mig_status_attribute", target)) {
        out.field("os-vol-mig-status-attr:migstat", volume.migrationStatus);
        out.field("os-vol-mig-status-attr:name_id", nullptr);
    }
    if (style.caller.may("volume_extension:volume_tenant_attribute", target))
        out.field("os-vol-tenant-attr:tenant_id", volume.project);
    if (!volume.imageMetadata.empty() && style.caller.may("volume_extension:volume_image_metadata:show", target))
        writeMetadata(out, "volume_image_metadata", volume.imageMetadata);
    const bool admin = style.caller.may("context_is_admin", {});
    if (style.version >= Microversion{21} && admin) out.field("provider_id", nullptr);
    if (style.version >= Microversion{61} && admin) out.field("cluster_name", nullptr);
}

}

void write(JsonWriter& out, const VolumeStyle& style, const VolumeView& view) {
    const auto& volume = view.volume;
    const auto body = out.object();
    resource::showInto(out, volumeColumns, volume);
    auto metadata = volume.metadata;
    if (volume.readOnly) metadata["readonly"] = *volume.readOnly ? "True" : "False"; // where clients look for it
    writeMetadata(out, "metadata", metadata);
    writeLinks(out, style, volume);
    writeAttachments(out, style, view.attachments);
    if (style.version >= Microversion{13})
        out.field("group_id", volume.group.empty() ? std::nullopt : std::optional(volume.group));
    if (style.version >= Microversion{48}) {
        out.field("service_uuid", nullptr);
        if (style.version >= Microversion{69})
            out.field("shared_targets", nullptr);
        else
            out.field("shared_targets", false);
    }
    if (style.version >= Microversion{63}) out.field("volume_type_id", volume.type);
    if (style.version >= Microversion{64} && !volume.encryptionKey.empty())
        out.field("encryption_key_id", volume.encryptionKey);
    if (style.version >= Microversion{65}) out.field("consumes_quota", volume.consumesQuota);
    if (style.detailed) writeExtended(out, style, volume);
}

Json nounIn(const http::Request& request, std::string_view name) {
    const auto body = request.json();
    body.onlyKnows({name});
    return body.object(name);
}

std::string actionIn(const Json& body) {
    if (!body.isObject() || body.size() != 1) throw Error(Failure::Invalid, "The request body must name one action.");
    return body.names().front();
}

void requireZone(std::string_view zone) {
    if (zone != availabilityZone) throw Error(Failure::Invalid, "Availability zone '", zone, "' is invalid.");
}

ServerId serverIn(const Json& wanted) {
    const auto server = wanted.maybeText("instance_uuid");
    if (server && !isUuid(*server)) wanted.at("instance_uuid").refuse("It must be a UUID.");
    return {server.value_or("")};
}

std::string connectorTextIn(const Json& value) {
    constexpr std::size_t most = 4096;
    if (!value.isObject()) value.refuse("It must be an object.");
    for (const auto* name : {"host", "ip", "initiator", "mountpoint", "mode"})
        if (const auto text = value.find(name);
            text && !text->isNull() && (!text->isText() || text->text().size() > 255))
            text->refuse("It must be a text of at most 255 characters.");
    if (value.maybeText("host").value_or("").empty()) value.refuse("It must have a host.");
    auto text = value.dump();
    if (text.size() > most) value.refuse("It is too long.");
    return text;
}

std::optional<std::string> shortTextOrNull(const Json& value) {
    if (value.isNull()) return std::nullopt;
    auto text = value.text();
    if (lengthInCharacters(text) > 255) value.refuse("It must be 255 characters or less.");
    return text;
}

Metadata metadataIn(const Json& value) {
    if (!value.isObject()) value.refuse("It must be an object of texts.");
    Metadata metadata;
    for (const auto& name : value.names()) {
        const auto each = value.at(name);
        if (name.empty() || lengthInCharacters(name) > 255)
            each.refuse("The name of a metadata item must have 1 to 255 characters.");
        auto text = each.text();
        if (lengthInCharacters(text) > 255) each.refuse("It must be 255 characters or less.");
        metadata.emplace(name, std::move(text));
    }
    return metadata;
}

GiB sizeIn(const Json& value) {
    std::optional<std::int64_t> number;
    if (value.isInteger()) number = value.integer();
    if (value.isText()) number = wholeNumberIn(value.text());
    constexpr std::int64_t sizeMax = 2147483647 >> 10; // 2 PiB, what the wire's 32 bits and the file system can hold
    if (!number || *number < 1 || *number > sizeMax)
        value.refuse("It must be a whole number from 1 to " + std::to_string(sizeMax) + ".");
    return {*number};
}

bool truthIn(const Json& value) {
    if (value.isBoolean()) return value.boolean();
    const auto truth = value.isText() ? truthOf(value.text()) : std::nullopt;
    if (!truth) value.refuse("It must be true or false.");
    return *truth;
}

}
