#include <stratolet/error.hpp>

#include "network/collection.hpp"
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
        {"subnetpool_id", Type::Text, "coalesce($.subnet_pool, '')", true, false},
        {"gateway_ip", Type::Text, "coalesce($.gateway, '')", true, true},
        {"enable_dhcp", Type::Truth, "$.dhcp", true, true},
        {"allocation_pools", Type::Other, {}, true, true},
        {"dns_nameservers", Type::Other, {}, true, true},
        {"host_routes", Type::Other, {}, true, true},
        {"service_types", Type::Other, {}, true, true},
        {"ipv6_ra_mode", Type::Text, "coalesce($.ra_mode, '')", true, false},
        {"ipv6_address_mode", Type::Text, "coalesce($.address_mode, '')", true, false},
    });
    return all;
}

std::optional<std::string> orNull(const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); }

void write(JsonWriter& json, const Shown<Subnet, Nothing>& shown, const Fields& fields, identity::Rights&) {
    const auto& subnet = shown.record;
    const auto object = json.object();
    Out out(json, fields);
    writeStandard(out, subnet.id.text, subnet.standard, shown.tags);
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

/// By what its network is.
store::Begin filterShared(store::Conditions& conditions, const std::vector<std::string>& values) {
    const auto truth = truthOf(values.front());
    if (!truth) refuseInput("shared", "'" + values.front() + "' cannot be converted to boolean.");
    conditions.add("(SELECT shared FROM networks WHERE id = s.network) = ?", *truth);
    return store::Begin::WithEither;
}

}

void addSubnetRoutes(Routes& routes, Subnets& subnets) {
    addCollection<Subnet>(
        routes,
        {.core = subnets.core(),
         .noun = "subnet",
         .table = "subnets s",
         .attributes = attributes(),
         .missing = subnetNotFound,
         .find = [](store::Reader& db, const std::string& id) { return subnet_table::find(db, {id}); },
         .list = subnet_table::list,
         .about =
             [](store::Reader& db, const std::vector<Subnet>& all) {
                 return aboutOnNetworks(
                     db, all, [](const Subnet&) { return 0; },
                     [](const Subnet& subnet, const NetworkRecord& network) { return targetOf(subnet, network); });
             },
         .concern =
             [](const ProjectId& project) {
                 return std::vector<store::Alternative>{
                     {"s.project = ?", {project}},
                     {"s.project <> ? AND s.network IN (SELECT id FROM networks WHERE shared UNION ALL SELECT id FROM networks WHERE "
                      "project = ?)",
                      {project, project}}};
             },
         .write = write,
         .wanted = targetOnNetwork,
         .create = [&](store::Transaction& tx, const identity::Caller& caller,
                       const Body& body) { return subnets.create(tx, caller, networkIn(tx, caller, body), body); },
         .update = [&](store::Transaction& tx, const identity::Caller&, const Subnet& subnet,
                       const Body& body) { return subnets.update(tx, subnet, networkOf(tx, subnet.network), body); },
         .remove = [&](store::Transaction& tx, const identity::Caller&, const Subnet& subnet) { subnets.remove(tx, subnet); },
         .filters = {{"shared", filterShared}}});
}

}
