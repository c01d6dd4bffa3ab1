#include "compute/aggregate/aggregate.hpp"
#include "compute/api.hpp"
#include "compute/base/base_copies.hpp"
#include "compute/compute.hpp"
#include "compute/console/console.hpp"
#include "compute/core.hpp"
#include "compute/diagnostics/diagnostics.hpp"
#include "compute/event/external_event.hpp"
#include "compute/flavor/flavor.hpp"
#include "compute/group/server_group.hpp"
#include "compute/host/host.hpp"
#include "compute/keypair/keypair.hpp"
#include "compute/metadata/metadata_api.hpp"
#include "compute/metadata/vendor_data.hpp"
#include "compute/metrics.hpp"
#include "compute/migration/migration.hpp"
#include "compute/password/server_password.hpp"
#include "compute/placement/placement.hpp"
#include "compute/proxy/proxy.hpp"
#include "compute/proxy/services_below.hpp"
#include "compute/quota/quota_api.hpp"
#include "compute/scheduler/scheduler.hpp"
#include "compute/server/server_api.hpp"
#include "compute/server/server_jobs.hpp"
#include "compute/usage/usage.hpp"
#include "compute/verb/mending.hpp"
#include "platform/bus/bus.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/policy/policy.hpp"
#include "platform/reconcile/reconciler.hpp"
#include "platform/resources.hpp"

