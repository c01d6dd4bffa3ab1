#include "compute/guest/guest_shape.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <set>
#include <string_view>

#include <stratolet/error.hpp>

#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

constexpr int serialPortsMost = 4; // of a PC
constexpr int cellsMost = 64;

/// What is asked for under a flavor's name, or an image's. Names of extra specs and of properties may be empty.
struct Wishes {
    const std::map<std::string, std::string>& flavor;
    const ImageProperties& image;

    static std::string in(const std::map<std::string, std::string>& said, std::string_view name) {
        const auto found = name.empty() ? said.end() : said.find(std::string(name));
        return found == said.end() ? std::string() : found->second;
    }

    std::string text(std::string_view spec, std::string_view property) const {
        const auto said = in(flavor, spec);
        return said.empty() ? in(image, property) : said;
    }

    std::string word(std::string_view spec, std::string_view property,
                     std::initializer_list<std::string_view> known) const {
        const auto said = lowered(text(spec, property));
        if (!said.empty() && std::find(known.begin(), known.end(), said) == known.end())
            throw Error(Failure::Invalid, "Guests here can't have ", property.empty() ? spec : property, "=", said,
                        ".");
        return said;
    }

    std::int64_t number(std::string_view spec, std::string_view property, std::int64_t otherwise) const {
        const auto said = text(spec, property);
        if (said.empty()) return otherwise;
        const auto read = wholeNumberIn(said);
        if (!read) throw Error(Failure::Invalid, property.empty() ? spec : property, " is no whole number: ", said);
        return *read;
    }

    bool truth(std::string_view spec, std::string_view property, bool otherwise) const {
        const auto said = text(spec, property);
        return said.empty() ? otherwise : truthOf(said).value_or(otherwise);
    }
};

/// "pc", "q35", and their versions as QEMU has them.
std::string machineIn(const Wishes& wishes) {
    const auto said = wishes.text("", "hw_machine_type");
    if (said.empty()) return "pc";
    const bool known = said == "pc" || said == "q35" || said.starts_with("pc-i440fx-") || said.starts_with("pc-q35-");
    if (!known || said.size() > 64 ||
        said.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") != std::string::npos)
        throw Error(Failure::Invalid, "Guests here can't have hw_machine_type=", said, ".");
    return said;
}

void shapeFirmware(const Wishes& wishes, GuestShape& shape) {
    shape.uefi = wishes.word("", "hw_firmware_type", {"bios", "uefi"}) == "uefi";
    const auto secure = wishes.word("os:secure_boot", "os_secure_boot", {"required", "optional", "disabled"});
    shape.secureBoot = secure == "required";
    if (shape.secureBoot && (!shape.uefi || shape.machine.find("q35") == std::string::npos))
        throw Error(Failure::Invalid, "Secure boot needs hw_firmware_type=uefi and hw_machine_type=q35.");
}

/// What of sockets, cores and threads isn't said follows from the rest: sockets first, as Nova prefers.
void shapeProcessors(const Wishes& wishes, std::int64_t vcpus, GuestShape& shape) {
    if (const auto policy = wishes.word("hw:cpu_policy", "hw_cpu_policy", {"shared", "dedicated", "mixed"});
        policy == "dedicated" || policy == "mixed")
        throw Error(Failure::Invalid, "No host here has processors for guests of their own (hw:cpu_policy=", policy,
                    ").");
    const auto sockets = wishes.number("hw:cpu_sockets", "hw_cpu_sockets", 0),
               cores = wishes.number("hw:cpu_cores", "hw_cpu_cores", 0),
               threads = wishes.number("hw:cpu_threads", "hw_cpu_threads", 0);
    if (sockets <= 0 && cores <= 0 && threads <= 0) return;
    const auto known = std::max<std::int64_t>(threads, 1);
    auto s = sockets, c = cores;
    if (s <= 0) {
        c = std::max<std::int64_t>(c, 1);
        s = vcpus / std::max<std::int64_t>(c * known, 1);
    } else if (c <= 0) {
        c = vcpus / std::max<std::int64_t>(s * known, 1);
    }
    if (s <= 0 || c <= 0 || s > vcpus || c > vcpus || known > vcpus || s * c * known != vcpus)
        throw Error(Failure::Invalid, "Sockets, cores and threads that are asked for don't make ", vcpus,
                    " processors.");
    shape.topology = {static_cast<int>(s), static_cast<int>(c), static_cast<int>(known)};
}

/// "0-3,^2,7": what a list of processors names; each is below `count`.
std::set<int> processorsIn(std::string_view list, std::int64_t count) {
    std::set<int> named, without;
    const auto wrong = [&] { return Error(Failure::Invalid, "This is no list of the guest's processors: ", list); };
    for (auto rest = list; !rest.empty();) {
        auto part = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(part.size() + 1, rest.size()));
        auto& into = part.starts_with('^') ? without : named;
        if (part.starts_with('^')) part.remove_prefix(1);
        const auto dash = part.find('-');
        const auto first = wholeNumberIn(part.substr(0, dash));
        const auto last = dash == std::string_view::npos ? first : wholeNumberIn(part.substr(dash + 1));
        if (!first || !last || *first < 0 || *last >= count || *first > *last) throw wrong();
        for (auto each = *first; each <= *last; ++each) into.insert(static_cast<int>(each));
    }
    for (const int each : without) named.erase(each);
    if (named.empty()) throw wrong();
    return named;
}

