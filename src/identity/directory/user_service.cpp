#include "identity/dialect.hpp"
#include "identity/directory/directory.hpp"
#include "identity/directory/user.hpp"
#include "identity/identity.hpp"
#include "identity/login/password.hpp"
#include "identity/organisation/role.hpp"
#include "identity/token/revocation.hpp"
#include "identity/wire.hpp"
#include "platform/bus/bus.hpp"

namespace stratolet::identity {
namespace {

Error notFound(const UserId& id) { return Error(Failure::NotFound, "Could not find user: ", id, "."); }

void refuseDuplicate(store::Reader& db, const User& user) {
    const auto other = user_table::findByName(db, user.domain, user.name);
    if (other && other->id != user.id)
        throw Error(Failure::Conflict, "Conflict occurred attempting to store user - Duplicate entry found with name ",
                    user.name, " at domain ID ", user.domain, ".");
}

/// Error(Invalid) where there is no such provider or protocol.
void keepFederated(store::Transaction& tx, const User& user) {
    for (const auto& each : user.federated)
        if (!tx.query("SELECT 1 FROM federation_protocols WHERE provider_id = ? AND id = ?", each.provider,
                      each.protocol)
                 .any())
            throw Error(Failure::Invalid, "Invalid input for field 'federated': Could not find protocol ",
                        each.protocol, " of Identity Provider ", each.provider, ".");
    user_table::setFederated(tx, user);
}

void refuseDefaultDomain(store::Reader& db, const User& user) {
    if (user.defaultProject.empty()) return;
    const auto project = projectTable.find(db, user.defaultProject);
    if (project && project->isDomain)
        throw Error(Failure::Invalid, "User's default project ID cannot be a domain ID: ", user.defaultProject);
}

}

bool hasOption(const User& user, std::string_view name) {
    if (user.options == "{}") return false;
    const auto found = Json::parse(user.options).find(name);
    return found && found->isBoolean() && found->boolean();
}

Target targetOf(const UserId& id, const std::optional<User>& user) {
    if (!user) return {{"user_id", id.text}};
    return {
        {"target.user.id", user->id.text}, {"target.user.domain_id", user->domain.text}, {"user_id", user->id.text}};
}

User Users::create(const Caller& caller, User wanted, const std::optional<std::string>& password) {
    caller.enforce({{"target.user.domain_id", wanted.domain.text}});
    std::string hash;
    if (password) {
        rules_.check(*password);
        hash = hashPassword(*password, rules_.rounds, core_.parts.ambient); // slow by design, so not in the transaction
    }
    wanted.id.text = core_.parts.ambient.hexId();
    wanted.tokensValidAfter = core_.parts.ambient.now();
    return core_.parts.store.write([&](store::Transaction& tx) {
        demandDomain(tx, wanted.domain);
        refuseInDirectory(tx, wanted.domain);
        refuseDuplicate(tx, wanted);
        refuseDefaultDomain(tx, wanted);
        wanted.created = core_.parts.ambient.now();
        userTable.insert(tx, wanted);
        keepFederated(tx, wanted);
        Login login;
        login.lastActive = core_.parts.ambient.now();
        user_table::setLogin(tx, wanted.id, login);
        if (password) setPassword(tx, wanted, hash, false);
        return wanted;
    });
}

User Users::demand(const Caller& caller, store::Reader& db, const UserId& id) const {
    auto user = userTable.find(db, id);
    auto about = targetOf(id, user);
    return caller.demand(std::move(user), std::move(about), notFound(id));
}

User Users::show(const Caller& caller, const UserId& id) {
    auto& db = core_.parts.store.reader();
    return shown(db, demand(caller, db, id));
}

User Users::shown(store::Reader& db, User user) const {
    if (rules_.inactive.count() > 0) user.enabled = isActive(user, user_table::login(db, user.id));
    return user;
}

std::vector<User> Users::list(const Caller& caller, const resource::Listing& listing) {
    caller.enforce({{"target.domain_id", caller.domain.text}});
    auto& db = core_.parts.store.reader();
    auto users = rowsOf(db, userTable, listing);
    for (auto& each : users) each = shown(db, std::move(each));
    return users;
}

User Users::update(const Caller& caller, const UserId& id, const std::function<void(User&)>& change,
                   const std::optional<std::string>& password, bool enables) {
    demand(caller, core_.parts.store.reader(), id);
    std::string hash;
    if (password) {
        rules_.check(*password);
        hash = hashPassword(*password, rules_.rounds, core_.parts.ambient);
    }
    return core_.parts.store.write([&](store::Transaction& tx) {
        const auto before = userTable.find(tx, id);
        if (!before) throw notFound(id);
        refuseInDirectory(tx, before->domain);
        User user = *before;
        change(user);
        refuseDuplicate(tx, user);
        refuseDefaultDomain(tx, user);
        const auto now = core_.parts.ambient.now();
        if (user.federated != before->federated) keepFederated(tx, user);
        if (before->enabled && !user.enabled) {
            user.tokensValidAfter = now;
            revocation_table::record(tx, {.user = id.text}, now);
        }
        if (enables) { // a fresh start
            auto login = user_table::login(tx, id);
            if (!before->enabled) login.failures = 0;
            login.lastActive = now;
            user_table::setLogin(tx, id, login);
        }
        if (password)
            setPassword(tx, user, hash, false);
        else
            userTable.update(tx, user);
        core_.forgetValidated(tx);
        return shown(tx, user);
    });
}

void Users::remove(const Caller& caller, const UserId& id) {
    demand(caller, core_.parts.store.reader(), id);
    core_.parts.store.write([&](store::Transaction& tx) {
        const auto user = userTable.find(tx, id);
        if (!user) throw notFound(id);
        refuseInDirectory(tx, user->domain);
        removeUser(tx, core_, id);
    });
}

void removeUser(store::Transaction& tx, Core& core, const UserId& id) {
    userTable.remove(tx, id);
    revocation_table::record(tx, {.user = id.text}, core.parts.ambient.now());
    core.parts.bus.announce(tx, UserDeleted{id});
    core.forgetValidated(tx);
}

/// Puts a new password on the user, and what goes with it. All tokens of the user are void.
void Users::setPassword(store::Transaction& tx, User& user, const std::string& hash, bool bySelf) {
    const auto now = core_.parts.ambient.now();
    if (!user.password.empty()) revocation_table::record(tx, {.user = user.id.text}, now);
    user_table::keepFormerPassword(tx, user.id, user.password, now, rules_.uniqueLast);
    user.password = hash;
    user.tokensValidAfter = now;
    user.passwordExpires = hasOption(user, "ignore_password_expiry") ? std::nullopt : rules_.endOf(now);
    if (!bySelf && rules_.changeUponFirstUse && !hasOption(user, "ignore_change_password_upon_first_use"))
        user.passwordExpires = now;
    userTable.update(tx, user);
    auto login = user_table::login(tx, user.id);
    login.failures = 0;
    login.passwordChanged = now;
    user_table::setLogin(tx, user.id, login);
}

bool Users::isLocked(const std::optional<User>& user, const Login& login) const {
    if (rules_.lockoutFailures == 0 || login.failures < rules_.lockoutFailures || !login.lastFailure) return false;
    return !(user && hasOption(*user, "ignore_lockout_failure_attempts")) &&
           core_.parts.ambient.now() < *login.lastFailure + rules_.lockoutDuration;
}

bool Users::isActive(const User& user, const Login& login) const {
    if (!user.enabled) return false;
    const bool sleeping = rules_.inactive.count() > 0 && login.lastActive &&
                          *login.lastActive + rules_.inactive < core_.parts.ambient.now();
    return !sleeping || hasOption(user, "ignore_user_inactivity");
}

std::string Users::activeSql() const {
    if (rules_.inactive.count() == 0) return "$.enabled";
    return "($.enabled AND (coalesce($.options ->> 'ignore_user_inactivity', 0) OR NOT EXISTS (SELECT 1 FROM "
           "user_logins WHERE "
           "user_id = $.id AND last_active < " +
           std::to_string(toMicros(core_.parts.ambient.now() - rules_.inactive)) + ")))";
}

bool Users::mayLogIn(const User& user) {
    const auto login = user_table::login(core_.parts.store.reader(), user.id);
    return isActive(user, login) && !isLocked(user, login);
}

void Users::countFailure(const std::optional<User>& user) {
    if (rules_.lockoutFailures == 0) return;
    const UserId counted =
        user ? user->id : UserId(); // those that there are not share one count: an attempt costs the same
    core_.parts.store.write([&](store::Transaction& tx) {
        auto login = user_table::login(tx, counted);
        if (!isLocked(user, login)) { // trying on while it is locked prolongs nothing
            if (login.failures >= rules_.lockoutFailures) login.failures = 0; // that lock is past
            ++login.failures;
            login.lastFailure = core_.parts.ambient.now();
        }
        user_table::setLogin(tx, counted, login);
    });
}

void Users::prove(const std::optional<User>& user, const std::string& password) {
    admit(user, passwordMatches(password, user ? user->password : std::string(), rules_.rounds));
}

void Users::admit(const std::optional<User>& user, bool right) {
    const auto login = user_table::login(core_.parts.store.reader(), user ? user->id : UserId());
    if (!right || isLocked(user, login) || !isActive(*user, login)) {
        countFailure(user);
        throw refused();
    }
    noteLogin(*user, login);
}

void Users::welcome(const User& user) {
    const auto login = user_table::login(core_.parts.store.reader(), user.id);
    if (!isActive(user, login)) throw refused();
    noteLogin(user, login);
}

void Users::noteLogin(const User& user, const Login& login) {
    const auto now = core_.parts.ambient.now();
    const bool newDay =
        rules_.inactive.count() > 0 && (!login.lastActive || std::chrono::floor<std::chrono::days>(*login.lastActive) <
                                                                 std::chrono::floor<std::chrono::days>(now));
    if (login.failures == 0 && !newDay) return;
    core_.parts.store.write([&](store::Transaction& tx) {
        auto present = user_table::login(tx, user.id);
        present.failures = 0;
        present.lastActive = now;
        user_table::setLogin(tx, user.id, present);
    });
}

void Users::authenticate(const std::optional<User>& user, const std::string& password) {
    prove(user, password);
    if (user->passwordExpires && *user->passwordExpires <= core_.parts.ambient.now() &&
        !hasOption(*user, "ignore_password_expiry"))
        throw Error(Failure::Unauthenticated, "The password is expired and needs to be changed for user: ", user->id,
                    ".");
}

void Users::changePassword(const UserId& id, const std::string& original, const std::string& password) {
    checkPasswordLength(original);
    checkPasswordLength(password);
    auto& db = core_.parts.store.reader();
    const auto user = userTable.find(db, id);
    if (user) refuseInDirectory(db, user->domain);
    prove(user, original);
    if (hasOption(*user, "lock_password"))
        throw Error(Failure::Invalid, "You cannot change your password at this time due to password policy");
    const auto now = core_.parts.ambient.now();
    const auto changed = user_table::login(db, id).passwordChanged;
    // A password that has to be changed is never too young for it.
    const bool mustChange = user->passwordExpires && *user->passwordExpires <= now;
    if (changed && !mustChange && *changed + rules_.minimumAge > now)
        throw Error(Failure::Invalid, "Cannot change password before minimum age ", rules_.minimumAge.count(),
                    " days is met. Please contact your administrator to reset your password.");
    rules_.check(password);
    if (rules_.uniqueLast > 0) {
        auto last = user_table::formerPasswords(db, id, rules_.uniqueLast - 1);
        last.push_back(user->password);
        for (const auto& each : last)
            if (passwordMatches(password, each, rules_.rounds))
                throw Error(
                    Failure::Invalid,
                    "Invalid input for field 'password': The new password cannot be identical to a previous password. "
                    "The number of passwords that must differ, the new one included, is ",
                    rules_.uniqueLast, ".");
    }
    const auto hash = hashPassword(password, rules_.rounds, core_.parts.ambient);
    core_.parts.store.write([&](store::Transaction& tx) {
        auto present = userTable.find(tx, id);
        if (!present || present->password != user->password) throw refused();
        setPassword(tx, *present, hash, true);
        core_.forgetValidated(tx);
    });
}

std::vector<Project> Users::projectsOf(const Caller& caller, const UserId& id) {
    auto& db = core_.parts.store.reader();
    demand(caller, db, id);
    store::Conditions assigned;
    onlyOfScope(assigned, caller);
    role_table::onlyThoseWithRole(assigned, id, Assignment::Scope::Project, core_.parts.ambient.now());
    return project_table::list(db, assigned);
}

}
