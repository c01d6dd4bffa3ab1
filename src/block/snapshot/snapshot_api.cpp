#include <array>

#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/list/list_query.hpp"
#include "block/list/metadata_routes.hpp"
#include "block/snapshot/snapshot_query.hpp"
#include "block/snapshot/snapshot_service.hpp"
#include "block/snapshot/snapshot_table.hpp"
#include "block/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

void write(JsonWriter& out, const Request& request, const Snapshot& snapshot, SnapshotTold told) {
    const auto body = out.object();
    resource::showInto(out, snapshotColumns, snapshot);
    if (told == SnapshotTold::Short) return;
    if (told == SnapshotTold::All && callerOf(request).may("volume_extension:extended_snapshot_attributes",
                                                           {{"project_id", snapshot.project.text}})) {
        out.field("os-extended-snapshot-attributes:progress", snapshot.progress);
        out.field("os-extended-snapshot-attributes:project_id", snapshot.project);
    }
    const auto version = microversionOf(request);
    if (version >= Microversion{14})
        out.field("group_snapshot_id", snapshot.group.empty() ? std::nullopt : std::optional(snapshot.group));
    if (version >= Microversion{41}) out.field("user_id", snapshot.user);
    if (version >= Microversion{65}) out.field("consumes_quota", snapshot.consumesQuota);
}

namespace {

SnapshotId snapshotIn(const Request& request) { return {request.param("snapshot_id")}; }

Response snapshotResponse(const Request& request, int status, const Snapshot& snapshot,
                          SnapshotTold told = SnapshotTold::Changed) {
    return http::jsonResponse(status, "snapshot", [&](JsonWriter& out) { write(out, request, snapshot, told); });
}

void readNames(const Json& body, std::optional<std::string>& name, std::optional<std::string>& description) {
    for (const auto* each : {"display_name", "name"})
        if (const auto value = body.find(each)) name = shortTextOrNull(*value);
    for (const auto* each : {"display_description", "description"})
        if (const auto value = body.find(each)) description = shortTextOrNull(*value);
}

NewSnapshot newSnapshotIn(const Json& body) {
    NewSnapshot wanted;
    readNames(body, wanted.name, wanted.description);
    // Null is a volume that isn't there.
    wanted.volume = {body.at("volume_id").isNull() ? "" : body.text("volume_id")};
    if (!wanted.volume.empty() && !isUuid(wanted.volume.text)) body.at("volume_id").refuse("It must be a UUID.");
    if (const auto metadata = body.find("metadata"); metadata && !metadata->isNull())
        wanted.metadata = metadataIn(*metadata);
    return wanted;
}

Response create(Request& request, Snapshots& snapshots) {
    const auto body = request.json().object("snapshot");
    body.onlyKnows({"name", "display_name", "description", "display_description", "volume_id", "force", "metadata"});
    const auto wanted = newSnapshotIn(body);
    const auto force = body.find("force");
    const bool forced = force && !force->isNull() && truthIn(*force);
    const bool since66 = microversionOf(request) >= Microversion{66};
    if (since66 && force && !force->isNull() && !forced)
        throw Error(Failure::Invalid,
                    "Since microversion 3.66 the 'force' flag is invalid for this request. For backward compatability, "
                    "however, when the 'force' flag is passed with a value evaluating to True, it is silently "
                    "ignored.");
    return snapshotResponse(request, 202, snapshots.create(callerOf(request), wanted, forced || since66));
}

Response list(Request& request, Snapshots& snapshots, bool detailed) {
    const auto query = listQueryIn(request, snapshotLists());
    const auto page = snapshots.list(callerOf(request), query);
    return listResponse(
        request, "snapshots", query, page, [](const Snapshot& each) { return each.id.text; },
        [&](JsonWriter& out, const Snapshot& each) {
            write(out, request, each, detailed ? SnapshotTold::All : SnapshotTold::Short);
        });
}

Response show(Request& request, Snapshots& snapshots) {
    return snapshotResponse(request, 200, snapshots.show(callerOf(request), snapshotIn(request)), SnapshotTold::All);
}

Response update(Request& request, Snapshots& snapshots) {
    const auto body = request.json().object("snapshot");
    body.onlyKnows({"name", "display_name", "description", "display_description"});
    if (body.size() == 0)
        throw Error(Failure::Invalid, "Invalid input for field/attribute snapshot. Value: ", body.shown(),
                    ". It must have a name or a description.");
    return snapshotResponse(request, 200,
                            snapshots.rename(callerOf(request), snapshotIn(request), [&](Snapshot& snapshot) {
                                readNames(body, snapshot.name, snapshot.description);
                            }));
}

Response remove(Request& request, Snapshots& snapshots) {
    snapshots.remove(callerOf(request), snapshotIn(request));
    return http::emptyResponse(202);
}

// --- actions

struct Call {
    Snapshots& snapshots;
    const identity::Caller& caller;
    SnapshotId snapshot;
    std::string_view rule;
    Json arguments;
};

SnapshotStatus statusIn(const Call& call) {
    const auto name = call.arguments.at("status");
    const auto status = snapshotStatusNamed(name.text());
    if (!status) name.refuse("No snapshot has such a status.");
    return *status;
}

void resetStatus(const Call& call) {
    const auto status = statusIn(call);
    if (status == SnapshotStatus::Unmanaging || status == SnapshotStatus::BackingUp ||
        status == SnapshotStatus::Restoring)
        call.arguments.at("status").refuse("It must be available, creating, deleting, error or error_deleting.");
    call.snapshots.resetStatus(call.caller, call.rule, call.snapshot, status);
}

void updateStatus(const Call& call) {
    const auto progress = call.arguments.find("progress");
    call.snapshots.updateStatus(call.caller, call.rule, call.snapshot, statusIn(call),
                                progress ? shortTextOrNull(*progress) : std::nullopt);
}

void forceDelete(const Call& call) { call.snapshots.forceRemove(call.caller, call.rule, call.snapshot); }
void unmanage(const Call& call) { call.snapshots.unmanage(call.caller, call.rule, call.snapshot); }

struct Action {
    std::string_view name, rule;
    void (*run)(const Call&);
};
constexpr std::array<Action, 4> actions{{
    {"os-reset_status", "volume_extension:snapshot_admin_actions:reset_status", resetStatus},
    {"os-update_snapshot_status", "snapshot_extension:snapshot_actions:update_snapshot_status", updateStatus},
    {"os-force_delete", "volume_extension:snapshot_admin_actions:force_delete", forceDelete},
    {"os-unmanage", "snapshot_extension:snapshot_unmanage", unmanage},
}};

Response act(Request& request, Snapshots& snapshots) {
    const auto body = request.json();
    const auto name = actionIn(body);
    for (const auto& action : actions)
        if (action.name == name)
            return action.run({snapshots, callerOf(request), snapshotIn(request), action.rule, body.at(name)}),
                   http::emptyResponse(202);
    throw Error(Failure::Invalid, "There is no such action: ", name);
}

}

