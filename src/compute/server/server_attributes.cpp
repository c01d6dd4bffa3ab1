#include "compute/server/server_attributes.hpp"

#include <algorithm>
#include <set>

#include "compute/codec.hpp"
#include "compute/server/server_view.hpp"

namespace stratolet::compute {

ServerAttribute ServerAttribute::since(int minor) && {
    first = minor;
    return std::move(*this);
}

ServerAttribute ServerAttribute::notInLists() && {
    listed = false;
    return std::move(*this);
}

ServerAttribute ServerAttribute::only(bool (*condition)(const Shown&)) && {
    when = condition;
    return std::move(*this);
}

ServerAttribute ServerAttribute::sortedAs(std::string_view itsName, Heard heard, int since) && {
    sorts.push_back({itsName, heard, since});
    return std::move(*this);
}

ServerAttribute ServerAttribute::equal(std::string_view itsName, Heard heard) && {
    const auto text = column.empty() ? std::string(found) : std::string{serverAlias, '.'}.append(column);
    filters.push_back(
        {itsName, heard, By::Equality, kind == resource::Kind::Whole ? "CAST(" + text + " AS TEXT)" : text});
    return std::move(*this);
}

ServerAttribute ServerAttribute::matching(std::string_view itsName, Heard heard) && {
    filters.push_back({itsName, heard, By::Pattern, sql(serverAlias)});
    return std::move(*this);
}

ServerAttribute ServerAttribute::within(std::string_view itsName, Heard heard) && {
    filters.push_back({itsName, heard, By::Time, std::string{serverAlias, '.'}.append(column)});
    return std::move(*this);
}

namespace {

using namespace resource;
using enum Heard;

/// Shown as its type says, and kept in that column.
template <auto... Path> ServerAttribute shown(std::string_view name, std::string_view column) {
    return {attribute<Path...>(name, Show).in(column)};
}
/// The same, and PUT changes it.
template <auto... Path> ServerAttribute changed(std::string_view name, std::string_view column) {
    return {attribute<Path...>(name, Show | Put).in(column)};
}
/// Of a column that no answer has under a name of its own.
template <auto... Path> ServerAttribute kept(std::string_view column, unsigned use = 0) {
    return {resource::column<Path...>(column, use)};
}
/// Of more than the row.
ServerAttribute written(std::string_view name, void (*write)(JsonWriter&, const Shown&), std::string_view sql = {}) {
    return {computed<Server>(name, Kind::Text, Show, nullptr, sql), write};
}
void empty(JsonWriter& out, const Shown&) { out.value(""); }
void null(JsonWriter& out, const Shown&) { out.value(nullptr); }
void zero(JsonWriter& out, const Shown&) { out.value(0); }

void bookmark(JsonWriter& out, const Call& call, const std::string& path) {
    const auto links = out.array("links");
    writeLink(out, "bookmark", call.bookmark(path));
}

void flavor(JsonWriter& out, const Shown& each) {
    const auto scope = out.object();
    const Flavor& it = each.server.flavor;
    if (!each.call.since(47)) { // a reference, which says nothing once the flavor is gone or another
        out.field("id", it.id);
        return bookmark(out, each.call, "/flavors/" + it.id.text);
    }
    out.field("vcpus", it.vcpus);
    out.field("ram", it.ram.count);
    out.field("disk", it.disk.count);
    out.field("ephemeral", it.ephemeral.count);
    out.field("swap", it.swap.count);
    out.field("original_name", it.name);
    if (!each.may("os_compute_api:servers:show:flavor-extra-specs")) return;
    const auto specs = out.object("extra_specs");
    for (const auto& [name, value] : it.extraSpecs) out.field(name, value);
}

void image(JsonWriter& out, const Shown& each) {
    if (!each.server.image) return out.value("");
    const auto scope = out.object();
    out.field("id", each.server.image);
    bookmark(out, each.call, "/images/" + each.server.image.text);
    if (!each.call.since(98)) return;
    out.key("properties");
    Codec<std::map<std::string, std::string>>::show(out, each.server.imageProperties);
}

void hints(JsonWriter& out, const Shown& each) { out.raw(each.server.hints); }

void metadata(JsonWriter& out, const Shown& each) {
    Codec<std::map<std::string, std::string>>::show(out, each.details.metadata);
}
void tags(JsonWriter& out, const Shown& each) { Codec<std::vector<std::string>>::show(out, each.details.tags); }

void addresses(JsonWriter& out, const Shown& each) {
    const auto scope = out.object();
    writeAddresses(out, each.details.ports, "", !each.brief);
}

/// A server is in one at most.
void serverGroups(JsonWriter& out, const Shown& each) {
    const auto list = out.array();
    if (!each.details.group.empty()) out.value(each.details.group);
}

void links(JsonWriter& out, const Shown& each) { each.call.linkList(out, "/servers/" + each.server.id.text); }

bool hasProgress(const Shown& each) {
    constexpr std::string_view some[] = {"ACTIVE",        "BUILD",         "REBUILD",  "RESIZE",
                                         "VERIFY_RESIZE", "REVERT_RESIZE", "MIGRATING"};
    return std::find(std::begin(some), std::end(some), statusOf(each.server)) != std::end(some);
}

bool hasFault(const Shown& each) {
    return each.server.fault && (each.server.vm == VmState::Error || each.server.vm == VmState::Deleted);
}

void fault(JsonWriter& out, const Shown& each) {
    const auto scope = out.object();
    out.field("code", 500);
    out.field("created", isoSecondsZ(*each.server.faultTime));
    out.field("message", *each.server.fault);
    if (each.server.faultDetails && each.admin) out.field("details", *each.server.faultDetails);
}

void volumes(JsonWriter& out, const Shown& each) {
    const auto list = out.array();
    for (const auto& tie : each.details.volumes) {
        const auto volume = out.object();
        out.field("id", tie.attachment.volume);
        if (each.call.since(3)) out.field("delete_on_termination", tie.device.deleteOnTermination);
    }
}

std::set<std::string> groupsOf(const Shown& each) {
    std::set<std::string> names;
    for (const auto& port : each.details.ports) names.insert(port.securityGroups.begin(), port.securityGroups.end());
    return names;
}

void groups(JsonWriter& out, const Shown& each) {
    const auto list = out.array();
    for (const auto& name : groupsOf(each)) {
        const auto group = out.object();
        out.field("name", name);
    }
}

/// As OS-SRV-USG writes times, without a zone.
void usageTime(JsonWriter& out, const std::optional<Time>& time) {
    time ? out.value(isoTime(*time, true, "")) : out.value(nullptr);
}

bool seesHost(const Shown& each) { return each.seesHost; }

void hostName(JsonWriter& out, const Server& server) {
    server.host.empty() ? out.value(nullptr) : out.value(server.host);
}

void hypervisor(JsonWriter& out, const Shown& each) {
    each.server.host.empty() ? out.value(nullptr) : out.value(each.host ? each.host->hostname : each.server.host);
}

/// How the host of a server is (Nova, get_instance_host_status).
std::string_view hostStatusOf(const Shown& each) {
    if (each.server.host.empty()) return "";
    if (each.host == nullptr) return "UNKNOWN";
    if (each.host->forcedDown) return "DOWN";
    if (each.host->disabled) return "MAINTENANCE";
    return each.host->up() ? "UP" : "UNKNOWN";
}

bool seesStatus(const Shown& each) { return each.seesStatus || (each.seesUnknown && hostStatusOf(each) == "UNKNOWN"); }

/// 2.3 put it among what only administrators see, 2.90 lets anybody see it.
bool seesHostname(const Shown& each) { return each.call.since(90) || seesHost(each); }

/// What every answer has.
std::vector<ServerAttribute> plain() {
    return {
        shown<&Server::id>("id", "id").sortedAs("uuid").equal("uuid", Admins),
        changed<&Server::name>("name", "name")
            .sortedAs("display_name")
            .matching("name", All)
            .matching("display_name", Admins),
        written("status", [](JsonWriter& out, const Shown& each) { out.value(statusOf(each.server)); }),
        shown<&Server::project>("tenant_id", "project").sortedAs("project_id"),
        shown<&Server::user>("user_id", "user").sortedAs("user_id").equal("user_id", AllSince83),
        written("metadata", metadata),
        written("hostId", [](JsonWriter& out, const Shown& each) { out.value(each.hostId); }),
        written("image", image),
        written("flavor", flavor),
        shown<&Server::created>("created", "created").sortedAs("created_at").within("created_at", AllSince83),
        ServerAttribute{attribute<&Server::updated>("updated", Show | Moves)}
            .sortedAs("updated_at")
            .within("updated_at", Admins),
        written("addresses", addresses),
        changed<&Server::accessIpv4>("accessIPv4", "access_v4").sortedAs("access_ip_v4").equal("access_ip_v4", Admins),
        changed<&Server::accessIpv6>("accessIPv6", "access_v6").sortedAs("access_ip_v6").equal("access_ip_v6", Admins),
        written("links", links),
        changed<&Server::diskConfig>("OS-DCF:diskConfig", "disk_config").sortedAs("auto_disk_config"),
        written("progress", zero, "'0'").only(hasProgress).equal("progress", AllSince83),
        written("fault", fault).only(hasFault),
        written("locked", [](JsonWriter& out, const Shown& each) { out.value(!each.server.lockedBy.empty()); })
            .since(9),
        changed<&Server::description>("description", "description")
            .since(19)
            .sortedAs("display_description")
            .matching("display_description", Admins)
            .matching("description", Admins),
        written("tags", tags).since(26),
        written("trusted_image_certificates", null).since(63),
        written("server_groups", serverGroups).since(71).notInLists(),
        shown<&Server::lockedReason>("locked_reason", "locked_reason").since(73),
        shown<&Server::pinnedZone>("pinned_availability_zone", "pinned_zone").since(96),
        written("scheduler_hints", hints).since(100),
    };
}

/// What says how and where the server runs.
std::vector<ServerAttribute> runs() {
    return {
        shown<&Server::keyName>("key_name", "key_name").sortedAs("key_name").equal("key_name", AllSince83),
        written("config_drive",
                [](JsonWriter& out, const Shown& each) { out.value(each.server.configDrive ? "True" : ""); }),
        shown<&Server::zone>("OS-EXT-AZ:availability_zone", "zone")
            .sortedAs("availability_zone")
            .equal("availability_zone", AllSince83),
        shown<&Server::vm>("OS-EXT-STS:vm_state", "vm_state").sortedAs("vm_state").equal("vm_state", AllSince83),
        shown<&Server::task>("OS-EXT-STS:task_state", "task_state")
            .sortedAs("task_state")
            .equal("task_state", AllSince83),
        shown<&Server::power>("OS-EXT-STS:power_state", "power_state")
            .sortedAs("power_state")
            .equal("power_state", AllSince83),
        ServerAttribute{attribute<&Server::launched>("OS-SRV-USG:launched_at", Show)
                            .in("launched")
                            .foundBy("coalesce($.launched, 0)")
                            .shown([](JsonWriter& out, const Server& server) { usageTime(out, server.launched); })}
            .sortedAs("launched_at")
            .within("launched_at", AllSince83),
        ServerAttribute{attribute<&Server::terminated>("OS-SRV-USG:terminated_at", Show)
                            .in("terminated")
                            .foundBy("coalesce($.terminated, 0)")
                            .shown([](JsonWriter& out, const Server& server) { usageTime(out, server.terminated); })}
            .sortedAs("terminated_at")
            .within("terminated_at", AllSince83),
        written("os-extended-volumes:volumes_attached", volumes),
        written("security_groups", groups).only([](const Shown& each) { return !groupsOf(each).empty(); }),
        written("host_status", [](JsonWriter& out, const Shown& each) { out.value(hostStatusOf(each)); })
            .since(16)
            .only(seesStatus),
        ServerAttribute{attribute<&Server::host>("OS-EXT-SRV-ATTR:host", Show).in("host").shown(hostName)}
            .only(seesHost)
            .sortedAs("host", Admins)
            .sortedAs("node", Admins)
            .equal("host", Admins)
            .equal("node", Admins),
        written("OS-EXT-SRV-ATTR:instance_name",
                [](JsonWriter& out, const Shown& each) { out.value(instanceName(each.server)); })
            .only(seesHost),
        written("OS-EXT-SRV-ATTR:hypervisor_hostname", hypervisor).only(seesHost),
        shown<&Server::reservation>("OS-EXT-SRV-ATTR:reservation_id", "reservation")
            .since(3)
            .only(seesHost)
            .equal("reservation_id", All),
        shown<&Server::launchIndex>("OS-EXT-SRV-ATTR:launch_index", "launch_index")
            .since(3)
            .only(seesHost)
            .sortedAs("launch_index")
            .equal("launch_index", Admins),
        written("OS-EXT-SRV-ATTR:kernel_id", empty, "''").since(3).only(seesHost).equal("kernel_id", Admins),
        written("OS-EXT-SRV-ATTR:ramdisk_id", empty, "''").since(3).only(seesHost).equal("ramdisk_id", Admins),
        written(
            "OS-EXT-SRV-ATTR:root_device_name", [](JsonWriter& out, const Shown&) { out.value("/dev/vda"); },
            "'/dev/vda'")
            .since(3)
            .only(seesHost)
            .sortedAs("root_device_name")
            .equal("root_device_name", Admins),
        shown<&Server::userData>("OS-EXT-SRV-ATTR:user_data", "user_data").since(3).only(seesHost),
        changed<&Server::hostname>("OS-EXT-SRV-ATTR:hostname", "hostname")
            .since(3)
            .only(seesHostname)
            .sortedAs("hostname")
            .matching("hostname", Admins),
    };
}

/// What is kept, but shown as part of something else or not at all.
std::vector<ServerAttribute> inner() {
    return {
        {attribute<&Server::number>("", 0).computed("$.number")}, // the store counts them
        kept<&Server::image>("image").sortedAs("image_ref").equal("image", All).equal("image_ref", Admins),
        kept<&Server::base>("base"),
        kept<&Server::imageProperties>("image_properties"),
        kept<&Server::flavor, &Flavor::id>("flavor")
            .sortedAs("instance_type_id")
            .equal("flavor", All)
            .equal("instance_type_id", Admins),
        kept<&Server::flavor, &Flavor::name>("flavor_name"),
        kept<&Server::flavor, &Flavor::vcpus>("vcpus"),
        kept<&Server::flavor, &Flavor::ram>("ram"),
        kept<&Server::flavor, &Flavor::disk>("disk"),
        kept<&Server::flavor, &Flavor::ephemeral>("ephemeral"),
        kept<&Server::flavor, &Flavor::swap>("swap"),
        kept<&Server::flavor, &Flavor::extraSpecs>("extra_specs"),
        kept<&Server::hints>("hints"),
        kept<&Server::keyType>("key_type"),
        kept<&Server::publicKey>("public_key"),
        kept<&Server::lockedBy>("locked_by")
            .sortedAs("locked", All, 73)
            .sortedAs("locked_by")
            .equal("locked_by", Admins),
        kept<&Server::fault>("fault"),
        kept<&Server::faultDetails>("fault_details"),
        kept<&Server::faultTime>("fault_time"),
        kept<&Server::deleted>("deleted"),
        kept<&Server::configDrive>("config_drive"),
        kept<&Server::rescueImage>("rescue_image"),
        kept<&Server::rescueBase>("rescue_base"),
        kept<&Server::shelvedImage>("shelved_image"),
        kept<&Server::softDeleted>("soft_deleted"),
    };
}

std::vector<ServerAttribute> all() {
    auto lines = plain();
    for (auto& each : runs()) {
        each.extended = true;
        lines.push_back(std::move(each));
    }
    for (auto& each : inner()) lines.push_back(std::move(each));
    return lines;
}

}

const std::vector<ServerAttribute>& serverAttributes() {
    static const auto lines = all();
    return lines;
}

}
