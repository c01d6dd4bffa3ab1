#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "appliance/appliance.hpp"
#include "appliance/catalog.hpp"
#include "appliance/host_network.hpp"
#include "block/backends.hpp"
#include "block/driver/backup_folder.hpp"
#include "block/driver/file.hpp"
#include "block/driver/iscsi.hpp"
#include "block/driver/lvm.hpp"
#include "block/driver/nfs.hpp"
#include "compute/driver/instance_files.hpp"
#include "compute/driver/libvirt.hpp"
#include "compute/driver/simulated.hpp"
#include "image/driver/file_store.hpp"
#include "image/image.hpp"
#include "network/driver/linux.hpp"
#include "network/driver/records.hpp"
#include "network/l3/external.hpp"
#include "network/segment/ml2.hpp"
#include "platform/log/log.hpp"
#include "platform/metrics/metrics.hpp"

namespace stratolet {

Drivers::Drivers() = default;
Drivers::Drivers(Drivers&&) noexcept = default;
Drivers::~Drivers() = default;

namespace {

network::GuestsReach reachIn(const Config& config) {
    const auto word = config.text("network", "guests_reach_host");
    return word == "all"    ? network::GuestsReach::All
           : word == "none" ? network::GuestsReach::None
                            : network::GuestsReach::Api;
}

std::vector<std::uint16_t> apiPortsIn(const Settings& settings) {
    std::vector<std::uint16_t> ports;
    if (settings.config.boolean("DEFAULT", "classic_ports"))
        for (const auto& each : catalogServices()) ports.push_back(each.classicPort);
    for (const auto& each : addressesIn(settings))
        if (each.port != 0) ports.push_back(each.port);
    std::sort(ports.begin(), ports.end());
    ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
    return ports;
}

/// For the crash tests: the process ends itself at that step of the way to an external network.
std::function<void(std::string_view, bool)> crashesAt(const std::optional<jobs::CrashPoint>& crash) {
    if (!crash || crash->kind != "network.outside") return {};
    return [point = *crash](std::string_view step, bool after) {
        if (point.step == step && point.after == after) ::kill(::getpid(), SIGKILL);
    };
}

/// The name of a driver: the sandbox touches nothing of the host, whatever the configuration says.
std::string_view driverNamed(const Settings& settings, std::string_view section, std::string_view key,
                             std::string_view sandbox) {
    return settings.sandbox ? sandbox : std::string_view(settings.config.text(section, key));
}

/// A simulated host, whose guests are remembered below the state directory under its name.
Drivers::OtherHost simulatedHost(const std::filesystem::path& stateDir, const std::string& name) {
    auto simulated = std::make_unique<compute::SimulatedHypervisor>(
        compute::SimulatedOptions{.stateDir = stateDir / ("hypervisor-" + name), .hostname = name});
    auto disks = compute::instanceFiles(stateDir / ("instances-" + name), simulated->diskMaker());
    return {name, std::move(simulated), std::move(disks)};
}

void addHypervisor(Drivers& drivers, const Settings& settings, const std::filesystem::path& stateDir,
                   const std::string& cloud, Log& log) {
    const auto instances = stateDir / "instances";
    if (driverNamed(settings, "compute", "hypervisor", "simulated") == "simulated") {
        auto simulated = std::make_unique<compute::SimulatedHypervisor>(
            compute::SimulatedOptions{.stateDir = stateDir / "hypervisor"});
        drivers.disks = compute::instanceFiles(instances, simulated->diskMaker());
        drivers.hypervisor = std::move(simulated);
        for (std::int64_t number = 2; number <= settings.config.integer("compute", "simulated_hosts"); ++number)
            drivers.others.push_back(simulatedHost(stateDir, "sandbox-" + std::to_string(number)));
        return;
    }
    const auto& config = settings.config;
    drivers.disks = compute::instanceFiles(instances);
    drivers.hypervisor = compute::libvirtHypervisor({.uri = config.text("compute", "libvirt_uri"),
                                                     .virtType = config.text("compute", "virt_type"),
                                                     .consoleDir = instances,
                                                     .cloud = cloud,
                                                     .kvmFile = stateDir / "kvm-gets-nowhere"},
                                                    log);
}

}

std::unique_ptr<NetworkDriver> networkDriverFor(const Settings& settings, const std::filesystem::path& stateDir,
                                                const std::string& cloud, Log& log, Metrics* metrics) {
    if (driverNamed(settings, "network", "driver", "records") == "records")
        return std::make_unique<network::RecordsNetworkDriver>();
    const auto external = network::externalOptions(settings.config);
    // Below the state directory, so that no two clouds of one machine (each in a network namespace of its own) share
    // it.
    return network::linuxNetworkDriver({.folder = stateDir / "network",
                                        .cloud = cloud,
                                        .physical = network::ml2Options(settings.config).physical,
                                        .tunnelAddress = settings.config.text("network", "tunnel_address"),
                                        .nat = external.nat,
                                        .outside = {.device = external.device, .atStep = crashesAt(settings.crash)},
                                        .reach = reachIn(settings.config),
                                        .apiPorts = apiPortsIn(settings),
                                        .dockerUserRule = settings.config.boolean("network", "docker_user_rule"),
                                        .notice =
                                            [&log](std::string_view line) {
                                                log.info(line, {{"part", "network"}});
                                            },
                                        .mending =
                                            [metrics] {
                                                if (metrics) ++mendedOf(*metrics, "network");
                                            }});
}

namespace {

std::unique_ptr<VolumeDriver> lvmDriverFor(const block::BackendOption& backEnd) {
    return block::lvmVolumeDriver(
        {.name = backEnd.name, .group = backEnd.group, .thin = backEnd.thin, .pool = backEnd.pool});
}

std::unique_ptr<VolumeDriver> volumeDriverFor(const block::BackendOption& backEnd, const std::filesystem::path& state,
                                              const ThisCloud& cloud, bool sandbox) {
    const auto otherwise = state / (backEnd.name == "file" ? "volumes" : "volumes-" + backEnd.name);
    const auto folder = backEnd.folder.empty() ? otherwise : backEnd.folder;
    const auto files = [&](bool copies) {
        return block::fileVolumeDriver({.folder = folder, .name = backEnd.name, .copies = copies});
    };
    if (sandbox || backEnd.driver == "file") return files(backEnd.raw);
    if (backEnd.driver == "lvm") return lvmDriverFor(backEnd);
    if (backEnd.driver == "nfs")
        return block::nfsVolumeDriver({.name = backEnd.name,
                                       .share = backEnd.share,
                                       .mountOptions = backEnd.mountOptions,
                                       .folder = folder,
                                       .copies = backEnd.raw});
    return block::iscsiVolumeDriver(backEnd.group.empty() ? files(true) : lvmDriverFor(backEnd),
                                    {.host = cloud.host,
                                     .always = backEnd.exportAlways,
                                     .target = {.address = backEnd.address,
                                                .port = static_cast<std::uint16_t>(backEnd.port),
                                                .control = backEnd.control,
                                                .folder = state / ("iscsi-" + backEnd.name)}});
}

}

Drivers driversFor(const Settings& settings, const std::filesystem::path& stateDir, const ThisCloud& cloud, Log& log,
                   Metrics* metrics) {
    Drivers drivers;
    for (const auto& each : image::storesIn(settings.config)) {
        const auto otherwise = stateDir / (drivers.images.empty() ? "images" : "images-" + each.name);
        drivers.images.push_back(image::fileImageStore(each.folder.empty() ? otherwise : each.folder, each.name));
    }
    for (const auto& each : block::backendsIn(settings.config))
        drivers.volumes.push_back(volumeDriverFor(each, stateDir, cloud, settings.sandbox));
    const std::filesystem::path backups = settings.config.text("block", "backup_folder");
    drivers.backups = block::backupFolder(backups.empty() ? stateDir / "backups" : backups);
    if (driverNamed(settings, "network", "driver", "records") == "linux")
        drivers.hostNetwork = std::make_unique<HostNetwork>(stateDir);
    drivers.network = networkDriverFor(settings, stateDir, cloud.id, log, metrics);
    addHypervisor(drivers, settings, stateDir, cloud.id, log);
    return drivers;
}

}
