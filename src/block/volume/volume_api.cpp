#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/list/metadata_routes.hpp"
#include "block/volume/volume_query.hpp"
#include "block/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

VolumeId volumeIn(const Request& request) { return {request.param("volume_id")}; }

Response volumeResponse(int status, const VolumeStyle& style, const VolumeView& view) {
    return http::jsonResponse(status, "volume", [&](JsonWriter& out) { write(out, style, view); });
}

/// The volumes that a scheduler hint names: one id, or several in a list.
std::vector<std::string> volumesIn(const Json& hints, std::string_view name) {
    constexpr std::size_t most = 100;
    if (!hints.isObject()) hints.refuse("It must be an object.");
    const auto value = hints.find(name);
    if (!value || value->isNull()) return {};
    std::vector<std::string> ids;
    if (value->isText()) return {value->text()};
    if (!value->isArray() || value->size() > most) value->refuse("It must be a volume, or a list of at most 100.");
    for (const auto& each : value->items()) ids.push_back(each.text());
    return ids;
}

NewVolume newVolumeIn(const Request& request) {
    const auto body = request.json();
    const auto volume = body.object("volume");
    if (microversionOf(request) >= Microversion{53})
        volume.onlyKnows({"name",          "description",
                          "display_name",  "display_description",
                          "size",          "availability_zone",
                          "source_volid",  "source_replica",
                          "multiattach",   "snapshot_id",
                          "backup_id",     "imageRef",
                          "image_id",      "volume_type",
                          "metadata",      "consistencygroup_id",
                          "group_id",      "user_id",
                          "project_id",    "status",
                          "attach_status", "OS-SCH-HNT:scheduler_hints"});
    NewVolume wanted;
    for (const auto* name : {"display_name", "name"})
        if (const auto value = volume.find(name)) wanted.name = shortTextOrNull(*value);
    for (const auto* name : {"display_description", "description"})
        if (const auto value = volume.find(name)) wanted.description = shortTextOrNull(*value);
    if (const auto value = volume.find("metadata"); value && !value->isNull()) wanted.metadata = metadataIn(*value);
    if (const auto zone = volume.maybeText("availability_zone"); zone && !zone->empty()) {
        requireZone(*zone);
        wanted.zone = *zone;
    }
    if (const auto hints = body.find("OS-SCH-HNT:scheduler_hints"); hints && !hints->isNull()) {
        wanted.hints.sameHost = volumesIn(*hints, "same_host");
        wanted.hints.differentHost = volumesIn(*hints, "different_host");
    }
    if (const auto value = volume.find("multiattach"); value && !value->isNull()) wanted.multiattach = truthIn(*value);
    if (const auto backup = volume.maybeText("backup_id"); backup && microversionOf(request) >= Microversion{47})
        wanted.backup = {*backup};
    for (const auto* name : {"consistencygroup_id", "group_id"})
        if (const auto group = volume.maybeText(name); group && !group->empty()) {
            if (!isUuid(*group)) volume.at(name).refuse("It must be a UUID.");
            wanted.group = *group;
        }
    if (const auto source = volume.maybeText("source_volid")) wanted.source = {*source};
    if (const auto snapshot = volume.maybeText("snapshot_id")) wanted.snapshot = {*snapshot};
    const bool copies = !wanted.source.empty() || !wanted.snapshot.empty();
    for (const auto* name : {"image_id", "imageRef"})
        if (const auto image = volume.maybeText(name); image && !image->empty()) {
            if (image->size() > 255 * 4) volume.at(name).refuse("It is too long.");
            wanted.image = *image;
        }
    wanted.type = volume.maybeText("volume_type").value_or("");
    const auto size = volume.find("size");
    if (!size && !copies)
        throw Error(Failure::Invalid,
                    "Invalid input for field/attribute size. Value: None. 'size' is a required property.");
    if (size && !(size->isNull() && copies)) wanted.size = sizeIn(*size);
    return wanted;
}

Response create(Request& request, Volumes& volumes) {
    const auto volume = volumes.create(callerOf(request), newVolumeIn(request));
    return volumeResponse(202, styleOf(request, false), {volume, {}});
}

