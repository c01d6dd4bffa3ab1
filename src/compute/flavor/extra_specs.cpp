#include "compute/flavor/extra_specs.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <vector>

#include <stratolet/error.hpp>

#include "compute/placement/word.hpp"
#include "platform/text/text.hpp"

// The names, the kinds of their values and their ranges are those of Nova's own validators (nova/api/validation/
// extra_specs); what it knows for other hypervisors only is taken as well: a flavor may be for another cloud.

namespace stratolet::compute {
namespace {

bool isDigit(char letter) { return letter >= '0' && letter <= '9'; }
bool isUpper(char letter) { return letter >= 'A' && letter <= 'Z'; }
bool isLetter(char letter) { return isUpper(letter) || (letter >= 'a' && letter <= 'z'); }
bool isWord(char letter) { return isDigit(letter) || isLetter(letter) || letter == '_'; }

template <class Is> bool all(std::string_view text, Is is) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is);
}

bool skip(std::string_view& text, char letter) {
    if (text.empty() || text.front() != letter) return false;
    text.remove_prefix(1);
    return true;
}

bool skipDigits(std::string_view& text) {
    const auto end = std::find_if_not(text.begin(), text.end(), isDigit);
    const bool any = end != text.begin();
    text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
    return any;
}

// Forms of texts. Each is true where the whole text has it.

/// "0-3,^2": numbers and ranges of them, of which "^" takes some away.
bool isCpuList(std::string_view text) {
    do {
        skip(text, '^');
        if (!skipDigits(text)) return false;
        if (skip(text, '-') && !skipDigits(text)) return false;
    } while (skip(text, ','));
    return text.empty();
}

/// "large", "small", "any", or a size: "2048", "2MB", "1GiB".
bool isPageSize(std::string_view text) {
    if (text == "large" || text == "small" || text == "any") return true;
    if (!skipDigits(text)) return false;
    if (!text.empty() && std::string_view("kKMGT").find(text.front()) != std::string_view::npos) {
        text.remove_prefix(1);
        skip(text, 'i');
    }
    return text.empty() || text == "b" || text == "bit" || text == "B";
}

/// "LABEL,LABEL"
bool isLabels(std::string_view text) {
    do {
        const auto end = std::find_if_not(text.begin(), text.end(), isWord);
        if (end == text.begin()) return false;
        text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
    } while (skip(text, ',') && !text.empty());
    return text.empty();
}

/// "alias:2, other:1"
bool isDeviceCounts(std::string_view text) {
    for (const auto each : split(text, ',')) {
        const auto item = trimmed(each);
        const auto colon = item.find(':');
        if (colon == 0 || colon == std::string_view::npos || !all(item.substr(colon + 1), isDigit)) return false;
    }
    return true;
}

/// What the value of a spec may be.
struct Value {
    enum class Kind { Any, Truth, Whole, OneOf, Form } kind = Kind::Any;
    std::int64_t least = std::numeric_limits<std::int64_t>::min(), most = std::numeric_limits<std::int64_t>::max();
    std::vector<std::string_view> words = {};
    bool (*hasForm)(std::string_view) = nullptr;
    std::string_view form = {};
};

Value anyText() { return {}; }
Value truth() { return {.kind = Value::Kind::Truth}; }
Value whole() { return {.kind = Value::Kind::Whole}; }
Value wholeFrom(std::int64_t least) { return {.kind = Value::Kind::Whole, .least = least}; }
Value wholeIn(std::int64_t least, std::int64_t most) {
    return {.kind = Value::Kind::Whole, .least = least, .most = most};
}
Value words(std::initializer_list<std::string_view> given) { return {.kind = Value::Kind::OneOf, .words = given}; }
Value formed(bool (*hasForm)(std::string_view), std::string_view form) {
    return {.kind = Value::Kind::Form, .hasForm = hasForm, .form = form};
}
Value cpuList() { return formed(isCpuList, "of numbers of CPUs, as in 0-3,^2"); }

struct Spec {
    std::string_view name; ///< "{num}" at its end: digits
    Value value;
};

