#pragma once

#include <libvirt/libvirt.h>
#include <string>

#include <stratolet/driver/hypervisor.hpp>

namespace stratolet::compute {

/// What libvirt says of its machine, and what of it the machine says better itself. Error(Broken) where libvirt says
/// nothing.
HostReport reportOf(virConnectPtr connection, const std::string& uri, const std::string& virtType);

/// Why guests of that type (of [compute] virt_type) can't be had: of such as this driver makes none of, with whether
/// libvirt has them on this machine at all. Empty for kvm, qemu and auto.
std::string refusalOf(const std::string& virtType);

/// The processors as `capabilities` has them: libvirt's description of a host (virConnectGetCapabilities).
HostCpu cpuIn(std::string_view capabilities);

}
