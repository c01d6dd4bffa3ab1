#include "compute/guest/guest_shape.hpp"

#include <catch2/catch.hpp>

#include <stratolet/error.hpp>

using namespace stratolet;
using namespace stratolet::compute;

namespace {

Flavor flavorWith(std::map<std::string, std::string> specs, std::int64_t vcpus = 4) {
    Flavor flavor;
    flavor.vcpus = vcpus;
    flavor.ram = MiB{1024};
    flavor.extraSpecs = std::move(specs);
    return flavor;
}

}

TEST_CASE("A guest that nobody asks anything of is a PC with a screen and a serial port", "[compute][shape]") {
    const auto shape = shapeOf(flavorWith({}), {});
    CHECK(shape == GuestShape());
    CHECK(shape.graphics);
    CHECK(shape.serialPorts == 1);
}

TEST_CASE("A flavor's word stands over an image's", "[compute][shape]") {
    CHECK(shapeOf(flavorWith({{"hw:watchdog_action", "pause"}}), {{"hw_watchdog_action", "reset"}}).watchdog ==
          "pause");
    CHECK(shapeOf(flavorWith({{"hw_rng:allowed", "False"}}), {{"hw_rng_model", "virtio"}}).random == false);
}

TEST_CASE("What isn't said of sockets, cores and threads follows from the rest", "[compute][shape]") {
    const auto topology = [](std::map<std::string, std::string> specs, std::int64_t vcpus) {
        const auto made = shapeOf(flavorWith(std::move(specs), vcpus), {}).topology.value();
        return std::array{made.sockets, made.cores, made.threads};
    };
    CHECK(topology({{"hw:cpu_threads", "2"}}, 4) == std::array{2, 1, 2});
    CHECK(topology({{"hw:cpu_sockets", "2"}}, 4) == std::array{2, 2, 1});
    CHECK(topology({{"hw:cpu_cores", "4"}}, 4) == std::array{1, 4, 1});
    CHECK_THROWS_AS(topology({{"hw:cpu_cores", "3"}}, 4), Error);
    CHECK_THROWS_AS(topology({{"hw:cpu_sockets", "9223372036854775807"}}, 4), Error);
}

TEST_CASE("Cells divide a guest evenly, or as they are described", "[compute][shape]") {
    const auto even = shapeOf(flavorWith({{"hw:numa_nodes", "2"}}), {}).cells;
    REQUIRE(even.size() == 2);
    CHECK(even[0] == GuestShape::Cell{{0, 1}, MiB{512}});
    CHECK(even[1] == GuestShape::Cell{{2, 3}, MiB{512}});
    const std::map<std::string, std::string> uneven = {{"hw:numa_nodes", "2"},
                                                       {"hw:numa_cpus.0", "0-3,^2"},
                                                       {"hw:numa_mem.0", "768"},
                                                       {"hw:numa_cpus.1", "2"},
                                                       {"hw:numa_mem.1", "256"}};
    const auto made = shapeOf(flavorWith(uneven), {}).cells;
    CHECK(made[0] == GuestShape::Cell{{0, 1, 3}, MiB{768}});
    for (const auto& [name, wrong] : std::map<std::string, std::string>{{"hw:numa_nodes", "3"},
                                                                        {"hw:numa_cpus.1", "3"},
                                                                        {"hw:numa_cpus.0", "0"},
                                                                        {"hw:numa_mem.1", "255"},
                                                                        {"hw:numa_cpus.0 ", ""}}) {
        auto specs = uneven;
        specs[name] = wrong;
        if (wrong.empty()) continue;
        INFO(name << "=" << wrong);
        CHECK_THROWS_AS(shapeOf(flavorWith(specs), {}), Error);
    }
}

