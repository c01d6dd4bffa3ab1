#pragma once

#include <libvirt/libvirt.h>

#include <memory>
#include <optional>
#include <string_view>

#include <stratolet/driver/hypervisor.hpp>

namespace stratolet::compute::libvirt {

/// Where the description of a guest that runs says that its screen is served.
std::optional<Endpoint> screenIn(std::string_view domain);

/// A running guest's first serial port. Its bytes are carried in libvirt's event loop (LibvirtWatch), so none waits for
/// another. Error(Busy) where as many are open as may be at once.
std::unique_ptr<ByteStream> serialOf(virConnectPtr connection, virDomainPtr domain);

}
