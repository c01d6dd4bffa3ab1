#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/group/group_body.hpp"
#include "block/group/group_service.hpp"
#include "block/type/specs.hpp"
#include "block/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

constexpr Microversion typesSince{11}, groupsSince{13}, snapshotsSince{14}, resetSnapshotSince{19}, resetSince{20},
    volumesSince{25}, replicationSince{38}, projectSince{58};
// --- group types

const std::string& typeIn(const Request& request) { return request.param("group_type"); }

void write(JsonWriter& out, const Request& request, const GroupType& type) {
    const auto one = out.object();
    showInto(out, groupTypeColumns, type);
    if (callerOf(request).may("group:access_group_types_specs", {})) writeSpecs(out, "group_specs", type.specs);
}

Response typeResponse(const Request& request, const GroupType& type, int status = 200) {
    return http::jsonResponse(status, "group_type", [&](JsonWriter& out) { write(out, request, type); });
}

Response listTypes(Request& request, GroupTypes& types) {
    require(request, typesSince);
    const auto query = listQueryIn(request, groupTypeLists());
    const auto page = types.list(callerOf(request), query, publicIn(request));
    return listResponse(
        request, "group_types", query, page, [](const GroupType& each) { return each.id; },
        [&](JsonWriter& out, const GroupType& each) { write(out, request, each); }, "group_type_links");
}

Response showType(Request& request, GroupTypes& types) {
    require(request, typesSince);
    return typeResponse(request, types.show(callerOf(request), typeIn(request)));
}

Response showDefaultType(Request& request, GroupTypes& types) {
    require(request, typesSince);
    return typeResponse(request, types.showDefault(callerOf(request)));
}

Response createType(Request& request, GroupTypes& types) {
    require(request, typesSince);
    const auto wanted = nounIn(request, "group_type");
    wanted.onlyKnows({"name", "description", "is_public", "group_specs"});
    GroupType type;
    type.name = trimmed(typeNameIn(wanted.at("name")));
    if (const auto value = wanted.find("description")) type.description = shortTextOrNull(*value);
    if (const auto value = wanted.find("is_public")) type.isPublic = truthIn(*value);
    if (const auto value = wanted.find("group_specs")) type.specs = specsIn(*value, false);
    return typeResponse(request, types.create(callerOf(request), std::move(type)), 202);
}

Response updateType(Request& request, GroupTypes& types) {
    require(request, typesSince);
    const auto wanted = nounIn(request, "group_type");
    wanted.onlyKnows({"name", "description", "is_public"});
    const auto given = [&](std::string_view name) {
        const auto value = wanted.find(name);
        return value && !value->isNull() ? value : std::nullopt;
    };
    if (!given("name") && !given("description") && !given("is_public"))
        throw Error(Failure::Invalid, "Specify group type name, description or a combination thereof.");
    return typeResponse(request, types.update(callerOf(request), typeIn(request), [&](GroupType& type) {
        if (const auto value = given("name")) type.name = trimmed(typeNameIn(*value));
        if (const auto value = given("description")) type.description = shortTextOrNull(*value);
        if (const auto value = given("is_public")) type.isPublic = truthIn(*value);
    }));
}

Response removeType(Request& request, GroupTypes& types) {
    require(request, typesSince);
    return types.remove(callerOf(request), typeIn(request)), http::emptyResponse(202);
}

Error missingSpec(const Request& request) {
    return Error(Failure::NotFound, "Group Type ", typeIn(request), " has no specs with key ", request.param("key"),
                 ".");
}

Response listSpecs(Request& request, GroupTypes& types) {
    require(request, typesSince);
    return specsResponse("group_specs", types.show(callerOf(request), typeIn(request)).specs);
}

Response showSpec(Request& request, GroupTypes& types) {
    require(request, typesSince);
    const auto specs = types.show(callerOf(request), typeIn(request)).specs;
    const auto found = specs.find(request.param("key"));
    if (found == specs.end()) throw missingSpec(request);
    return specResponse(found->first, found->second);
}

Response createSpecs(Request& request, GroupTypes& types) {
    require(request, typesSince);
    const auto body = request.json();
    body.onlyKnows({"group_specs"});
    const auto wanted = specsIn(body.at("group_specs"), false);
    types.changeSpecs(callerOf(request), typeIn(request), [&](ExtraSpecs& specs) {
        for (const auto& [name, value] : wanted) specs[name] = value;
    });
    return specsResponse("group_specs", wanted, 202);
}

