#include <stdexcept>

#include "identity/catalog/catalog.hpp"
#include "identity/credential/trust.hpp"
#include "identity/directory/directory.hpp"
#include "identity/directory/domain_config.hpp"
#include "identity/directory/group.hpp"
#include "identity/directory/user.hpp"
#include "identity/federation/federation.hpp"
#include "identity/identity.hpp"
#include "identity/login/auth.hpp"
#include "identity/login/password.hpp"
#include "identity/organisation/limit.hpp"
#include "identity/organisation/project.hpp"
#include "identity/organisation/role.hpp"
#include "identity/token/gate.hpp"
#include "identity/token/keeper.hpp"
#include "identity/token/revocation.hpp"
#include "identity/token/token.hpp"
#include "identity/wire.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/config/config.hpp"
#include "platform/log/log.hpp"
#include "platform/policy/policy.hpp"
#include "platform/resources.hpp"

namespace stratolet::identity {
namespace {

using namespace http;

void writeVersion(JsonWriter& out, const Request& request) {
    const auto version = out.object();
    out.field("id", "v3.14");
    out.field("status", "stable");
    out.field("updated", "2020-04-07T00:00:00Z");
    {
        const auto links = out.array("links");
        const auto self = out.object();
        out.field("rel", "self");
        out.field("href", request.base + "/v3/");
    }
    const auto types = out.array("media-types");
    const auto type = out.object();
    out.field("base", "application/json");
    out.field("type", "application/vnd.openstack.identity-v3+json");
}

void addVersionRoutes(Routes& routes) {
    routes.push_back({Method::Get, "/", open("clients look here before they have a token"), [](Request& request) {
                          auto response = jsonResponse(300, [&](JsonWriter& out) {
                              const auto body = out.object();
                              const auto versions = out.object("versions");
                              const auto values = out.array("values");
                              writeVersion(out, request);
                          });
                          response.headers.add("Location", request.base + "/v3/");
                          return response;
                      }});
    routes.push_back({Method::Get, "/v3", open("clients look here before they have a token"), [](Request& request) {
                          return jsonResponse(200, "version", [&](JsonWriter& out) { writeVersion(out, request); });
                      }});
}

}

std::vector<ConfigOption> configOptions() {
    std::vector<ConfigOption> options = {
        {"identity", "token_lifetime", "3600", wholeNumber(60, 30 * 24 * 3600)},
        {"identity", "allow_expired_window", "172800", wholeNumber(0, 30 * 24 * 3600)},
        {"identity", "allow_rescope_scoped_token", "true", trueOrFalse()},
        {"identity", "receipt_lifetime", "300", wholeNumber(10, 3600)},
        {"identity", "included_previous_windows", "1", wholeNumber(0, 10)},
        {"identity", "max_project_tree_depth", "5", wholeNumber(1, 100)},
        {"identity", "enforcement_model", "flat", oneOf({"flat", "strict_two_level"})}};
    for (const auto& more : {passwordRuleOptions(), keyOptions(), directoriesConfigOptions(), federationOptions()})
        options.insert(options.end(), more.begin(), more.end());
    return options;
}

struct Identity::Impl {
    Fernet sealing;
    Core core;
    Projects projects;
    Users users;
    Groups groups;
    Directories directories;
    Tokens tokens;
    DigestKey digests;
    ApplicationCredentials applicationCredentials;
    Trusts trusts;
    StoredCredentials credentials;
    Authentication authentication;
    Federation federation;
    Keeper keeper;

