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
};

/// Guests under libvirt's QEMU driver. Error(Broken) where libvirt doesn't answer at `uri`.
std::unique_ptr<Hypervisor> libvirtHypervisor(LibvirtOptions options, Log& log);

}