Response updateSpec(Request& request, GroupTypes& types) {
    require(request, typesSince);
    const auto wanted = specsIn(request.json(), false);
    const auto& key = request.param("key");
    if (wanted.size() != 1) throw Error(Failure::Invalid, "The request body must have one spec.");
    if (!wanted.contains(key)) throw Error(Failure::Invalid, "Request body and URI mismatch");
    types.changeSpecs(callerOf(request), typeIn(request), [&](ExtraSpecs& specs) { specs[key] = wanted.at(key); });
    return specResponse(key, wanted.at(key));
}

Response removeSpec(Request& request, GroupTypes& types) {
    require(request, typesSince);
    types.changeSpecs(callerOf(request), typeIn(request), [&](ExtraSpecs& specs) {
        if (specs.erase(request.param("key")) == 0) throw missingSpec(request);
    });
    return http::emptyResponse(202);
}

// --- groups

const std::string& groupIn(const Request& request) { return request.param("group"); }

bool withVolumes(const Request& request) {
    return microversionOf(request) >= volumesSince && request.query.flag("list_volume");
}

void write(JsonWriter& out, const Request& request, const Groups::View& view) {
    const auto& group = view.group;
    const auto version = microversionOf(request);
    const auto one = out.object();
    showInto(out, groupColumns, group);
    out.field("availability_zone", availabilityZone);
    writeTexts(out, "volume_types", group.volumeTypes);
    if (version >= snapshotsSince) {
        out.field("group_snapshot_id", group.snapshot.empty() ? std::nullopt : std::optional(group.snapshot));
        out.field("source_group_id", group.source.empty() ? std::nullopt : std::optional(group.source));
    }
    if (withVolumes(request)) writeTexts(out, "volumes", view.volumes);
    if (version >= replicationSince) out.field("replication_status", "disabled");
    if (version >= projectSince && callerOf(request).may("group:group_project_attribute", {}))
        out.field("project_id", group.project);
}

Response newGroupResponse(const Group& group) {
    return http::jsonResponse(202, "group", [&](JsonWriter& out) { writeNamed(out, group.id, group.name); });
}

Response listGroups(Request& request, Groups& groups, bool detailed) {
    require(request, groupsSince);
    const auto query = listQueryIn(request, groupLists());
    const auto page = groups.list(callerOf(request), query, detailed && withVolumes(request));
    return listResponse(
        request, "groups", query, page, [](const Groups::View& each) { return each.group.id; },
        [&](JsonWriter& out, const Groups::View& each) {
            detailed ? write(out, request, each) : writeNamed(out, each.group.id, each.group.name);
        },
        "group_links");
}

Response showGroup(Request& request, Groups& groups) {
    require(request, groupsSince);
    const auto view = groups.show(callerOf(request), groupIn(request), withVolumes(request));
    return http::jsonResponse(200, "group", [&](JsonWriter& out) { write(out, request, view); });
}

Response createGroup(Request& request, Groups& groups) {
    require(request, groupsSince);
    const auto wanted = nounIn(request, "group");
    wanted.onlyKnows({"name", "description", "group_type", "volume_types", "availability_zone"});
    auto made = newGroupIn(wanted);
    made.type = typeNameIn(wanted.at("group_type"));
    const auto types = wanted.array("volume_types");
    if (types.size() == 0 || types.size() > groupListMax) types.refuse("It must have 1 to 1000 volume types.");
    for (const auto& each : types.items()) made.volumeTypes.push_back(typeNameIn(each));
    if (const auto zone = wanted.maybeText("availability_zone"); zone && !zone->empty()) requireZone(*zone);
    return newGroupResponse(groups.create(callerOf(request), made));
}

Response createGroupFrom(Request& request, Groups& groups) {
    require(request, snapshotsSince);
    const auto wanted = nounIn(request, "create-from-src");
    wanted.onlyKnows({"name", "description", "group_snapshot_id", "source_group_id"});
    const auto snapshot = wanted.maybeText("group_snapshot_id").value_or(""),
               source = wanted.maybeText("source_group_id").value_or("");
    if (snapshot.empty() == source.empty())
        throw Error(Failure::Invalid, "Either 'group_snapshot_id' or 'source_group_id' must be provided to create "
                                      "group from source.");
    return newGroupResponse(groups.createFrom(callerOf(request), newGroupIn(wanted), snapshot, source));
}

