#pragma once

#include <stratolet/driver/hypervisor.hpp>
#include <stratolet/driver/instance_disks.hpp>
#include <stratolet/host.hpp>

#include <memory>
#include <string_view>
#include <tuple>
#include <vector>

#include "block/block.hpp"
#include "identity/identity.hpp"
#include "image/image.hpp"
#include "network/network.hpp"
#include "platform/bus/bus.hpp"
#include "platform/config/config.hpp"
#include "platform/http/http.hpp"
#include "platform/parts.hpp"

namespace stratolet::compute {

// What compute announces.
struct ServerPlanned {
    static constexpr std::string_view name = "compute.server.planned";
    ServerId server;
    ProjectId project;
    auto fields() { return std::tuple(bus::Field("server", server), bus::Field("project", project)); }
};

/// A fact: a server is no more, and nothing of it is left on its host.
struct ServerDeleted {
    static constexpr std::string_view name = "compute.server.deleted";
    ServerId server;
    ProjectId project;
    auto fields() { return std::tuple(bus::Field("server", server), bus::Field("project", project)); }
};

/// [compute] of stratolet.conf.
std::vector<ConfigOption> configOptions();

/// What drives one host that runs servers. A name may be missing where there is one host only: it has the one that its
/// machine had when the cloud first met it.
struct HostDrivers {
    HostName name;
    Hypervisor& hypervisor;
    InstanceDisks& disks;
};

/// The compute service.
class Compute {
public:
    /// `hosts`: at least one.
    Compute(Parts parts, const std::vector<HostDrivers>& hosts, image::Images& images, block::Block& block,
            network::Network& network, identity::Identity& identity);
    ~Compute();

    http::Site site();
    http::Site placementSite();

    /// The copies of images that hosts keep, for the image service to show.
    image::NearCopies& nearCopies();

    /// What browsers see of consoles: who comes has a token, or gets nothing but pages.
    http::Site consoleSite();

    /// What guests see at 169.254.169.254; requests carry the network's id as their origin.
    http::Site metadataSite();

    /// What block storage asks of guests that run: it finds each server's host.
    LiveDisks& liveDisks();

    /// The default flavors (m1.tiny … m1.xlarge), where there are none yet.
    void bootstrap();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
