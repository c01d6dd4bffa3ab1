#include <algorithm>

#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/backends.hpp"
#include "block/scheduler/scheduler.hpp"
#include "block/scheduler/scheduler_table.hpp"
#include "block/services.hpp"
#include "block/type/type.hpp"
#include "block/wire.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

/// What is in a back end, in all and by project; numbers are texts here.
Response showHost(Request& request, const Hosting& hosting) {
    const auto& host = request.param("host");
    callerOf(request).enforce();
    const auto services = servicesOf(hosting, hosting.parts.store.reader());
    if (std::none_of(services.begin(), services.end(),
                     [&](const ServiceNow& each) { return each.binary == "cinder-volume" && each.host == host; }))
        throw Error(Failure::NotFound, "Host ", host, " could not be found.");
    const auto shares = scheduler_table::shares(hosting.parts.store.reader(), host);
    Share total{{"(total)"}}; // as it is called there, in a project's place
    for (const auto& each : shares) {
        total.volumes += each.volumes;
        total.gigabytes += each.gigabytes;
        total.snapshots += each.snapshots;
        total.snapshotGigabytes += each.snapshotGigabytes;
    }
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("host");
        const auto write = [&](const Share& share) {
            const auto one = out.object();
            const auto resource = out.object("resource");
            out.field("host", host);
            out.field("project", share.project);
            out.field("volume_count", std::to_string(share.volumes));
            out.field("total_volume_gb", std::to_string(share.gigabytes));
            out.field("snapshot_count", std::to_string(share.snapshots));
            out.field("total_snapshot_gb", std::to_string(share.snapshotGigabytes));
        };
        write(total);
        for (const auto& each : shares) write(each);
    });
}

/// A pool as the scheduler sees it. Truths are truths here, and capacities numbers of GB.
void writeCapabilities(JsonWriter& out, const Pool& pool) {
    const auto capabilities = out.object("capabilities");
    for (const auto& [name, value] : pool.capabilities) {
        if (value == "True" || value == "False")
            out.field(name, value == "True");
        else if (name != "total_capacity_gb" && name != "free_capacity_gb")
            out.field(name, value);
    }
    out.field("total_capacity_gb", pool.total);
    out.field("free_capacity_gb", pool.free);
    out.field("allocated_capacity_gb", pool.allocated);
    out.field("provisioned_capacity_gb", pool.allocated);
    out.field("total_volumes", pool.volumes);
    out.field("max_over_subscription_ratio", pool.overSubscription);
    out.field("reserved_percentage", pool.reserved);
}

/// Whether the pool has what the query asks for: its name, a type's back end, or any other of its capabilities.
bool isWanted(const Request& request, store::Reader& db, const Pool& pool) {
    if (const auto name = request.query.find("name"); name && *name != pool.name) return false;
    const auto type = request.query.find("volume_type");
    if (!type || type->empty()) return true;
    const auto found = type_table::findNamed(db, *type);
    if (!found) throw missingType(*type);
    Placement wanted;
    for (const auto& [key, value] : found->extraSpecs)
        if (key != "RESKEY:availability_zones") wanted.specs.emplace(key, value);
    return static_cast<bool>(place({pool}, wanted));
}

Response listPools(Request& request, const Hosting& hosting) {
    callerOf(request).enforce();
    const auto version = microversionOf(request);
    for (const auto& [name, value] : request.query) {
        const bool known = name == "detail" || (name == "name" && version >= Microversion{28}) ||
                           (name == "volume_type" && version >= Microversion{35});
        if (!known && version >= Microversion{31})
            throw Error(Failure::Invalid, "Invalid filters ", name, " are found in query options.");
    }
    hosting.scheduler.refresh();
    auto& db = hosting.parts.store.reader();
    const auto pools = hosting.scheduler.pools(db);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("pools");
        for (const auto& each : pools) {
            if (!isWanted(request, db, each)) continue;
            const auto pool = out.object();
            out.field("name", each.name);
            if (request.query.flag("detail")) writeCapabilities(out, each);
        }
    });
}

/// What types may say of volumes there.
Response showCapabilities(Request& request, const Hosting& hosting) {
    callerOf(request).enforce();
    const auto& host = request.param("host");
    const auto* driver = hosting.backends.at(host);
    if (!driver) throw Error(Failure::NotFound, "Service ", host, " could not be found.");
    const auto can = driver->capabilities();
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.field("namespace", "OS::Storage::Capabilities::" + host);
        out.field("vendor_name", "Open Source");
        out.field("volume_backend_name", driver->name());
        out.field("pool_name", driver->name());
        out.field("driver_version", "1");
        out.field("storage_protocol", driver->protocol());
        out.field("display_name", driver->name());
        out.field("description", "Volumes of the back end " + std::string(driver->name()));
        out.field("visibility", "public");
        { const auto targets = out.array("replication_targets"); }
        const auto properties = out.object("properties");
        const auto property = [&](std::string_view name, std::string_view title, bool has) {
            const auto one = out.object(name);
            out.field("title", title);
            out.field("description", has ? "It does." : "It does not.");
            out.field("type", "boolean");
        };
        property("thin_provisioning", "Gigabytes are taken as they are written", can.thin);
        property("multiattach", "Several servers may have a volume", can.multiattach);
        property("encryption", "Volumes may be encrypted", can.encryption);
    });
}

}

http::Routes backendRoutes(const Hosting& hosting) {
    http::Routes routes;
    const auto with = http::boundTo(hosting);
    add(routes, Method::Get, "/os-hosts/{host}", "volume_extension:hosts", with(showHost));
    add(routes, Method::Get, "/scheduler-stats/get_pools", "scheduler_extension:scheduler_stats:get_pools",
        with(listPools), http::Runs::Worker);
    add(routes, Method::Get, "/capabilities/{host}", "volume_extension:capabilities", with(showCapabilities));
    return routes;
}
}