/// The guest's cells: as large as each other, or each as it is described.
void shapeCells(const Wishes& wishes, const Flavor& flavor, GuestShape& shape) {
    const auto cells = wishes.number("hw:numa_nodes", "hw_numa_nodes", 0);
    if (cells <= 0) return;
    if (cells > cellsMost || cells > flavor.vcpus)
        throw Error(Failure::Invalid, "A guest of ", flavor.vcpus, " processors has no ", cells, " NUMA nodes.");
    const bool described = !wishes.text("hw:numa_cpus.0", "hw_numa_cpus.0").empty();
    if (!described && (flavor.vcpus % cells != 0 || flavor.ram.count % cells != 0))
        throw Error(Failure::Invalid, "Processors and memory don't divide by ", cells,
                    " NUMA nodes: hw:numa_cpus and hw:numa_mem say which has what.");
    std::set<int> taken;
    std::int64_t memory = 0;
    for (std::int64_t cell = 0; cell < cells; ++cell) {
        const auto number = std::to_string(cell);
        GuestShape::Cell made{.cpus = {}, .memory = {flavor.ram.count / cells}};
        if (described) {
            const auto cpus =
                processorsIn(wishes.text("hw:numa_cpus." + number, "hw_numa_cpus." + number), flavor.vcpus);
            made.cpus.assign(cpus.begin(), cpus.end());
            made.memory = {wishes.number("hw:numa_mem." + number, "hw_numa_mem." + number, 0)};
        } else {
            for (auto cpu = cell * flavor.vcpus / cells; cpu < (cell + 1) * flavor.vcpus / cells; ++cpu)
                made.cpus.push_back(static_cast<int>(cpu));
        }
        for (const int cpu : made.cpus)
            if (!taken.insert(cpu).second) throw Error(Failure::Invalid, "Processor ", cpu, " is in two NUMA nodes.");
        if (made.memory.count <= 0) throw Error(Failure::Invalid, "NUMA node ", cell, " has no memory.");
        memory += made.memory.count;
        shape.cells.push_back(std::move(made));
    }
    if (static_cast<std::int64_t>(taken.size()) != flavor.vcpus || memory != flavor.ram.count)
        throw Error(Failure::Invalid, "The NUMA nodes don't have all of the guest's processors and memory.");
}

/// "small", "large", "any", or a size: KiB where no unit is said.
std::int64_t pageIn(const Wishes& wishes) {
    constexpr std::int64_t large = 2048;
    auto said = lowered(wishes.text("hw:mem_page_size", "hw_mem_page_size"));
    if (said.empty() || said == "small" || said == "any") return 0;
    if (said == "large") return large;
    std::int64_t unit = 1;
    for (const auto& [ending, times] : {std::pair<std::string_view, std::int64_t>{"kb", 1},
                                        {"mb", 1024},
                                        {"gb", 1024 * 1024},
                                        {"k", 1},
                                        {"m", 1024},
                                        {"g", 1024 * 1024}}) {
        if (!said.ends_with(ending)) continue;
        said.resize(said.size() - ending.size());
        unit = times;
        break;
    }
    const auto size = wholeNumberIn(said);
    if (!size || *size <= 0 || *size * unit > 1024 * 1024)
        throw Error(Failure::Invalid, "There are no pages of hw:mem_page_size=", said);
    return *size * unit == 4 ? 0 : *size * unit;
}

