#include <algorithm>

#include "identity/federation/federation.hpp"
#include "identity/federation/federation_table.hpp"
#include "identity/federation/identity_provider.hpp"
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
    const auto good = [](unsigned char each) {
        return std::isalnum(each) || each == '-' || each == '_' || each == '.' || each == '@';
    };
    if (id.empty() || id.size() > idLengthMax || id.front() == '.' || !std::all_of(id.begin(), id.end(), good))
        throw Error(Failure::Invalid, "Invalid input for field 'id'. Value: ", id,
                    ". It must be 1 to 64 letters, digits, '-', '_', '.' and '@', and not begin with '.'.");
    return id;
}

/// Users who can log in by this provider (and this protocol of it) alone: without it they are nobody.
void removeShadows(store::Transaction& tx, Core& core, const std::string& provider,
                   const std::optional<std::string>& protocol) {
    for (const auto& each : federation_table::removeIdentities(tx, provider, protocol)) {
        federation_table::removeMemberships(tx, provider, each);
        if (federation_table::isNobody(tx, each)) removeUser(tx, core, {each});
    }
    core.forgetValidated(tx);
}

// Identity providers.

/// The domain that the provider's users live in: one of its own unless the request names another.
std::string domainFor(store::Transaction& tx, Core& core, const std::optional<std::string>& wanted,
                      const std::string& provider) {
    if (wanted) return demandDomain(tx, {*wanted}).id.text;
    Project domain;
    domain.id.text = domain.domain.text = domain.name = core.parts.ambient.hexId();
    domain.isDomain = true;
    domain.description = "Auto generated federated domain for Identity Provider: " + provider;
    project_table::insert(tx, domain, core.parts.ambient.now());
    return domain.id.text;
}

void beginProvider(const Request& request, IdentityProvider& provider, const Json& body, bool creating) {
    if (!creating)
        return body.onlyKnows(
            {"enabled", "description", "remote_ids", "authorization_ttl"}); // the domain stays: users live there
    body.onlyKnows({"enabled", "description", "remote_ids", "domain_id", "authorization_ttl"});
    provider.id = checkedId(request.param("id"));
}

void settleProvider(store::Transaction& tx, Core& core, IdentityProvider& provider, const IdentityProvider* before,
                    const Json& body) {
    std::sort(provider.remoteIds.begin(), provider.remoteIds.end());
    if (before == nullptr) {
        const auto domain = body.maybeText("domain_id");
        if (providerTable.find(tx, provider.id))
            throw Error(Failure::Conflict,
                        "Conflict occurred attempting to store identity_provider - Duplicate ID: ", provider.id, ".");
        provider.domain = domainFor(tx, core, domain, provider.id);
        return;
    }
    if (!provider.enabled) federation_table::removeMemberships(tx, provider.id); // its word counts no longer
    core.forgetValidated(tx);
}

// Protocols. Their ids are their own provider's matter, so they are no Noun.

Error noProtocol(const std::string& provider, const std::string& id) {
    return Error(Failure::NotFound, "Could not find federated protocol ", id, " for Identity Provider: ", provider,
                 ".");
}

void writeProtocol(JsonWriter& out, const Request& request, const std::string& provider,
                   const FederationProtocol& protocol) {
    const auto object = out.object();
    out.field("id", protocol.id);
    out.field("mapping_id", protocol.mapping);
    out.field("remote_id_attribute", protocol.remoteIdAttribute);
    const auto links = out.object("links");
    const auto self = request.base + "/v3/OS-FEDERATION/identity_providers/" + provider;
    out.field("self", self + "/protocols/" + protocol.id);
    out.field("identity_provider", self);
}

Response protocolAnswer(const Request& request, int status, Core& core) {
    const auto &provider = request.param("provider"), &id = request.param("id");
    const auto found = federation_table::findProtocol(core.parts.store.reader(), provider, id);
    if (!found) throw noProtocol(provider, id);
    return jsonResponse(status, "protocol", [&](JsonWriter& out) { writeProtocol(out, request, provider, *found); });
}

Response listProtocols(Request& request, Core& core) {
    callerOf(request).enforce();
    auto& db = core.parts.store.reader();
    const auto& provider = request.param("provider");
    if (!providerTable.find(db, provider)) throw missing<IdentityProvider>(provider);
    const auto found = federation_table::protocolsOf(db, provider);
    std::vector<std::string> ids;
    for (const auto& each : found) ids.push_back(each.id);
    return slicedResponse(request, "protocols", ids,
                          [&](JsonWriter& out, std::size_t at) { writeProtocol(out, request, provider, found[at]); });
}

std::string mappingIn(store::Reader& db, const Json& body) {
    const auto value = body.at("mapping_id");
    auto id = value.text();
    if (!federation_table::hasMapping(db, id)) value.refuse("There is no such mapping.");
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
        if (!providerTable.find(tx, provider)) throw missing<IdentityProvider>(provider);
        if (!federation_table::insertProtocol(tx, provider, {id, mappingIn(tx, body), attribute}))
            throw Error(Failure::Conflict,
                        "Conflict occurred attempting to store federation_protocol - Duplicate ID: ", id, ".");
    });
    return protocolAnswer(request, 201, core);
}

