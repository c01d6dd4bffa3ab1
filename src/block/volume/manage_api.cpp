#include <algorithm>

#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/list/list_query.hpp"
#include "block/snapshot/snapshot_query.hpp"
#include "block/snapshot/snapshot_service.hpp"
#include "block/volume/volume_change.hpp"
#include "block/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

std::string hostIn(const Request& request) {
    const auto host = request.query.find("host");
    if (!host) throw Error(Failure::Invalid, "Host is missing in request body.");
    return *host;
}

/// A page of what was found, in the order that was asked for: by reference or by size. There is no table to ask.
std::vector<Found> pageOf(const Request& request, std::vector<Found> all) {
    const auto& query = request.query;
    std::string key = query.find("sort_key").value_or("reference"), direction = query.find("sort_dir").value_or("desc");
    if (const auto sort = query.find("sort"); sort && !sort->empty()) {
        const auto colon = sort->find(':');
        key = sort->substr(0, colon);
        if (colon != std::string::npos) direction = sort->substr(colon + 1);
    }
    if (key != "reference" && key != "size") refuseParameter("sort", key, "Invalid sort keys passed: " + key);
    if (direction != "asc" && direction != "desc")
        refuseParameter("sort", direction, "Invalid sort dirs passed: " + direction);
    std::stable_sort(all.begin(), all.end(), [&](const Found& left, const Found& right) {
        const auto& first = direction == "asc" ? left : right;
        const auto& second = direction == "asc" ? right : left;
        return key == "size" ? first.thing.size.count < second.thing.size.count
                             : first.thing.reference < second.thing.reference;
    });
    if (const auto marker = query.find("marker")) {
        const auto at = std::find_if(all.begin(), all.end(), [&](const Found& each) {
            return each.thing.reference == *marker || *marker == "{'source-name': '" + each.thing.reference + "'}" ||
                   *marker == R"({"source-name": ")" + each.thing.reference + R"("})";
        });
        if (at == all.end()) throw Error(Failure::NotFound, "Marker ", *marker, " could not be found.");
        all.erase(all.begin(), at + 1);
    }
    const auto offset = static_cast<std::size_t>(query.integer("offset", 0, 1 << 30).value_or(0));
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(offset, all.size())));
    const auto limit = static_cast<std::size_t>(query.integer("limit", 0, 1000).value_or(1000));
    if (all.size() > limit) all.resize(limit);
    return all;
}

void writeReference(JsonWriter& out, std::string_view name, const std::string& reference) {
    const auto object = out.object(name);
    out.field("source-name", reference);
}

void write(JsonWriter& out, const Found& found, bool detailed) {
    writeReference(out, "reference", found.thing.reference);
    out.field("size", volumeSizeFor(found.thing.size).count);
    const auto reason = !found.id.empty() ? std::string("already managed") : found.thing.reason;
    out.field("safe_to_manage", reason.empty());
    if (!detailed) return;
    out.field("reason_not_safe", reason.empty() ? std::nullopt : std::optional(reason));
    out.field("cinder_id", found.id.empty() ? std::nullopt : std::optional(found.id));
    out.field("extra_info", nullptr);
}

Response listVolumes(const Request& request, VolumeChanges& changes, bool detailed) {
    const auto page = pageOf(request, changes.manageableVolumes(callerOf(request), hostIn(request)));
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("manageable-volumes");
        for (const auto& each : page) {
            const auto one = out.object();
            write(out, each, detailed);
        }
    });
}

Response listSnapshots(const Request& request, VolumeChanges& changes, bool detailed) {
    const auto page = pageOf(request, changes.manageableSnapshots(callerOf(request), hostIn(request)));
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("manageable-snapshots");
        for (const auto& each : page) {
            const auto one = out.object();
            write(out, each, detailed);
            if (each.thing.volume)
                writeReference(out, "source_reference", "volume-" + each.thing.volume->text);
            else
                out.field("source_reference", nullptr);
        }
    });
}

/// {"source-name": …} or {"source-id": …}: what it is called there, by either word.
std::string referenceIn(const Json& wanted) {
    const auto reference = wanted.object("ref");
    for (const auto* name : {"source-name", "source-id"})
        if (const auto text = reference.maybeText(name); text && !text->empty() && text->size() <= 255) return *text;
    wanted.at("ref").refuse("It must have a source-name or a source-id.");
}

void readDescription(const Json& wanted, std::optional<std::string>& name, std::optional<std::string>& description,
                     Metadata& metadata) {
    if (const auto value = wanted.find("name")) name = shortTextOrNull(*value);
    if (const auto value = wanted.find("description")) description = shortTextOrNull(*value);
    if (const auto value = wanted.find("metadata"); value && !value->isNull()) metadata = metadataIn(*value);
}

Response manageVolume(Request& request, VolumeChanges& changes) {
    const auto body = request.json().object("volume");
    NewManaged wanted;
    wanted.host = body.text("host");
    wanted.reference = referenceIn(body);
    readDescription(body, wanted.name, wanted.description, wanted.metadata);
    wanted.type = body.maybeText("volume_type").value_or("");
    if (const auto zone = body.maybeText("availability_zone")) requireZone(*zone);
    if (const auto bootable = body.find("bootable")) wanted.bootable = truthIn(*bootable);
    const auto view = changes.manage(callerOf(request), wanted);
    return http::jsonResponse(202, "volume", [&](JsonWriter& out) { write(out, styleOf(request, true), view); });
}

Response manageSnapshot(Request& request, Snapshots& snapshots) {
    const auto body = request.json().object("snapshot");
    NewSnapshot wanted;
    wanted.volume = {body.text("volume_id")};
    if (!isUuid(wanted.volume.text)) body.at("volume_id").refuse("It must be a UUID.");
    readDescription(body, wanted.name, wanted.description, wanted.metadata);
    const auto snapshot = snapshots.manage(callerOf(request), wanted, referenceIn(body));
    return http::jsonResponse(202, "snapshot",
                              [&](JsonWriter& out) { write(out, request, snapshot, SnapshotTold::Changed); });
}

}

http::Routes manageRoutes(VolumeChanges& changes, Snapshots& snapshots) {
    http::Routes routes;
    const auto noun = [&](const std::string& path, int since, const std::string& list, const std::string& manage,
                          Response (*show)(const Request&, VolumeChanges&, bool), const http::Handler& take) {
        for (const bool detailed : {false, true})
            add(
                routes, Method::Get, path + (detailed ? "/detail" : ""), list,
                [&changes, since, show, detailed](Request& request) {
                    require(request, {since});
                    return show(request, changes, detailed);
                },
                http::Runs::Worker); // looks at a back end
        add(routes, Method::Post, path, manage, [since, take](Request& request) {
            require(request, {since});
            return take(request);
        });
    };
    for (const auto& [path, since] : {std::pair("/manageable_volumes", 8), std::pair("/os-volume-manage", 0)})
        noun(path, since, "volume_extension:list_manageable", "volume_extension:volume_manage", listVolumes,
             [&changes](Request& request) { return manageVolume(request, changes); });
    for (const auto& [path, since] : {std::pair("/manageable_snapshots", 8), std::pair("/os-snapshot-manage", 0)})
        noun(path, since, "snapshot_extension:list_manageable", "snapshot_extension:snapshot_manage", listSnapshots,
             [&snapshots](Request& request) { return manageSnapshot(request, snapshots); });
    return routes;
}

}
