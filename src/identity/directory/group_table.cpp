#include "identity/directory/group.hpp"
#include "identity/noun.hpp"

namespace stratolet::identity::group_table {

std::optional<Group> findByName(store::Reader& db, const DomainId& domain, const std::string& name) {
    return findNamed(db, groupTable, domain, name);
}

void onlyMembers(store::Conditions& conditions, const GroupId& group, Time now) {
    conditions.add("id IN (" + std::string(membersOfGroup) + ")", group, group, now);
}

void onlyOfUser(store::Conditions& conditions, const UserId& user, Time now) {
    conditions.add("id IN (" + std::string(groupsOfUser) + ")", user, user, now);
}

bool hasMember(store::Reader& db, const GroupId& group, const UserId& user) {
    return db.query("SELECT 1 FROM group_members WHERE user_id = ? AND group_id = ?", user, group).any();
}

void addMember(store::Transaction& tx, const GroupId& group, const UserId& user) {
    tx.execute("INSERT OR IGNORE INTO group_members VALUES (?, ?)", user, group);
}

bool removeMember(store::Transaction& tx, const GroupId& group, const UserId& user) {
    return tx.execute("DELETE FROM group_members WHERE user_id = ? AND group_id = ?", user, group) == 1;
}

std::vector<UserId> members(store::Reader& db, const GroupId& group) {
    return db.query("SELECT user_id FROM group_members WHERE group_id = ? ORDER BY user_id", group)
        .all<UserId>([](const store::Row& row) { return row.id<UserId>(0); });
}

std::vector<UserId> membersAt(store::Reader& db, const GroupId& group, Time now) {
    return db
        .query("SELECT DISTINCT user_id FROM (" + std::string(membersOfGroup) + ") ORDER BY user_id", group, group, now)
        .all<UserId>([](const store::Row& row) { return row.id<UserId>(0); });
}

std::vector<GroupId> federatedOf(store::Reader& db, const UserId& user, const std::string& provider, Time now) {
    return db
        .query("SELECT group_id FROM federated_members WHERE user_id = ? AND provider_id = ? AND expires > ? ORDER BY "
               "group_id",
               user, provider, now)
        .all<GroupId>([](const store::Row& row) { return row.id<GroupId>(0); });
}

std::optional<Time> nextToLeave(store::Reader& db, const UserId& user, Time now) {
    auto found = db.query("SELECT min(expires) FROM federated_members WHERE user_id = ? AND expires > ?", user, now);
    return found.next() ? found.row().maybeTime(0) : std::nullopt;
}

}