const std::vector<Spec>& known() {
    static const std::vector<Spec> specs{
        {"hide_hypervisor_id", truth()},
        {"group_policy", words({"isolate", "none"})},
        {"accel:device_profile", anyText()},
        {"os:secure_boot", words({"disabled", "required"})},
        {"pci_passthrough:alias", formed(isDeviceCounts, "of aliases and counts, as in alias:2,other:1")},
        {"hw_rng:allowed", truth()},
        {"hw_rng:rate_bytes", wholeFrom(0)},
        {"hw_rng:rate_period", wholeFrom(0)},
        {"hw_video:ram_max_mb", wholeFrom(0)},
        {"hw:cpu_realtime", truth()},
        {"hw:cpu_realtime_mask", cpuList()},
        {"hw:hide_hypervisor_id", truth()},
        {"hw:cpu_policy", words({"dedicated", "shared", "mixed"})},
        {"hw:cpu_thread_policy", words({"prefer", "isolate", "require"})},
        {"hw:emulator_threads_policy", words({"isolate", "share"})},
        {"hw:cpu_dedicated_mask", cpuList()},
        {"hw:mem_page_size", formed(isPageSize, "large, small, any or a size")},
        {"hw:locked_memory", truth()},
        {"hw:numa_nodes", wholeFrom(1)},
        {"hw:numa_cpus.{num}", cpuList()},
        {"hw:numa_mem.{num}", wholeFrom(1)},
        {"hw:pci_numa_affinity_policy", words({"required", "preferred", "legacy", "socket"})},
        {"hw:cpu_sockets", wholeFrom(1)},
        {"hw:cpu_cores", wholeFrom(1)},
        {"hw:cpu_threads", wholeFrom(1)},
        {"hw:cpu_max_sockets", wholeFrom(1)},
        {"hw:cpu_max_cores", wholeFrom(1)},
        {"hw:cpu_max_threads", wholeFrom(1)},
        {"hw:boot_menu", truth()},
        {"hw:vif_multiqueue_enabled", truth()},
        {"hw:mem_encryption", truth()},
        {"hw:mem_encryption_model", words({"amd-sev", "amd-sev-es", "amd-sev-snp"})},
        {"hw:pmem", formed(isLabels, "of labels with commas between them")},
        {"hw:pmu", truth()},
        {"hw:serial_port_count", wholeFrom(0)},
        {"hw:tpm_model", words({"tpm-tis", "tpm-crb"})},
        {"hw:tpm_version", words({"1.2", "2.0"})},
        {"hw:tpm_secret_security", words({"user", "host", "deployment"})},
        {"hw:watchdog_action", words({"none", "pause", "poweroff", "reset", "disabled"})},
        {"hw:viommu_model", words({"intel", "smmuv3", "virtio", "auto"})},
        {"hw:virtio_packed_ring", truth()},
        {"hw:sound_model", words({"sb16", "es1370", "pcspk", "ac97", "ich6", "ich9", "usb", "virtio"})},
        {"hw:usb_model", words({"none", "nec-xhci", "qemu-xhci"})},
        {"hw:redirected_usb_ports", wholeIn(0, 15)},
        {"hw:ephemeral_encryption", truth()},
        {"hw:ephemeral_encryption_format", words({"plain", "luks", "luksv2"})},
        {"quota:cpu_shares", wholeFrom(0)},
        {"quota:cpu_period", wholeFrom(0)},
        {"quota:cpu_quota", whole()},
    };
    return specs;
}

/// The words that stand between "quota:" and its end, for what has no line of its own.
std::optional<Value> quotaOf(std::string_view name) {
    constexpr auto shared = std::to_array<std::string_view>({"cpu", "memory", "disk_io", "vif"});
    for (const auto each : shared) {
        if (!name.starts_with(each)) continue;
        const auto end = name.substr(each.size());
        if (end == "_limit" || end == "_shares_share") return wholeFrom(0);
        if (end == "_reservation") return whole();
        if (end == "_shares_level") return words({"custom", "high", "normal", "low"});
    }
    for (const char* stat : {"read", "write", "total"})
        for (const char* metric : {"bytes", "iops"})
            if (name == std::string("disk_") + stat + "_" + metric + "_sec") return wholeFrom(0);
    for (const char* way : {"inbound", "outbound"})
        for (const char* metric : {"average", "peak", "burst"})
            if (name == std::string("vif_") + way + "_" + metric) return wholeFrom(0);
    return std::nullopt;
}

/// What a host says of itself. The latter have parts.
std::optional<Value> capabilityOf(std::string_view name) {
    constexpr auto plain = std::to_array<std::string_view>({"id",
                                                            "uuid",
                                                            "service_id",
                                                            "host",
                                                            "vcpus",
                                                            "memory_mb",
                                                            "local_gb",
                                                            "vcpus_used",
                                                            "memory_mb_used",
                                                            "local_gb_used",
                                                            "hypervisor_type",
                                                            "hypervisor_version",
                                                            "hypervisor_hostname",
                                                            "free_ram_mb",
                                                            "free_disk_gb",
                                                            "current_workload",
                                                            "running_vms",
                                                            "disk_available_least",
                                                            "host_ip",
                                                            "mapped",
                                                            "cpu_allocation_ratio",
                                                            "ram_allocation_ratio",
                                                            "disk_allocation_ratio",
                                                            "total_usable_ram_mb",
                                                            "total_usable_disk_gb",
                                                            "disk_mb_used",
                                                            "free_disk_mb",
                                                            "vcpus_total",
                                                            "num_instances",
                                                            "num_io_ops",
                                                            "failed_builds",
                                                            "aggregates",
                                                            "cell_uuid",
                                                            "updated"});
    constexpr auto parted = std::to_array<std::string_view>(
        {"cpu_info", "metrics", "stats", "numa_topology", "supported_hv_specs", "pci_device_pools", "nodename",
         "pci_stats", "supported_instances", "limits", "instances"});
    if (std::find(plain.begin(), plain.end(), name) != plain.end()) return anyText();
    const auto parts = split(name, ':');
    if (std::find(parted.begin(), parted.end(), parts.front()) == parted.end()) return std::nullopt;
    for (std::size_t at = 1; at < parts.size(); ++at)
        if (!all(parts[at], isWord)) return std::nullopt;
    return anyText();
}

