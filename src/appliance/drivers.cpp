#include "appliance/appliance.hpp"
#include "appliance/host_network.hpp"
#include "block/driver/file.hpp"
#include "compute/driver/libvirt.hpp"
#include "compute/driver/simulated.hpp"
#include "image/driver/file_store.hpp"
#include "image/image.hpp"
#include "network/driver/linux.hpp"
#include "network/driver/records.hpp"
#include "platform/log/log.hpp"

namespace stratolet {

Drivers::Drivers() = default;
Drivers::Drivers(Drivers&&) noexcept = default;
Drivers::~Drivers() = default;

Drivers driversFor(const Settings& settings, const std::filesystem::path& stateDir, Log& log) {
    Drivers drivers;
    for (const auto& each : image::storesIn(settings.config)) {
        const auto otherwise = stateDir / (drivers.images.empty() ? "images" : "images-" + each.name);
        drivers.images.push_back(image::fileImageStore(each.folder.empty() ? otherwise : each.folder, each.name));
    }
    drivers.volumes = block::fileVolumeDriver(stateDir / "volumes");
    if (settings.sandbox) {
        drivers.hypervisor = std::make_unique<compute::SimulatedHypervisor>(compute::SimulatedOptions{.stateDir = stateDir / "hypervisor"});
        drivers.network = network::recordsNetworkDriver();
        return drivers;
    }
    const auto& config = settings.config;
    drivers.hostNetwork = std::make_unique<HostNetwork>(stateDir);
    drivers.hypervisor = compute::libvirtHypervisor({.uri = config.text("compute", "libvirt_uri"),
                                                     .virtType = config.text("compute", "virt_type"),
                                                     .consoleDir = stateDir / "instances"},
                                                    log);
    // Below the state directory, so that no two clouds of one machine (each in a network namespace of its own) share it.
    drivers.network = network::linuxNetworkDriver({.folder = stateDir / "network",
                                                   .nat = config.text("network", "external_network") == "nat",
                                                   .notice = [&log](std::string_view line) {
                                                       log.info(line, {{"part", "network"}});
                                                   }});
    return drivers;
}

}
