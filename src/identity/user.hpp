#pragma once

#include <optional>
#include <string>
#include <vector>

#include "identity/caller.hpp"
#include "identity/core.hpp"
#include "identity/project.hpp"

namespace stratolet::identity {

struct User {
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
};

namespace user_table {
std::optional<User> find(store::Reader& db, const UserId& id);
std::optional<User> findByName(store::Reader& db, const DomainId& domain, const std::string& name);
std::vector<User> list(store::Reader& db, const store::Conditions& conditions, const std::string& order = " ORDER BY created, id");
void insert(store::Transaction& tx, const User& user, Time now);
void update(store::Transaction& tx, const User& user);
void remove(store::Transaction& tx, const UserId& id); ///< with its assignments
}

class Users {
public:
    Users(Core& core, int passwordRounds) : core_(core), rounds_(passwordRounds) {}

    User create(const Caller& caller, User wanted, const std::optional<std::string>& password);
    User show(const Caller& caller, const UserId& id);
    std::vector<User> list(const Caller& caller, const store::Conditions& conditions, const std::string& order);
    User update(const Caller& caller, const UserId& id, const std::function<void(User&)>& change,
                const std::optional<std::string>& password);
    void remove(const Caller& caller, const UserId& id);

    /// The user's own doing: Error(Unauthenticated) where `original` is wrong. Revokes all tokens of the user.
    void changePassword(const UserId& id, const std::string& original, const std::string& password);

    /// Projects the user has a role on.
    std::vector<Project> projectsOf(const Caller& caller, const UserId& id);

    int rounds() const { return rounds_; }

private:
    Core& core_;
    int rounds_;
};

Target targetOf(const std::optional<User>& user);
void writeUser(JsonWriter& out, const http::Request& request, const User& user); ///< as the API shows it
void addUserRoutes(http::Routes& routes, Users& users, Core& core);

}
