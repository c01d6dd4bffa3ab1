#pragma once

#include <filesystem>
#include <string>

#include "appliance/settings.hpp"
#include "platform/ambient/ambient.hpp"

namespace stratolet {

/// What the listeners show to those who connect: all of them the same.
struct ListenerKeys {
    std::string certificate, key; ///< files; both empty: plain HTTP
    std::string authority;        ///< the file that clients need to believe the certificate; empty: none of ours
    bool fresh = false;           ///< the certificate is another one than before
};

/// Those that the configuration names. Where it names none: nothing on the loopback, or where plain_http allows it;
/// else the cloud's own, kept in "tls" below the state directory and made anew before they end and when this host has
/// other addresses. Looks and makes: to be called again now and then.
ListenerKeys listenerKeys(const Settings& settings, const std::filesystem::path& stateDir, Ambient& ambient);

}
