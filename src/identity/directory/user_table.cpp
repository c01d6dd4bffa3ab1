#include <stratolet/error.hpp>

#include "identity/directory/user.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity::user_table {
namespace {

constexpr std::string_view select =
    "SELECT id, name, domain_id, enabled, default_project_id, password, password_expires, tokens_valid_after, options, extra, "
    "(SELECT group_concat(provider_id || char(31) || protocol_id || char(31) || unique_id, char(30)) FROM "
    "(SELECT * FROM federated_users WHERE user_id = users.id ORDER BY provider_id, protocol_id, unique_id)) FROM users";

/// Separated by what none of them has in it: the separators of ASCII for records and for units.
std::vector<FederatedIdentity> identitiesIn(const std::optional<std::string>& joined) {
    std::vector<FederatedIdentity> identities;
    if (!joined) return identities;
    for (const auto record : split(*joined, '\x1e')) {
        const auto units = split(record, '\x1f');
        identities.push_back({std::string(units.at(0)), std::string(units.at(1)), std::string(units.at(2))});
    }
    return identities;
}

User fromRow(const store::Row& row) {
    return {row.id<UserId>(0), row.text(1), row.id<DomainId>(2), row.boolean(3), row.id<ProjectId>(4),           row.text(5),
            row.maybeTime(6),  row.time(7), row.text(8),         row.text(9),    identitiesIn(row.maybeText(10))};
}

std::optional<std::string> maybe(const ProjectId& id) { return id.empty() ? std::nullopt : std::optional(id.text); }

}

std::optional<User> find(store::Reader& db, const UserId& id) {
    static const std::string sql = std::string(select) + " WHERE id = ?";
    return db.query(sql, id).maybe<User>(fromRow);
}

std::optional<User> findByName(store::Reader& db, const DomainId& domain, const std::string& name) {
    static const std::string sql = std::string(select) + " WHERE domain_id = ? AND name_key = ? ORDER BY name = ? DESC, id LIMIT 1";
    return db.query(sql, domain, foldedName(name), name).maybe<User>(fromRow);
}

std::vector<User> list(store::Reader& db, const store::Conditions& conditions, const std::string& order) {
    return db.run(std::string(select) + conditions.where() + order, conditions.values()).all<User>(fromRow);
}

void insert(store::Transaction& tx, const User& user, Time now) {
    tx.execute("INSERT INTO users (id, name, domain_id, enabled, default_project_id, password, password_expires, tokens_valid_after, "
               "options, extra, created, name_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               user.id, user.name, user.domain, user.enabled, maybe(user.defaultProject), user.password, user.passwordExpires,
               user.tokensValidAfter, user.options, user.extra, now, foldedName(user.name));
}

void update(store::Transaction& tx, const User& user) {
    tx.execute("UPDATE users SET name = ?, name_key = ?, enabled = ?, default_project_id = ?, password = ?, password_expires = ?, "
               "tokens_valid_after = "
               "?, options = ?, extra = ? "
               "WHERE id = ?",
               user.name, foldedName(user.name), user.enabled, maybe(user.defaultProject), user.password, user.passwordExpires,
               user.tokensValidAfter, user.options, user.extra, user.id);
}

void setFederated(store::Transaction& tx, const User& user) {
    tx.execute("DELETE FROM federated_users WHERE user_id = ?", user.id);
    for (const auto& each : user.federated) {
        if (std::any_of(each.uniqueId.begin(), each.uniqueId.end(), [](unsigned char letter) { return letter < ' '; }))
            throw Error(Failure::Invalid, "Invalid input for field 'unique_id': it must not have control characters.");
        if (tx.execute("INSERT OR IGNORE INTO federated_users VALUES (?, ?, ?, ?)", each.provider, each.protocol, each.uniqueId, user.id) ==
            0)
            throw Error(Failure::Conflict, "Conflict occurred attempting to store user - ", each.provider,
                        " already knows another user as ", each.uniqueId, ".");
    }
}

void remove(store::Transaction& tx, const UserId& id) { tx.execute("DELETE FROM users WHERE id = ?", id); }

Login login(store::Reader& db, const UserId& id) {
    return db.query("SELECT failures, last_failure, last_active, password_changed FROM user_logins WHERE user_id = ?", id)
        .maybe<Login>([](const store::Row& row) {
            return Login{row.integer(0), row.maybeTime(1), row.maybeTime(2), row.maybeTime(3)};
        })
        .value_or(Login());
}

void setLogin(store::Transaction& tx, const UserId& id, const Login& login) {
    tx.execute("INSERT OR REPLACE INTO user_logins (user_id, failures, last_failure, last_active, password_changed) VALUES (?, ?, ?, ?, ?)",
               id, login.failures, login.lastFailure, login.lastActive, login.passwordChanged);
}

std::vector<std::string> formerPasswords(store::Reader& db, const UserId& id, std::int64_t most) {
    return db.query("SELECT password FROM password_history WHERE user_id = ? ORDER BY replaced DESC LIMIT ?", id, most).texts();
}

void keepFormerPassword(store::Transaction& tx, const UserId& id, const std::string& hash, Time now, std::int64_t most) {
    if (!hash.empty() && most > 0) tx.execute("INSERT OR REPLACE INTO password_history VALUES (?, ?, ?)", id, now, hash);
    tx.execute(
        "DELETE FROM password_history WHERE user_id = ? AND replaced NOT IN (SELECT replaced FROM password_history WHERE user_id = ? "
        "ORDER BY replaced DESC LIMIT ?)",
        id, id, most);
}

bool takeTotpStep(store::Transaction& tx, const UserId& id, std::int64_t step) {
    if (tx.query("SELECT 1 FROM totp_steps WHERE user_id = ? AND step >= ?", id, step).any()) return false;
    tx.execute("INSERT OR REPLACE INTO totp_steps VALUES (?, ?)", id, step);
    return true;
}

}
