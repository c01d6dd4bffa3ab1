#include <catch2/catch.hpp>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "compute/driver/domain_xml.hpp"
#include "compute/guest/guest_shape.hpp"
#include "platform/os/process.hpp"

using namespace stratolet;
using namespace stratolet::compute;

namespace {

namespace fs = std::filesystem;

/// One guest, as a flavor's extra specs and an image's properties make it.
struct Golden {
    const char* name;
    std::map<std::string, std::string> specs, image;
    int vcpus = 1;
    const char* virtType = "qemu";
    std::vector<GuestDisk> more = {};
};

const std::vector<Golden>& goldens() {
    static const std::vector<Golden> all = {
        {.name = "plain", .specs = {}, .image = {}},
        {.name = "kvm", .specs = {{"hw:hide_hypervisor_id", "true"}}, .image = {}, .virtType = "kvm"},
        {.name = "q35-uefi",
         .specs = {},
         .image = {{"hw_machine_type", "q35"}, {"hw_firmware_type", "uefi"}, {"hw_video_model", "virtio"}}},
        {.name = "secure-boot-tpm",
         .specs = {{"os:secure_boot", "required"}, {"hw:tpm_version", "2.0"}, {"hw:tpm_model", "tpm-crb"}},
         .image = {{"hw_machine_type", "q35"}, {"hw_firmware_type", "uefi"}}},
        {.name = "scsi-and-cdrom",
         .specs = {{"quota:disk_read_iops_sec", "100"}, {"quota:disk_total_bytes_sec", "1000000"}},
         .image = {{"hw_disk_bus", "scsi"}, {"hw_scsi_model", "virtio-scsi"}},
         .more = {{.serial = "config-drive",
                   .source = {FileDisk{"/disks/c"}, DiskFormat::Raw},
                   .device = "hdd",
                   .bus = "ide",
                   .cdrom = true}}},
        {.name = "numa",
         .specs = {{"hw:numa_nodes", "2"},
                   {"hw:numa_cpus.0", "0-2"},
                   {"hw:numa_cpus.1", "3"},
                   {"hw:numa_mem.0", "384"},
                   {"hw:numa_mem.1", "128"},
                   {"hw:mem_page_size", "2MB"}},
         .image = {},
         .vcpus = 4},
        {.name = "topology",
         .specs = {{"hw:cpu_cores", "2"}, {"hw:cpu_threads", "2"}},
         .image = {{"hw_cpu_sockets", "2"}},
         .vcpus = 8},
        {.name = "multiqueue", .specs = {{"hw:vif_multiqueue_enabled", "true"}}, .image = {}, .vcpus = 2},
        {.name = "quotas",
         .specs = {{"quota:cpu_shares", "2048"},
                   {"quota:cpu_period", "100000"},
                   {"quota:cpu_quota", "50000"},
                   {"quota:vif_inbound_average", "1024"},
                   {"quota:vif_inbound_peak", "2048"},
                   {"quota:vif_outbound_average", "512"},
                   {"quota:vif_outbound_burst", "4096"}},
         .image = {{"hw_vif_model", "e1000"}}},
        {.name = "devices",
         .specs = {{"hw_video:ram_max_mb", "32"},
                   {"hw_rng:rate_bytes", "1000"},
                   {"hw_rng:rate_period", "500"},
                   {"hw:serial_port_count", "2"}},
         .image = {{"hw_watchdog_action", "poweroff"},
                   {"hw_qemu_guest_agent", "yes"},
                   {"hw_pointer_model", "usbtablet"},
                   {"hw_video_model", "cirrus"},
                   {"hw_video_ram", "16"}}},
        {.name = "bare",
         .specs = {{"hw_rng:allowed", "False"}, {"hw:watchdog_action", "disabled"}},
         .image = {{"hw_watchdog_action", "reset"}, {"hw_input_bus", "virtio"}, {"hw_video_model", "none"}}}};
    return all;
}

std::string xmlOf(const Golden& golden) {
    Flavor flavor;
    flavor.vcpus = golden.vcpus;
    flavor.ram = MiB{512};
    flavor.extraSpecs = golden.specs;
    const auto bus = busFor(golden.image, false);
    GuestSpec spec{.server = {"0d1c4b5e-7d5e-4c7f-9d43-3a0f1b1c2d3e"},
                   .host = {},
                   .name = "web",
                   .project = {"0123456789abcdef0123456789abcdef"},
                   .vcpus = golden.vcpus,
                   .memory = flavor.ram,
                   .disks = {{.serial = "root",
                              .source = {FileDisk{"/disks/a"}, DiskFormat::Qcow2},
                              .device = bus == "scsi" ? "sda" : "vda",
                              .root = true,
                              .bus = bus.empty() ? "virtio" : bus,
                              .bootOrder = 1,
                              .limits = diskLimits(flavor)}},
                   .nics = {{.port = {"p"}, .vif = Tap{"tap0123"}, .mac = "fa:16:3e:00:00:01", .mtu = 1450}},
                   .shape = shapeOf(flavor, golden.image)};
    spec.disks.insert(spec.disks.end(), golden.more.begin(), golden.more.end());
    shapeNic(spec.nics.front(), flavor, golden.image);
    return domainXml(spec,
                     {.virtType = golden.virtType, .consoleLog = "/disks/c.log", .cloud = "cloud", .version = "1"});
}

/// A line for each element: what a person can compare.
std::string inLines(const std::string& xml) {
    std::string lines;
    for (std::size_t at = 0; at < xml.size(); ++at) {
        lines += xml[at];
        if (xml[at] == '>' && at + 1 < xml.size() && xml[at + 1] == '<') lines += '\n';
    }
    return lines + '\n';
}

fs::path goldenFile(const Golden& golden) { return fs::path(STRATOLET_GOLDEN) / (std::string(golden.name) + ".xml"); }

}

TEST_CASE("Guests are described as they were when somebody looked", "[compute][domain]") {
    for (const auto& golden : goldens()) {
        const auto xml = inLines(xmlOf(golden));
        INFO(golden.name);
        if (std::getenv("STRATOLET_KEEP_GOLDEN")) std::ofstream(goldenFile(golden)) << xml; // to be looked at
        std::ifstream file(goldenFile(golden));
        CHECK(xml == std::string(std::istreambuf_iterator<char>(file), {}));
    }
}

TEST_CASE("Libvirt's own schema takes every description", "[compute][domain]") {
    if (::access("/usr/bin/virt-xml-validate", X_OK) != 0) {
        WARN("virt-xml-validate is not installed");
        return;
    }
    for (const auto& golden : goldens()) {
        INFO(golden.name);
        const auto outcome =
            process::run({.argv = {"/usr/bin/virt-xml-validate", goldenFile(golden).string(), "domain"},
                          .timeout = std::chrono::seconds(30)});
        INFO(outcome.out << outcome.err);
        CHECK(outcome.succeeded());
    }
}
