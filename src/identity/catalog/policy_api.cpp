#include "identity/catalog/catalog.hpp"
#include "identity/record.hpp"

// Policies that other programs keep here (a type and a blob), and OS-ENDPOINT-POLICY: which of them is for which endpoint.

namespace stratolet::identity {
namespace {

using namespace http;

const std::initializer_list<std::string_view> policyAttributes = {"id", "type", "blob", "links"};

void writePolicy(JsonWriter& out, const Request& request, const store::Row& row) {
    const auto object = out.object();
    out.field("id", row.text(0));
    out.field("type", row.text(1));
    out.rawField("blob", row.text(2));
    writeExtra(out, row.text(3));
    writeSelf(out, request, "policies/" + row.text(0));
}

const RecordKind policyKind = {"policy",           "policies", "policies", "policies", "SELECT id, type, blob, extra FROM policies",
                               {{"type", "type"}}, writePolicy};

/// A blob is a text, or an object that is kept as it came.
std::string checkedBlob(const Json& value) {
    if (!value.isText() && !value.isObject()) value.refuse("It must be a text or an object.");
    return value.dump();
}

Response create(Request& request, Core& core) {
    const Json body = request.json().object("policy");
    callerOf(request).enforce();
    const auto id = core.parts.ambient.hexId(), type = checkedName(body.at("type"), 255), blob = checkedBlob(body.at("blob"));
    const auto extra = mergedExtra("{}", body, policyAttributes);
    core.parts.store.write([&](store::Transaction& tx) { tx.execute("INSERT INTO policies VALUES (?, ?, ?, ?)", id, type, blob, extra); });
    return recordAnswer(request, 201, policyKind, id, core);
}

Response update(Request& request, Core& core) {
    const Json body = request.json().object("policy");
    demandToChange(request, policyKind, core);
    const auto& id = request.param("id");
    core.parts.store.write([&](store::Transaction& tx) {
        auto rows = tx.query(policyKind.select + " WHERE id = ?", id);
        if (!rows.next()) throw notFound(policyKind, id);
        const auto row = rows.row();
        tx.execute("UPDATE policies SET type = ?, blob = ?, extra = ? WHERE id = ?",
                   body.has("type") ? checkedName(body.at("type"), 255) : row.text(1),
                   body.has("blob") ? checkedBlob(body.at("blob")) : row.text(2), mergedExtra(row.text(3), body, policyAttributes), id);
    });
    return recordAnswer(request, 200, policyKind, id, core);
}

// Associations. Each endpoint, each service and each service in a region has one policy at most.

struct Place {
    std::optional<std::string> endpoint, service, region;
};

void demand(store::Reader& db, std::string_view table, std::string_view noun, const std::optional<std::string>& id) {
    if (id && !db.query("SELECT 1 FROM " + std::string(table) + " WHERE id = ?", *id).any())
        throw Error(Failure::NotFound, "Could not find ", noun, ": ", *id, ".");
}

Place placeFrom(const Request& request, store::Reader& db) {
    Place place;
    for (const auto& [name, value] : request.params) {
        if (name == "endpoint") place.endpoint = value;
        if (name == "service") place.service = value;
        if (name == "region") place.region = value;
    }
    callerOf(request).enforce();
    demand(db, "policies", "policy", request.param("id"));
    demand(db, "endpoints", "endpoint", place.endpoint);
    demand(db, "services", "service", place.service);
    demand(db, "regions", "region", place.region);
    return place;
}

constexpr std::string_view atPlace =
    " WHERE coalesce(endpoint_id, '') = coalesce(?, '') AND coalesce(service_id, '') = coalesce(?, '') AND coalesce(region_id, '') = "
    "coalesce(?, '')";

std::optional<std::string> policyAt(store::Reader& db, const Place& place) {
    return db.query("SELECT policy_id FROM policy_associations" + std::string(atPlace), place.endpoint, place.service, place.region)
        .maybeText();
}

Response associate(Request& request, Core& core) {
    placeFrom(request, core.parts.store.reader());
    core.parts.store.write([&](store::Transaction& tx) {
        const auto place = placeFrom(request, tx);
        tx.execute("DELETE FROM policy_associations" + std::string(atPlace), place.endpoint, place.service, place.region);
        tx.execute("INSERT INTO policy_associations VALUES (?, ?, ?, ?)", request.param("id"), place.endpoint, place.service, place.region);
    });
    return emptyResponse(204);
}

void demandAssociated(const Request& request, store::Reader& db, const Place& place) {
    if (policyAt(db, place) != request.param("id"))
        throw Error(Failure::NotFound, "Could not find policy association: policy ", request.param("id"), " is not for this place.");
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
        tx.execute("DELETE FROM policy_associations" + std::string(atPlace), place.endpoint, place.service, place.region);
    });
    return emptyResponse(204);
}

