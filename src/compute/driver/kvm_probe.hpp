#pragma once

#include <chrono>
#include <filesystem>
#include <string>

namespace stratolet::compute {

/// Whether KVM can really run a guest here, and why not. /dev/kvm that opens proves nothing: there are machines on
/// which it opens, and a guest that is started never gets anywhere.
struct KvmVerdict {
    bool runs = false;
    std::string reason;  ///< for the log
    bool waited = false; ///< in vain, for all of the patience
};

/// Lets a virtual CPU count to a few million in real mode and once more in 64-bit mode, in a child process that is
/// killed after `patience`. A CPU that runs guests itself needs a few milliseconds.
KvmVerdict probeKvm(std::chrono::milliseconds patience = std::chrono::milliseconds(1500));

/// The same, but nobody waits in vain twice: that it got nowhere is remembered in `file` until the machine is started
/// anew or /dev/kvm is made anew.
KvmVerdict probeKvm(const std::filesystem::path& file);

}
