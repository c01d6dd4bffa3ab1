#include "identity/organisation/limit.hpp"
#include "identity/catalog/catalog.hpp"
#include "identity/noun.hpp"
#include "identity/organisation/project.hpp"
#include "platform/config/config.hpp"

namespace stratolet::identity {
namespace {

using namespace http;
using namespace resource;

constexpr std::int64_t limitMax = 0x7FFFFFFF; // -1 is unlimited

std::int64_t checkedLimit(const Json& value) {
    const auto limit = value.integer();
    if (limit < -1 || limit > limitMax) value.refuse("It must be from -1 (unlimited) to 2147483647.");
    return limit;
}

/// How much of something a project may have where it has no limit of its own.
struct RegisteredLimit {
    static constexpr std::string_view noun = "registered_limit", path = "registered_limits";
    std::string id, service;
    std::optional<std::string> region;
    std::string resource;
    std::int64_t most = 0;
    std::optional<std::string> description;
};

/// How much a project may have, or a domain.
struct Limit {
    static constexpr std::string_view noun = "limit", path = "limits";
    std::string id, service;
    std::optional<std::string> region;
    std::string resource;
    std::int64_t most = 0;
    std::optional<std::string> description, project, domain;
    std::string registered; ///< the id of the registered limit that it is one of
};

template <auto Most> auto number(std::string_view name) {
    using Record = typename resource::detail::Led<Most>::Record;
    return attribute<Most>(name, Post | Put | Show | Needed).readBy([](Record& it, const Json& value, const Reading&) {
        it.*Most = checkedLimit(value);
    });
}

const Table<RegisteredLimit> registeredTable(
    "registered_limits", 'r',
    {attribute<&RegisteredLimit::id>("id", Show),
     strictText<&RegisteredLimit::service>("service_id", Post | Put | Show | Find | Needed),
     attribute<&RegisteredLimit::region>("region_id", Post | Put | Show | Find),
     named<&RegisteredLimit::resource>("resource_name", Post | Put | Show | Find | Needed),
     number<&RegisteredLimit::most>("default_limit"),
     attribute<&RegisteredLimit::description>("description", Post | Put | Show), links<RegisteredLimit>()});

// A view: rows of limits with what their registered limits say. It is read here, and the table is written.
const Table<Limit> limitTable(
    "limit_rows", 'l',
    {attribute<&Limit::id>("id", Show), strictText<&Limit::service>("service_id", Post | Show | Find | Needed),
     attribute<&Limit::region>("region_id", Post | Show | Find),
     strictText<&Limit::resource>("resource_name", Post | Show | Find | Needed), number<&Limit::most>("resource_limit"),
     attribute<&Limit::description>("description", Post | Put | Show), links<Limit>(),
     attribute<&Limit::project>("project_id", Post | Show | Find),
     attribute<&Limit::domain>("domain_id", Post | Show | Find), column<&Limit::registered>("registered_id")});

bool isStrict(const Core& core) {
    return core.parts.config.text("identity", "enforcement_model") == "strict_two_level";
}

/// The service and the region that something is limited for.
void refuseMissingPlace(store::Reader& db, const std::string& service, const std::optional<std::string>& region) {
    refuseMissingService(db, service);
    if (region) refuseMissingRegion(db, *region);
}

/// In the strict model no project has more than its domain, which has what is registered unless it has a limit of its
/// own.
void refuseUnbalanced(store::Reader& db, const Core& core, const std::string& registered) {
    if (!isStrict(core)) return;
    auto rows =
        db.query("SELECT l.target_id, p.parent_id = p.domain_id FROM limits l JOIN projects p ON p.id = l.target_id "
                 "JOIN registered_limits r ON r.id = l.registered_id "
                 "LEFT JOIN limits d ON d.registered_id = l.registered_id AND d.target_id = p.parent_id "
                 "WHERE l.registered_id = ? AND p.is_domain = 0 AND (p.parent_id <> p.domain_id OR (CASE "
                 "l.resource_limit WHEN -1 THEN "
                 "9223372036854775807 ELSE l.resource_limit END) > (CASE coalesce(d.resource_limit, r.default_limit) "
                 "WHEN -1 THEN "
                 "9223372036854775807 ELSE coalesce(d.resource_limit, r.default_limit) END)) LIMIT 1",
                 registered);
    if (!rows.next()) return;
    if (!rows.row().boolean(1))
        throw Error(
            Failure::Forbidden, "Invalid resource limit: project ", rows.row().text(0),
            " is below another project, and the model strict_two_level knows domains and their own projects only.");
    throw Error(Failure::Forbidden, "Invalid resource limit: project ", rows.row().text(0),
                " would have more than its domain.");
}

bool isUsed(store::Reader& db, const std::string& registered) {
    return db.query("SELECT 1 FROM limits WHERE registered_id = ?", registered).any();
}

std::optional<std::string> registeredOf(store::Reader& db, const std::string& service,
                                        const std::optional<std::string>& region, const std::string& resource) {
    return db
        .query("SELECT id FROM registered_limits WHERE service_id = ? AND coalesce(region_id, '') = coalesce(?, '') "
               "AND resource_name = ?",
               service, region, resource)
        .maybeText();
}

/// All that the body lists, or none of it.
template <class Record>
Response createAll(Request& request, Core& core, const CollectionApi<Record>& api,
                   const std::function<void(store::Transaction& tx, Record&, const Json& wanted)>& insert) {
    callerOf(request).enforce();
    const auto wanted = request.json().array(api.kind().plural());
    return core.parts.store.write([&](store::Transaction& tx) {
        std::vector<Record> made;
        for (const auto& each : wanted.items()) {
            made.emplace_back().id = core.parts.ambient.hexId();
            insert(tx, made.back(), each);
        }
        return api.answers(request, 201, std::move(made), tx);
    });
}

// Registered limits

void knowsRegistered(const Json& body) {
    body.onlyKnows({"service_id", "region_id", "resource_name", "default_limit", "description"});
}

void insertRegistered(store::Transaction& tx, RegisteredLimit& limit, const Json& wanted) {
    knowsRegistered(wanted);
    take(limit, registeredTable, wanted, Post);
    refuseMissingPlace(tx, limit.service, limit.region);
    if (registeredOf(tx, limit.service, limit.region, limit.resource))
        throw Error(Failure::Conflict, "Conflict occurred attempting to store registered_limit - Duplicate entry for ",
                    limit.resource, ".");
    registeredTable.insert(tx, limit);
}

void settleRegistered(store::Transaction& tx, const RegisteredLimit& limit, const RegisteredLimit& before) {
    const bool moved =
        limit.service != before.service || limit.region != before.region || limit.resource != before.resource;
    if (moved && isUsed(tx, limit.id))
        throw Error(Failure::Forbidden, "Unable to update registered limit ", limit.id,
                    " because there are project limits associated with it.");
    refuseMissingPlace(tx, limit.service, limit.region);
}

void refuseUsed(store::Transaction& tx, const RegisteredLimit& limit) {
    if (isUsed(tx, limit.id))
        throw Error(Failure::Forbidden, "Unable to delete registered limit ", limit.id,
                    " because there are project limits associated with it.");
}

// Limits

void insertLimit(store::Transaction& tx, const Core& core, Limit& limit, const Json& wanted) {
    wanted.onlyKnows(
        {"service_id", "region_id", "resource_name", "resource_limit", "description", "project_id", "domain_id"});
    take(limit, limitTable, wanted, Post);
    const auto &project = limit.project, &domain = limit.domain;
    if (project.has_value() == domain.has_value())
        throw Error(Failure::Invalid,
                    "Invalid input for field 'project_id': exactly one of project_id and domain_id is needed.");
    refuseMissingPlace(tx, limit.service, limit.region);
    const auto target = projectTable.find(tx, {project ? *project : *domain});
    if (!target || (domain && !target->isDomain))
        throw Error(Failure::Invalid, "Could not find ",
                    project ? "project: " : "domain: ", project ? *project : *domain, ".");
    const auto registered = registeredOf(tx, limit.service, limit.region, limit.resource);
    if (!registered)
        throw Error(Failure::Forbidden,
                    "Unable to create a limit that has no corresponding registered limit: ", limit.resource, ".")
            .as("NoLimitReference");
    if (tx.query("SELECT 1 FROM limits WHERE registered_id = ? AND target_id = ?", *registered, target->id).any())
        throw Error(Failure::Conflict, "Conflict occurred attempting to store limit - Duplicate entry for ",
                    limit.resource, ".");
    tx.execute("INSERT INTO limits VALUES (?, ?, ?, ?, ?, ?)", limit.id, *registered, target->id, domain.has_value(),
               limit.most, limit.description);
    refuseUnbalanced(tx, core, *registered);
}

/// Whose it is.
std::vector<About> aboutLimits(store::Reader& db, const std::vector<Limit>& all) {
    std::vector<About> about;
    for (const auto& each : all) {
        Target target{{"target.limit.project_id", each.project.value_or("None")},
                      {"target.limit.domain.id", each.domain.value_or("None")}};
        if (each.project)
            target["target.limit.project.domain_id"] = projectTable.find(db, {*each.project})->domain.text;
        about.push_back(std::make_shared<const Target>(std::move(target)));
    }
    return about;
}

/// Everybody may list: what is theirs, who has a token of a domain that of the domain.
std::vector<store::Alternative> ownLimits(const Request& request) {
    const auto& caller = callerOf(request);
    if (caller.domain.empty()) return {{"l.project_id = ?", {caller.project}}};
    return {{"l.domain_id = ?", {caller.domain}},
            {"l.project_id IN (SELECT id FROM projects WHERE domain_id = ?)", {caller.domain}}};
}

Response showModel(Request& request, Core& core) {
    callerOf(request).enforce();
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto model = out.object("model");
        out.field("name", core.parts.config.text("identity", "enforcement_model"));
        out.field("description",
                  isStrict(core)
                      ? "A project directly in a domain has no higher limit than the domain; other projects have none."
                      : "A limit stands for itself; where a project is in the tree makes no difference.");
    });
}

}

