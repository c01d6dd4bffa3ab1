#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/group/group_body.hpp"
#include "block/group/group_service.hpp"
#include "block/wire.hpp"

// What groups and their snapshots were called before 3.13, by their old names in bodies and paths.

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

// --- consistency groups

const std::string& groupIn(const Request& request) { return request.param("consistencygroup_id"); }

void write(JsonWriter& out, const Group& group) {
    const auto one = out.object();
    out.field("id", group.id);
    out.field("status", nameOf(group.status));
    out.field("availability_zone", availabilityZone);
    out.field("created_at", isoMicros(group.created));
    out.field("name", group.name);
    out.field("description", group.description);
    writeTexts(out, "volume_types", group.volumeTypes);
}

Response newGroupResponse(const Group& group) {
    return http::jsonResponse(202, "consistencygroup", [&](JsonWriter& out) { writeNamed(out, group.id, group.name); });
}

Response listGroups(Request& request, Groups& groups, bool detailed) {
    const auto query = listQueryIn(request, groupLists());
    const auto page = groups.list(callerOf(request), query, false);
    return listResponse(
        request, "consistencygroups", query, page, [](const Groups::View& each) { return each.group.id; },
        [&](JsonWriter& out, const Groups::View& each) {
            detailed ? write(out, each.group) : writeNamed(out, each.group.id, each.group.name);
        },
        "consistencygroup_links");
}

Response showGroup(Request& request, Groups& groups) {
    const auto view = groups.show(callerOf(request), groupIn(request), false);
    return http::jsonResponse(200, "consistencygroup", [&](JsonWriter& out) { write(out, view.group); });
}

Response createGroup(Request& request, Groups& groups) {
    const auto wanted = request.json().object("consistencygroup");
    auto made = newGroupIn(wanted);
    wanted.at("volume_types");
    made.volumeTypes = wordsIn(wanted, "volume_types");
    if (made.volumeTypes.empty())
        throw Error(Failure::Invalid, "volume_types must be provided to create consistency group ",
                    made.name.value_or(""), ".");
    if (const auto zone = wanted.maybeText("availability_zone"); zone && !zone->empty()) requireZone(*zone);
    return newGroupResponse(groups.create(callerOf(request), made));
}

Response createGroupFrom(Request& request, Groups& groups) {
    const auto wanted = request.json().object("consistencygroup-from-src");
    const auto snapshot = wanted.maybeText("cgsnapshot_id").value_or(""),
               source = wanted.maybeText("source_cgid").value_or("");
    if (snapshot.empty() == source.empty())
        throw Error(Failure::Invalid, "Either 'cgsnapshot_id' or 'source_cgid' must be provided to create consistency "
                                      "group from source.");
    return newGroupResponse(groups.createFrom(callerOf(request), newGroupIn(wanted), snapshot, source));
}

Response updateGroup(Request& request, Groups& groups) {
    const auto wanted = request.json().object("consistencygroup");
    groups.update(callerOf(request), groupIn(request), groupChangeIn(wanted));
    return http::emptyResponse(202);
}

/// Whether its volumes go too: {"consistencygroup": {"force": true}}; nothing at all is said by {} and by no body.
bool isForced(const Request& request) {
    if (request.body.empty()) return false;
    const auto body = request.json();
    if (body.isNull() || (body.isObject() && body.size() == 0)) return false;
    const auto force = body.object("consistencygroup").find("force");
    return force && truthIn(*force);
}

Response removeGroup(Request& request, Groups& groups) {
    groups.remove(callerOf(request), "group:delete", groupIn(request), isForced(request));
    return http::emptyResponse(202);
}

// --- snapshots of consistency groups

const std::string& snapshotIn(const Request& request) { return request.param("cgsnapshot_id"); }

void write(JsonWriter& out, const GroupSnapshot& snapshot) {
    const auto one = out.object();
    out.field("id", snapshot.id);
    out.field("consistencygroup_id", snapshot.group);
    out.field("status", nameOf(snapshot.status));
    out.field("created_at", isoMicros(snapshot.created));
    out.field("name", snapshot.name);
    out.field("description", snapshot.description);
}

Response listSnapshots(Request& request, Groups& groups, bool detailed) {
    const auto query = listQueryIn(request, groupSnapshotLists());
    const auto page = groups.snapshots(callerOf(request), query);
    return listResponse(
        request, "cgsnapshots", query, page, [](const GroupSnapshot& each) { return each.id; },
        [&](JsonWriter& out, const GroupSnapshot& each) {
            detailed ? write(out, each) : writeNamed(out, each.id, each.name);
        });
}

Response showSnapshot(Request& request, Groups& groups) {
    const auto snapshot = groups.showSnapshot(callerOf(request), snapshotIn(request));
    return http::jsonResponse(200, "cgsnapshot", [&](JsonWriter& out) { write(out, snapshot); });
}

Response createSnapshot(Request& request, Groups& groups) {
    const auto wanted = request.json().object("cgsnapshot");
    const auto texts = newGroupIn(wanted);
    const auto made =
        groups.createSnapshot(callerOf(request), wanted.text("consistencygroup_id"), texts.name, texts.description);
    return http::jsonResponse(202, "cgsnapshot", [&](JsonWriter& out) { writeNamed(out, made.id, made.name); });
}

Response removeSnapshot(Request& request, Groups& groups) {
    return groups.removeSnapshot(callerOf(request), snapshotIn(request)), http::emptyResponse(202);
}

}

http::Routes consistencyGroupRoutes(Groups& groups) {
    http::Routes routes;
    const auto with = http::boundTo(std::ref(groups));
    const std::string all = "/consistencygroups", one = all + "/{consistencygroup_id}";
    add(routes, Method::Get, all, "group:get_all", with(listGroups, false));
    add(routes, Method::Get, all + "/detail", "group:get_all", with(listGroups, true));
    add(routes, Method::Post, all, "group:create", with(createGroup));
    add(routes, Method::Post, all + "/create_from_src", "group:create", with(createGroupFrom));
    add(routes, Method::Get, one, "group:get", with(showGroup));
    for (const auto& path : {one, one + "/update"}) // the first is what clients use, the second what is written down
        add(routes, Method::Put, path, "group:update", with(updateGroup));
    add(routes, Method::Post, one + "/delete", "group:delete", with(removeGroup));

    const std::string snapshots = "/cgsnapshots", snapshot = snapshots + "/{cgsnapshot_id}";
    add(routes, Method::Get, snapshots, "group:get_all_group_snapshots", with(listSnapshots, false));
    add(routes, Method::Get, snapshots + "/detail", "group:get_all_group_snapshots", with(listSnapshots, true));
    add(routes, Method::Post, snapshots, "group:create_group_snapshot", with(createSnapshot));
    add(routes, Method::Get, snapshot, "group:get_group_snapshot", with(showSnapshot));
    add(routes, Method::Delete, snapshot, "group:delete_group_snapshot", with(removeSnapshot));
    return routes;
}

}