Response list(Request& request, Volumes& volumes, bool detailed) {
    const auto query = listQueryIn(request, volumeLists());
    const auto page = volumes.list(callerOf(request), query);
    const auto style = styleOf(request, true);
    return listResponse(
        request, "volumes", query, page, [](const VolumeView& each) { return each.volume.id.text; },
        [&](JsonWriter& out, const VolumeView& each) {
            if (detailed) return write(out, style, each);
            const auto one = out.object();
            out.field("id", each.volume.id);
            out.field("name", each.volume.name);
            writeLinks(out, style, each.volume);
        });
}

Response summary(Request& request, Volumes& volumes) {
    require(request, {12});
    const auto found = volumes.summary(callerOf(request), listQueryIn(request, volumeLists()));
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto content = out.object("volume-summary");
        out.field("total_count", found.count);
        out.field("total_size", found.gigabytes);
        if (microversionOf(request) < Microversion{36}) return;
        const auto metadata = out.object("metadata");
        for (auto each = found.metadata.begin(); each != found.metadata.end();) {
            const auto values = out.array(each->first);
            for (const auto name = each->first; each != found.metadata.end() && each->first == name; ++each)
                out.value(each->second);
        }
    });
}

Response show(Request& request, Volumes& volumes) {
    return volumeResponse(200, styleOf(request, true), volumes.show(callerOf(request), volumeIn(request)));
}

Response update(Request& request, Volumes& volumes) {
    const auto body = request.json().object("volume");
    bool any = false;
    const auto view = volumes.rename(callerOf(request), volumeIn(request), [&](Volume& volume) {
        for (const auto* name : {"display_name", "name"})
            if (const auto value = body.find(name)) volume.name = shortTextOrNull(*value), any = true;
        for (const auto* name : {"display_description", "description"})
            if (const auto value = body.find(name)) volume.description = shortTextOrNull(*value), any = true;
        if (const auto value = body.find("metadata"); value && !value->isNull())
            volume.metadata = metadataIn(*value), any = true;
        if (!any && microversionOf(request) >= Microversion{53})
            throw Error(Failure::Invalid, "Invalid input for field/attribute volume. Value: ", body.shown(),
                        ". It must have a name, a description or metadata.");
    });
    return volumeResponse(200, styleOf(request, false), view);
}

Response remove(Request& request, Volumes& volumes) {
    volumes.remove(callerOf(request), volumeIn(request), request.query.flag("cascade"),
                   microversionOf(request) >= Microversion{23} && request.query.flag("force"));
    return http::emptyResponse(202);
}

}

void add(http::Routes& routes, Method method, const std::string& path, const std::string& rule,
         const http::Handler& handler, http::Runs runs) {
    routes.push_back({method, "/v3/{project_id}" + path, http::policy(rule), handler, runs});
    routes.push_back({method, "/v3" + path, http::policy(rule), handler, runs});
}

http::Routes volumeRoutes(Volumes& volumes) {
    http::Routes routes;
    const auto with = http::boundTo(std::ref(volumes));
    const std::string volume = "/volumes/{volume_id}";
    add(routes, Method::Post, "/volumes", "volume:create", with(create));
    add(routes, Method::Get, "/volumes", "volume:get_all", with(list, false));
    add(routes, Method::Get, "/volumes/detail", "volume:get_all", with(list, true));
    add(routes, Method::Get, "/volumes/summary", "volume:get_all", with(summary));
    add(routes, Method::Get, volume, "volume:get", with(show));
    add(routes, Method::Put, volume, "volume:update", with(update));
    add(routes, Method::Delete, volume, "volume:delete", with(remove));
    for (const auto method :
         {Method::Get, Method::Put, Method::Delete}) // "volumes/" is no list, but a volume without an id
        routes.push_back({method, "/v3/{project_id}/volumes/", http::open("there is no volume without an id"),
                          [](Request& request) { return noRoute(request, {}); }});

    addMetadata(routes,
                {volume + "/metadata", "volume:get_volume_metadata", "volume:create_volume_metadata",
                 "volume:update_volume_metadata", "volume:delete_volume_metadata",
                 [&volumes](const Request& request) { return volumes.metadata(callerOf(request), volumeIn(request)); },
                 [&volumes](const Request& request, const std::function<void(Metadata&)>& amend) {
                     return volumes.changeMetadata(callerOf(request), volumeIn(request), amend);
                 },
                 true});
    return routes;
}
}