void shapeDevices(const Wishes& wishes, GuestShape& shape) {
    if (const auto video =
            wishes.word("", "hw_video_model", {"vga", "cirrus", "vmvga", "qxl", "virtio", "bochs", "none"});
        !video.empty())
        shape.video = video;
    const auto memory = wishes.number("", "hw_video_ram", 0);
    const auto most = wishes.number("hw_video:ram_max_mb", "", 0);
    if (memory < 0 || memory > most)
        throw Error(Failure::Invalid, "The image wants ", memory, " MiB of video memory; the flavor allows ", most,
                    ".");
    shape.videoMiB = static_cast<int>(memory);

    shape.pointerBus = wishes.word("", "hw_input_bus", {"usb", "virtio"});
    if (const auto pointer = wishes.word("", "hw_pointer_model", {"usbtablet", "ps2mouse"});
        shape.pointerBus.empty() && pointer == "usbtablet")
        shape.pointerBus = "usb";

    const auto bite =
        wishes.word("hw:watchdog_action", "hw_watchdog_action", {"disabled", "none", "pause", "poweroff", "reset"});
    shape.watchdog = bite == "disabled" ? "" : bite;

    shape.scsiController = wishes.word("", "hw_scsi_model", {"virtio-scsi", "lsilogic", "lsisas1068", "buslogic"});

    wishes.word("", "hw_rng_model", {"virtio"});
    shape.random = wishes.truth("hw_rng:allowed", "", true);
    shape.randomBytes = wishes.number("hw_rng:rate_bytes", "", 0);
    shape.randomPeriod = shape.randomBytes > 0 ? wishes.number("hw_rng:rate_period", "", 1000) : 0;

    const auto ports = wishes.number("hw:serial_port_count", "hw_serial_port_count", 1);
    const auto image = wishes.number("", "hw_serial_port_count", ports);
    if (image > ports)
        throw Error(Failure::Invalid, "The image wants ", image, " serial ports; the flavor allows ", ports, ".");
    if (image < 0 || image > serialPortsMost)
        throw Error(Failure::Invalid, "A guest has ", serialPortsMost, " serial ports at most.");
    shape.serialPorts = static_cast<int>(image);

    shape.agent = wishes.truth("", "hw_qemu_guest_agent", false);
    shape.tpmVersion = wishes.word("hw:tpm_version", "hw_tpm_version", {"1.2", "2.0"});
    shape.tpm = wishes.word("hw:tpm_model", "hw_tpm_model", {"tpm-tis", "tpm-crb"});
    if (shape.tpmVersion.empty()) {
        if (!shape.tpm.empty()) throw Error(Failure::Invalid, "A TPM needs hw:tpm_version.");
    } else if (shape.tpm.empty()) {
        shape.tpm = "tpm-tis";
    }
    if (shape.tpm == "tpm-crb" && shape.tpmVersion != "2.0")
        throw Error(Failure::Invalid, "A TPM of model tpm-crb has version 2.0.");
    shape.hidesHypervisor = wishes.truth("hw:hide_hypervisor_id", "img_hide_hypervisor_id", false);
}

GuestNic::Rate rateIn(const Wishes& wishes, const std::string& way) {
    const auto of = [&](const char* what) {
        return std::max<std::int64_t>(wishes.number("quota:vif_" + way + "_" + what, "", 0), 0);
    };
    const GuestNic::Rate rate{.average = of("average"), .peak = of("peak"), .burst = of("burst")};
    return rate.average == 0 ? GuestNic::Rate() : rate; // libvirt needs it for the others to mean something
}

}

GuestShape shapeOf(const Flavor& flavor, const ImageProperties& image) {
    const Wishes wishes{flavor.extraSpecs, image};
    GuestShape shape;
    shape.machine = machineIn(wishes);
    shapeFirmware(wishes, shape);
    shapeProcessors(wishes, flavor.vcpus, shape);
    shapeCells(wishes, flavor, shape);
    static_cast<void>(queuesOf(flavor, image)); // or why it can't be
    shape.pageKiB = pageIn(wishes);
    shape.cpuShares = wishes.number("quota:cpu_shares", "", 0);
    shape.cpuPeriod = wishes.number("quota:cpu_period", "", 0);
    shape.cpuQuota = wishes.number("quota:cpu_quota", "", 0);
    shapeDevices(wishes, shape);
    return shape;
}

std::string busFor(const ImageProperties& image, bool cdrom) {
    return Wishes{{}, image}.word("", cdrom ? "hw_cdrom_bus" : "hw_disk_bus", {"virtio", "scsi", "sata", "ide", "usb"});
}

std::map<std::string, std::int64_t> diskLimits(const Flavor& flavor) {
    std::map<std::string, std::int64_t> limits;
    for (const std::string way : {"read", "write", "total"})
        for (const std::string what : {"_bytes_sec", "_iops_sec"})
            if (const auto most = Wishes{flavor.extraSpecs, {}}.number("quota:disk_" + way + what, "", 0); most > 0)
                limits[way + what] = most;
    return limits;
}

int queuesOf(const Flavor& flavor, const ImageProperties& image) {
    constexpr std::int64_t tapQueuesMost = 256; // of the kernel (tun.c), since 4.0
    if (flavor.vcpus < 2) return 1;
    const auto ofFlavor = truthOf(Wishes::in(flavor.extraSpecs, "hw:vif_multiqueue_enabled"));
    const auto ofImage = truthOf(Wishes::in(image, "hw_vif_multiqueue_enabled"));
    if (ofFlavor && ofImage && *ofFlavor != *ofImage)
        throw Error(Failure::Invalid, "Conflicting values for vif_multiqueue_enabled found in the flavor (",
                    *ofFlavor ? "True" : "False", ") and the image (", *ofImage ? "True" : "False", ").");
    const auto model = lowered(Wishes::in(image, "hw_vif_model"));
    if (!ofFlavor.value_or(ofImage.value_or(false)) || !(model.empty() || model == "virtio")) return 1;
    return static_cast<int>(std::min(flavor.vcpus, tapQueuesMost));
}

void shapeNic(GuestNic& nic, const Flavor& flavor, const ImageProperties& image) {
    const Wishes wishes{flavor.extraSpecs, image};
    if (const auto model =
            wishes.word("", "hw_vif_model", {"virtio", "e1000", "e1000e", "rtl8139", "ne2k_pci", "pcnet", "vmxnet3"});
        !model.empty())
        nic.model = model;
    nic.queues = queuesOf(flavor, image);
    nic.in = rateIn(wishes, "inbound");
    nic.out = rateIn(wishes, "outbound");
}

}
