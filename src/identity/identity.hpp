#pragma once

#include <stratolet/ids.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "identity/caller.hpp"
#include "platform/bus/bus.hpp"
#include "platform/config/config.hpp"
#include "platform/http/http.hpp"
#include "platform/parts.hpp"
#include "platform/store/store.hpp"

namespace stratolet::identity {

// What identity announces.
struct ProjectDeleted {
    static constexpr std::string_view name = "identity.project.deleted";
    ProjectId project;
    auto fields() { return std::tuple(bus::Field("project", project)); }
};

/// A fact: a user is no more.
struct UserDeleted {
    static constexpr std::string_view name = "identity.user.deleted";
    UserId user;
    auto fields() { return std::tuple(bus::Field("user", user)); }
};

/// One service of the catalog.
struct CatalogService {
    std::string type, name;
    std::string path; ///< below the listener: "/compute/v2.1"
    std::uint16_t classicPort = 0;
    std::string classicPath; ///< at the classic port: "/v2.1"
};

/// What the first start makes: the administrator, and where the services are.
struct Bootstrap {
    std::string adminPassword;
    std::string endpoint; ///< http://ADDR:PORT
    std::string region = "RegionOne";
    std::vector<CatalogService> services;
};

std::vector<ConfigOption> configOptions();

/// How much of `resource` the unified limits let a project have of the service of this type: its own limit, or the
/// registered one. Nothing where none is registered; -1 is unlimited. A limit registered for a region counts before one
/// for all.
std::optional<std::int64_t> unifiedLimit(store::Reader& db, const ProjectId& project, std::string_view serviceType,
                                         std::string_view resource);

/// The identity service.
class Identity {
public:
    explicit Identity(Parts parts);
    ~Identity();

    /// Domain, project and user `admin`, roles and their implications, the catalog. Keeps what is there; returns false
    /// where there was something already.
    bool bootstrap(const Bootstrap& wanted);

    /// Points the catalog's endpoints of our own services at where we listen now.
    void refreshCatalog(const Bootstrap& wanted);

    http::Site site();

    /// Gives a site of another service its gate: the token in X-Auth-Token is validated, the caller put into the
    /// request (see callerOf), and an answer to a route with a rule that nobody asked becomes a 500.
    void protect(http::Site& site);

    bool projectExists(store::Reader& db, const ProjectId& project);
    std::string projectName(store::Reader& db, const ProjectId& project);       ///< empty where there is none
    std::vector<std::pair<ProjectId, std::string>> projects(store::Reader& db); ///< all, with their names; no domains

    /// Seals a secret that another service keeps to use it again, by the keys of stored credentials: the store alone
    /// doesn't tell it.
    std::string seal(std::string_view secret) const;
    std::optional<std::string> unseal(std::string_view sealed) const; ///< nothing where none of our keys sealed it

    /// All texts of that column are sealed so: new keys (stratolet fernet rotate --credentials) seal them again. Before
    /// the reconciler starts.
    void keepsSealed(const std::string& table, const std::string& column);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
