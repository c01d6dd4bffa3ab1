#include <algorithm>

#include "identity/federation/federation.hpp"
#include "identity/federation/mapping.hpp"
#include "identity/record.hpp"
#include "platform/text/text.hpp"

// OS-FEDERATION: identity providers, their protocols, the mappings of these, and the logins.

namespace stratolet::identity {
namespace {

using namespace http;

constexpr std::size_t idLengthMax = 64;

/// An id that the client has chosen. It names a file, too.
std::string checkedId(const std::string& id) {
    const auto good = [](unsigned char each) { return std::isalnum(each) || each == '-' || each == '_' || each == '.' || each == '@'; };
    if (id.empty() || id.size() > idLengthMax || id.front() == '.' || !std::all_of(id.begin(), id.end(), good))
        throw Error(Failure::Invalid, "Invalid input for field 'id'. Value: ", id,
                    ". It must be 1 to 64 letters, digits, '-', '_', '.' and '@', and not begin with '.'.");
    return id;
}

/// Users who can log in by this provider (and this protocol of it) alone: without it they are nobody.
void removeShadows(store::Transaction& tx, Core& core, const std::string& provider, const std::optional<std::string>& protocol) {
    store::Conditions theirs;
    theirs.add("provider_id = ?", provider);
    if (protocol) theirs.add("protocol_id = ?", *protocol);
    const auto known = tx.run("SELECT DISTINCT user_id FROM federated_users" + theirs.where(), theirs.values()).texts();
    tx.run("DELETE FROM federated_users" + theirs.where(), theirs.values()).next();
    for (const auto& each : known) {
        tx.execute("DELETE FROM federated_members WHERE user_id = ? AND provider_id = ?", each, provider);
        if (!tx.query(
                   "SELECT 1 FROM users WHERE id = ? AND password = '' AND NOT EXISTS (SELECT 1 FROM federated_users WHERE user_id = id)",
                   each)
                 .any())
            continue;
        removeUser(tx, core, {each});
    }
    core.forgetValidated(tx);
}

// Identity providers.

void writeProvider(JsonWriter& out, const Request& request, const store::Row& row) {
    const auto object = out.object();
    const auto id = row.text(0);
    out.field("id", id);
    out.field("domain_id", row.text(1));
    out.field("enabled", row.boolean(2));
    out.field("description", row.maybeText(3));
    out.field("authorization_ttl", row.maybeInteger(4));
    out.rawField("remote_ids", row.text(5));
    const auto links = out.object("links");
    const auto self = request.base + "/v3/OS-FEDERATION/identity_providers/" + id;
    out.field("self", self);
    out.field("protocols", self + "/protocols");
}

const RecordKind providerKind = {"identity_provider",
                                 "identity_providers",
                                 "OS-FEDERATION/identity_providers",
                                 "identity_providers",
                                 "SELECT id, domain_id, enabled, description, authorization_ttl, (SELECT json_group_array(remote_id) FROM "
                                 "(SELECT remote_id FROM identity_provider_remote_ids WHERE provider_id = identity_providers.id ORDER BY "
                                 "remote_id)) FROM identity_providers",
                                 {{"id", "id"}, {"enabled", "enabled", Filter::Kind::Truth}},
                                 writeProvider};

std::optional<std::int64_t> minutesIn(const Json& body) {
    const auto found = body.find("authorization_ttl");
    if (!found || found->isNull()) return std::nullopt;
    constexpr std::int64_t minutesMax = 366 * 24 * 60;
    const auto minutes = found->integer();
    if (minutes < 0 || minutes > minutesMax) found->refuse("It must be from 0 to 527040 minutes.");
    return minutes;
}

void setRemoteIds(store::Transaction& tx, const std::string& provider, const Json& body) {
    const auto ids = body.find("remote_ids");
    if (!ids) return;
    tx.execute("DELETE FROM identity_provider_remote_ids WHERE provider_id = ?", provider);
    if (ids->isNull()) return;
    for (const auto& each : ids->items()) {
        const auto id = checkedName(each, 255);
        if (tx.execute("INSERT OR IGNORE INTO identity_provider_remote_ids VALUES (?, ?)", id, provider) == 0)
            throw Error(Failure::Conflict, "Conflict occurred attempting to store identity_provider - Duplicate remote ID: ", id, ".");
    }
}

/// The domain that the provider's users live in: one of its own unless the request names another.
DomainId domainFor(store::Transaction& tx, Core& core, const std::optional<std::string>& wanted, const std::string& provider) {
    if (wanted) {
        const auto domain = project_table::find(tx, {*wanted});
        if (!domain || !domain->isDomain) throw Error(Failure::NotFound, "Could not find domain: ", *wanted, ".");
        return {*wanted};
    }
    Project domain;
    domain.id.text = domain.domain.text = domain.name = core.parts.ambient.hexId();
    domain.isDomain = true;
    domain.description = "Auto generated federated domain for Identity Provider: " + provider;
    project_table::insert(tx, domain, core.parts.ambient.now());
    return {domain.id.text};
}

Response createProvider(Request& request, Core& core) {
    const Json body = request.json().object("identity_provider");
    callerOf(request).enforce();
    body.onlyKnows({"enabled", "description", "remote_ids", "domain_id", "authorization_ttl"});
    const auto id = checkedId(request.param("id"));
    const auto description = body.maybeText("description"), domain = body.maybeText("domain_id");
    const auto minutes = minutesIn(body);
    const bool enabled = checkedTruth(body, "enabled", false);
    core.parts.store.write([&](store::Transaction& tx) {
        if (tx.query("SELECT 1 FROM identity_providers WHERE id = ?", id).any())
            throw Error(Failure::Conflict, "Conflict occurred attempting to store identity_provider - Duplicate ID: ", id, ".");
        tx.execute("INSERT INTO identity_providers VALUES (?, ?, ?, ?, ?)", id, domainFor(tx, core, domain, id), enabled, description,
                   minutes);
        setRemoteIds(tx, id, body);
    });
    return recordAnswer(request, 201, providerKind, id, core);
}

Response updateProvider(Request& request, Core& core) {
    const Json body = request.json().object("identity_provider");
    demandToChange(request, providerKind, core);
    body.onlyKnows({"enabled", "description", "remote_ids", "authorization_ttl"}); // the domain stays: users live there
    const auto& id = request.param("id");
    core.parts.store.write([&](store::Transaction& tx) {
        auto rows = tx.query(providerKind.select + " WHERE id = ?", id);
        if (!rows.next()) throw notFound(providerKind, id);
        const auto row = rows.row();
        const bool enabled = checkedTruth(body, "enabled", row.boolean(2));
        tx.execute("UPDATE identity_providers SET enabled = ?, description = ?, authorization_ttl = ? WHERE id = ?", enabled,
                   body.has("description") ? body.maybeText("description") : row.maybeText(3),
                   body.has("authorization_ttl") ? minutesIn(body) : row.maybeInteger(4), id);
        if (!enabled) tx.execute("DELETE FROM federated_members WHERE provider_id = ?", id); // its word counts no longer
        setRemoteIds(tx, id, body);
        core.forgetValidated(tx);
    });
    return recordAnswer(request, 200, providerKind, id, core);
}

// Protocols. Their ids are their own provider's matter, so they are no RecordKind.

constexpr std::string_view selectProtocols = "SELECT id, mapping_id, remote_id_attribute FROM federation_protocols WHERE provider_id = ?";

Error noProtocol(const std::string& provider, const std::string& id) {
    return Error(Failure::NotFound, "Could not find federated protocol ", id, " for Identity Provider: ", provider, ".");
}

void writeProtocol(JsonWriter& out, const Request& request, const std::string& provider, const store::Row& row) {
    const auto object = out.object();
    const auto id = row.text(0);
    out.field("id", id);
    out.field("mapping_id", row.text(1));
    out.field("remote_id_attribute", row.maybeText(2));
    const auto links = out.object("links");
    const auto self = request.base + "/v3/OS-FEDERATION/identity_providers/" + provider;
    out.field("self", self + "/protocols/" + id);
    out.field("identity_provider", self);
}

Response protocolAnswer(const Request& request, int status, Core& core) {
    const auto &provider = request.param("provider"), &id = request.param("id");
    auto rows = core.parts.store.reader().query(std::string(selectProtocols) + " AND id = ?", provider, id);
    if (!rows.next()) throw noProtocol(provider, id);
    return jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        out.key("protocol");
        writeProtocol(out, request, provider, rows.row());
    });
}

