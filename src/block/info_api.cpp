#include <algorithm>
#include <array>

#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/wire.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

Response versions(const Request& request, int status) {
    return http::jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("versions");
        const auto version = out.object();
        out.field("id", "v3.0");
        out.field("status", "CURRENT");
        out.field("version", "3." + std::to_string(newest.minor));
        out.field("min_version", "3.0");
        out.field("updated", "2022-08-31T00:00:00Z");
        {
            const auto links = out.array("links");
            {
                const auto link = out.object();
                out.field("rel", "describedby");
                out.field("type", "text/html");
                out.field("href", "https://docs.openstack.org/");
            }
            const auto link = out.object();
            out.field("rel", "self");
            out.field("href", request.base + "/v3/");
        }
        const auto types = out.array("media-types");
        const auto type = out.object();
        out.field("base", "application/json");
        out.field("type", "application/vnd.openstack.volume+json;version=3");
    });
}

/// What this service has of the optional parts that clients look for by name.
struct Extension {
    std::string_view alias, name, description, updated;
};
constexpr std::array<Extension, 11> extensions{{
    {"os-admin-actions", "AdminActions", "Enable admin actions.", "2012-08-25T00:00:00+00:00"},
    {"os-availability-zone", "AvailabilityZones", "Describe Availability Zones.", "2013-06-27T00:00:00+00:00"},
    {"os-extended-services", "ExtendedServices", "Extended services support.", "2014-01-10T00:00:00+00:00"},
    {"os-hosts", "Hosts", "Admin-only host administration.", "2011-06-29T00:00:00+00:00"},
    {"os-quota-sets", "Quotas", "Quota management support.", "2011-08-08T00:00:00+00:00"},
    {"os-services", "Services", "Services support.", "2012-10-28T00:00:00+00:00"},
    {"os-used-limits", "UsedLimits", "Provide data on limited resources that are being used.", "2013-10-03T00:00:00+00:00"},
    {"os-vol-host-attr", "VolumeHostAttribute", "Expose host as an attribute of a volume.", "2011-11-03T00:00:00+00:00"},
    {"os-vol-image-meta", "VolumeImageMetadata", "Show image metadata associated with the volume.", "2012-12-07T00:00:00+00:00"},
    {"os-vol-tenant-attr", "VolumeTenantAttribute", "Expose the internal project_id as an attribute of a volume.",
     "2011-11-03T00:00:00+00:00"},
    {"os-volume-actions", "VolumeActions", "Enable volume actions.", "2012-05-31T00:00:00+00:00"},
}};

void write(JsonWriter& out, const Extension& extension) {
    const auto one = out.object();
    out.field("alias", extension.alias);
    out.field("name", extension.name);
    out.field("description", extension.description);
    out.field("updated", extension.updated);
    const auto links = out.array("links");
}

Response listExtensions(Request& request) {
    callerOf(request).enforce();
    return http::jsonResponse(200, [](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("extensions");
        for (const auto& each : extensions) write(out, each);
    });
}

Response showExtension(Request& request) {
    callerOf(request).enforce();
    for (const auto& each : extensions)
        if (each.alias == request.param("alias"))
            return http::jsonResponse(200, [&](JsonWriter& out) {
                const auto body = out.object();
                out.key("extension");
                write(out, each);
            });
    throw Error(Failure::NotFound, "Extension ", request.param("alias"), " could not be found.");
}

Response listZones(Request& request) {
    callerOf(request).enforce();
    return http::jsonResponse(200, [](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("availabilityZoneInfo");
        const auto zone = out.object();
        out.field("zoneName", availabilityZone);
        const auto state = out.object("zoneState");
        out.field("available", true);
    });
}

void write(JsonWriter& out, const identity::Caller& caller, const VolumeType& type) {
    const auto one = out.object();
    out.field("id", type.id);
    out.field("name", type.name);
    out.field("description", type.description);
    out.field("is_public", true);
    out.field("os-volume-type-access:is_public", true);
    out.field("qos_specs_id", nullptr);
    if (!caller.may("volume_extension:access_types_extra_specs", {})) return;
    const auto none = out.object("extra_specs");
}

Response listTypes(Request& request, VolumeService& volumes) {
    const auto& caller = callerOf(request);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("volume_types");
        for (const auto& each : volumes.types(caller)) write(out, caller, each);
    });
}

Response showType(Request& request, VolumeService& volumes, const std::string& id) {
    const auto type = volumes.type(callerOf(request), id);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.key("volume_type");
        write(out, callerOf(request), type);
    });
}

/// A part of this service as clients know it; all are in this process, so they are up.
struct Part {
    std::string_view binary;
    std::string host;
};

