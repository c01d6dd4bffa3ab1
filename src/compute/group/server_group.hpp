#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stratolet/ids.hpp>

#include "compute/core.hpp"
#include "identity/caller.hpp"
#include "platform/http/http.hpp"

namespace stratolet::compute {

/// Where the servers of a group are to be, of each other.
enum class GroupPolicy { Affinity, AntiAffinity, SoftAffinity, SoftAntiAffinity };
std::string_view nameOf(GroupPolicy policy); ///< "soft-anti-affinity"
std::optional<GroupPolicy> groupPolicyOf(std::string_view name);

using ServerGroupId = Id<struct ServerGroupTag>;

/// Servers that are to be together, or apart.
struct ServerGroup {
    ServerGroupId id = {};
    ProjectId project = {};
    UserId user = {};
    std::string name = {};
    GroupPolicy policy = GroupPolicy::Affinity;
    std::optional<std::int64_t> perHost = {}; ///< of anti-affinity: how many a host may have
    Time created = {};
    std::vector<std::string> members = {}; ///< servers
};

/// Which groups a list shows.
struct ServerGroupQuery {
    std::optional<ProjectId> project; ///< nothing: of all
    std::int64_t limit = 1000, offset = 0;
};

// The verbs: one transaction each. What isn't the caller's is Error(NotFound).
std::vector<ServerGroup> serverGroups(Core& core, const ServerGroupQuery& query);
ServerGroup serverGroup(Core& core, const identity::Caller& caller, const ServerGroupId& id);
ServerGroup createServerGroup(Core& core, const identity::Caller& caller, ServerGroup group); ///< Error(OverLimit)
void removeServerGroup(Core& core, const identity::Caller& caller, const ServerGroupId& id);

/// The server is one of the group's from now on. Error(Invalid) for a group that isn't the caller's, Error(OverLimit).
void joinGroup(Core& core, store::Transaction& tx, const identity::Caller& caller, const ServerId& server,
               const ServerGroupId& group);

void addServerGroupRoutes(http::Routes& routes, Core& core);

}
