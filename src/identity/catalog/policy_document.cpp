#include "identity/catalog/catalog.hpp"
#include "identity/catalog/endpoint.hpp"

// Policies that other programs keep here (a type and a blob), and OS-ENDPOINT-POLICY: which of them is for which
// endpoint.

namespace stratolet::identity {
namespace {

using namespace http;
using namespace resource;

/// A document of some program's own, by its type.
struct PolicyDocument {
    static constexpr std::string_view noun = "policy", path = "policies";
    std::string id;
    std::string type;
    std::string blob; ///< JSON: a text, or an object that is kept as it came
    std::string extra = "{}";
};

void takeBlob(PolicyDocument& document, const Json& value) {
    if (!value.isText() && !value.isObject()) value.refuse("It must be a text or an object.");
    document.blob = value.dump();
}

const Table<PolicyDocument> policyTable("policies", 'p',
                                        {attribute<&PolicyDocument::id>("id", Show),
                                         named<&PolicyDocument::type>("type", Post | Put | Show | Find | Needed),
                                         json<&PolicyDocument::blob, takeBlob>("blob", Post | Put | Show | Needed),
                                         extra<PolicyDocument>(), links<PolicyDocument>()});

// Associations. Each endpoint, each service and each service in a region has one policy at most.

struct Place {
    std::optional<std::string> endpoint, service, region;
};

PolicyDocument demandPolicy(store::Reader& db, const std::string& id) {
    auto document = policyTable.find(db, id);
    if (!document) throw missing<PolicyDocument>(id);
    return *std::move(document);
}

Endpoint demandEndpoint(store::Reader& db, const std::string& id) {
    auto endpoint = endpointTable.find(db, id);
    if (!endpoint) throw missing<Endpoint>(id);
    return *std::move(endpoint);
}

Place placeFrom(const Request& request, store::Reader& db) {
    Place place;
    for (const auto& [name, value] : request.params) {
        if (name == "endpoint") place.endpoint = value;
        if (name == "service") place.service = value;
        if (name == "region") place.region = value;
    }
    callerOf(request).enforce();
    demandPolicy(db, request.param("id"));
    if (place.endpoint) demandEndpoint(db, *place.endpoint);
    if (place.service) demandService(db, *place.service);
    if (place.region) demandRegion(db, *place.region);
    return place;
}

constexpr std::string_view atPlace = " WHERE coalesce(endpoint_id, '') = coalesce(?, '') AND coalesce(service_id, '') "
                                     "= coalesce(?, '') AND coalesce(region_id, '') = "
                                     "coalesce(?, '')";

std::optional<std::string> policyAt(store::Reader& db, const Place& place) {
    return db
        .query("SELECT policy_id FROM policy_associations" + std::string(atPlace), place.endpoint, place.service,
               place.region)
        .maybeText();
}

Response associate(Request& request, Core& core) {
    placeFrom(request, core.parts.store.reader());
    core.parts.store.write([&](store::Transaction& tx) {
        const auto place = placeFrom(request, tx);
        tx.execute("DELETE FROM policy_associations" + std::string(atPlace), place.endpoint, place.service,
                   place.region);
        tx.execute("INSERT INTO policy_associations VALUES (?, ?, ?, ?)", request.param("id"), place.endpoint,
                   place.service, place.region);
    });
    return emptyResponse(204);
}

void demandAssociated(const Request& request, store::Reader& db, const Place& place) {
    if (policyAt(db, place) != request.param("id"))
        throw Error(Failure::NotFound, "Could not find policy association: policy ", request.param("id"),
                    " is not for this place.");
}

Response check(Request& request, Core& core) {
    auto& db = core.parts.store.reader();
    demandAssociated(request, db, placeFrom(request, db));
    return emptyResponse(204);
}

Response dissociate(Request& request, Core& core) {
    placeFrom(request, core.parts.store.reader());
    core.parts.store.write([&](store::Transaction& tx) {
        const auto place = placeFrom(request, tx);
        demandAssociated(request, tx, place);
        tx.execute("DELETE FROM policy_associations" + std::string(atPlace), place.endpoint, place.service,
                   place.region);
    });
    return emptyResponse(204);
}

/// The policy that counts for an endpoint: its own, else that of its service in its region or in the nearest region
/// above, else that of its service.
std::optional<std::string> policyFor(store::Reader& db, const std::string& endpoint, const std::string& service,
                                     std::optional<std::string> region) {
    if (auto found = policyAt(db, {endpoint, {}, {}})) return found;
    while (region) {
        if (auto found = policyAt(db, {{}, service, region})) return found;
        region = db.query("SELECT parent_id FROM regions WHERE id = ?", *region).maybeText();
    }
    return policyAt(db, {{}, service, {}});
}

Response showForEndpoint(Request& request, Core& core, const CollectionApi<PolicyDocument>& policies) {
    callerOf(request).enforce();
    auto& db = core.parts.store.reader();
    const auto& id = request.param("id");
    const auto endpoint = demandEndpoint(db, id);
    const auto found = policyFor(db, id, endpoint.service, endpoint.region);
    if (!found) throw Error(Failure::NotFound, "No policy is associated with endpoint ", id, ".");
    return policies.answer(request, 200, demandPolicy(db, *found), db);
}

Response listEndpoints(Request& request, Core& core, const Endpoints& endpoints) {
    callerOf(request).enforce();
    auto& db = core.parts.store.reader();
    demandPolicy(db, request.param("id"));
    std::vector<std::string> ids;
    for (const auto& each : endpointTable.list(db, {}, " ORDER BY e.id"))
        if (policyFor(db, each.id, each.service, each.region) == request.param("id")) ids.push_back(each.id);
    return endpoints->openList(request, db, {{"e.id IN (SELECT value FROM json_each(?))", {store::asList(ids)}}});
}

}

void addPolicyRoutes(Routes& routes, Core& core, const Endpoints& endpoints) {
    const auto policies = addNoun<PolicyDocument>(routes, core, {.table = policyTable, .many = "policies"});

    const std::string extension = "/OS-ENDPOINT-POLICY", ofPolicy = "/v3/policies/{id}" + extension;
    const std::pair<std::string, std::string> places[] = {
        {"/endpoints/{endpoint}", "endpoint"},
        {"/services/{service}", "service"},
        {"/services/{service}/regions/{region}", "region_and_service"}};
    for (const auto& [path, noun] : places) {
        const std::string rule = "_policy_association_for_" + noun;
        routes.push_back({Method::Put, ofPolicy + path, policy("identity:create" + rule),
                          [&](Request& request) { return associate(request, core); }});
        routes.push_back({Method::Get, ofPolicy + path, policy("identity:check" + rule),
                          [&](Request& request) { return check(request, core); }});
        routes.push_back({Method::Delete, ofPolicy + path, policy("identity:delete" + rule),
                          [&](Request& request) { return dissociate(request, core); }});
    }
    routes.push_back({Method::Get, "/v3/endpoints/{id}" + extension + "/policy",
                      policy("identity:get_policy_for_endpoint"),
                      [&core, policies](Request& request) { return showForEndpoint(request, core, *policies); }});
    routes.push_back({Method::Get, ofPolicy + "/endpoints", policy("identity:list_endpoints_for_policy"),
                      [&core, endpoints](Request& request) { return listEndpoints(request, core, endpoints); }});
}

}
