#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "identity/caller.hpp"
#include "identity/core.hpp"
#include "identity/directory/user.hpp"

namespace stratolet::identity {

/// Users who are given roles together.
struct Group {
    GroupId id;
    std::string name;
    DomainId domain;
    std::string description;
    std::string extra = "{}"; ///< JSON object: attributes that are only kept
};

namespace group_table {
std::optional<Group> find(store::Reader& db, const GroupId& id);
std::optional<Group> findByName(store::Reader& db, const DomainId& domain, const std::string& name);
std::vector<Group> list(store::Reader& db, const store::Conditions& conditions, const std::string& order);
void insert(store::Transaction& tx, const Group& group, Time now);
void update(store::Transaction& tx, const Group& group);
void remove(store::Transaction& tx, const GroupId& id); ///< with its members' membership and its assignments

bool hasMember(store::Reader& db, const GroupId& group, const UserId& user);
void addMember(store::Transaction& tx, const GroupId& group, const UserId& user); ///< twice is once
bool removeMember(store::Transaction& tx, const GroupId& group, const UserId& user);
std::vector<UserId> members(store::Reader& db, const GroupId& group);

// Those who are in a group for a while, by the word of an identity provider.

/// Them, and those who are in it anyway.
std::vector<UserId> membersAt(store::Reader& db, const GroupId& group, Time now);
std::vector<GroupId> federatedOf(store::Reader& db, const UserId& user, const std::string& provider, Time now);
std::optional<Time> nextToLeave(store::Reader& db, const UserId& user, Time now); ///< when the user leaves the first of them
}

/// Groups: who may, and what must hold.
class Groups {
public:
    explicit Groups(Core& core) : core_(core) {}

    Group create(const Caller& caller, Group wanted);
    Group show(const Caller& caller, const GroupId& id);
    std::vector<Group> list(const Caller& caller, const store::Conditions& conditions, const std::string& order);

    /// `change` gets the present group to alter.
    Group update(const Caller& caller, const GroupId& id, const std::function<void(Group&)>& change);
    void remove(const Caller& caller, const GroupId& id);

    void addMember(const Caller& caller, const GroupId& group, const UserId& user);
    void removeMember(const Caller& caller, const GroupId& group, const UserId& user);
    void checkMember(const Caller& caller, const GroupId& group, const UserId& user); ///< Error(NotFound) where the user is not in it

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
void writeGroup(JsonWriter& out, const http::Request& request, const Group& group);
void addGroupRoutes(http::Routes& routes, Groups& groups, Core& core);

}
