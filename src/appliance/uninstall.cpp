#include "appliance/uninstall.hpp"

#include <ostream>
#include <string>
#include <vector>

#include <stratolet/error.hpp>

#include "appliance/appliance.hpp"
#include "appliance/host_network.hpp"
#include "appliance/state_folder.hpp"
#include "block/backends.hpp"
#include "image/image.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/log/log.hpp"
#include "platform/store/store.hpp"

namespace stratolet {
namespace {

namespace fs = std::filesystem;

/// libvirt's own notes of our guests, also of those that are gone.
void removeGuestLogs(const std::vector<std::string>& servers) {
    for (const auto& each : servers)
        for (const auto* rotated : {"", ".0", ".1", ".2", ".3"}) {
            std::error_code ignored;
            fs::remove("/var/log/libvirt/qemu/stratolet-" + each + ".log" + rotated, ignored);
        }
}

std::size_t removeGuests(Hypervisor& hypervisor) {
    const auto guests = hypervisor.guests();
    for (const auto& each : guests) hypervisor.ensureGone(each);
    return guests.size();
}

void removeNetworks(NetworkDriver& driver) {
    driver.joinOutside(); // nothing is lent any more
    const auto problems = driver.apply({});
    if (!problems.empty()) throw Error(Failure::Broken, "not all of the network is gone: ", problems.front().what);
}

void clearHost(const Settings& settings, const fs::path& stateDir, std::ostream& out) {
    ThisCloud cloud;
    std::vector<std::string> servers;
    {
        store::Store store(storeIn(stateDir, settings.config));
        cloud = cloudIn(store.reader());
        servers = store.reader().query("SELECT id FROM compute_servers").texts();
    }
    // An empty mark would be on everybody's things.
    if (cloud.id.empty())
        throw Error(Failure::Broken, "the store in ", stateDir.string(), " does not say which cloud's it is");
    Log log({.level = Log::Level::Warning});
    auto drivers = driversFor(settings, stateDir, cloud, log);
    out << "guests taken away: " << removeGuests(*drivers.hypervisor) << std::endl;
    removeGuestLogs(servers);
    removeNetworks(*drivers.network);
    out << "the networks are taken away" << std::endl;
}

/// What is not in the state directory, and so is not ours alone to throw away.
std::vector<std::string> dataElsewhere(const Config& config) {
    std::vector<std::string> places;
    for (const auto& each : block::backendsIn(config)) {
        if (!each.group.empty()) places.push_back("volumes in the volume group " + each.group);
        if (!each.folder.empty()) places.push_back("volumes in " + each.folder.string());
        if (!each.share.empty()) places.push_back("volumes on " + each.share);
    }
    for (const auto& each : image::storesIn(config))
        if (!each.folder.empty()) places.push_back("images in " + each.folder.string());
    if (const auto& folder = config.text("block", "backup_folder"); !folder.empty())
        places.push_back("backups in " + folder);
    return places;
}

}

void uninstall(const Settings& given, const fs::path& stateDir, bool dataToo, std::ostream& out) {
    auto settings = given;
    settings.config.set("network", "external_network", "none", "uninstall");
    const auto lock = lockOf(stateDir, false);
    if (fs::exists(stateDir / "stratolet.db"))
        clearHost(settings, stateDir, out);
    else
        out << "there is no store in " << stateDir.string() << ": nothing has been made on this host\n";
    for (const auto& each : dataElsewhere(settings.config)) out << "kept: " << each << '\n';
    if (!dataToo) {
        out << "kept: " << stateDir.string() << '\n';
        return;
    }
    std::error_code problem;
    fs::remove_all(stateDir, problem);
    if (problem) throw Error(Failure::Broken, "could not remove ", stateDir.string(), ": ", problem.message());
    out << stateDir.string() << " is gone\n";
}

}
