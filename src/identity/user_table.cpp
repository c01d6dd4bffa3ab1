#include "identity/user.hpp"

namespace stratolet::identity::user_table {
namespace {

constexpr std::string_view select =
    "SELECT id, name, domain_id, enabled, default_project_id, password, password_expires, tokens_valid_after, options, extra FROM users";

User fromRow(const store::Row& row) {
    return {row.id<UserId>(0), row.text(1),      row.id<DomainId>(2), row.boolean(3), row.id<ProjectId>(4),
            row.text(5),       row.maybeTime(6), row.time(7),         row.text(8),    row.text(9)};
}

std::optional<std::string> maybe(const ProjectId& id) { return id.empty() ? std::nullopt : std::optional(id.text); }

}

std::optional<User> find(store::Reader& db, const UserId& id) {
    static const std::string sql = std::string(select) + " WHERE id = ?";
    return db.query(sql, id).maybe<User>(fromRow);
}

std::optional<User> findByName(store::Reader& db, const DomainId& domain, const std::string& name) {
    static const std::string sql = std::string(select) + " WHERE domain_id = ? AND name = ?";
    return db.query(sql, domain, name).maybe<User>(fromRow);
}

std::vector<User> list(store::Reader& db, const store::Conditions& conditions, const std::string& order) {
    return db.run(std::string(select) + conditions.where() + order, conditions.values()).all<User>(fromRow);
}

void insert(store::Transaction& tx, const User& user, Time now) {
    tx.execute("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", user.id, user.name, user.domain, user.enabled,
               maybe(user.defaultProject), user.password, user.passwordExpires, user.tokensValidAfter, user.options, user.extra, now);
}

void update(store::Transaction& tx, const User& user) {
    tx.execute("UPDATE users SET name = ?, enabled = ?, default_project_id = ?, password = ?, password_expires = ?, tokens_valid_after = "
               "?, options = ?, extra = ? "
               "WHERE id = ?",
               user.name, user.enabled, maybe(user.defaultProject), user.password, user.passwordExpires, user.tokensValidAfter,
               user.options, user.extra, user.id);
}

void remove(store::Transaction& tx, const UserId& id) { tx.execute("DELETE FROM users WHERE id = ?", id); }

}
