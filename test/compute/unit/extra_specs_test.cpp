#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include <stratolet/error.hpp>

#include "compute/flavor/extra_specs.hpp"

using namespace stratolet;
using compute::requireValidSpec;

namespace {

struct Example {
    std::string name;
    std::vector<std::string> right, wrong;
};

}

TEST_CASE("Extra specs have the names, kinds and ranges that Nova knows", "[compute][flavor]") {
    const std::vector<Example> examples{
        {"hw:cpu_policy", {"shared", "dedicated", "mixed"}, {"", "Shared", "none"}},
        {"hw:boot_menu", {"true", "False", "1", "off"}, {"", "perhaps"}},
        {"hw:numa_nodes", {"1", "+2", " 3 "}, {"0", "-1", "", "1.5", "x"}},
        {"hw:redirected_usb_ports", {"0", "15"}, {"16", "-1"}},
        {"hw:cpu_realtime_mask", {"^0", "0-3", "0,2-4,^3"}, {"", "x", "0-", "-1", "0,,1", "0;1"}},
        {"hw:numa_cpus.0", {"0,1"}, {"a"}},
        {"hw:numa_cpus.", {}, {"0"}},
        {"hw:numa_mem.12", {"1024"}, {"0"}},
        {"hw:mem_page_size",
         {"large", "any", "2048", "2MB", "1GiB", "4kb", "8bit"},
         {"", "huge", "MB", "2XB", "2MiBs"}},
        {"hw:pmem", {"A", "A,B_1", "A,"}, {"", ",", "A B"}},
        {"hw:tpm_version", {"1.2", "2.0"}, {"3.0"}},
        {"hw:no_such", {}, {"1", ""}},
        {"quota:cpu_shares", {"0", "2048"}, {"-1", "x"}},
        {"quota:cpu_quota", {"-1", "1000"}, {"x"}},
        {"quota:disk_read_bytes_sec", {"0"}, {"-1"}},
        {"quota:disk_total_iops_sec", {"100"}, {"many"}},
        {"quota:disk_write_ops_sec", {}, {"1"}},
        {"quota:vif_inbound_average", {"1"}, {"-1"}},
        {"quota:vif_shares_level", {"high"}, {"higher"}},
        {"quota:memory_limit", {"1"}, {"-1"}},
        {"trait:HW_CPU_X86_AVX", {"required", "forbidden"}, {"optional", ""}},
        {"trait1:CUSTOM_GOLD", {"required"}, {"1"}},
        {"trait_GROUP-1:STORAGE_DISK_SSD", {"required"}, {}},
        {"trait:hw_cpu", {}, {"required"}},
        {"trait:HW_CPU_PONIES", {}, {"required"}},
        {"trait:COMPUTE_VOLUME_ATTACH", {"required"}, {}},
        {"trait:CUSTOM_", {}, {"required"}},
        {"resources:VCPU", {"1"}, {"x"}},
        {"resources2:CUSTOM_FPGA_1", {"1"}, {""}},
        {"resources:PONIES", {}, {"1"}},
        {"capabilities:hypervisor_type", {"QEMU", "s== QEMU", ""}, {}},
        {"capabilities:cpu_info:features", {"<in> avx"}, {}},
        {"capabilities:cpu_info:", {}, {"x"}},
        {"capabilities:ponies", {}, {"x"}},
        {"aggregate_instance_extra_specs:ssd", {"true"}, {}},
        {"aggregate_instance_extra_specs:", {}, {"true"}},
        {"accel:device_profile", {"any"}, {}},
        {"accel:other", {}, {"any"}},
        {"os:secure_boot", {"required"}, {"true"}},
        {"pci_passthrough:alias", {"gpu:1", "gpu:1, nic:2"}, {"gpu", "gpu:", ":1", "gpu:x", ""}},
        {"hw_rng:allowed", {"True"}, {"x"}},
        {"hw_rng:rate_bytes", {"0"}, {"-1"}},
        {"hw_video:ram_max_mb", {"64"}, {"x"}},
        {"hide_hypervisor_id", {"true"}, {"x"}},
        {"group_policy", {"isolate"}, {"both"}},
        {"mine:own", {"whatever"}, {}},
        {"plain", {"whatever"}, {}}};
    for (const auto& [name, right, wrong] : examples) {
        for (const auto& value : right) {
            INFO(name << " = " << value);
            CHECK_NOTHROW(requireValidSpec(name, value));
        }
        for (const auto& value : wrong) {
            INFO(name << " = " << value);
            CHECK_THROWS_WITH(requireValidSpec(name, value), Catch::Contains("'" + name + "'"));
        }
    }
}
