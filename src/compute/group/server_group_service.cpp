#include <algorithm>
#include <array>

#include <stratolet/error.hpp>

#include "compute/group/server_group.hpp"
#include "compute/group/server_group_table.hpp"

namespace stratolet::compute {
namespace {

constexpr std::array<std::pair<GroupPolicy, std::string_view>, 4> policies{
    {{GroupPolicy::Affinity, "affinity"},
     {GroupPolicy::AntiAffinity, "anti-affinity"},
     {GroupPolicy::SoftAffinity, "soft-affinity"},
     {GroupPolicy::SoftAntiAffinity, "soft-anti-affinity"}}};

std::optional<ServerGroup> ownOf(store::Reader& db, const identity::Caller& caller, const ServerGroupId& id) {
    auto group = server_group_table::find(db, id);
    if (group && group->project != caller.project && !caller.isAdmin()) group.reset();
    return group;
}

ServerGroup demanded(store::Reader& db, const identity::Caller& caller, const ServerGroupId& id) {
    auto group = ownOf(db, caller, id);
    Target about;
    if (group) about = {{"project_id", group->project.text}, {"user_id", group->user.text}};
    return caller.demand(std::move(group), std::move(about),
                         Error(Failure::NotFound, "Instance group ", id, " could not be found."));
}

}

std::string_view nameOf(GroupPolicy policy) {
    return std::find_if(policies.begin(), policies.end(), [&](const auto& each) { return each.first == policy; })
        ->second;
}

std::optional<GroupPolicy> groupPolicyOf(std::string_view name) {
    const auto found =
        std::find_if(policies.begin(), policies.end(), [&](const auto& each) { return each.second == name; });
    if (found == policies.end()) return std::nullopt;
    return found->first;
}

std::vector<ServerGroup> serverGroups(Core& core, const ServerGroupQuery& query) {
    return core.parts.store.read([&](store::Reader& db) { return server_group_table::list(db, query); });
}

ServerGroup serverGroup(Core& core, const identity::Caller& caller, const ServerGroupId& id) {
    return core.parts.store.read([&](store::Reader& db) { return demanded(db, caller, id); });
}

ServerGroup createServerGroup(Core& core, const identity::Caller& caller, ServerGroup group) {
    group.id.text = core.parts.ambient.uuid();
    group.project = caller.project;
    group.user = caller.user;
    group.created = core.now();
    core.parts.store.write([&](store::Transaction& tx) {
        const QuotaOwner owners[] = {{group.project}, {group.project, group.user}};
        for (const auto& owner : owners) {
            const auto most = core.quotas.limit(tx, owner, "server_groups");
            if (most >= 0 && core.quotas.used(tx, owner, "server_groups") >= most)
                throw Error(Failure::OverLimit, "Quota exceeded, too many server groups.");
        }
        server_group_table::insert(tx, group);
    });
    return group;
}

void removeServerGroup(Core& core, const identity::Caller& caller, const ServerGroupId& id) {
    core.parts.store.write([&](store::Transaction& tx) {
        const auto group = demanded(tx, caller, id);
        server_group_table::remove(tx, group.id);
    });
}

void joinGroup(Core& core, store::Transaction& tx, const identity::Caller& caller, const ServerId& server,
               const ServerGroupId& id) {
    const auto group = ownOf(tx, caller, id);
    if (!group) throw Error(Failure::Invalid, "Instance group ", id, " could not be found.");
    const auto most = core.quotas.limit(tx, group->project.text, "server_group_members");
    if (most >= 0 && server_group_table::membersOf(tx, id) >= most)
        throw Error(Failure::OverLimit, "Quota exceeded, too many servers in group");
    server_group_table::join(tx, server, id);
}

}
