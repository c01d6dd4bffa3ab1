#pragma once

#include <filesystem>
#include <iosfwd>

#include "appliance/settings.hpp"

namespace stratolet {

/// Takes off this host what the cloud in `stateDir` has made there: its guests with their definitions and logs,
/// namespaces, bridges and other devices, rules, DHCP servers; an interface that was lent is given back. Nothing of
/// anybody else's is touched, and the data stays: where the cloud is started again, the host becomes what it was. With
/// `dataToo` the state directory goes as well; volumes, images and backups that the configuration has elsewhere stay,
/// and are named. Error(Broken) where the cloud runs, or something could not be taken away: then the data stays.
void uninstall(const Settings& settings, const std::filesystem::path& stateDir, bool dataToo, std::ostream& out);

}