/// The policy that counts for an endpoint: its own, else that of its service in its region or in the nearest region above, else that of
/// its service.
std::optional<std::string> policyFor(store::Reader& db, const std::string& endpoint, const std::string& service,
                                     std::optional<std::string> region) {
    if (auto found = policyAt(db, {endpoint, {}, {}})) return found;
    while (region) {
        if (auto found = policyAt(db, {{}, service, region})) return found;
        region = db.query("SELECT parent_id FROM regions WHERE id = ?", *region).maybeText();
    }
    return policyAt(db, {{}, service, {}});
}

Response showForEndpoint(Request& request, Core& core) {
    callerOf(request).enforce();
    auto& db = core.parts.store.reader();
    const auto& id = request.param("id");
    auto rows = db.query("SELECT service_id, region_id FROM endpoints WHERE id = ?", id);
    if (!rows.next()) throw notFound(endpointKind(), id);
    const auto found = policyFor(db, id, rows.row().text(0), rows.row().maybeText(1));
    if (!found) throw Error(Failure::NotFound, "No policy is associated with endpoint ", id, ".");
    return recordAnswer(request, 200, policyKind, *found, core);
}

Response listEndpoints(Request& request, Core& core) {
    callerOf(request).enforce();
    auto& db = core.parts.store.reader();
    demand(db, "policies", "policy", request.param("id"));
    std::vector<std::string> ids;
    auto rows = db.query("SELECT id, service_id, region_id FROM endpoints ORDER BY id");
    while (rows.next()) {
        const auto row = rows.row();
        if (policyFor(db, row.text(0), row.text(1), row.maybeText(2)) == request.param("id")) ids.push_back(row.text(0));
    }
    store::Conditions conditions;
    conditions.in("id", ids);
    return recordList(request, endpointKind(), conditions, core);
}

}

void addPolicyRoutes(Routes& routes, Core& core) {
    addReadingRoutes(routes, policyKind, core);
    addDeletingRoute(routes, policyKind, core);
    routes.push_back(
        {Method::Post, "/v3/policies", policy("identity:create_policy"), [&](Request& request) { return create(request, core); }});
    routes.push_back(
        {Method::Patch, "/v3/policies/{id}", policy("identity:update_policy"), [&](Request& request) { return update(request, core); }});

    const std::string extension = "/OS-ENDPOINT-POLICY", ofPolicy = "/v3/policies/{id}" + extension;
    const std::pair<std::string, std::string> places[] = {{"/endpoints/{endpoint}", "endpoint"},
                                                          {"/services/{service}", "service"},
                                                          {"/services/{service}/regions/{region}", "region_and_service"}};
    for (const auto& [path, noun] : places) {
        const std::string rule = "_policy_association_for_" + noun;
        routes.push_back(
            {Method::Put, ofPolicy + path, policy("identity:create" + rule), [&](Request& request) { return associate(request, core); }});
        routes.push_back(
            {Method::Get, ofPolicy + path, policy("identity:check" + rule), [&](Request& request) { return check(request, core); }});
        routes.push_back({Method::Delete, ofPolicy + path, policy("identity:delete" + rule),
                          [&](Request& request) { return dissociate(request, core); }});
    }
    routes.push_back({Method::Get, "/v3/endpoints/{id}" + extension + "/policy", policy("identity:get_policy_for_endpoint"),
                      [&](Request& request) { return showForEndpoint(request, core); }});
    routes.push_back({Method::Get, ofPolicy + "/endpoints", policy("identity:list_endpoints_for_policy"),
                      [&](Request& request) { return listEndpoints(request, core); }});
}

}
