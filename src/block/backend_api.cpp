#include <algorithm>
#include <map>

#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/backends.hpp"
#include "block/snapshot/snapshot_table.hpp"
#include "block/volume/volume_table.hpp"
#include "block/wire.hpp"
#include "platform/cloud/cloud.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

/// What is told of this host and its back ends.
struct Hosting {
    Parts parts;
    const Backends& backends;
};

/// A part of this service as clients know it; all are in this process, so they are up.
struct Part {
    std::string_view binary;
    std::string host;
};

std::vector<Part> partsOf(const Hosting& hosting) {
    std::vector<Part> parts{{"cinder-scheduler", hosting.parts.cloud.host}};
    for (const auto* each : hosting.backends.all()) {
        const auto pool = hosting.backends.placeOf(*each); // "name@backend#pool"
        parts.push_back({"cinder-volume", pool.substr(0, pool.find('#'))});
    }
    return parts;
}

Response listServices(Request& request, const Hosting& hosting) {
    callerOf(request).enforce();
    const auto binary = request.query.find("binary"), host = request.query.find("host");
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("services");
        for (const auto& part : partsOf(hosting)) {
            if ((binary && *binary != part.binary) ||
                (host && *host != part.host && *host != part.host.substr(0, part.host.find('@'))))
                continue;
            const auto one = out.object();
            out.field("binary", part.binary);
            out.field("host", part.host);
            out.field("zone", availabilityZone);
            out.field("status", "enabled");
            out.field("state", "up");
            out.field("updated_at", isoMicros(hosting.parts.ambient.now()));
            out.field("disabled_reason", nullptr);
            if (microversionOf(request) >= Microversion{49} && part.binary == "cinder-volume")
                out.field("backend_state", "up");
        }
    });
}

Response listHosts(Request& request, const Hosting& hosting) {
    callerOf(request).enforce();
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("hosts");
        for (const auto& part : partsOf(hosting)) {
            const auto one = out.object();
            out.field("host_name", part.host);
            out.field("service", part.binary);
            out.field("zone", availabilityZone);
            out.field("service-status", "available");
            out.field("service-state", "enabled");
            out.field("last-update", isoMicros(hosting.parts.ambient.now()));
        }
    });
}

/// What a project has in a back end, of volumes and of snapshots.
struct Holding {
    Share volumes, snapshots;
};

/// What projects have in a back end ("host@backend"), by project; all together first, under no project's name.
std::map<std::string, Holding> holdingsOf(store::Reader& db, const std::string& backend) {
    std::map<std::string, Holding> all{{"", {}}};
    const auto add = [&](const std::vector<Share>& shares, Share Holding::*which) {
        for (const auto& each : shares)
            for (const auto& project : {std::string(), each.project.text}) {
                auto& share = all[project].*which;
                share.count += each.count;
                share.gigabytes += each.gigabytes;
            }
    };
    add(volume_table::shares(db, backend), &Holding::volumes);
    add(snapshot_table::shares(db, backend), &Holding::snapshots);
    return all;
}

/// What is in a back end, in all and by project; numbers are texts here.
Response showHost(Request& request, const Hosting& hosting) {
    const auto& host = request.param("host");
    callerOf(request).enforce();
    const auto holdings = holdingsOf(hosting.parts.store.reader(), host);
    const auto parts = partsOf(hosting);
    if (std::none_of(parts.begin(), parts.end(),
                     [&](const Part& each) { return each.binary == "cinder-volume" && each.host == host; }))
        throw Error(Failure::NotFound, "Host ", host, " could not be found.");
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("host");
        for (const auto& [project, its] : holdings) {
            const auto one = out.object();
            const auto resource = out.object("resource");
            out.field("host", host);
            out.field("project", project.empty() ? "(total)" : project);
            out.field("volume_count", std::to_string(its.volumes.count));
            out.field("total_volume_gb", std::to_string(its.volumes.gigabytes));
            out.field("snapshot_count", std::to_string(its.snapshots.count));
            out.field("total_snapshot_gb", std::to_string(its.snapshots.gigabytes));
        }
    });
}

/// Capacity in GB as clients want it: a number.
void writeCapabilities(JsonWriter& out, VolumeDriver& driver) {
    constexpr double gibi = 1 << 30;
    const auto capabilities = out.object("capabilities");
    out.field("pool_name", driver.name());
    out.field("volume_backend_name", driver.name());
    out.field("vendor_name", "Open Source");
    out.field("storage_protocol", driver.protocol());
    out.field("total_capacity_gb", static_cast<double>(driver.capacity().count) / gibi);
    out.field("free_capacity_gb", static_cast<double>(driver.free().count) / gibi);
    out.field("QoS_support", false);
    out.field("multiattach", false);
    out.field("thin_provisioning_support", true);
    out.field("thick_provisioning_support", false);
}

Response listPools(Request& request, const Hosting& hosting) {
    callerOf(request).enforce();
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("pools");
        for (auto* each : hosting.backends.all()) {
            const auto pool = out.object();
            out.field("name", hosting.backends.placeOf(*each));
            if (request.query.flag("detail")) writeCapabilities(out, *each);
        }
    });
}

}

http::Routes backendRoutes(Parts parts, const Backends& backends) {
    http::Routes routes;
    const auto with = [hosting =
                           Hosting{parts, backends}](Response (*handler)(Request&, const Hosting&)) -> http::Handler {
        return [hosting, handler](Request& request) { return handler(request, hosting); };
    };
    add(routes, Method::Get, "/os-services", "volume_extension:services:index", with(listServices));
    add(routes, Method::Get, "/os-hosts", "volume_extension:hosts", with(listHosts));
    add(routes, Method::Get, "/os-hosts/{host}", "volume_extension:hosts", with(showHost));
    add(routes, Method::Get, "/scheduler-stats/get_pools", "scheduler_extension:scheduler_stats:get_pools",
        with(listPools), http::Runs::Worker);
    return routes;
}

}
