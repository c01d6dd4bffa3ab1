#include <algorithm>
#include <cctype>

#include "compute/scheduler/near.hpp"
#include "compute/scheduler/place.hpp"
#include "compute/scheduler/query.hpp"
#include "platform/text/text.hpp"
#include "resource/extra_spec.hpp"

// What speaks against a host, one function for each filter, in the order in which they are asked: what is cheap and
// says most comes first. The names of Nova's filters are beside them.

namespace stratolet::compute {
namespace {

using Verdict = std::optional<Against>;

std::string outOf(std::int64_t wanted, std::int64_t free) {
    return std::to_string(wanted) + " wanted, " + std::to_string(std::max<std::int64_t>(free, 0)) + " free";
}

/// The value of a property under its present name, or an old one; empty: none.
std::string valueOf(const Properties& properties, std::string_view name, std::string_view oldName) {
    for (const auto each : {name, oldName})
        if (const auto found = properties.find(std::string(each)); found != properties.end())
            return lowered(found->second);
    return {};
}

std::string canonicalArchitecture(const std::string& name) {
    if (name == "amd64" || name == "x64") return "x86_64";
    if (name == "arm64") return "aarch64";
    if (name == "x86" || name == "i386" || name == "i486" || name == "i586") return "i686";
    return name;
}

bool named(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// A host that was asked for.
Verdict asked(const Candidate& each, const Wish& wish) {
    const auto& wanted = wish.placing;
    if ((!wanted.host || wanted.host == each.host.name) &&
        (wanted.hypervisor.empty() || wanted.hypervisor == each.host.hostname))
        return {};
    return Against{"is not the one that was asked for", "are not the one that was asked for"};
}

Verdict leftOut(const Candidate& each, const Wish& wish) {
    if (!named(wish.placing.notOn, each.host.name.text)) return {};
    return Against{"is left out", "are left out"};
}

// AvailabilityZoneFilter
Verdict zone(const Candidate& each, const Wish& wish) {
    if (wish.placing.zone.empty() || wish.placing.zone == each.host.zone) return {};
    return Against{"is in another zone", "are in another zone", each.host.zone};
}

// ComputeFilter
Verdict disabled(const Candidate& each, const Wish&) {
    if (!each.host.disabled) return {};
    return Against{"is disabled", "are disabled", each.host.disabledReason.value_or("")};
}

Verdict down(const Candidate& each, const Wish&) {
    if (each.host.up()) return {};
    return Against{"is down", "are down", each.host.forcedDown ? "as an administrator says" : ""};
}

// ImagePropertiesFilter
Verdict image(const Candidate& each, const Wish& wish) {
    const auto& image = wish.placing.image;
    const auto architecture = canonicalArchitecture(valueOf(image, "hw_architecture", "architecture"));
    const auto& has = each.host.architecture;
    if (!architecture.empty() && !has.empty() && architecture != has && !(has == "x86_64" && architecture == "i686"))
        return Against{"has another architecture", "have another architecture", has};
    const auto type = valueOf(image, "img_hv_type", "hypervisor_type");
    const auto& runs = each.host.virtType;
    if (!type.empty() && !runs.empty() && type != runs && !(runs == "kvm" && type == "qemu"))
        return Against{"has another hypervisor", "have another hypervisor", runs};
    const auto mode = valueOf(image, "hw_vm_mode", "vm_mode");
    if (!mode.empty() && mode != "hvm" && !runs.empty())
        return Against{"runs guests in another mode", "run guests in another mode", "hvm"};
    return {};
}

/// What of a host its flavors' "capabilities:" can name.
std::optional<std::string> capabilityOf(const Host& host, std::string_view name) {
    if (name == "hypervisor_type") return host.type;
    if (name == "hypervisor_version") return std::to_string(host.version);
    if (name == "hypervisor_hostname") return host.hostname;
    if (name == "vcpus_total") return std::to_string(host.vcpus);
    if (name == "vcpus_used") return std::to_string(host.load.vcpus);
    if (name == "total_usable_ram_mb") return std::to_string(host.memory.count);
    if (name == "free_ram_mb") return std::to_string(host.memory.count - host.load.ram.count);
    if (name == "free_disk_mb") return std::to_string((host.disk.count - host.load.disk.count) * 1024);
    if (name == "num_instances") return std::to_string(host.load.servers);
    if (name == "cpu_info:arch") return host.architecture;
    return std::nullopt;
}

/// One of the values, with commas between them, that aggregates give it.
bool anyAggregateMeets(const Candidate& each, const std::string& name, const std::string& spec) {
    for (const auto& metadata : each.aggregates) {
        const auto found = metadata.find(name);
        if (found == metadata.end()) continue;
        for (const auto value : split(found->second, ','))
            if (resource::meets(std::string(trimmed(value)), spec)) return true;
    }
    return false;
}

// AggregateInstanceExtraSpecsFilter, ComputeCapabilitiesFilter, and what placement would say of traits and resources
Verdict specs(const Candidate& each, const Wish& wish) {
    constexpr std::string_view ofAggregate = "aggregate_instance_extra_specs:", ofHost = "capabilities:",
                               trait = "trait:", resource = "resources:";
    std::optional<std::vector<std::string>> traits;
    for (const auto& [name, value] : wish.placing.specs) {
        if (name.starts_with(ofAggregate) && !anyAggregateMeets(each, name.substr(ofAggregate.size()), value))
            return Against{"is in no aggregate that the flavor asks for",
                           "are in no aggregate that the flavor asks for", name};
        if (name.starts_with(ofHost)) {
            const auto has = capabilityOf(each.host, std::string_view(name).substr(ofHost.size()));
            if (!has || !resource::meets(*has, value))
                return Against{"can't do what the flavor asks for", "can't do what the flavor asks for", name};
        }
        if (name.starts_with(trait)) {
            if (!traits) traits = traitsOf(each.host);
            if (named(*traits, name.substr(trait.size())) != (value != "forbidden"))
                return Against{"doesn't have the traits", "don't have the traits", name + "=" + value};
        }
        if (name.starts_with(resource) && value != "0") {
            const auto kind = std::string_view(name).substr(resource.size());
            if (kind != "VCPU" && kind != "MEMORY_MB" && kind != "DISK_GB")
                return Against{"has no such resource", "have no such resource", std::string(kind)};
        }
    }
    return {};
}

// PciPassthroughFilter: no device is passed through here.
Verdict devices(const Candidate&, const Wish& wish) {
    const auto alias = wish.placing.specs.find("pci_passthrough:alias");
    if (alias == wish.placing.specs.end()) return {};
    return Against{"has no device to pass through", "have no device to pass through", alias->second};
}

// SameHostFilter, DifferentHostFilter
Verdict others(const Candidate& each, const Wish& wish) {
    if (!wish.placing.hints.sameHost.empty() && !each.hasSame)
        return Against{"doesn't have the servers to be with", "don't have the servers to be with"};
    if (each.hasDifferent) return Against{"has a server to be apart from", "have a server to be apart from"};
    return {};
}

// SimpleCIDRAffinityFilter
Verdict near(const Candidate& each, const Wish& wish) {
    const auto& hints = wish.placing.hints;
    if (hints.nearAddress.empty()) return {};
    if (isNear(each.host.address, hints.nearAddress, hints.nearPrefix)) return {};
    return Against{"is in another network", "are in another network", each.host.address};
}

// JsonFilter
Verdict query(const Candidate& each, const Wish& wish) {
    if (wish.placing.hints.query.empty() || meetsQuery(each.host, wish.placing.hints.query)) return {};
    return Against{"isn't as the query has it", "aren't as the query has it"};
}

// ServerGroupAffinityFilter, ServerGroupAntiAffinityFilter
Verdict group(const Candidate& each, const Wish& wish) {
    if (wish.policy == GroupPolicy::Affinity && wish.groupHasHosts && each.ofGroup == 0)
        return Against{"doesn't have the group's servers", "don't have the group's servers"};
    if (wish.policy == GroupPolicy::AntiAffinity && each.ofGroup >= wish.perHost)
        return Against{"has servers of the group already", "have servers of the group already",
                       std::to_string(each.ofGroup)};
    return {};
}

Verdict processors(const Candidate& each, const Wish& wish) {
    const auto free = each.host.vcpusMost() - each.host.load.vcpus;
    if (wish.placing.vcpus > each.host.vcpus) // no server may have more of them than there are (Nova, max_unit)
        return Against{"has fewer processors", "have fewer processors", std::to_string(each.host.vcpus)};
    if (wish.placing.vcpus <= free) return {};
    return Against{"lacks processors", "lack processors", outOf(wish.placing.vcpus, free)};
}

Verdict memory(const Candidate& each, const Wish& wish) {
    const auto free = each.host.ramMost() - each.host.load.ram.count;
    if (wish.placing.ram.count <= free && wish.placing.ram.count <= each.host.memory.count) return {};
    return Against{"lacks memory", "lack memory", outOf(wish.placing.ram.count, free) + " MiB"};
}

Verdict disk(const Candidate& each, const Wish& wish) {
    const auto free = each.host.diskMost() - each.host.load.disk.count;
    if (wish.placing.disk.count <= free) return {};
    return Against{"lacks disk space", "lack disk space", outOf(wish.placing.disk.count, free) + " GiB"};
}

// NUMATopologyFilter: the guest's cells are alike, and so are the host's.
Verdict cells(const Candidate& each, const Wish& wish) {
    const auto spec = wish.placing.specs.find("hw:numa_nodes");
    const auto wanted = spec == wish.placing.specs.end() ? std::nullopt : wholeNumberIn(spec->second);
    if (!wanted || *wanted < 1) return {};
    const auto has = std::max<std::int64_t>(each.host.cells, 1);
    const bool fits = *wanted <= has && (wish.placing.vcpus + *wanted - 1) / *wanted <= each.host.vcpus / has &&
                      wish.placing.ram.count / *wanted <= each.host.memory.count / has;
    if (fits) return {};
    return Against{"doesn't have the NUMA cells", "don't have the NUMA cells", std::to_string(has)};
}

constexpr Verdict (*filters[])(const Candidate&, const Wish&) = {asked,      leftOut, zone,   disabled, down,  image,
                                                                 specs,      devices, others, near,     query, group,
                                                                 processors, memory,  disk,   cells};

}

std::optional<Against> against(const Candidate& host, const Wish& wish) {
    if (wish.placing.forced) { // past all filters (Nova, force_hosts), to where there is somebody to make it
        auto verdict = asked(host, wish);
        return verdict ? verdict : down(host, wish);
    }
    for (const auto filter : filters)
        if (auto verdict = filter(host, wish)) return verdict;
    return {};
}

std::vector<std::string> traitsOf(const Host& host) {
    std::vector<std::string> traits{"COMPUTE_NODE"};
    if (host.disabled) traits.emplace_back("COMPUTE_STATUS_DISABLED");
    if (!host.architecture.empty()) {
        std::string name = "HW_ARCH_" + host.architecture;
        for (auto& letter : name) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
        traits.push_back(std::move(name));
    }
    for (const auto* format : {"COMPUTE_IMAGE_TYPE_QCOW2", "COMPUTE_IMAGE_TYPE_RAW", "COMPUTE_NET_ATTACH_INTERFACE",
                               "COMPUTE_VOLUME_ATTACH", "COMPUTE_VOLUME_EXTEND"})
        traits.emplace_back(format);
    std::sort(traits.begin(), traits.end());
    return traits;
}

}