Response listProtocols(Request& request, Core& core) {
    callerOf(request).enforce();
    auto& db = core.parts.store.reader();
    const auto& provider = request.param("provider");
    if (!db.query("SELECT 1 FROM identity_providers WHERE id = ?", provider).any()) throw notFound(providerKind, provider);
    std::vector<std::string> ids, written;
    for (auto rows = db.query(std::string(selectProtocols) + " ORDER BY id", provider); rows.next();) {
        ids.push_back(rows.row().text(0));
        JsonWriter out(written.emplace_back());
        writeProtocol(out, request, provider, rows.row());
    }
    return slicedResponse(request, "protocols", ids, [&](JsonWriter& out, std::size_t at) { out.raw(written[at]); });
}

std::string mappingIn(store::Reader& db, const Json& body) {
    const auto value = body.at("mapping_id");
    auto id = value.text();
    if (!db.query("SELECT 1 FROM mappings WHERE id = ?", id).any()) value.refuse("There is no such mapping.");
    return id;
}

Response createProtocol(Request& request, Core& core) {
    const Json body = request.json().object("protocol");
    callerOf(request).enforce();
    body.onlyKnows({"mapping_id", "remote_id_attribute"});
    const auto& provider = request.param("provider");
    const auto id = checkedId(request.param("id"));
    const auto attribute = body.maybeText("remote_id_attribute");
    core.parts.store.write([&](store::Transaction& tx) {
        if (!tx.query("SELECT 1 FROM identity_providers WHERE id = ?", provider).any()) throw notFound(providerKind, provider);
        if (tx.execute("INSERT OR IGNORE INTO federation_protocols VALUES (?, ?, ?, ?)", provider, id, mappingIn(tx, body), attribute) == 0)
            throw Error(Failure::Conflict, "Conflict occurred attempting to store federation_protocol - Duplicate ID: ", id, ".");
    });
    return protocolAnswer(request, 201, core);
}