http::Routes snapshotRoutes(Snapshots& snapshots) {
    http::Routes routes;
    const auto with = http::boundTo(std::ref(snapshots));
    const std::string snapshot = "/snapshots/{snapshot_id}";
    add(routes, Method::Post, "/snapshots", "volume:create_snapshot", with(create));
    add(routes, Method::Get, "/snapshots", "volume:get_all_snapshots", with(list, false));
    add(routes, Method::Get, "/snapshots/detail", "volume:get_all_snapshots", with(list, true));
    add(routes, Method::Get, snapshot, "volume:get_snapshot", with(show));
    add(routes, Method::Put, snapshot, "volume:update_snapshot", with(update));
    add(routes, Method::Delete, snapshot, "volume:delete_snapshot", with(remove));
    addMetadata(routes, {snapshot + "/metadata", "volume:get_snapshot_metadata", "volume:update_snapshot_metadata",
                         "volume:update_snapshot_metadata", "volume:delete_snapshot_metadata",
                         [&snapshots](const Request& request) {
                             return snapshots.metadata(callerOf(request), snapshotIn(request));
                         },
                         [&snapshots](const Request& request, const std::function<void(Metadata&)>& amend) {
                             return snapshots.changeMetadata(callerOf(request), snapshotIn(request), amend);
                         }});
    // Each action has a rule of its own; the route's is the least that anybody needs.
    add(routes, Method::Post, snapshot + "/action", "volume:get_snapshot", with(act));
    return routes;
}
}
