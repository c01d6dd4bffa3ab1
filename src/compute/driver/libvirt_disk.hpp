#pragma once

#include <stratolet/driver/live_disk.hpp>
#include <stratolet/secret.hpp>

#include <functional>
#include <libvirt/libvirt.h>
#include <memory>
#include <string>

namespace stratolet::compute::libvirt {

/// Runs `work` with a guest's domain, null where there is none. Each run is a call with a limit of its own, and is
/// begun again where libvirt went away meanwhile.
using WithGuest = std::function<void(const std::function<void(virDomainPtr domain)>& work)>;

/// The disk with this serial. Any thread; block jobs are waited for between short calls.
std::unique_ptr<LiveDisk> diskOf(WithGuest guest, std::string serial);

/// Gives libvirt what the secrets that `xml` (a domain's, or a device's) names say: in its memory alone, and nobody
/// can read them there. Error(Broken) where nobody knows one.
void ensureSecrets(virConnectPtr connection, const std::string& xml, const SecretLookup& secrets);

/// libvirt forgets the secrets that `xml` names.
void forgetSecrets(virConnectPtr connection, const std::string& xml);

}
