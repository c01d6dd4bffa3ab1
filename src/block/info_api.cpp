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
constexpr std::array<Extension, 30> extensions{{
    {"OS-SCH-HNT", "SchedulerHints", "Pass arbitrary key/value pairs to the scheduler.", "2013-04-18T00:00:00+00:00"},
    {"backups", "Backups", "Backups support.", "2012-12-12T00:00:00+00:00"},
    {"capabilities", "Capabilities", "Capabilities support.", "2015-08-31T00:00:00+00:00"},
    {"encryption", "VolumeTypeEncryption", "Encryption support for volume types.", "2013-07-01T00:00:00+00:00"},
    {"os-admin-actions", "AdminActions", "Enable admin actions.", "2012-08-25T00:00:00+00:00"},
    {"os-availability-zone", "AvailabilityZones", "Describe Availability Zones.", "2013-06-27T00:00:00+00:00"},
    {"os-extended-services", "ExtendedServices", "Extended services support.", "2014-01-10T00:00:00+00:00"},
    {"os-extended-snapshot-attributes", "ExtendedSnapshotAttributes", "Extended SnapshotAttributes support.",
     "2012-06-19T00:00:00+00:00"},
    {"os-hosts", "Hosts", "Admin-only host administration.", "2011-06-29T00:00:00+00:00"},
    {"os-quota-class-sets", "QuotaClasses", "Quota classes management support.", "2012-03-12T00:00:00+00:00"},
    {"os-quota-sets", "Quotas", "Quota management support.", "2011-08-08T00:00:00+00:00"},
    {"os-services", "Services", "Services support.", "2012-10-28T00:00:00+00:00"},
    {"os-snapshot-actions", "SnapshotActions", "Enable snapshot manager actions.", "2013-07-16T00:00:00+00:00"},
    {"os-snapshot-manage", "SnapshotManage", "Takes over snapshots that a back end has already.",
     "2014-12-31T00:00:00+00:00"},
    {"os-snapshot-unmanage", "SnapshotUnmanage", "Lets a snapshot go and leaves it in its back end.",
     "2014-12-31T00:00:00+00:00"},
    {"os-types-extra-specs", "TypesExtraSpecs", "Type extra specs support.", "2011-08-24T00:00:00+00:00"},
    {"os-types-manage", "TypesManage", "Types manage support.", "2011-08-24T00:00:00+00:00"},
    {"os-used-limits", "UsedLimits", "Provide data on limited resources that are being used.",
     "2013-10-03T00:00:00+00:00"},
    {"os-vol-host-attr", "VolumeHostAttribute", "Expose host as an attribute of a volume.",
     "2011-11-03T00:00:00+00:00"},
    {"os-vol-image-meta", "VolumeImageMetadata", "Show image metadata associated with the volume.",
     "2012-12-07T00:00:00+00:00"},
    {"os-vol-mig-status-attr", "VolumeMigStatusAttribute", "Expose migration_status as an attribute of a volume.",
     "2013-08-08T00:00:00+00:00"},
    {"os-vol-tenant-attr", "VolumeTenantAttribute", "Expose the internal project_id as an attribute of a volume.",
     "2011-11-03T00:00:00+00:00"},
    {"os-volume-actions", "VolumeActions", "Enable volume actions.", "2012-05-31T00:00:00+00:00"},
    {"os-volume-encryption-metadata", "VolumeEncryptionMetadata", "Volume encryption metadata retrieval support.",
     "2013-07-10T00:00:00+00:00"},
    {"os-volume-manage", "VolumeManage", "Takes over volumes that a back end has already.",
     "2014-02-10T00:00:00+00:00"},
    {"os-volume-transfer", "VolumeTransfer", "Volume transfer management support.", "2013-05-29T00:00:00+00:00"},
    {"os-volume-type-access", "VolumeTypeAccess", "Volume type access support.", "2014-06-26T00:00:00+00:00"},
    {"os-volume-unmanage", "VolumeUnmanage", "Lets a volume go and leaves it in its back end.",
     "2012-05-31T00:00:00+00:00"},
    {"qos-specs", "Qos_specs_manage", "QoS specs support.", "2013-08-02T00:00:00+00:00"},
    {"scheduler-stats", "Scheduler_stats", "Scheduler stats support.", "2014-09-07T00:00:00+00:00"},
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
            return http::jsonResponse(200, "extension", [&](JsonWriter& out) { write(out, each); });
    throw Error(Failure::NotFound, "Extension ", request.param("alias"), " could not be found.");
}

}

http::Routes infoRoutes() {
    http::Routes routes{
        {Method::Get, "/", http::open("discovery comes before a token"),
         [](Request& request) { return versions(request, 300); }},
        {Method::Get, "/v3", http::open("discovery comes before a token"),
         [](Request& request) { return versions(request, 200); }},
    };
    add(routes, Method::Get, "/extensions", "volume:get_all", listExtensions);
    add(routes, Method::Get, "/extensions/{alias}", "volume:get_all", showExtension);
    return routes;
}

}
