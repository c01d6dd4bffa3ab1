#include <algorithm>

#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/common_api.hpp"
#include "network/l2/network_record.hpp"
#include "network/l2/subnet.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

using Number = Address::Number;

/// A subnet's addresses: how many its pools have, and how many of the subnet's are in use.
struct SubnetUse {
    std::string id, name;
    Prefix cidr;
    Number total = 0;
    std::int64_t used = 0;
};

/// A network's addresses, by its subnets.
struct IpAvailability {
    NetworkId id;
    Standard standard; ///< the network's
    std::vector<SubnetUse> subnets;
};

/// Of more digits than a JSON library may keep, but exact.
std::string decimal(Number number) {
    std::string digits;
    do digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(number % 10)));
    while ((number /= 10) != 0);
    return digits;
}

/// Only those of the IP version that the request asks for.
std::vector<SubnetUse> askedOf(const IpAvailability& network, const http::Request& request) {
    const auto versions = request.query.all("ip_version");
    std::vector<SubnetUse> asked;
    for (const auto& each : network.subnets)
        if (versions.empty() ||
            std::find(versions.begin(), versions.end(), std::to_string(each.cidr.version())) != versions.end())
            asked.push_back(each);
    return asked;
}

void writeUse(JsonWriter& out, const IpAvailability& network, const http::Request& request) {
    const Fields fields(request.query);
    Number total = 0;
    std::int64_t used = 0;
    const auto subnets = askedOf(network, request);
    for (const auto& each : subnets) total += each.total, used += each.used;
    if (fields.wants("total_ips")) out.rawField("total_ips", decimal(total));
    if (fields.wants("used_ips")) out.field("used_ips", used);
    if (!fields.wants("subnet_ip_availability")) return;
    const auto list = out.array("subnet_ip_availability");
    for (const auto& each : subnets) {
        const auto subnet = out.object();
        out.field("subnet_id", each.id);
        out.field("subnet_name", each.name);
        out.field("cidr", each.cidr.text());
        out.field("ip_version", each.cidr.version());
        out.rawField("total_ips", decimal(each.total));
        out.field("used_ips", each.used);
    }
}

/// Writes all that is counted, of which any may be asked for.
Attribute<IpAvailability> counts() {
    return computed<IpAvailability>("", Kind::Other, Show | Unasked).written(writeUse);
}

const Table<IpAvailability> ipAvailabilityTable(
    "networks", 'n',
    {attribute<&IpAvailability::id>("network_id", Show | Find).in("id"),
     attribute<&IpAvailability::standard, &Standard::name>("network_name", Show | Find).in("name"),
     computed<IpAvailability>(
         "tenant_id", Kind::Text, Show | Find,
         [](JsonWriter& out, const IpAvailability& it) { out.value(it.standard.project); }, "$.project"),
     attribute<&IpAvailability::standard, &Standard::project>("project_id", Show | Find).in("project"), counts()});

void countAddresses(store::Reader& db, std::vector<IpAvailability>& networks) {
    auto uses = store::many<SubnetUse>(
        db,
        "SELECT s.network, s.id, s.name, s.cidr, s.pools, (SELECT COUNT(*) FROM fixed_ips f WHERE f.subnet = s.id) "
        "FROM json_each(?) w JOIN subnets s ON s.network = w.value ORDER BY w.key, s.created, s.id",
        idsOf(networks), [](const store::Row& row) {
            SubnetUse use{row.text(1), row.text(2), Prefix::parse(row.text(3)).value(), 0, row.integer(5)};
            for (const auto& pool : Codec<AllocationPools>::load(row, 4))
                use.total += pool.last.value - pool.first.value + 1;
            return use;
        });
    for (auto& each : networks) each.subnets = store::takeOf(uses, each.id.text);
}

store::Begin filterVersion(store::Conditions& conditions, const std::vector<std::string>& values) {
    for (const auto& each : values)
        if (each != "4" && each != "6") refuseInput("ip_version", "'" + each + "' is not in [4, 6].");
    conditions.append("EXISTS (SELECT 1 FROM subnets s WHERE s.network = n.id AND s.ip_version IN (SELECT value FROM "
                      "json_each(?)))",
                      {"[" + values.front() + (values.size() > 1 ? ", " + values.back() : "") + "]"});
    return store::Begin::WithEither;
}

}

void addIpAvailabilityRoutes(http::Routes& routes, Core& core) {
    addNoun<IpAvailability>(routes, core,
                            {.noun = "network_ip_availability",
                             .table = ipAvailabilityTable,
                             .missing = networkNotFound,
                             .complete = countAddresses,
                             .filters = {{"ip_version", filterVersion}},
                             .tagged = false,
                             .plural = "network_ip_availabilities"});
}

}
