#pragma once

#include "block/block.hpp"
#include "compute/flavor/flavor.hpp"
#include "compute/host/hosts.hpp"
#include "compute/host/hypervisors.hpp"
#include "compute/quota/compute_quotas.hpp"
#include "image/image.hpp"
#include "network/network.hpp"
#include "platform/parts.hpp"

namespace stratolet::compute {

class Scheduler;
class ServicesBelow; // proxy/services_below.hpp
class VendorData;    // metadata/vendor_data.hpp

/// What the nouns of compute share: the platform, the services below, and compute's own that others build on. One per
/// process, owned by Compute, which outlives every route and job that refers to it; any thread may use it.
struct Core {
    Parts parts;
    Hypervisors& hypervisors;
    Hosts& hosts;
    Scheduler& scheduler;
    image::Images& images;
    block::Block& block;
    network::Network& network;
    Flavors& flavors;
    const ComputeQuotas& quotas;
    ServicesBelow& below;
    VendorData& vendor;

    store::Reader& reader() const { return parts.store.reader(); } ///< of the calling thread
    Time now() const { return parts.ambient.now(); }

    /// Error(OverLimit) where a server of that project would have so many metadata items.
    void claimMetadata(store::Reader& db, const ProjectId& project, std::size_t items) const;
};

}