Response updateProtocol(Request& request, Core& core) {
    const Json body = request.json().object("protocol");
    callerOf(request).enforce();
    body.onlyKnows({"mapping_id", "remote_id_attribute"});
    const auto &provider = request.param("provider"), &id = request.param("id");
    core.parts.store.write([&](store::Transaction& tx) {
        auto rows = tx.query(std::string(selectProtocols) + " AND id = ?", provider, id);
        if (!rows.next()) throw noProtocol(provider, id);
        const auto row = rows.row();
        tx.execute("UPDATE federation_protocols SET mapping_id = ?, remote_id_attribute = ? WHERE provider_id = ? AND id = ?",
                   body.has("mapping_id") ? mappingIn(tx, body) : row.text(1),
                   body.has("remote_id_attribute") ? body.maybeText("remote_id_attribute") : row.maybeText(2), provider, id);
    });
    return protocolAnswer(request, 200, core);
}

Response deleteProtocol(Request& request, Core& core) {
    callerOf(request).enforce();
    const auto &provider = request.param("provider"), &id = request.param("id");
    core.parts.store.write([&](store::Transaction& tx) {
        removeShadows(tx, core, provider, id);
        if (tx.execute("DELETE FROM federation_protocols WHERE provider_id = ? AND id = ?", provider, id) == 0)
            throw noProtocol(provider, id);
    });
    return emptyResponse(204);
}

// Mappings.

void writeMapping(JsonWriter& out, const Request& request, const store::Row& row) {
    const auto object = out.object();
    out.field("id", row.text(0));
    out.rawField("rules", row.text(1));
    out.field("schema_version", "1.0");
    writeSelf(out, request, "OS-FEDERATION/mappings/" + row.text(0));
}

const RecordKind mappingKind = {"mapping", "mappings",  "OS-FEDERATION/mappings", "mappings", "SELECT id, rules FROM mappings",
                                {},        writeMapping};

