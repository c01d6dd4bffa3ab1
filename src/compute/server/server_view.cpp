#include "compute/server/server_view.hpp"

#include <algorithm>
#include <set>

namespace stratolet::compute {
namespace {

void writeAddress(JsonWriter& out, const std::string& address, const char* type, const std::string& mac) {
    const auto scope = out.object();
    out.field("version", address.find(':') == std::string::npos ? 4 : 6);
    out.field("addr", address);
    out.field("OS-EXT-IPS:type", type);
    out.field("OS-EXT-IPS-MAC:mac_addr", mac);
}

void writeFlavor(JsonWriter& out, const Call& call, const Server& server, bool withSpecs) {
    const auto scope = out.object("flavor");
    const Flavor& flavor = server.flavor;
    if (!call.since(47)) {
        out.field("id", flavor.id);
        const auto links = out.array("links");
        const auto link = out.object();
        out.field("rel", "bookmark");
        out.field("href", call.bookmark("/flavors/" + flavor.id.text));
        return;
    }
    out.field("vcpus", flavor.vcpus);
    out.field("ram", flavor.ram.count);
    out.field("disk", flavor.disk.count);
    out.field("ephemeral", flavor.ephemeral.count);
    out.field("swap", flavor.swap.count);
    out.field("original_name", flavor.name);
    if (!withSpecs) return;
    const auto specs = out.object("extra_specs");
    for (const auto& [name, value] : flavor.extraSpecs) out.field(name, value);
}

void writeImage(JsonWriter& out, const Call& call, const Server& server) {
    if (!server.image) {
        out.field("image", "");
        return;
    }
    const auto image = out.object("image");
    out.field("id", server.image);
    const auto links = out.array("links");
    const auto link = out.object();
    out.field("rel", "bookmark");
    out.field("href", call.bookmark("/images/" + server.image.text));
}

void writeFault(JsonWriter& out, bool admin, const Server& server) {
    if (!server.fault || (server.vm != VmState::Error && server.vm != VmState::Deleted)) return;
    const auto fault = out.object("fault");
    out.field("code", 500);
    out.field("created", isoSecondsZ(*server.faultTime));
    out.field("message", *server.fault);
    if (server.faultDetails && admin) out.field("details", *server.faultDetails);
}

void writeSecurityGroups(JsonWriter& out, const ServerDetails& details) {
    std::set<std::string> names;
    for (const auto& port : details.ports) names.insert(port.securityGroups.begin(), port.securityGroups.end());
    if (names.empty()) return;
    const auto groups = out.array("security_groups");
    for (const auto& name : names) {
        const auto group = out.object();
        out.field("name", name);
    }
}

void writeVolumes(JsonWriter& out, const Call& call, const ServerDetails& details) {
    const auto volumes = out.array("os-extended-volumes:volumes_attached");
    for (const auto& tie : details.volumes) {
        const auto volume = out.object();
        out.field("id", tie.attachment.volume);
        if (call.since(3)) out.field("delete_on_termination", false);
    }
}

}

ServerWriter::ServerWriter(const Call& call, Core& core)
    : call_(call),
      rights_(identity::rightsOf(call.caller)),
      core_(core),
      admin_(call.caller.isAdmin()) {}

const ServerWriter::Project& ServerWriter::projectOf(const Server& server) {
    auto& project = projects_[server.project.text];
    if (!project.about) project.about = std::make_shared<const Target>(Target{{"project_id", server.project.text}});
    if (project.host != server.host || project.hostId.empty()) {
        project.host = server.host;
        project.hostId = hostIdOf(server);
        project.hypervisor = core_.hypervisors.hostnameOf({server.host});
    }
    return project;
}

/// What says how and where the server runs.
void ServerWriter::writeExtended(JsonWriter& out, const Server& server, const ServerDetails& details, const Project& project) {
    const Call& call = call_;
    const auto& about = project.about;
    out.field("key_name", server.keyName);
    out.field("config_drive", "");
    out.field("OS-EXT-AZ:availability_zone", server.zone);
    out.field("OS-EXT-STS:vm_state", nameOf(server.vm));
    server.task == TaskState::None ? out.field("OS-EXT-STS:task_state", nullptr) : out.field("OS-EXT-STS:task_state", nameOf(server.task));
    out.field("OS-EXT-STS:power_state", static_cast<int>(server.power));
    const auto launched = [&](std::string_view name, const std::optional<Time>& time) {
        time ? out.field(name, isoTime(*time, true, "")) : out.field(name, nullptr);
    };
    launched("OS-SRV-USG:launched_at", server.launched);
    launched("OS-SRV-USG:terminated_at", server.terminated);
    writeVolumes(out, call, details);
    writeSecurityGroups(out, details);
    if (call.since(16) && rights_.may("os_compute_api:servers:show:host_status", about)) out.field("host_status", "UP");
    const bool admin = rights_.may("os_compute_api:os-extended-server-attributes", about);
    if (admin) {
        out.field("OS-EXT-SRV-ATTR:host", server.host);
        out.field("OS-EXT-SRV-ATTR:instance_name", instanceName(server));
        out.field("OS-EXT-SRV-ATTR:hypervisor_hostname", project.hypervisor);
        if (call.since(3)) {
            out.field("OS-EXT-SRV-ATTR:reservation_id", server.reservation);
            out.field("OS-EXT-SRV-ATTR:launch_index", server.launchIndex);
            out.field("OS-EXT-SRV-ATTR:kernel_id", "");
            out.field("OS-EXT-SRV-ATTR:ramdisk_id", "");
            out.field("OS-EXT-SRV-ATTR:root_device_name", "/dev/vda");
            out.field("OS-EXT-SRV-ATTR:user_data", server.userData);
        }
    }
    if (call.since(90) || (admin && call.since(3))) out.field("OS-EXT-SRV-ATTR:hostname", server.hostname);
}

void writeAddresses(JsonWriter& out, const std::vector<network::PortFacts>& ports, std::string_view onlyNetwork) {
    std::vector<std::string> networks;
    for (const auto& port : ports)
        if (std::find(networks.begin(), networks.end(), port.networkName) == networks.end() &&
            (onlyNetwork.empty() || port.networkName == onlyNetwork))
            networks.push_back(port.networkName);
    for (const auto& network : networks) {
        const auto list = out.array(network);
        for (const auto& port : ports) {
            if (port.networkName != network) continue;
            for (const auto& ip : port.fixedIps) writeAddress(out, ip.address, "fixed", port.mac);
            for (const auto& ip : port.fixedIps)
                if (!ip.floating.empty()) writeAddress(out, ip.floating, "floating", port.mac);
        }
    }
}

void ServerWriter::write(JsonWriter& out, const Server& server, const ServerDetails& details, Showing showing) {
    const Call& call = call_;
    const auto& project = projectOf(server);
    const auto scope = out.object();
    const std::string_view status = statusOf(server);
    out.field("id", server.id);
    out.field("name", server.name);
    out.field("status", status);
    out.field("tenant_id", server.project);
    out.field("user_id", server.user);
    {
        const auto metadata = out.object("metadata");
        for (const auto& [name, value] : details.metadata) out.field(name, value);
    }
    out.field("hostId", project.hostId);
    writeImage(out, call, server);
    writeFlavor(out, call, server, call.since(47) && rights_.may("os_compute_api:servers:show:flavor-extra-specs", project.about));
    out.field("created", isoSecondsZ(server.created));
    out.field("updated", isoSecondsZ(server.updated));
    {
        const auto addresses = out.object("addresses");
        writeAddresses(out, details.ports);
    }
    out.field("accessIPv4", server.accessIpv4);
    out.field("accessIPv6", server.accessIpv6);
    call.links(out, "/servers/" + server.id.text);
    out.field("OS-DCF:diskConfig", server.diskConfig);
    if (status == "ACTIVE" || status == "BUILD") out.field("progress", 0);
    writeFault(out, admin_, server);
    if (call.since(9)) out.field("locked", !server.lockedBy.empty());
    if (call.since(19)) out.field("description", server.description);
    if (call.since(26)) {
        const auto tags = out.array("tags");
        for (const auto& tag : details.tags) out.value(tag);
    }
    if (call.since(63)) out.field("trusted_image_certificates", nullptr);
    if (call.since(71) && showing != Showing::InList) static_cast<void>(out.array("server_groups"));
    if (call.since(73)) out.field("locked_reason", server.lockedReason);
    if (showing != Showing::Changed || call.since(75)) writeExtended(out, server, details, project);
}

}