Response updateGroup(Request& request, Groups& groups) {
    require(request, groupsSince);
    const auto wanted = nounIn(request, "group");
    wanted.onlyKnows({"name", "description", "add_volumes", "remove_volumes"});
    groups.update(callerOf(request), groupIn(request), groupChangeIn(wanted));
    return http::emptyResponse(202);
}

GroupStatus statusIn(const Json& wanted) {
    const auto value = wanted.at("status");
    const auto status = groupStatusNamed(lowered(value.text()));
    if (!status) value.refuse("There is no such status.");
    return *status;
}

Response actOnGroup(Request& request, Groups& groups) {
    require(request, groupsSince);
    const auto body = request.json();
    const auto action = actionIn(body);
    const auto wanted = body.object(action);
    if (action == "delete") {
        wanted.onlyKnows({"delete-volumes"});
        const auto flag = wanted.find("delete-volumes");
        groups.remove(callerOf(request), "group:delete", groupIn(request), flag && truthIn(*flag));
    } else if (action == "reset_status") {
        require(request, resetSince);
        wanted.onlyKnows({"status"});
        groups.resetStatus(callerOf(request), "group:reset_status", groupIn(request), statusIn(wanted));
    } else {
        throw Error(Failure::Invalid, "There is no such action: ", action);
    }
    return http::emptyResponse(202);
}

// --- snapshots of groups

const std::string& snapshotIn(const Request& request) { return request.param("group_snapshot"); }

void write(JsonWriter& out, const Request& request, const GroupSnapshot& snapshot) {
    const auto one = out.object();
    showInto(out, groupSnapshotColumns, snapshot);
    if (microversionOf(request) >= projectSince && callerOf(request).may("group:group_snapshot_project_attribute", {}))
        out.field("project_id", snapshot.project);
}

Response listSnapshots(Request& request, Groups& groups, bool detailed) {
    require(request, snapshotsSince);
    const auto query = listQueryIn(request, groupSnapshotLists());
    const auto page = groups.snapshots(callerOf(request), query);
    return listResponse(
        request, "group_snapshots", query, page, [](const GroupSnapshot& each) { return each.id; },
        [&](JsonWriter& out, const GroupSnapshot& each) {
            detailed ? write(out, request, each) : writeNamed(out, each.id, each.name);
        });
}

Response showSnapshot(Request& request, Groups& groups) {
    require(request, snapshotsSince);
    const auto snapshot = groups.showSnapshot(callerOf(request), snapshotIn(request));
    return http::jsonResponse(200, "group_snapshot", [&](JsonWriter& out) { write(out, request, snapshot); });
}

Response createSnapshot(Request& request, Groups& groups) {
    require(request, snapshotsSince);
    const auto wanted = nounIn(request, "group_snapshot");
    wanted.onlyKnows({"group_id", "name", "description"});
    const auto texts = newGroupIn(wanted);
    const auto made = groups.createSnapshot(callerOf(request), wanted.text("group_id"), texts.name, texts.description);
    return http::jsonResponse(202, [&](JsonWriter& out) {
        const auto content = out.object();
        const auto one = out.object("group_snapshot");
        out.field("id", made.id);
        out.field("name", made.name);
        out.field("group_type_id", made.type);
    });
}

Response removeSnapshot(Request& request, Groups& groups) {
    require(request, snapshotsSince);
    return groups.removeSnapshot(callerOf(request), snapshotIn(request)), http::emptyResponse(202);
}

Response actOnSnapshot(Request& request, Groups& groups) {
    require(request, resetSnapshotSince);
    const auto body = request.json();
    const auto action = actionIn(body);
    if (action != "reset_status") throw Error(Failure::Invalid, "There is no such action: ", action);
    const auto wanted = body.object(action);
    wanted.onlyKnows({"status"});
    groups.resetSnapshotStatus(callerOf(request), snapshotIn(request), statusIn(wanted));
    return http::emptyResponse(202);
}

}

