#pragma once

#include <stratolet/driver/hypervisor.hpp>

#include <libvirt/libvirt.h>

namespace stratolet::compute::libvirt {

/// What libvirt has counted of a guest that runs. Error(Broken) where it doesn't say.
GuestCounters countersOf(virDomainPtr domain);

}