TEST_CASE("Pages have the sizes that processors have", "[compute][shape]") {
    const auto page = [](const char* size) { return shapeOf(flavorWith({{"hw:mem_page_size", size}}), {}).pageKiB; };
    CHECK(page("small") == 0);
    CHECK(page("any") == 0);
    CHECK(page("large") == 2048);
    CHECK(page("2MB") == 2048);
    CHECK(page("1GB") == 1048576);
    CHECK(page("2048") == 2048);
    CHECK(page("4") == 0);
    CHECK_THROWS_AS(page("4TB"), Error);
}

TEST_CASE("What no guest here can be is refused before it is tried", "[compute][shape]") {
    const std::map<std::string, std::string> none;
    for (const auto& [specs, image] : std::vector<std::pair<std::map<std::string, std::string>, ImageProperties>>{
             {none, {{"hw_machine_type", "virt"}}},
             {none, {{"hw_machine_type", "pc'/>"}}},
             {none, {{"hw_video_model", "xen"}}},
             {none, {{"hw_video_ram", "16"}}},
             {none, {{"os_secure_boot", "required"}}},
             {{{"hw:serial_port_count", "1"}}, {{"hw_serial_port_count", "2"}}},
             {{{"hw:serial_port_count", "5"}}, {}},
             {{{"hw:cpu_policy", "dedicated"}}, {}},
             {{{"hw:tpm_model", "tpm-crb"}}, {}},
             {{{"hw:tpm_model", "tpm-crb"}, {"hw:tpm_version", "1.2"}}, {}}})
        CHECK_THROWS_AS(shapeOf(flavorWith(specs), image), Error);
    CHECK_THROWS_AS(busFor({{"hw_disk_bus", "floppy"}}, false), Error);
    CHECK(busFor({{"hw_disk_bus", "scsi"}, {"hw_cdrom_bus", "sata"}}, true) == "sata");
    GuestNic nic;
    CHECK_THROWS_AS(shapeNic(nic, flavorWith({}), {{"hw_vif_model", "token-ring"}}), Error);
}

TEST_CASE("An interface has a queue for each processor where flavor or image ask for it, and its model has queues",
          "[compute][shape]") {
    const std::string spec = "hw:vif_multiqueue_enabled", property = "hw_vif_multiqueue_enabled";
    CHECK(queuesOf(flavorWith({}), {}) == 1);
    CHECK(queuesOf(flavorWith({{spec, "true"}}), {}) == 4);
    CHECK(queuesOf(flavorWith({}), {{property, "true"}}) == 4);
    CHECK(queuesOf(flavorWith({{spec, "True"}}), {{property, "yes"}}) == 4);
    CHECK(queuesOf(flavorWith({{spec, "false"}}), {}) == 1);
    CHECK(queuesOf(flavorWith({{spec, "true"}}, 1), {}) == 1);
    CHECK(queuesOf(flavorWith({{spec, "true"}}, 1000), {}) == 256); // a tap has no more
    CHECK(queuesOf(flavorWith({{spec, "true"}}), {{"hw_vif_model", "e1000"}}) == 1);
    for (const bool flavors : {true, false})
        CHECK_THROWS_AS(shapeOf(flavorWith({{spec, flavors ? "true" : "false"}}), {{property, flavors ? "no" : "1"}}),
                        Error);
}

TEST_CASE("Disks and interfaces have their flavor's bounds", "[compute][shape]") {
    const auto flavor = flavorWith({{"quota:disk_read_iops_sec", "100"},
                                    {"quota:disk_total_bytes_sec", "1000"},
                                    {"quota:vif_outbound_average", "10"},
                                    {"quota:vif_inbound_peak", "10"}});
    CHECK(diskLimits(flavor) == std::map<std::string, std::int64_t>{{"read_iops_sec", 100}, {"total_bytes_sec", 1000}});
    GuestNic nic;
    shapeNic(nic, flavor, {{"hw_vif_model", "e1000e"}});
    CHECK(nic.model == "e1000e");
    CHECK(nic.out.average == 10);
    CHECK(nic.in == GuestNic::Rate());
}
