#pragma once

#include <stratolet/driver/hypervisor.hpp>

#include <filesystem>
#include <memory>
#include <string>

namespace stratolet {
class Log;
}

namespace stratolet::compute {

struct LibvirtOptions {
    std::string uri = "qemu:///system";
    std::string virtType = "auto";    ///< "kvm", "qemu" (software emulation), or "auto": kvm where a guest really runs under it
    std::filesystem::path consoleDir; ///< where guests' console logs go; made where it isn't there
    std::string cloud = {};           ///< its id, which marks its guests: several clouds may share a libvirt
};

/// Guests under libvirt's QEMU driver. Those that a version before has marked with `consoleDir` get the mark of `cloud`, here and now.
/// Error(Broken) where libvirt doesn't answer at `uri`.
std::unique_ptr<Hypervisor> libvirtHypervisor(LibvirtOptions options, Log& log);

}