void writeTexts(JsonWriter& out, std::string_view name, const std::vector<std::string>& texts) {
    const auto list = out.array(name);
    for (const auto& each : texts) out.value(each);
}

void writeNamed(JsonWriter& out, const std::string& id, const std::optional<std::string>& name) {
    const auto one = out.object();
    out.field("id", id);
    out.field("name", name);
}

Groups::New newGroupIn(const Json& wanted) {
    Groups::New made;
    if (const auto value = wanted.find("name")) made.name = shortTextOrNull(*value);
    if (const auto value = wanted.find("description")) made.description = shortTextOrNull(*value);
    return made;
}

std::vector<std::string> wordsIn(const Json& wanted, std::string_view name) {
    std::vector<std::string> words;
    const auto text = wanted.maybeText(name).value_or("");
    for (const auto each : split(text, ','))
        if (const auto word = trimmed(each); !word.empty()) words.emplace_back(word);
    if (words.size() > groupListMax) wanted.at(name).refuse("It must name at most 1000.");
    return words;
}

Groups::Change groupChangeIn(const Json& wanted) {
    const auto volumesIn = [&](std::string_view name) {
        std::vector<VolumeId> volumes;
        for (auto& each : wordsIn(wanted, name)) volumes.push_back({std::move(each)});
        return volumes;
    };
    auto texts = newGroupIn(wanted);
    return {std::move(texts.name), std::move(texts.description), volumesIn("add_volumes"), volumesIn("remove_volumes")};
}

http::Routes groupTypeRoutes(GroupTypes& types) {
    http::Routes routes;
    const auto with = http::boundTo(std::ref(types));
    const std::string all = "/group_types", one = all + "/{group_type}", specs = one + "/group_specs";
    add(routes, Method::Get, all, "group:get_all", with(listTypes)); // Cinder asks no rule: whoever sees groups
    add(routes, Method::Get, all + "/default", "group:get_all", with(showDefaultType));
    add(routes, Method::Get, one, "group:get_all", with(showType));
    add(routes, Method::Post, all, "group:group_types:create", with(createType));
    add(routes, Method::Put, one, "group:group_types:update", with(updateType));
    add(routes, Method::Delete, one, "group:group_types:delete", with(removeType));
    add(routes, Method::Get, specs, "group:group_types_specs:get_all", with(listSpecs));
    add(routes, Method::Post, specs, "group:group_types_specs:create", with(createSpecs));
    add(routes, Method::Get, specs + "/{key}", "group:group_types_specs:get", with(showSpec));
    add(routes, Method::Put, specs + "/{key}", "group:group_types_specs:update", with(updateSpec));
    add(routes, Method::Delete, specs + "/{key}", "group:group_types_specs:delete", with(removeSpec));
    return routes;
}

http::Routes groupRoutes(Groups& groups) {
    http::Routes routes;
    const auto with = http::boundTo(std::ref(groups));
    const std::string all = "/groups", one = all + "/{group}";
    add(routes, Method::Get, all, "group:get_all", with(listGroups, false));
    add(routes, Method::Get, all + "/detail", "group:get_all", with(listGroups, true));
    add(routes, Method::Post, all, "group:create", with(createGroup));
    add(routes, Method::Post, all + "/action", "group:create", with(createGroupFrom));
    add(routes, Method::Get, one, "group:get", with(showGroup));
    add(routes, Method::Put, one, "group:update", with(updateGroup));
    // Each action has a rule of its own; the route's is the least that anybody needs.
    add(routes, Method::Post, one + "/action", "group:get", with(actOnGroup));

    const std::string snapshots = "/group_snapshots", snapshot = snapshots + "/{group_snapshot}";
    add(routes, Method::Get, snapshots, "group:get_all_group_snapshots", with(listSnapshots, false));
    add(routes, Method::Get, snapshots + "/detail", "group:get_all_group_snapshots", with(listSnapshots, true));
    add(routes, Method::Post, snapshots, "group:create_group_snapshot", with(createSnapshot));
    add(routes, Method::Get, snapshot, "group:get_group_snapshot", with(showSnapshot));
    add(routes, Method::Delete, snapshot, "group:delete_group_snapshot", with(removeSnapshot));
    add(routes, Method::Post, snapshot + "/action", "group:reset_group_snapshot_status", with(actOnSnapshot));
    return routes;
}
}
