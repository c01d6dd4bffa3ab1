#include "identity/identity.hpp"
#include "identity/password.hpp"
#include "identity/role.hpp"
#include "identity/user.hpp"
#include "platform/bus/bus.hpp"

namespace stratolet::identity {
namespace {

Error notFound(const UserId& id) { return Error(Failure::NotFound, "Could not find user: ", id, "."); }

void refuseDuplicate(store::Reader& db, const User& user) {
    const auto other = user_table::findByName(db, user.domain, user.name);
    if (other && other->id != user.id)
        throw Error(Failure::Conflict, "Conflict occurred attempting to store user - Duplicate entry found with name ", user.name,
                    " at domain ID ", user.domain, ".");
}

void refuseDefaultDomain(store::Reader& db, const User& user) {
    if (user.defaultProject.empty()) return;
    const auto project = project_table::find(db, user.defaultProject);
    if (project && project->isDomain)
        throw Error(Failure::Invalid, "User's default project ID cannot be a domain ID: ", user.defaultProject);
}

}

Target targetOf(const std::optional<User>& user) {
    if (!user) return {};
    return {{"target.user.id", user->id.text}, {"target.user.domain_id", user->domain.text}, {"user_id", user->id.text}};
}

User Users::create(const Caller& caller, User wanted, const std::optional<std::string>& password) {
    caller.enforce({{"target.user.domain_id", wanted.domain.text}});
    if (password) wanted.password = hashPassword(*password, rounds_, core_.parts.ambient); // slow by design, so not in the transaction
    wanted.id.text = core_.parts.ambient.hexId();
    wanted.tokensValidAfter = core_.parts.ambient.now();
    return core_.parts.store.write([&](store::Transaction& tx) {
        const auto domain = project_table::find(tx, {wanted.domain.text});
        if (!domain || !domain->isDomain) throw Error(Failure::NotFound, "Could not find domain: ", wanted.domain, ".");
        refuseDuplicate(tx, wanted);
        refuseDefaultDomain(tx, wanted);
        user_table::insert(tx, wanted, core_.parts.ambient.now());
        return wanted;
    });
}

User Users::show(const Caller& caller, const UserId& id) {
    auto user = user_table::find(core_.parts.store.reader(), id);
    caller.enforce(targetOf(user));
    if (!user) throw notFound(id);
    return *std::move(user);
}

std::vector<User> Users::list(const Caller& caller, const store::Conditions& conditions, const std::string& order) {
    caller.enforce({{"target.domain_id", caller.domain.text}});
    return user_table::list(core_.parts.store.reader(), conditions, order);
}

User Users::update(const Caller& caller, const UserId& id, const std::function<void(User&)>& change,
                   const std::optional<std::string>& password) {
    caller.enforce(targetOf(user_table::find(core_.parts.store.reader(), id)));
    std::string hash;
    if (password) hash = hashPassword(*password, rounds_, core_.parts.ambient);
    return core_.parts.store.write([&](store::Transaction& tx) {
        const auto before = user_table::find(tx, id);
        if (!before) throw notFound(id);
        User user = *before;
        change(user);
        refuseDuplicate(tx, user);
        refuseDefaultDomain(tx, user);
        if (password) user.password = hash;
        if (password || (before->enabled && !user.enabled)) user.tokensValidAfter = core_.parts.ambient.now();
        user_table::update(tx, user);
        core_.forgetValidated(tx);
        return user;
    });
}

void Users::remove(const Caller& caller, const UserId& id) {
    caller.enforce(targetOf(user_table::find(core_.parts.store.reader(), id)));
    core_.parts.store.write([&](store::Transaction& tx) {
        if (!user_table::find(tx, id)) throw notFound(id);
        user_table::remove(tx, id);
        core_.parts.bus.announce(tx, UserDeleted{id});
        core_.forgetValidated(tx);
    });
}

void Users::changePassword(const UserId& id, const std::string& original, const std::string& password) {
    const auto user = user_table::find(core_.parts.store.reader(), id);
    if (!passwordMatches(original, user && user->enabled ? user->password : std::string(), rounds_))
        throw Error(Failure::Unauthenticated, "The request you have made requires authentication.");
    const auto hash = hashPassword(password, rounds_, core_.parts.ambient);
    core_.parts.store.write([&](store::Transaction& tx) {
        auto present = user_table::find(tx, id);
        if (!present || present->password != user->password)
            throw Error(Failure::Unauthenticated, "The request you have made requires authentication.");
        present->password = hash;
        present->tokensValidAfter = core_.parts.ambient.now();
        user_table::update(tx, *present);
        core_.forgetValidated(tx);
    });
}

std::vector<Project> Users::projectsOf(const Caller& caller, const UserId& id) {
    auto& db = core_.parts.store.reader();
    const auto user = user_table::find(db, id);
    caller.enforce(targetOf(user));
    if (!user) throw notFound(id);
    store::Conditions assigned;
    role_table::onlyThoseWithRole(assigned, id, Assignment::Scope::Project);
    return project_table::list(db, assigned);
}

}
