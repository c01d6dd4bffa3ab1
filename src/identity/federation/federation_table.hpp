#pragma once

#include <optional>
#include <string>
#include <vector>

#include "platform/store/store.hpp"

namespace stratolet::identity {

/// A way to log in by an identity provider. Its id is its own provider's matter.
struct FederationProtocol {
    std::string id;
    std::string mapping;                          ///< its id
    std::optional<std::string> remoteIdAttribute; ///< of an assertion: which says who issued it
};

/// What is kept around identity providers and mappings: SQL, and no rule. Reads on any thread, with that thread's
/// reader; changes in the transaction of the request, on a worker. Absence is told by what they give back: beside what
/// the store itself refuses, none of them throws unless it says so.
namespace federation_table {
std::vector<FederationProtocol> protocolsOf(store::Reader& db, const std::string& provider); ///< by id
std::optional<FederationProtocol> findProtocol(store::Reader& db, const std::string& provider, const std::string& id);
std::vector<std::string> protocolsBy(store::Reader& db,
                                     const std::string& mapping); ///< those that use it, as PROVIDER/PROTOCOL
bool hasMapping(store::Reader& db, const std::string& id);

/// False where the provider has one with this id.
bool insertProtocol(store::Transaction& tx, const std::string& provider, const FederationProtocol& protocol);
void updateProtocol(store::Transaction& tx, const std::string& provider,
                    const FederationProtocol& protocol); ///< all but its id
bool removeProtocol(store::Transaction& tx, const std::string& provider,
                    const std::string& id); ///< false: there is none

/// What the provider calls itself, in place of what it did. Error(Conflict) where one of them is another provider's, or
/// twice there.
void setRemoteIds(store::Transaction& tx, const std::string& provider, const std::vector<std::string>& remoteIds);

/// What users are called by the provider (by one protocol of it) is forgotten. Gives the ids of the users.
std::vector<std::string> removeIdentities(store::Transaction& tx, const std::string& provider,
                                          const std::optional<std::string>& protocol);

/// Whether there is this user, who can log in neither with a password nor by any provider.
bool isNobody(store::Reader& db, const std::string& user);

/// Memberships in groups that the provider's word gave to users, or to one of them.
void removeMemberships(store::Transaction& tx, const std::string& provider,
                       const std::optional<std::string>& user = {});
}

}