std::optional<Value> resourceOf(std::string_view name) {
    if (!placement::isCustom(name) && !placement::isStandardClass(name)) return std::nullopt;
    return whole();
}

std::optional<Value> traitOf(std::string_view name) {
    if (!isStandardTrait(name) && !placement::isCustom(name)) return std::nullopt;
    return words({"required", "forbidden"});
}

/// "resources" and "resources_GROUP1" are namespaces: what stands behind the first word names a group of a request.
bool isGrouped(std::string_view space, std::string_view word) {
    if (!space.starts_with(word)) return false;
    const auto group = space.substr(word.size());
    return group.size() <= 64 &&
           (group.empty() || all(group, [](char letter) { return isWord(letter) || letter == '-'; }));
}

bool names(const Spec& spec, std::string_view name) {
    constexpr std::string_view number = "{num}";
    if (!spec.name.ends_with(number)) return spec.name == name;
    const auto before = spec.name.substr(0, spec.name.size() - number.size());
    return name.starts_with(before) && all(name.substr(before.size()), isDigit);
}

bool isOurs(std::string_view space) {
    constexpr auto spaces =
        std::to_array<std::string_view>({"accel", "aggregate_instance_extra_specs", "capabilities", "hw", "hw_rng",
                                         "hw_video", "os", "pci_passthrough", "quota"});
    return std::find(spaces.begin(), spaces.end(), space) != spaces.end() || isGrouped(space, "resources") ||
           isGrouped(space, "trait");
}

std::optional<Value> valueOf(std::string_view name) {
    const auto found =
        std::find_if(known().begin(), known().end(), [&](const Spec& each) { return names(each, name); });
    if (found != known().end()) return found->value;
    const auto colon = name.find(':');
    if (colon == std::string_view::npos) return anyText(); // belongs to nobody
    const auto space = name.substr(0, colon), rest = name.substr(colon + 1);
    if (!isOurs(space)) return anyText();
    if (space == "aggregate_instance_extra_specs" && !rest.empty()) return anyText();
    if (space == "quota") return quotaOf(rest);
    if (space == "capabilities") return capabilityOf(rest);
    if (isGrouped(space, "resources")) return resourceOf(rest);
    if (isGrouped(space, "trait")) return traitOf(rest);
    return std::nullopt;
}

template <class... Parts> [[noreturn]] void refuse(std::string_view name, const Parts&... parts) {
    throw Error(Failure::Invalid, "Validation failed; extra spec '", name, "' ", parts...);
}

void requireWhole(std::string_view name, std::string_view value, const Value& wanted) {
    auto text = trimmed(value);
    if (text.starts_with('+')) text.remove_prefix(1);
    std::int64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size())
        refuse(name, "is a whole number, which '", value, "' isn't.");
    if (number < wanted.least) refuse(name, "is at least ", wanted.least, ", not '", value, "'.");
    if (number > wanted.most) refuse(name, "is at most ", wanted.most, ", not '", value, "'.");
}

}

void requireValidSpec(std::string_view name, std::string_view value) {
    const auto wanted = valueOf(name);
    if (!wanted) refuse(name, "does not appear to be a valid extra spec.");
    switch (wanted->kind) {
    case Value::Kind::Any: return;
    case Value::Kind::Truth:
        if (!truthOf(value)) refuse(name, "is true or false, not '", value, "'.");
        return;
    case Value::Kind::Whole: return requireWhole(name, value, *wanted);
    case Value::Kind::OneOf: {
        if (std::find(wanted->words.begin(), wanted->words.end(), value) != wanted->words.end()) return;
        std::string choice;
        for (const auto each : wanted->words) choice.append(choice.empty() ? "" : ", ").append(each);
        refuse(name, "is one of ", choice, "; not '", value, "'.");
    }
    case Value::Kind::Form:
        if (!wanted->hasForm(value)) refuse(name, "has the form ", wanted->form, "; '", value, "' hasn't.");
        return;
    }
}

}
