#include <algorithm>

#include "identity/directory/user.hpp"
#include "identity/noun.hpp"

namespace stratolet::identity::user_table {

std::optional<User> findByName(store::Reader& db, const DomainId& domain, const std::string& name) {
    return findNamed(db, userTable, domain, name);
}

void setFederated(store::Transaction& tx, const User& user) {
    tx.execute("DELETE FROM federated_users WHERE user_id = ?", user.id);
    for (const auto& each : user.federated) {
        if (std::any_of(each.uniqueId.begin(), each.uniqueId.end(), [](unsigned char letter) { return letter < ' '; }))
            throw Error(Failure::Invalid, "Invalid input for field 'unique_id': it must not have control characters.");
        if (tx.execute("INSERT OR IGNORE INTO federated_users VALUES (?, ?, ?, ?)", each.provider, each.protocol,
                       each.uniqueId, user.id) == 0)
            throw Error(Failure::Conflict, "Conflict occurred attempting to store user - ", each.provider,
                        " already knows another user as ", each.uniqueId, ".");
    }
}

void addHaving(store::Conditions& conditions, const store::Conditions& identity) {
    conditions.append("id IN (SELECT user_id FROM federated_users f" + identity.where() + ")", identity.values());
}

Login login(store::Reader& db, const UserId& id) {
    return db
        .query("SELECT failures, last_failure, last_active, password_changed FROM user_logins WHERE user_id = ?", id)
        .maybe<Login>([](const store::Row& row) {
            return Login{row.integer(0), row.maybeTime(1), row.maybeTime(2), row.maybeTime(3)};
        })
        .value_or(Login());
}

void setLogin(store::Transaction& tx, const UserId& id, const Login& login) {
    tx.execute("INSERT OR REPLACE INTO user_logins (user_id, failures, last_failure, last_active, password_changed) "
               "VALUES (?, ?, ?, ?, ?)",
               id, login.failures, login.lastFailure, login.lastActive, login.passwordChanged);
}

std::vector<std::string> formerPasswords(store::Reader& db, const UserId& id, std::int64_t most) {
    return db.query("SELECT password FROM password_history WHERE user_id = ? ORDER BY replaced DESC LIMIT ?", id, most)
        .texts();
}

void keepFormerPassword(store::Transaction& tx, const UserId& id, const std::string& hash, Time now,
                        std::int64_t most) {
    if (!hash.empty() && most > 0)
        tx.execute("INSERT OR REPLACE INTO password_history VALUES (?, ?, ?)", id, now, hash);
    tx.execute("DELETE FROM password_history WHERE user_id = ? AND replaced NOT IN (SELECT replaced FROM "
               "password_history WHERE user_id = ? "
               "ORDER BY replaced DESC LIMIT ?)",
               id, id, most);
}

bool takeTotpStep(store::Transaction& tx, const UserId& id, std::int64_t step) {
    if (tx.query("SELECT 1 FROM totp_steps WHERE user_id = ? AND step >= ?", id, step).any()) return false;
    tx.execute("INSERT OR REPLACE INTO totp_steps VALUES (?, ?)", id, step);
    return true;
}

}