namespace stratolet::compute {
namespace {

/// What of the API beyond its core is here.
struct Extension {
    std::string_view alias, name, description;
};
constexpr Extension extensions[] = {
    {"flavors", "Flavors", "Flavors."},
    {"image-metadata", "ImageMetadata", "Metadata of images, until 2.38."},
    {"images", "Images", "Images, until 2.35."},
    {"limits", "Limits", "Limits of a project."},
    {"os-aggregates", "Aggregates", "Hosts that are alike."},
    {"os-attach-interfaces", "AttachInterfaces", "Attach and detach network interfaces."},
    {"os-availability-zone", "AvailabilityZone", "Availability zones."},
    {"os-console-auth-tokens", "ConsoleAuthTokens", "What the token of a console opens."},
    {"os-console-output", "ConsoleOutput", "What a server wrote to its console."},
    {"os-flavor-access", "FlavorAccess", "Who may use a flavor that is not public."},
    {"os-flavor-extra-specs", "FlavorExtraSpecs", "Extra specifications of flavors."},
    {"os-flavor-manage", "FlavorManage", "Make and delete flavors."},
    {"os-floating-ip-pools", "FloatingIpPools", "Networks of floating IPs, until 2.35."},
    {"os-floating-ips", "FloatingIps", "Floating IPs, until 2.35."},
    {"os-hosts", "Hosts", "The hosts of the services, until 2.43."},
    {"os-hypervisors", "Hypervisors", "The machines that run servers."},
    {"os-instance-actions", "InstanceActions", "What has been done to a server."},
    {"os-instance-usage-audit-log", "InstanceUsageAuditLog", "How many servers a month has had."},
    {"os-keypairs", "Keypairs", "Public keys of users."},
    {"os-lock-server", "LockServer", "Lock and unlock servers."},
    {"os-migrations", "Migrations", "Servers that went to another host or flavor."},
    {"os-multinic", "Multinic", "Add and remove fixed addresses, until 2.43."},
    {"os-multiple-create", "MultipleCreate", "Make several servers at once."},
    {"os-networks", "Networks", "Networks, until 2.35."},
    {"os-quota-class-sets", "QuotaClasses", "Limits of all projects."},
    {"os-quota-sets", "Quotas", "Limits of projects."},
    {"os-remote-consoles", "Consoles", "Screens and serial ports of servers."},
    {"os-scheduler-hints", "SchedulerHints", "What a request says to the scheduler."},
    {"os-security-groups", "SecurityGroups", "Security groups, until 2.35, and those of servers."},
    {"os-server-diagnostics", "ServerDiagnostics", "What the hypervisor has counted."},
    {"os-server-external-events", "ServerExternalEvents", "What other services tell of servers."},
    {"os-server-groups", "ServerGroups", "Servers that are to be together, or apart."},
    {"os-server-password", "ServerPassword", "Passwords that guests have told."},
    {"os-server-tags", "ServerTags", "Tags of servers."},
    {"os-services", "Services", "The services behind the API."},
    {"os-simple-tenant-usage", "SimpleTenantUsage", "What projects have used."},
    {"os-tenant-networks", "TenantNetworks", "Networks of a project, until 2.35."},
    {"os-volumes", "Volumes", "Attach and detach volumes."},
    {"server-metadata", "ServerMetadata", "Metadata of servers."},
    {"server-migrations", "ServerMigrations", "Migrations of a server that are under way."},
    {"servers", "Servers", "Servers."}};

void write(JsonWriter& out, const Extension& extension) {
    const auto scope = out.object();
    out.field("alias", extension.alias);
    out.field("name", extension.name);
    out.field("description", extension.description);
    out.field("namespace", "http://docs.openstack.org/compute/ext/fake_xml");
    out.field("updated", "2014-12-03T00:00:00Z");
    static_cast<void>(out.array("links"));
}

void addExtensionRoutes(http::Routes& routes) {
    addRoute(routes, http::Method::Get, "/extensions", "os_compute_api:extensions", [](Call& call) {
        call.caller.enforce();
        return http::jsonResponse(200, [&](JsonWriter& out) {
            const auto body = out.object();
            const auto items = out.array("extensions");
            for (const auto& extension : extensions) write(out, extension);
        });
    });
    addRoute(routes, http::Method::Get, "/extensions/{alias}", "os_compute_api:extensions", [](Call& call) {
        call.caller.enforce();
        for (const auto& extension : extensions) {
            if (extension.alias != call.param("alias")) continue;
            return http::jsonResponse(200, "extension", [&](JsonWriter& out) { write(out, extension); });
        }
        throw Error(Failure::NotFound, "The resource could not be found.");
    });
}

}

std::vector<ConfigOption> configOptions() {
    std::vector<ConfigOption> options{{"compute", "hypervisor", "libvirt", oneOf({"libvirt", "simulated"})},
                                      {"compute", "virt_type", "auto", oneOf({"auto", "kvm", "qemu", "lxc", "xen"})},
                                      {"compute", "libvirt_uri", "qemu:///system", anyText()},
                                      {"compute", "shutdown_timeout", "60", wholeNumber(0, 3600)},
                                      {"compute", "reclaim_instance_interval", "86400", wholeNumber(0, 366 * 86400)},
                                      {"compute", "resize_confirm_window", "0", wholeNumber(0, 366 * 86400)},
                                      {"compute", "shelved_offload_time", "0", wholeNumber(-1, 366 * 86400)},
                                      {"compute", "force_config_drive", "false", trueOrFalse()},
                                      {"compute", "config_drive_format", "iso9660", oneOf({"iso9660", "vfat"})},
                                      {"compute", "simulated_hosts", "1", wholeNumber(1, 100)},
                                      {"compute", "console_token_ttl", "600", wholeNumber(1, 86400)},
                                      {"compute", "console_enforce_session_timeout", "false", trueOrFalse()},
                                      {"compute", "novnc_folder", "/usr/share/novnc", anyText()},
                                      {"compute", "vendordata_file", "", anyText()},
                                      {"compute", "dhcp_domain", "novalocal", anyText()},
                                      {"compute", "resume_guests_state_on_host_boot", "true", trueOrFalse()},
                                      {"compute", "max_attempts", "3", wholeNumber(1, 100)},
                                      {"compute", "sync_interval", "30", wholeNumber(1, 3600)}};
    for (auto& each : promiseOptions()) options.push_back(std::move(each));
    for (auto& each : vendorOptions()) options.push_back(std::move(each));
    return options;
}

struct Compute::Impl {
    Impl(Parts p, const std::vector<HostDrivers>& drivers, image::Images& images, block::Block& block,
         network::Network& net, identity::Identity& who)
        : identity(who),
          hypervisors(p.store, p.ambient, drivers),
          hosts(p.store, p.config, hypervisors),
          scheduler(hosts, p.log),
          flavors(p.store, p.ambient),
          keypairs(p.store, p.ambient, quotas),
          below(p),
          vendor(p.config, p.log),
          core{p, hypervisors, hosts, scheduler, images, block, net, flavors, quotas, below, vendor} {
        below.add(net.site());
        below.add(block.site());
        below.add(images.site());
    }

