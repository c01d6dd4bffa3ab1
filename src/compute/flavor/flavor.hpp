#pragma once

#include <stratolet/ids.hpp>
#include <stratolet/sizes.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "identity/caller.hpp"
#include "identity/identity.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/http/http.hpp"
#include "platform/store/store.hpp"

namespace stratolet::compute {

/// The size of a server.
struct Flavor {
    FlavorId id = {};
    std::string name = {};
    std::int64_t vcpus = 1;
    MiB ram = {};
    GiB disk = {}; ///< of the root disk; 0: as large as the image
    GiB ephemeral = {};
    MiB swap = {};
    double rxtxFactor = 1.0;
    bool isPublic = true;
    std::optional<std::string> description = {};
    std::map<std::string, std::string> extraSpecs = {};
    Time created = {};
};

/// Which flavors a list has, and in what order.
struct FlavorQuery {
    std::optional<bool> isPublic = true; ///< nothing: both; for others than admins always those they may use
    std::optional<std::int64_t> minDisk, minRam;
    std::string sortKey = "flavorid";
    bool descending = false;
    std::optional<std::string> marker;
    std::int64_t limit = 1000;
};

/// The verbs of flavors: one transaction each. Owned by compute; called by any thread. Who may is asked before.
class Flavors {
public:
    Flavors(store::Store& store, Ambient& ambient) : store_(store), ambient_(ambient) {}

    std::optional<Flavor> find(store::Reader& db, const identity::Caller& caller,
                               const FlavorId& id);                                    ///< that the caller may use
    Flavor get(store::Reader& db, const identity::Caller& caller, const FlavorId& id); ///< Error(NotFound)
    std::vector<Flavor> list(const identity::Caller& caller, const FlavorQuery& query);

    Flavor create(Flavor flavor); ///< an empty id gets one; Error(Conflict) where name or id are taken
    Flavor describe(const FlavorId& id, const std::optional<std::string>& description);
    void remove(const FlavorId& id);
    void setSpecs(const FlavorId& id, const std::map<std::string, std::string>& specs);
    void removeSpec(const FlavorId& id, const std::string& name);
    std::vector<std::string> access(const FlavorId& id);
    std::vector<std::string> grant(const FlavorId& id, const std::string& project);
    std::vector<std::string> revoke(const FlavorId& id, const std::string& project);

    void forget(store::Transaction& tx, const ProjectId& project); ///< of a project that is no more

    void bootstrap(); ///< the usual five, where there are none

    store::Reader& reader() { return store_.reader(); }

private:
    Flavor known(store::Reader& db, const FlavorId& id);

    store::Store& store_;
    Ambient& ambient_;
};

/// All that it is given outlives the routes.
void addFlavorRoutes(http::Routes& routes, Flavors& flavors, identity::Identity& identity);

}
