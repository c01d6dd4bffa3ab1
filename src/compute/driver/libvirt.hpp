#pragma once

#include <stratolet/driver/hypervisor.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

namespace stratolet {
class Log;
}

namespace stratolet::compute {

/// How libvirt is reached, and how long one waits for it.
struct LibvirtOptions {
    std::string uri = "qemu:///system";
    std::string virtType =
        "auto"; ///< "kvm", "qemu" (software emulation), or "auto": kvm where a guest really runs under it
    std::chrono::milliseconds openLimit = std::chrono::seconds(10); ///< to reach libvirt
    std::chrono::milliseconds callLimit = std::chrono::seconds(60); ///< for what a verb asks of it
    std::filesystem::path consoleDir;   ///< where guests' console logs go; made where it isn't there
    std::string cloud = {};             ///< its id, which marks its guests: several clouds may share a libvirt
    std::filesystem::path kvmFile = {}; ///< where it is remembered that KVM runs no guests; empty: nowhere
};

/// Guests under libvirt's QEMU driver. Those that a version before has marked with `consoleDir` get the mark of
/// `cloud`, here and now. Error(Busy) where libvirt doesn't answer at `uri`, now or later: no verb waits for it longer
/// than the limits say.
std::unique_ptr<Hypervisor> libvirtHypervisor(LibvirtOptions options, Log& log);

}