    identity::Identity& identity;
    ComputeQuotas quotas;
    Hypervisors hypervisors;
    Hosts hosts;
    Scheduler scheduler;
    Flavors flavors;
    Keypairs keypairs;
    ServicesBelow below;
    VendorData vendor;
    Core core;
    BaseCopies copies{core};
};

Compute::Compute(Parts parts, const std::vector<HostDrivers>& hosts, image::Images& images, block::Block& block,
                 network::Network& network, identity::Identity& identity)
    : impl_(std::make_unique<Impl>(parts, hosts, images, block, network, identity)) {
    parts.policies.add("compute", policyDefaults("compute"));
    parts.policies.add("placement", policyDefaults("placement"));
    declareMetrics(impl_->core, identity);
    declareServerJobs(impl_->core);
    declareImageCaching(impl_->core);
    impl_->copies.declareJobs();
    parts.bus.on<identity::ProjectDeleted>(
        "compute.forget-project", [impl = impl_.get()](store::Transaction& tx, const identity::ProjectDeleted& event) {
            impl->quotas.reset(tx, QuotaOwner{event.project});
            impl->flavors.forget(tx, event.project);
        });
    parts.bus.on<identity::UserDeleted>(
        "compute.forget-user",
        [](store::Transaction& tx, const identity::UserDeleted& event) { Keypairs::forget(tx, event.user); });
    // As often as Nova's services report (report_interval): a host that is gone is known to be before the next mending.
    parts.reconciler.declare(
        "hosts", [hypervisors = &impl_->hypervisors] { hypervisors->lookAtAll(); }, std::chrono::seconds(10));
    const auto changed = std::make_shared<ChangedServers>();
    parts.reconciler.declare(
        "guests", [core = &impl_->core, changed] { lookAtChanged(*core, *changed); }, std::chrono::hours(1));
    // The drivers outlive this, and the reconciler them.
    for (const auto& each : hosts)
        each.hypervisor.onChange([changed, reconciler = &parts.reconciler](const ServerId& server) {
            changed->add(server);
            reconciler->kick("guests");
        });
    parts.reconciler.declare(
        "compute", [core = &impl_->core] { mendServers(*core); }, parts.config.seconds("compute", "sync_interval"));
}

Compute::~Compute() = default;

http::Site Compute::site() {
    http::Site site;
    site.name = "compute";
    site.prefix = "/compute";
    site.classicPort = 8774;
    addVersionRoutes(site.routes);
    addServerRoutes(site.routes, impl_->core);
    addFlavorRoutes(site.routes, impl_->flavors, impl_->identity);
    addKeypairRoutes(site.routes, impl_->keypairs);
    addHypervisorRoutes(site.routes, impl_->core);
    addServiceRoutes(site.routes, impl_->core);
    addZoneRoutes(site.routes, impl_->core);
    addHostRoutes(site.routes, impl_->core);
    addAggregateRoutes(site.routes, impl_->core);
    addServerGroupRoutes(site.routes, impl_->core);
    addTopologyRoutes(site.routes, impl_->core);
    addQuotaRoutes(site.routes, impl_->core.parts.store, impl_->quotas, impl_->identity);
    addLimitRoutes(site.routes, impl_->core.parts.store, impl_->quotas);
    addSecurityGroupProxies(site.routes, impl_->core);
    addFloatingIpProxies(site.routes, impl_->core);
    addNetworkProxies(site.routes, impl_->core);
    addVolumeProxies(site.routes, impl_->core);
    addImageProxies(site.routes, impl_->core);
    addPasswordRoutes(site.routes, impl_->core);
    addConsoleRoutes(site.routes, impl_->core);
    addDiagnosticsRoutes(site.routes, impl_->core);
    addExternalEventRoutes(site.routes, impl_->core);
    addAssistedSnapshotRoutes(site.routes);
    addMigrationRoutes(site.routes, impl_->core);
    addUsageRoutes(site.routes, impl_->core);
    addUsageAuditRoutes(site.routes, impl_->core);
    addExtensionRoutes(site.routes);
    addRemovedRoutes(site.routes);
    site.finish = finish;
    site.refuse = refuse;
    site.noRoute = [](const http::Request& request, const std::vector<http::Method>&) { return noRoute(request); };
    impl_->identity.protect(site);
    return site;
}

http::Site Compute::placementSite() {
    auto site = compute::placementSite(impl_->core);
    impl_->identity.protect(site);
    return site;
}

http::Site Compute::consoleSite() { return compute::consoleSite(impl_->core); }

http::Site Compute::metadataSite() { return compute::metadataSite(impl_->core); }

image::NearCopies& Compute::nearCopies() { return impl_->copies; }

LiveDisks& Compute::liveDisks() { return impl_->hypervisors; }

void Compute::bootstrap() { impl_->flavors.bootstrap(); }

}