Response updateProtocol(Request& request, Core& core) {
    const Json body = request.json().object("protocol");
    callerOf(request).enforce();
    body.onlyKnows({"mapping_id", "remote_id_attribute"});
    const auto &provider = request.param("provider"), &id = request.param("id");
    core.parts.store.write([&](store::Transaction& tx) {
        auto protocol = federation_table::findProtocol(tx, provider, id);
        if (!protocol) throw noProtocol(provider, id);
        if (body.has("remote_id_attribute")) protocol->remoteIdAttribute = body.maybeText("remote_id_attribute");
        if (body.has("mapping_id")) protocol->mapping = mappingIn(tx, body);
        federation_table::updateProtocol(tx, provider, *protocol);
    });
    return protocolAnswer(request, 200, core);
}

Response deleteProtocol(Request& request, Core& core) {
    callerOf(request).enforce();
    const auto &provider = request.param("provider"), &id = request.param("id");
    core.parts.store.write([&](store::Transaction& tx) {
        removeShadows(tx, core, provider, id);
        if (!federation_table::removeProtocol(tx, provider, id)) throw noProtocol(provider, id);
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
     computed<MappingRecord>("schema_version", Kind::Text, Show,
                             [](JsonWriter& out, const MappingRecord&) { out.value("1.0"); }),
     links<MappingRecord>()});

void beginMapping(const Request& request, MappingRecord& mapping, const Json& body, bool creating) {
    if (creating) mapping.id = checkedId(request.param("id"));
    body.onlyKnows({"id", "rules", "schema_version"});
    if (body.text("schema_version", "1.0") != "1.0") body.at("schema_version").refuse("Only 1.0 is known.");
    body.at("rules"); // a change names all of them, too
}

void settleMapping(store::Transaction& tx, const MappingRecord& mapping, const MappingRecord* before, const Json&) {
    if (before == nullptr && mappingTable.find(tx, mapping.id))
        throw Error(Failure::Conflict, "Conflict occurred attempting to store mapping - Duplicate ID: ", mapping.id,
                    ".");
}

void refuseInUse(store::Transaction& tx, const MappingRecord& mapping) {
    const auto users = federation_table::protocolsBy(tx, mapping.id);
    if (!users.empty())
        throw Error(Failure::Conflict, "Mapping ", mapping.id, " is in use by protocol ", users.front(),
                    ": delete or change that first.");
}

/// RFC 6750, 2.1; empty where there is none.
std::string_view bearerOf(const Request& request) {
    const auto header = request.headers["Authorization"];
    const auto blank = header.find(' ');
    return blank != std::string_view::npos && sameWithoutCase(header.substr(0, blank), "Bearer")
               ? trimmed(header.substr(blank))
               : "";
}

}

void addFederationRoutes(Routes& routes, Federation& federation, Core& core) {
    addNoun<IdentityProvider>(
        routes, core,
        {.table = providerTable,
         .begin = beginProvider,
         .settle = [&core](store::Transaction& tx, IdentityProvider& provider, const IdentityProvider* before,
                           const Json& body) { settleProvider(tx, core, provider, before, body); },
         .mayGo = [&core](store::Transaction& tx,
                          const IdentityProvider& provider) { removeShadows(tx, core, provider.id, {}); },
         .insert =
             [](store::Transaction& tx, const IdentityProvider& provider) {
                 providerTable.insert(tx, provider);
                 federation_table::setRemoteIds(tx, provider.id, provider.remoteIds);
             },
         .update =
             [](store::Transaction& tx, const IdentityProvider& provider) {
                 providerTable.update(tx, provider);
                 federation_table::setRemoteIds(tx, provider.id, provider.remoteIds);
             },
         .posted = false,
         .put = true});

    const auto protocols = "/v3/" + std::string(IdentityProvider::path) + "/{provider}/protocols";
    const auto add = [&](Method method, const std::string& path, const char* rule,
                         Response (*handler)(Request&, Core&)) {
        routes.push_back(
            {method, path, policy(rule), [&core, handler](Request& request) { return handler(request, core); }});
    };
    add(Method::Get, protocols, "identity:list_protocols", listProtocols);
    routes.push_back({Method::Get, protocols + "/{id}", policy("identity:get_protocol"), [&core](Request& request) {
                          callerOf(request).enforce();
                          return protocolAnswer(request, 200, core);
                      }});
    add(Method::Put, protocols + "/{id}", "identity:create_protocol", createProtocol);
    add(Method::Patch, protocols + "/{id}", "identity:update_protocol", updateProtocol);
    add(Method::Delete, protocols + "/{id}", "identity:delete_protocol", deleteProtocol);

    addNoun<MappingRecord>(routes, core,
                           {.table = mappingTable,
                            .begin = beginMapping,
                            .settle = settleMapping,
                            .mayGo = refuseInUse,
                            .posted = false,
                            .put = true});
    for (const auto method : {Method::Get, Method::Post})
        routes.push_back({method, protocols + "/{id}/auth", open("the bearer's signature is the proof"),
                          [&](Request& request) {
                              const auto result =
                                  federation.logIn(request.param("provider"), request.param("id"), bearerOf(request));
                              return loginAnswer(request, result, core.parts.store.reader());
                          },
                          http::Runs::Worker}); // a GET, too, writes down who came
}

}