    explicit Impl(Parts parts, const std::filesystem::path& stateDir)
        : sealing(stateDir / "credential-keys", parts.ambient, parts.store.durable()),
          core{parts, sealing, {{"consumers", "secret", "1"}, {"domain_configs", "value", sensitiveOptions()}}},
          projects(core, static_cast<int>(parts.config.integer("identity", "max_project_tree_depth"))),
          users(core, PasswordRules(parts.config)),
          groups(core),
          directories(core),
          tokens(core, stateDir / "fernet-keys",
                 {parts.config.seconds("identity", "token_lifetime"),
                  parts.config.seconds("identity", "allow_expired_window")}),
          digests(stateDir / "digest-key", parts.ambient, parts.store.durable()),
          applicationCredentials(core, tokens, digests),
          trusts(core, tokens),
          credentials(core, tokens),
          authentication(core, tokens, users, directories, applicationCredentials, credentials,
                         {.rescopeScoped = parts.config.boolean("identity", "allow_rescope_scoped_token"),
                          .receiptLifetime = parts.config.seconds("identity", "receipt_lifetime"),
                          .totpWindowsBefore = parts.config.integer("identity", "included_previous_windows")}),
          federation(core, users, authentication),
          keeper(core, tokens.keys()) {}
};

Identity::Identity(Parts parts) : impl_(std::make_unique<Impl>(parts, parts.config.text("DEFAULT", "state_dir"))) {
    parts.policies.add("identity", policyDefaults("identity"));
    declareMetrics(parts);
}
Identity::~Identity() = default;

std::string Identity::seal(std::string_view secret) const { return impl_->sealing.seal(secret); }
std::optional<std::string> Identity::unseal(std::string_view sealed) const { return impl_->sealing.open(sealed); }
void Identity::keepsSealed(const std::string& table, const std::string& column) {
    impl_->core.sealed.push_back({table, column, "1"});
}

bool Identity::bootstrap(const Bootstrap& wanted) {
    auto& core = impl_->core;
    auto& ambient = core.parts.ambient;
    if (projectTable.find(core.parts.store.reader(), {"default"})) return false;
    const auto password = hashPassword(wanted.adminPassword, impl_->users.rules().rounds, ambient);
    core.parts.store.write([&](store::Transaction& tx) {
        const auto now = ambient.now();
        Project domain{{"default"}, "Default", {"default"}, {}, true, true, "The default domain"};
        project_table::insert(tx, domain, now);
        const auto addProject = [&](const std::string& name, const std::string& description) {
            Project project{{ambient.hexId()}, name, {"default"}, {"default"}, false, true, description};
            project_table::insert(tx, project, now);
            return project.id;
        };
        const auto admin = addProject("admin", "Bootstrap project for initializing the cloud.");
        addProject("service", "Service accounts");
        std::map<std::string, RoleId> roles;
        for (const auto* name : {"admin", "manager", "member", "reader", "service"}) {
            Role role;
            role.id.text = ambient.hexId();
            role.name = name;
            role.options = R"({"immutable":true})"; // as keystone-manage bootstrap makes them
            roles[name] = role.id;
            roleTable.insert(tx, role);
        }
        role_table::addImplication(tx, roles["admin"], roles["manager"]);
        role_table::addImplication(tx, roles["manager"], roles["member"]);
        role_table::addImplication(tx, roles["member"], roles["reader"]);
        User user;
        user.id.text = ambient.hexId();
        user.name = "admin";
        user.domain.text = "default";
        user.password = password;
        user.tokensValidAfter = user.created = now;
        userTable.insert(tx, user);
        role_table::add(
            tx, {Assignment::Actor::User, user.id.text, Assignment::Scope::Project, admin.text, roles["admin"]});
        role_table::add(tx, {Assignment::Actor::User, user.id.text, Assignment::Scope::System, "all", roles["admin"]});
        ensureCatalog(tx, ambient, wanted);
    });
    return true;
}

void Identity::refreshCatalog(const Bootstrap& wanted) {
    impl_->core.parts.store.write(
        [&](store::Transaction& tx) { ensureCatalog(tx, impl_->core.parts.ambient, wanted); });
}

Site Identity::site() {
    Site site;
    site.name = "identity";
    site.prefix = "/identity";
    site.classicPort = 5000;
    addVersionRoutes(site.routes);
    addAuthRoutes(site.routes, impl_->authentication);
    addKeyLoginRoutes(site.routes, impl_->authentication);
    addFederationRoutes(site.routes, impl_->federation, impl_->core);
    addApplicationCredentialRoutes(site.routes, impl_->applicationCredentials, impl_->core);
    addTrustRoutes(site.routes, impl_->trusts, impl_->core);
    addCredentialRoutes(site.routes, impl_->credentials);
    addAccessKeyRoutes(site.routes, impl_->credentials);
    addRevocationRoutes(site.routes, impl_->core);
    addProjectRoutes(site.routes, impl_->projects, impl_->core);
    addUserRoutes(site.routes, impl_->users);
    addGroupRoutes(site.routes, impl_->groups, impl_->core);
    addRoleRoutes(site.routes, impl_->core);
    addAssignmentRoutes(site.routes, impl_->core);
    for (const auto add : {addCatalogRoutes, addConsumerRoutes, addLimitRoutes, addDomainConfigRoutes})
        add(site.routes, impl_->core);
    site.refuse = refusal;
    site.noRoute = noRoute;
    site.finish = [](const Request& request, Response& response) {
        response.headers.add("x-openstack-request-id", request.requestId);
        response.headers.add("Vary", "X-Auth-Token");
    };
    protect(site);
    return site;
}

void Identity::protect(Site& site) {
    auto& impl = *impl_;
    const auto rules = impl.core.parts.policies.of(site.name);
    for (const auto& route : site.routes) // nobody could use a route whose rule there isn't, the administrator included
        if (!route.access.rule.empty() && !rules->has(route.access.rule))
            throw std::logic_error("route " + route.pattern + " asks the rule " + route.access.rule +
                                   ", which there isn't");
    const auto ownGate = std::move(site.gate);
    site.gate = [&impl, ownGate, service = site.name](Request& request) {
        if (!request.route->access.rule.empty())
            request.context = callerBehind(request, service, impl.tokens, impl.core.parts.policies);
        if (ownGate) ownGate(request);
    };
    const auto ownRefusal = site.refuse;
    const auto ownFinish = site.finish;
    site.refuse = [ownRefusal](const Request& request, const Error& error) {
        return error.failure() == Failure::Unauthenticated ? unauthenticated(request, error.what())
                                                           : ownRefusal(request, error);
    };
    site.finish = [&impl, ownRefusal, ownFinish](const Request& request, Response& response) {
        const auto* caller = std::any_cast<std::shared_ptr<const Caller>>(&request.context);
        if (caller && !(*caller)->asked && response.status < 400) {
            impl.core.parts.log.error("a handler did not ask its rule",
                                      {{"rule", (*caller)->rule}, {"path", request.path}});
            response = ownRefusal(request, Error(Failure::Broken, "a handler did not ask its rule"));
        }
        if (ownFinish) ownFinish(request, response);
    };
}

bool Identity::projectExists(store::Reader& db, const ProjectId& project) {
    return projectTable.find(db, project).has_value();
}

std::string Identity::projectName(store::Reader& db, const ProjectId& project) {
    const auto found = projectTable.find(db, project);
    return found ? found->name : std::string();
}

std::vector<std::pair<ProjectId, std::string>> Identity::projects(store::Reader& db) {
    return db.query("SELECT id, name FROM projects WHERE NOT is_domain ORDER BY id")
        .all<std::pair<ProjectId, std::string>>(
            [](const store::Row& row) { return std::pair(row.id<ProjectId>(0), row.text(1)); });
}

}