std::string rulesIn(const Json& body) {
    body.onlyKnows({"id", "rules", "schema_version"});
    if (body.text("schema_version", "1.0") != "1.0") body.at("schema_version").refuse("Only 1.0 is known.");
    const auto rules = body.array("rules");
    checkRules(rules);
    return rules.dump();
}

Response createMapping(Request& request, Core& core) {
    const Json body = request.json().object("mapping");
    callerOf(request).enforce();
    const auto id = checkedId(request.param("id")), rules = rulesIn(body);
    core.parts.store.write([&](store::Transaction& tx) {
        if (tx.execute("INSERT OR IGNORE INTO mappings VALUES (?, ?)", id, rules) == 0)
            throw Error(Failure::Conflict, "Conflict occurred attempting to store mapping - Duplicate ID: ", id, ".");
    });
    return recordAnswer(request, 201, mappingKind, id, core);
}

Response updateMapping(Request& request, Core& core) {
    const Json body = request.json().object("mapping");
    demandToChange(request, mappingKind, core);
    const auto& id = request.param("id");
    const auto rules = rulesIn(body);
    core.parts.store.write([&](store::Transaction& tx) {
        if (tx.execute("UPDATE mappings SET rules = ? WHERE id = ?", rules, id) == 0) throw notFound(mappingKind, id);
    });
    return recordAnswer(request, 200, mappingKind, id, core);
}

void refuseInUse(store::Transaction& tx, const std::string& mapping) {
    const auto users = tx.query("SELECT provider_id || '/' || id FROM federation_protocols WHERE mapping_id = ?", mapping).texts();
    if (!users.empty())
        throw Error(Failure::Conflict, "Mapping ", mapping, " is in use by protocol ", users.front(), ": delete or change that first.");
}

/// RFC 6750, 2.1; empty where there is none.
std::string_view bearerOf(const Request& request) {
    const auto header = request.headers["Authorization"];
    const auto blank = header.find(' ');
    return blank != std::string_view::npos && sameWithoutCase(header.substr(0, blank), "Bearer") ? trimmed(header.substr(blank)) : "";
}

}

void addFederationRoutes(Routes& routes, Federation& federation, Core& core) {
    const std::string providers = "/v3/OS-FEDERATION/identity_providers", protocols = providers + "/{provider}/protocols",
                      mappings = "/v3/OS-FEDERATION/mappings";
    const auto add = [&](Method method, const std::string& path, const char* rule, Response (*handler)(Request&, Core&)) {
        routes.push_back({method, path, policy(rule), [&core, handler](Request& request) { return handler(request, core); }});
    };
    addReadingRoutes(routes, providerKind, core);
    addDeletingRoute(routes, providerKind, core,
                     [&core](store::Transaction& tx, const std::string& id) { removeShadows(tx, core, id, std::nullopt); });
    add(Method::Put, providers + "/{id}", "identity:create_identity_provider", createProvider);
    add(Method::Patch, providers + "/{id}", "identity:update_identity_provider", updateProvider);

    add(Method::Get, protocols, "identity:list_protocols", listProtocols);
    routes.push_back({Method::Get, protocols + "/{id}", policy("identity:get_protocol"), [&core](Request& request) {
                          callerOf(request).enforce();
                          return protocolAnswer(request, 200, core);
                      }});
    add(Method::Put, protocols + "/{id}", "identity:create_protocol", createProtocol);
    add(Method::Patch, protocols + "/{id}", "identity:update_protocol", updateProtocol);
    add(Method::Delete, protocols + "/{id}", "identity:delete_protocol", deleteProtocol);

    addReadingRoutes(routes, mappingKind, core);
    addDeletingRoute(routes, mappingKind, core, refuseInUse);
    add(Method::Put, mappings + "/{id}", "identity:create_mapping", createMapping);
    add(Method::Patch, mappings + "/{id}", "identity:update_mapping", updateMapping);

    for (const auto method : {Method::Get, Method::Post})
        routes.push_back({method, protocols + "/{id}/auth", open("the bearer's signature is the proof"),
                          [&](Request& request) {
                              const auto result = federation.logIn(request.param("provider"), request.param("id"), bearerOf(request));
                              return loginAnswer(request, result, core.parts.store.reader());
                          },
                          http::Runs::Worker}); // a GET, too, writes down who came
}

}
