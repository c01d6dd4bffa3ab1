#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "identity/caller.hpp"
#include "identity/core.hpp"
#include "identity/directory/user.hpp"
#include "resource/listing.hpp"

namespace stratolet::identity {

/// Users who are given roles together.
struct Group {
    static constexpr std::string_view noun = "group", path = "groups";
    GroupId id;
    std::string name;
    DomainId domain;
    std::string description;
    std::string extra = "{}"; ///< JSON object: attributes that are only kept
    Time created = {};        ///< of a new one only: it isn't read back
};

extern const resource::Table<Group> groupTable; ///< what is true of each attribute; its alias is g
void takeGroup(Group& group, const Json& body,
               resource::Use when); ///< what a body gives; Error(Invalid) naming the field
void writeGroup(JsonWriter& out, const http::Request& request, const Group& group); ///< as the API shows it

namespace group_table {
// SQL: the groups that a user is in, the members that a group has, by the store or for a while by the word of an
// identity provider. One may come twice. To be bound: the user or the group twice, and the time.
inline constexpr std::string_view groupsOfUser =
    "SELECT group_id FROM group_members WHERE user_id = ? UNION ALL SELECT group_id FROM "
    "federated_members WHERE user_id = ? AND expires > ?";
inline constexpr std::string_view membersOfGroup =
    "SELECT user_id FROM group_members WHERE group_id = ? UNION ALL SELECT user_id FROM "
    "federated_members WHERE group_id = ? AND expires > ?";

/// Restricts a list of users to the members of a group, one of groups to those that a user is in.
void onlyMembers(store::Conditions& conditions, const GroupId& group, Time now);
void onlyOfUser(store::Conditions& conditions, const UserId& user, Time now);

std::optional<Group> findByName(store::Reader& db, const DomainId& domain, const std::string& name);

bool hasMember(store::Reader& db, const GroupId& group, const UserId& user);
void addMember(store::Transaction& tx, const GroupId& group, const UserId& user); ///< twice is once
bool removeMember(store::Transaction& tx, const GroupId& group, const UserId& user);
std::vector<UserId> members(store::Reader& db, const GroupId& group);

/// With those who are in it for a while.
std::vector<UserId> membersAt(store::Reader& db, const GroupId& group, Time now);
std::vector<GroupId> federatedOf(store::Reader& db, const UserId& user, const std::string& provider, Time now);
std::optional<Time> nextToLeave(store::Reader& db, const UserId& user,
                                Time now); ///< when the user leaves the first of them
}

/// Groups: who may, and what must hold.
class Groups {
public:
    explicit Groups(Core& core) : core_(core) {}

    Group create(const Caller& caller, Group wanted);
    Group show(const Caller& caller, const GroupId& id);
    std::vector<Group> list(const Caller& caller, const resource::Listing& listing);

    /// `change` gets the present group to alter.
    Group update(const Caller& caller, const GroupId& id, const std::function<void(Group&)>& change);
    void remove(const Caller& caller, const GroupId& id);

    void addMember(const Caller& caller, const GroupId& group, const UserId& user);
    void removeMember(const Caller& caller, const GroupId& group, const UserId& user);
    void checkMember(const Caller& caller, const GroupId& group,
                     const UserId& user); ///< Error(NotFound) where the user is not in it

private:
    struct Member {
        Group group;
        User user;
    };
    Group demand(const Caller& caller, const GroupId& id, Absence told);
    Member demand(const Caller& caller, const GroupId& group, const UserId& user);
    Core& core_;
};

Target targetOf(const std::optional<Group>& group);
void addGroupRoutes(http::Routes& routes, Groups& groups, Core& core);

}