std::vector<Part> partsOf(const VolumeService& volumes) {
    std::vector<Part> parts{{"cinder-scheduler", volumes.hostName()}};
    for (const auto* each : volumes.backends().all()) {
        const auto pool = volumes.backends().placeOf(*each); // "name@backend#pool"
        parts.push_back({"cinder-volume", pool.substr(0, pool.find('#'))});
    }
    return parts;
}

Response listServices(Request& request, const VolumeService& volumes) {
    callerOf(request).enforce();
    const auto binary = request.query.find("binary"), host = request.query.find("host");
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("services");
        for (const auto& part : partsOf(volumes)) {
            if ((binary && *binary != part.binary) || (host && *host != part.host && *host != part.host.substr(0, part.host.find('@'))))
                continue;
            const auto one = out.object();
            out.field("binary", part.binary);
            out.field("host", part.host);
            out.field("zone", availabilityZone);
            out.field("status", "enabled");
            out.field("state", "up");
            out.field("updated_at", isoMicros(volumes.now()));
            out.field("disabled_reason", nullptr);
            if (microversionOf(request) >= Microversion{49} && part.binary == "cinder-volume") out.field("backend_state", "up");
        }
    });
}

Response listHosts(Request& request, const VolumeService& volumes) {
    callerOf(request).enforce();
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("hosts");
        for (const auto& part : partsOf(volumes)) {
            const auto one = out.object();
            out.field("host_name", part.host);
            out.field("service", part.binary);
            out.field("zone", availabilityZone);
            out.field("service-status", "available");
            out.field("service-state", "enabled");
            out.field("last-update", isoMicros(volumes.now()));
        }
    });
}

/// What is in a back end, in all and by project; numbers are texts here.
Response showHost(Request& request, VolumeService& volumes) {
    const auto& host = request.param("host");
    const auto shares = volumes.shares(callerOf(request), host);
    const auto parts = partsOf(volumes);
    if (std::none_of(parts.begin(), parts.end(), [&](const Part& each) { return each.binary == "cinder-volume" && each.host == host; }))
        throw Error(Failure::NotFound, "Host ", host, " could not be found.");
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("host");
        for (const auto& each : shares) {
            const auto one = out.object();
            const auto resource = out.object("resource");
            out.field("host", host);
            out.field("project", each.project.empty() ? "(total)" : each.project.text);
            out.field("volume_count", std::to_string(each.count));
            out.field("total_volume_gb", std::to_string(each.gigabytes));
            out.field("snapshot_count", "0");
            out.field("total_snapshot_gb", "0");
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

Response listPools(Request& request, const VolumeService& volumes) {
    callerOf(request).enforce();
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("pools");
        for (auto* each : volumes.backends().all()) {
            const auto pool = out.object();
            out.field("name", volumes.backends().placeOf(*each));
            if (request.query.flag("detail")) writeCapabilities(out, *each);
        }
    });
}

}

http::Routes infoRoutes(VolumeService& volumes) {
    http::Routes routes{
        {Method::Get, "/", http::open("discovery comes before a token"), [](Request& request) { return versions(request, 300); }},
        {Method::Get, "/v3", http::open("discovery comes before a token"), [](Request& request) { return versions(request, 200); }},
    };
    add(routes, Method::Get, "/extensions", "volume:get_all", listExtensions);
    add(routes, Method::Get, "/extensions/{alias}", "volume:get_all", showExtension);
    add(routes, Method::Get, "/os-availability-zone", "volume:get_all", listZones);
    add(routes, Method::Get, "/types", "volume_extension:type_get_all",
        [&volumes](Request& request) { return listTypes(request, volumes); });
    add(routes, Method::Get, "/types/default", "volume_extension:type_get",
        [&volumes](Request& request) { return showType(request, volumes, std::string(defaultType)); });
    add(routes, Method::Get, "/types/{type}", "volume_extension:type_get",
        [&volumes](Request& request) { return showType(request, volumes, request.param("type")); });
    add(routes, Method::Get, "/os-services", "volume_extension:services:index",
        [&volumes](Request& request) { return listServices(request, volumes); });
    add(routes, Method::Get, "/os-hosts", "volume_extension:hosts", [&volumes](Request& request) { return listHosts(request, volumes); });
    add(routes, Method::Get, "/os-hosts/{host}", "volume_extension:hosts",
        [&volumes](Request& request) { return showHost(request, volumes); });
    add(
        routes, Method::Get, "/scheduler-stats/get_pools", "scheduler_extension:scheduler_stats:get_pools",
        [&volumes](Request& request) { return listPools(request, volumes); }, http::Runs::Worker);
    return routes;
}

}
