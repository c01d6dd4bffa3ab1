#pragma once

#include <stratolet/ids.hpp>

#include <optional>
#include <string>
#include <vector>

#include "compute/attribute.hpp"
#include "compute/quota/compute_quotas.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/http/http.hpp"
#include "platform/store/store.hpp"

namespace stratolet::compute {

/// A user's public key, put into servers so that its owner can log in.
struct Keypair {
    std::int64_t number = 0;
    UserId user;
    std::string name;
    std::string type = "ssh"; ///< or "x509"
    std::string fingerprint;
    std::string publicKey;
    Time created;
};

/// MD5 of a public key as ssh-keygen shows it ("aa:bb:…"). Error(Invalid) where `key` is no SSH public key of a kind we
/// know.
std::string sshFingerprint(const std::string& key);

/// SHA-1 of an X.509 certificate in PEM. Error(Invalid) where `certificate` is none.
std::string certificateFingerprint(const std::string& certificate);

/// A pair that was made for a user; the private half is shown once and not kept.
struct FreshKey {
    std::string publicKey;  ///< one line, as ~/.ssh/id_rsa.pub has it, or a certificate in PEM
    std::string privateKey; ///< PEM
};
FreshKey generateRsaKey();

/// A key with a certificate for it that it signed itself, as Windows guests take them to log in with.
FreshKey generateCertificate(const std::string& user);

/// A key pair, described once: its columns, and what answers show since when. Lists show what is brief. In the order in
/// which answers have them.
const std::vector<Line<Keypair>>& keypairLines();

/// The verbs of key pairs, each in a transaction of its own. Owned by compute; called by any thread. Who may is asked
/// before.
class Keypairs {
public:
    Keypairs(store::Store& store, Ambient& ambient, const ComputeQuotas& quotas)
        : store_(store),
          ambient_(ambient),
          quotas_(quotas) {}

    static std::optional<Keypair> find(store::Reader& db, const UserId& user, const std::string& name);
    Keypair get(const UserId& user, const std::string& name); ///< Error(NotFound)
    std::vector<Keypair> list(const UserId& user, const std::optional<std::string>& marker, std::int64_t limit);
    Keypair create(
        Keypair keypair,
        const ProjectId& project); ///< Error(Conflict) where the name is taken, Error(OverLimit) past the user's quota
    void remove(const UserId& user, const std::string& name);
    static void forget(store::Transaction& tx, const UserId& user); ///< of a user who is no more
    static std::int64_t count(store::Reader& db, const UserId& user);

private:
    store::Store& store_;
    Ambient& ambient_;
    const ComputeQuotas& quotas_;
};

void addKeypairRoutes(http::Routes& routes, Keypairs& keypairs);

}
