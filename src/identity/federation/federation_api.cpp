#include <algorithm>

#include "identity/federation/federation.hpp"
#include "identity/federation/mapping.hpp"
#include "identity/noun.hpp"
#include "platform/text/text.hpp"

// OS-FEDERATION: identity providers, their protocols, the mappings of these, and the logins.

namespace stratolet::identity {
namespace {

using namespace http;
using namespace resource;

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

/// Somebody whose word on users is taken.
struct Provider {
    static constexpr std::string_view noun = "identity_provider", path = "OS-FEDERATION/identity_providers";
    std::string id;
    std::string domain; ///< where its users live
    bool enabled = false;
    std::optional<std::string> description;
    std::optional<std::int64_t> minutes; ///< that its users stay in their groups after a login; nothing: as long as the token lives
    std::vector<std::string> remoteIds;  ///< what it calls itself
};

void takeMinutes(Provider& provider, const Json& value, const Reading&) {
    constexpr std::int64_t minutesMax = 366 * 24 * 60;
    provider.minutes.reset();
    if (value.isNull()) return;
    provider.minutes = value.integer();
    if (*provider.minutes < 0 || *provider.minutes > minutesMax) value.refuse("It must be from 0 to 527040 minutes.");
}

void takeRemoteIds(Provider& provider, const Json& value, const Reading&) {
    provider.remoteIds.clear();
    if (value.isNull()) return;
    for (const auto& each : value.items()) provider.remoteIds.push_back(checkedName(each, 255));
}

void writeProviderLinks(JsonWriter& out, const Provider& provider, const Request& request) {
    const auto links = out.object("links");
    const auto self = (request.base + "/v3/").append(Provider::path).append("/") + provider.id;
    out.field("self", self);
    out.field("protocols", self + "/protocols");
}

const Table<Provider> providerTable(
    "identity_providers", 'i',
    {attribute<&Provider::id>("id", Show | Find), attribute<&Provider::domain>("domain_id", Show),
     attribute<&Provider::enabled>("enabled", Post | Put | Show | Find),
     attribute<&Provider::description>("description", Post | Put | Show),
     attribute<&Provider::minutes>("authorization_ttl", Post | Put | Show).readBy(takeMinutes),
     attribute<&Provider::remoteIds>("remote_ids", Post | Put | Show)
         .computed("(SELECT json_group_array(remote_id) FROM (SELECT remote_id FROM identity_provider_remote_ids WHERE provider_id = $.id "
                   "ORDER BY remote_id))")
         .readBy(takeRemoteIds),
     computed<Provider>("links", Kind::Other, Show | Unasked).written(writeProviderLinks)});

void setRemoteIds(store::Transaction& tx, const Provider& provider) {
    tx.execute("DELETE FROM identity_provider_remote_ids WHERE provider_id = ?", provider.id);
    for (const auto& each : provider.remoteIds)
        if (tx.execute("INSERT OR IGNORE INTO identity_provider_remote_ids VALUES (?, ?)", each, provider.id) == 0)
            throw Error(Failure::Conflict, "Conflict occurred attempting to store identity_provider - Duplicate remote ID: ", each, ".");
}

/// The domain that the provider's users live in: one of its own unless the request names another.
std::string domainFor(store::Transaction& tx, Core& core, const std::optional<std::string>& wanted, const std::string& provider) {
    if (wanted) return demandDomain(tx, {*wanted}).id.text;
    Project domain;
    domain.id.text = domain.domain.text = domain.name = core.parts.ambient.hexId();
    domain.isDomain = true;
    domain.description = "Auto generated federated domain for Identity Provider: " + provider;
    project_table::insert(tx, domain, core.parts.ambient.now());
    return domain.id.text;
}

void beginProvider(const Request& request, Provider& provider, const Json& body, bool creating) {
    if (!creating)
        return body.onlyKnows({"enabled", "description", "remote_ids", "authorization_ttl"}); // the domain stays: users live there
    body.onlyKnows({"enabled", "description", "remote_ids", "domain_id", "authorization_ttl"});
    provider.id = checkedId(request.param("id"));
}

void settleProvider(store::Transaction& tx, Core& core, Provider& provider, const Provider* before, const Json& body) {
    std::sort(provider.remoteIds.begin(), provider.remoteIds.end());
    if (before == nullptr) {
        const auto domain = body.maybeText("domain_id");
        if (providerTable.find(tx, provider.id))
            throw Error(Failure::Conflict, "Conflict occurred attempting to store identity_provider - Duplicate ID: ", provider.id, ".");
        provider.domain = domainFor(tx, core, domain, provider.id);
        return;
    }
    if (!provider.enabled) tx.execute("DELETE FROM federated_members WHERE provider_id = ?", provider.id); // its word counts no longer
    core.forgetValidated(tx);
}

// Protocols. Their ids are their own provider's matter, so they are no Noun.

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
    if (!providerTable.find(db, provider)) throw missing<Provider>(provider);
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
        if (!providerTable.find(tx, provider)) throw missing<Provider>(provider);
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

/// Rules by which what a provider says of somebody becomes a user here.
struct MappingRecord {
    static constexpr std::string_view noun = "mapping", path = "OS-FEDERATION/mappings";
    std::string id;
    std::string rules; ///< JSON
};

void takeRules(MappingRecord& mapping, const Json& rules) {
    if (!rules.isArray()) rules.refuse("It must be a list.");
    checkRules(rules);
    mapping.rules = rules.dump();
}

const Table<MappingRecord> mappingTable(
    "mappings", 'm',
    {attribute<&MappingRecord::id>("id", Show), json<&MappingRecord::rules, takeRules>("rules", Post | Put | Show),
     computed<MappingRecord>("schema_version", Kind::Text, Show, [](JsonWriter& out, const MappingRecord&) { out.value("1.0"); }),
     links<MappingRecord>()});

void beginMapping(const Request& request, MappingRecord& mapping, const Json& body, bool creating) {
    if (creating) mapping.id = checkedId(request.param("id"));
    body.onlyKnows({"id", "rules", "schema_version"});
    if (body.text("schema_version", "1.0") != "1.0") body.at("schema_version").refuse("Only 1.0 is known.");
    body.at("rules"); // a change names all of them, too
}

void settleMapping(store::Transaction& tx, const MappingRecord& mapping, const MappingRecord* before, const Json&) {
    if (before == nullptr && mappingTable.find(tx, mapping.id))
        throw Error(Failure::Conflict, "Conflict occurred attempting to store mapping - Duplicate ID: ", mapping.id, ".");
}

void refuseInUse(store::Transaction& tx, const MappingRecord& mapping) {
    const auto users = tx.query("SELECT provider_id || '/' || id FROM federation_protocols WHERE mapping_id = ?", mapping.id).texts();
    if (!users.empty())
        throw Error(Failure::Conflict, "Mapping ", mapping.id, " is in use by protocol ", users.front(), ": delete or change that first.");
}

/// RFC 6750, 2.1; empty where there is none.
std::string_view bearerOf(const Request& request) {
    const auto header = request.headers["Authorization"];
    const auto blank = header.find(' ');
    return blank != std::string_view::npos && sameWithoutCase(header.substr(0, blank), "Bearer") ? trimmed(header.substr(blank)) : "";
}

}

void addFederationRoutes(Routes& routes, Federation& federation, Core& core) {
    addNoun<Provider>(routes, core,
                      {.table = providerTable,
                       .begin = beginProvider,
                       .settle = [&core](store::Transaction& tx, Provider& provider, const Provider* before,
                                         const Json& body) { settleProvider(tx, core, provider, before, body); },
                       .mayGo = [&core](store::Transaction& tx, const Provider& provider) { removeShadows(tx, core, provider.id, {}); },
                       .insert =
                           [](store::Transaction& tx, const Provider& provider) {
                               providerTable.insert(tx, provider);
                               setRemoteIds(tx, provider);
                           },
                       .update =
                           [](store::Transaction& tx, const Provider& provider) {
                               providerTable.update(tx, provider);
                               setRemoteIds(tx, provider);
                           },
                       .posted = false,
                       .put = true});

    const auto protocols = "/v3/" + std::string(Provider::path) + "/{provider}/protocols";
    const auto add = [&](Method method, const std::string& path, const char* rule, Response (*handler)(Request&, Core&)) {
        routes.push_back({method, path, policy(rule), [&core, handler](Request& request) { return handler(request, core); }});
    };
    add(Method::Get, protocols, "identity:list_protocols", listProtocols);
    routes.push_back({Method::Get, protocols + "/{id}", policy("identity:get_protocol"), [&core](Request& request) {
                          callerOf(request).enforce();
                          return protocolAnswer(request, 200, core);
                      }});
    add(Method::Put, protocols + "/{id}", "identity:create_protocol", createProtocol);
    add(Method::Patch, protocols + "/{id}", "identity:update_protocol", updateProtocol);
    add(Method::Delete, protocols + "/{id}", "identity:delete_protocol", deleteProtocol);

    addNoun<MappingRecord>(
        routes, core,
        {.table = mappingTable, .begin = beginMapping, .settle = settleMapping, .mayGo = refuseInUse, .posted = false, .put = true});
    for (const auto method : {Method::Get, Method::Post})
        routes.push_back({method, protocols + "/{id}/auth", open("the bearer's signature is the proof"),
                          [&](Request& request) {
                              const auto result = federation.logIn(request.param("provider"), request.param("id"), bearerOf(request));
                              return loginAnswer(request, result, core.parts.store.reader());
                          },
                          http::Runs::Worker}); // a GET, too, writes down who came
}

}
