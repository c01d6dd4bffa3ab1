#include <stratolet/error.hpp>

#include "network/network_record.hpp"
#include "network/subnet.hpp"

namespace stratolet::network {

namespace {

using namespace http;

const Attributes& attributes() {
    static const Attributes all = withStandard({
        {"network_id", Type::Text, "$.network", true, false},
        {"ip_version", Type::Whole, "$.ip_version", true, false},
        {"cidr", Type::Text, "$.cidr", true, false},
        {"prefixlen", Type::Whole, {}, true, false},
        {"subnetpool_id", Type::Text, "$.subnet_pool", true, false},
        {"gateway_ip", Type::Text, "$.gateway", true, true},
        {"enable_dhcp", Type::Truth, "$.dhcp", true, true},
        {"allocation_pools", Type::Other, {}, true, true},
        {"dns_nameservers", Type::Other, {}, true, true},
        {"host_routes", Type::Other, {}, true, true},
        {"service_types", Type::Other, {}, true, true},
        {"ipv6_ra_mode", Type::Text, "$.ra_mode", true, false},
        {"ipv6_address_mode", Type::Text, "$.address_mode", true, false},
    });
    return all;
}

std::optional<std::string> orNull(const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); }

void write(JsonWriter& json, const Subnet& subnet, const Fields& fields, store::Reader& db) {
    const auto object = json.object();
    Out out(json, fields);
    writeStandard(out, subnet.id.text, subnet.standard, tagsOf(db, subnet.id.text));
    out.field("network_id", subnet.network);
    out.field("ip_version", subnet.cidr.version());
    out.field("cidr", subnet.cidr.text());
    out.field("subnetpool_id", orNull(subnet.subnetPool));
    out.field("gateway_ip", subnet.gateway ? std::optional(subnet.gateway->text()) : std::nullopt);
    out.field("enable_dhcp", subnet.dhcp);
    out.field("ipv6_ra_mode", orNull(subnet.raMode));
    out.field("ipv6_address_mode", orNull(subnet.addressMode));
    out.when("allocation_pools", [&](JsonWriter& writer) {
        const auto list = writer.array();
        for (const auto& each : subnet.pools) {
            const auto pool = writer.object();
            writer.field("start", each.first.text());
            writer.field("end", each.last.text());
        }
    });
    out.texts("dns_nameservers", subnet.dns);
    out.when("host_routes", [&](JsonWriter& writer) { writeRoutes(writer, subnet.routes); });
    out.texts("service_types", subnet.serviceTypes);
}

struct Found {
    Subnet subnet;
    NetworkRecord network;
    Target target;
};

std::optional<Found> withNetwork(Subnet subnet, store::Reader& db) {
    auto network = network_table::find(db, subnet.network);
    if (!network) return std::nullopt;
    auto target = targetOf(subnet, *network);
    return Found{std::move(subnet), *std::move(network), std::move(target)};
}

Found found(const Request& request, store::Reader& db) {
    auto subnet = subnet_table::find(db, {request.param("subnet_id")});
    auto out = subnet ? withNetwork(*std::move(subnet), db) : std::nullopt;
    if (!out) throw subnetNotFound(request.param("subnet_id"));
    return *std::move(out);
}

Response list(Request& request, Subnets& subnets) {
    const auto& caller = identity::callerOf(request);
    auto& db = subnets.core().parts.store.reader();
    auto listing = listingOf(request, db, "subnets s", attributes(),
                             {{"shared", [](store::Conditions& conditions, const std::vector<std::string>& values) {
                                   const auto truth = truthOf(values.front());
                                   if (!truth) refuseInput("shared", "'" + values.front() + "' cannot be converted to boolean.");
                                   conditions.add("(SELECT shared FROM networks WHERE id = s.network) = ?", *truth);
                               }}});
    if (!seesAll(caller, "get_subnet"))
        listing.conditions.add(
            "(s.project = ? OR EXISTS (SELECT 1 FROM networks w WHERE w.id = s.network AND (w.shared OR w.project = ?)))", caller.project,
            caller.project);
    std::vector<Found> rows;
    for (auto& each : subnet_table::list(db, listing.conditions, listing.order))
        if (auto row = withNetwork(std::move(each), db)) rows.push_back(*std::move(row));
    dropUnseen(rows, caller, "get_subnet", [](const auto& each) { return each.target; });
    std::vector<std::string> ids;
    for (const auto& each : rows) ids.push_back(each.subnet.id.text);
    const Fields fields(request.query);
    return listResponse(request, "subnets", listing, ids,
                        [&](JsonWriter& json, std::size_t index) { write(json, rows[index].subnet, fields, db); });
}

Response answer(const Request& request, int status, const Subnet& subnet, store::Reader& db) {
    return jsonResponse(status, [&](JsonWriter& json) {
        const auto body = json.object();
        json.key("subnet");
        write(json, subnet, Fields(request.query), db);
    });
}

Response show(Request& request, Subnets& subnets) {
    auto& db = subnets.core().parts.store.reader();
    const auto it = found(request, db);
    if (!identity::callerOf(request).may("get_subnet", it.target)) throw subnetNotFound(it.subnet.id.text);
    return answer(request, 200, it.subnet, db);
}

Response create(Request& request, Subnets& subnets) {
    const auto& caller = identity::callerOf(request);
    const auto wanted = posted(request, "subnet", "subnets");
    return subnets.core().parts.store.write([&](store::Transaction& tx) {
        std::vector<Subnet> all;
        for (const auto& each : wanted.items) {
            const Body body(each, attributes(), true);
            const auto id = body.text("network_id");
            if (id.empty())
                throw Error(Failure::Invalid, "Failed to parse request. Required attribute 'network_id' not specified")
                    .as("HTTPBadRequest");
            const auto network = network_table::find(tx, {id});
            if (!network || !caller.may("get_network", targetOf(*network))) throw networkNotFound(id);
            auto target = targetOf(*network);
            target["project_id"] = target["tenant_id"] = projectOf(caller, body);
            caller.enforce("create_subnet", target);
            enforceAttributes(caller, "create_subnet", body, target, true);
            all.push_back(subnets.create(tx, caller, *network, body));
        }
        if (!wanted.bulk) return answer(request, 201, all.front(), tx);
        return jsonResponse(201, [&](JsonWriter& json) {
            const auto body = json.object();
            const auto items = json.array("subnets");
            for (const auto& each : all) write(json, each, Fields(request.query), tx);
        });
    });
}

Response update(Request& request, Subnets& subnets) {
    const auto& caller = identity::callerOf(request);
    const Json wanted = put(request, "subnet");
    return subnets.core().parts.store.write([&](store::Transaction& tx) {
        const auto it = found(request, tx);
        enforceOn(caller, "update_subnet", "get_subnet", it.target, subnetNotFound(it.subnet.id.text));
        const Body body(wanted, attributes(), false);
        enforceAttributes(caller, "update_subnet", body, it.target, false);
        checkRevision(request, "subnet", it.subnet.id.text, it.subnet.standard.revision);
        return answer(request, 200, subnets.update(tx, it.subnet, it.network, body), tx);
    });
}

Response remove(Request& request, Subnets& subnets) {
    const auto& caller = identity::callerOf(request);
    subnets.core().parts.store.write([&](store::Transaction& tx) {
        const auto it = found(request, tx);
        enforceOn(caller, "delete_subnet", "get_subnet", it.target, subnetNotFound(it.subnet.id.text));
        checkRevision(request, "subnet", it.subnet.id.text, it.subnet.standard.revision);
        subnets.remove(tx, it.subnet);
    });
    return emptyResponse(204);
}

}

void addSubnetRoutes(Routes& routes, Subnets& subnets) {
    routes.push_back({Method::Get, "/v2.0/subnets", policy("get_subnet"), [&](Request& request) { return list(request, subnets); }});
    routes.push_back({Method::Post, "/v2.0/subnets", policy("create_subnet"), [&](Request& request) { return create(request, subnets); }});
    routes.push_back(
        {Method::Get, "/v2.0/subnets/{subnet_id}", policy("get_subnet"), [&](Request& request) { return show(request, subnets); }});
    routes.push_back(
        {Method::Put, "/v2.0/subnets/{subnet_id}", policy("update_subnet"), [&](Request& request) { return update(request, subnets); }});
    routes.push_back(
        {Method::Delete, "/v2.0/subnets/{subnet_id}", policy("delete_subnet"), [&](Request& request) { return remove(request, subnets); }});
}

}
