#pragma once

#include <optional>
#include <string>
#include <vector>

#include "identity/caller.hpp"
#include "identity/core.hpp"
#include "identity/credential/application_credential.hpp"
#include "identity/token/fernet.hpp"
#include "platform/http/http.hpp"
#include "platform/store/store.hpp"

namespace stratolet::identity {

class Tokens;
using CredentialId = Id<struct CredentialTag>;

/// Something that a user keeps here: an access key of EC2 and S3 (type "ec2"), a seed of passcodes ("totp"), or
/// anything else.
struct Credential {
    CredentialId id;
    UserId user;
    ProjectId project;
    std::string type;
    std::string blob; ///< as the user gave it; sealed in the store
    ApplicationCredentialId
        applicationCredential; ///< whose token made it: it can do no more than that, and goes with it
};

/// What the blob of type "ec2" has in it.
struct AccessKey {
    std::string access, secret;
};
std::optional<AccessKey> accessKeyIn(const Credential& credential);

namespace credential_table {
std::optional<Credential> find(store::Reader& db, const Fernet& keys, const CredentialId& id);
std::optional<Credential> findByAccess(store::Reader& db, const Fernet& keys, const std::string& access);
std::vector<Credential> list(store::Reader& db, const Fernet& keys, const store::Conditions& conditions);
void insert(store::Transaction& tx, const Fernet& keys, const Credential& credential, Time now);
void update(store::Transaction& tx, const Fernet& keys, const Credential& credential);
void remove(store::Transaction& tx, const CredentialId& id);

/// Seals with the primary key what another one has sealed; the number of them.
int reseal(store::Transaction& tx, const Fernet& keys);
}

/// What of a credential is to be changed; what is absent stays.
struct CredentialChange {
    std::optional<std::string> type, blob;
    std::optional<UserId> user;
    std::optional<ProjectId> project;
};

/// The rules of credentials, whose secrets the store has sealed. Owned by the module.
class StoredCredentials {
public:
    StoredCredentials(Core& core, Tokens& tokens) : core_(core), tokens_(tokens) {}

    Credential create(const Caller& caller, Credential wanted);
    Credential show(const Caller& caller, const CredentialId& id);
    std::vector<Credential> list(const Caller& caller, store::Conditions conditions);
    Credential update(const Caller& caller, const CredentialId& id, const CredentialChange& change);
    void remove(const Caller& caller, const CredentialId& id);

    /// An access key of EC2 and S3, made here, for a user in a project.
    Credential createAccessKey(const Caller& caller, const UserId& user, const ProjectId& project);
    std::vector<Credential> listAccessKeys(const Caller& caller, const UserId& user);
    Credential showAccessKey(const Caller& caller, const UserId& user, const std::string& access);
    void removeAccessKey(const Caller& caller, const UserId& user, const std::string& access);

    /// Of a user, for its logins.
    std::vector<Credential> ofUser(store::Reader& db, const UserId& user, const std::string& type) const;
    std::optional<Credential> byAccess(store::Reader& db, const std::string& access) const;

private:
    Credential demand(const Caller& caller, const std::optional<Credential>& found, const std::string& named,
                      Absence told = Absence::ToWhoMay);
    Core& core_;
    Tokens& tokens_;
};

void addCredentialRoutes(http::Routes& routes, StoredCredentials& credentials);
void addAccessKeyRoutes(http::Routes& routes, StoredCredentials& credentials);
void addConsumerRoutes(http::Routes& routes, Core& core);

}