void addLimitRoutes(Routes& routes, Core& core) {
    const auto registered = addNoun<RegisteredLimit>(
        routes, core,
        {.table = registeredTable,
         .begin = [](const Request&, RegisteredLimit&, const Json& body, bool) { knowsRegistered(body); },
         .settle = [](store::Transaction& tx, RegisteredLimit& limit, const RegisteredLimit* before,
                      const Json&) { settleRegistered(tx, limit, *before); },
         .mayGo = refuseUsed,
         .update =
             [&core](store::Transaction& tx, const RegisteredLimit& limit) {
                 registeredTable.update(tx, limit);
                 refuseUnbalanced(tx, core, limit.id);
             },
         .posted = false});
    routes.insert(routes.end() - 2, // before those that change one
                  {Method::Post, "/v3/registered_limits", policy("identity:create_registered_limits"),
                   [&core, registered](Request& request) {
                       return createAll<RegisteredLimit>(request, core, *registered, insertRegistered);
                   }});

    routes.push_back({Method::Get, "/v3/limits/model", policy("identity:get_limit_model"),
                      [&](Request& request) { return showModel(request, core); }});
    const auto limits =
        addNoun<Limit>(routes, core,
                       {.table = limitTable,
                        .changesTold = true,
                        .about = aboutLimits,
                        .concern = ownLimits,
                        .begin =
                            [](const Request&, Limit&, const Json& body, bool) {
                                body.onlyKnows({"resource_limit", "description"});
                            },
                        .update =
                            [&core](store::Transaction& tx, const Limit& limit) {
                                tx.execute("UPDATE limits SET resource_limit = ?, description = ? WHERE id = ?",
                                           limit.most, limit.description, limit.id);
                                refuseUnbalanced(tx, core, limit.registered);
                            },
                        .remove =
                            [&core](store::Transaction& tx, const Limit& limit) {
                                tx.execute("DELETE FROM limits WHERE id = ?", limit.id);
                                refuseUnbalanced(tx, core, limit.registered);
                            },
                        .posted = false});
    routes.insert(routes.end() - 2,
                  {Method::Post, "/v3/limits", policy("identity:create_limits"), [&core, limits](Request& request) {
                       return createAll<Limit>(request, core, *limits,
                                               [&core](store::Transaction& tx, Limit& limit, const Json& wanted) {
                                                   insertLimit(tx, core, limit, wanted);
                                               });
                   }});
}

}
