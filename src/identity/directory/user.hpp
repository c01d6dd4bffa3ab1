#pragma once

#include <optional>
#include <string>
#include <vector>

#include "identity/caller.hpp"
#include "identity/core.hpp"
#include "identity/login/password_rules.hpp"
#include "identity/organisation/project.hpp"
#include "resource/listing.hpp"

namespace stratolet::identity {

/// What an identity provider calls a user, in the realm of one of its protocols.
struct FederatedIdentity {
    std::string provider, protocol, uniqueId;
    friend bool operator==(const FederatedIdentity&, const FederatedIdentity&) = default;
};

/// A user as it is kept.
struct User {
    static constexpr std::string_view noun = "user", path = "users";
    UserId id;
    std::string name;
    DomainId domain;
    bool enabled = true;
    ProjectId defaultProject;
    std::string password; ///< bcrypt; empty where the user has none
    std::optional<Time> passwordExpires;
    Time tokensValidAfter; ///< a token issued before is revoked
    std::string options = "{}";
    std::string extra = "{}";
    std::vector<FederatedIdentity> federated = {}; ///< by provider and protocol
    Time created = {};                             ///< of a new one only: it isn't read back
};

extern const resource::Table<User> userTable;                    ///< what is true of each attribute; its alias is u
void takeUser(User& user, const Json& body, resource::Use when); ///< what a body gives; Error(Invalid) naming the field
void writeUser(JsonWriter& out, const http::Request& request, const User& user); ///< as the API shows it

namespace user_table {
std::optional<User> findByName(store::Reader& db, const DomainId& domain, const std::string& name);

/// Error(Conflict) where one of them is another user's, Error(Invalid) where one has control characters.
void setFederated(store::Transaction& tx, const User& user);

/// Adds to conditions over users: there is one identity (its alias is f) of theirs that has all of `identity`. Reads
/// nothing itself.
void addHaving(store::Conditions& conditions, const store::Conditions& identity);

Login login(store::Reader& db, const UserId& id);
void setLogin(store::Transaction& tx, const UserId& id, const Login& login);
std::vector<std::string> formerPasswords(store::Reader& db, const UserId& id,
                                         std::int64_t most); ///< hashes, the newest first
void keepFormerPassword(store::Transaction& tx, const UserId& id, const std::string& hash, Time now, std::int64_t most);

/// False where a passcode of this step or a later one has been shown before.
bool takeTotpStep(store::Transaction& tx, const UserId& id, std::int64_t step);
}

/// With all that must follow: the tokens are void, and the other services learn of it.
void removeUser(store::Transaction& tx, Core& core, const UserId& id);

/// Of the user's options; false where it isn't set.
bool hasOption(const User& user, std::string_view name);

/// The rules of users and their passwords. Owned by the module.
class Users {
public:
    Users(Core& core, PasswordRules rules) : core_(core), rules_(std::move(rules)) {}

    User create(const Caller& caller, User wanted, const std::optional<std::string>& password);
    User show(const Caller& caller, const UserId& id);
    std::vector<User> list(const Caller& caller, const resource::Listing& listing);

    /// `enables`: the account is in use from now on, however long it was asleep.
    User update(const Caller& caller, const UserId& id, const std::function<void(User&)>& change,
                const std::optional<std::string>& password, bool enables);
    void remove(const Caller& caller, const UserId& id);

    /// Error(Unauthenticated) unless this is the password of `user`, who may log in now; the same after the same time
    /// whatever is wrong. Counts failures. An expired password is told, as only somebody who has it learns that.
    void authenticate(const std::optional<User>& user, const std::string& password);

    /// The same, though the password may have expired.
    void prove(const std::optional<User>& user, const std::string& password);

    /// The same where somebody else has found out whether the password is right.
    void admit(const std::optional<User>& user, bool right);

    /// The same for somebody whom others have proven: no failed password locks them out. Error(Unauthenticated) unless
    /// the account is in use.
    void welcome(const User& user);

    /// Counts a proof that was wrong, of another kind than the password; `user` may be nobody.
    void countFailure(const std::optional<User>& user);

    /// Neither disabled, nor locked, nor asleep for too long.
    bool mayLogIn(const User& user);

    /// SQL over users ("$" is their alias): those that are enabled, and not asleep for too long.
    std::string activeSql() const;

    /// The user's own doing: Error(Unauthenticated) where `original` is wrong, Error(Forbidden) where a directory has
    /// the password. Revokes all tokens of the user.
    void changePassword(const UserId& id, const std::string& original, const std::string& password);

    /// Projects the user has a role on.
    std::vector<Project> projectsOf(const Caller& caller, const UserId& id);

    const PasswordRules& rules() const { return rules_; }

private:
    User demand(const Caller& caller, store::Reader& db, const UserId& id) const;
    void setPassword(store::Transaction& tx, User& user, const std::string& hash, bool bySelf);
    bool isActive(const User& user, const Login& login) const;
    User shown(store::Reader& db, User user) const; ///< who is asleep counts as disabled
    bool isLocked(const std::optional<User>& user, const Login& login) const;
    void noteLogin(const User& user, const Login& login); ///< one that went well
    Core& core_;
    PasswordRules rules_;
};

/// What rules know of the user whom a path names by this id, whether or not there is one.
Target targetOf(const UserId& id, const std::optional<User>& user);
void addUserRoutes(http::Routes& routes, Users& users);

}
