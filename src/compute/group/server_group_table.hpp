#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compute/group/server_group.hpp"
#include "platform/store/store.hpp"

// SQL of server groups, and nothing else.

namespace stratolet::compute::server_group_table {

std::optional<ServerGroup> find(store::Reader& db, const ServerGroupId& id);
std::vector<ServerGroup> list(store::Reader& db, const ServerGroupQuery& query); ///< oldest first
/// That the project has; only those that one user has made, where it is said which.
std::int64_t count(store::Reader& db, const ProjectId& project, const std::optional<UserId>& user);
std::int64_t membersOf(store::Reader& db, const ServerGroupId& id);
void insert(store::Transaction& tx, const ServerGroup& group);
void remove(store::Transaction& tx, const ServerGroupId& id);
void join(store::Transaction& tx, const ServerId& server, const ServerGroupId& group);

/// The group that a server is in.
std::optional<ServerGroupId> groupOf(store::Reader& db, const ServerId& server);

/// How many of a group's servers each host has, without that one.
std::map<std::string, std::int64_t> hostsOf(store::Reader& db, const ServerGroupId& id, const ServerId& without);

}
