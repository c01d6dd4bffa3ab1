#include "identity/directory/group.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity::group_table {
namespace {

constexpr std::string_view select = "SELECT id, name, domain_id, description, extra FROM groups";

Group fromRow(const store::Row& row) { return {row.id<GroupId>(0), row.text(1), row.id<DomainId>(2), row.text(3), row.text(4)}; }

}

std::optional<Group> find(store::Reader& db, const GroupId& id) {
    static const std::string sql = std::string(select) + " WHERE id = ?";
    return db.query(sql, id).maybe<Group>(fromRow);
}

std::optional<Group> findByName(store::Reader& db, const DomainId& domain, const std::string& name) {
    static const std::string sql = std::string(select) + " WHERE domain_id = ? AND name_key = ? ORDER BY name = ? DESC, id LIMIT 1";
    return db.query(sql, domain, foldedName(name), name).maybe<Group>(fromRow);
}

std::vector<Group> list(store::Reader& db, const store::Conditions& conditions, const std::string& order) {
    return db.run(std::string(select) + conditions.where() + order, conditions.values()).all<Group>(fromRow);
}

void insert(store::Transaction& tx, const Group& group, Time now) {
    tx.execute("INSERT INTO groups (id, name, domain_id, description, extra, created, name_key) VALUES (?, ?, ?, ?, ?, ?, ?)", group.id,
               group.name, group.domain, group.description, group.extra, now, foldedName(group.name));
}

void update(store::Transaction& tx, const Group& group) {
    tx.execute("UPDATE groups SET name = ?, name_key = ?, description = ?, extra = ? WHERE id = ?", group.name, foldedName(group.name),
               group.description, group.extra, group.id);
}

void remove(store::Transaction& tx, const GroupId& id) { tx.execute("DELETE FROM groups WHERE id = ?", id); }

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
    return db.query("SELECT user_id FROM group_members WHERE group_id = ? ORDER BY user_id", group).all<UserId>([](const store::Row& row) {
        return row.id<UserId>(0);
    });
}

std::vector<UserId> membersAt(store::Reader& db, const GroupId& group, Time now) {
    return db
        .query("SELECT user_id FROM group_members WHERE group_id = ? UNION SELECT user_id FROM federated_members WHERE group_id = ? AND "
               "expires > ? ORDER BY user_id",
               group, group, now)
        .all<UserId>([](const store::Row& row) { return row.id<UserId>(0); });
}

std::vector<GroupId> federatedOf(store::Reader& db, const UserId& user, const std::string& provider, Time now) {
    return db
        .query("SELECT group_id FROM federated_members WHERE user_id = ? AND provider_id = ? AND expires > ? ORDER BY group_id", user,
               provider, now)
        .all<GroupId>([](const store::Row& row) { return row.id<GroupId>(0); });
}

std::optional<Time> nextToLeave(store::Reader& db, const UserId& user, Time now) {
    auto found = db.query("SELECT min(expires) FROM federated_members WHERE user_id = ? AND expires > ?", user, now);
    return found.next() ? found.row().maybeTime(0) : std::nullopt;
}

}
