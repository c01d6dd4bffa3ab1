#pragma once

#include <stratolet/driver/hypervisor.hpp>

#include <filesystem>
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
struct ServerDeleted {
    static constexpr std::string_view name = "compute.server.deleted";
    ServerId server;
    ProjectId project;
    auto fields() { return std::tuple(bus::Field("server", server), bus::Field("project", project)); }
};

/// [compute] of stratolet.conf.
std::vector<ConfigOption> configOptions();

/// The compute service.
class Compute {
public:
    /// `instances`: the directory where root disks and base copies live.
    Compute(Parts parts, Hypervisor& hypervisor, image::Images& images, block::Block& block, network::Network& network,
            identity::Identity& identity, std::filesystem::path instances);
    ~Compute();

    http::Site site();

    /// What guests see at 169.254.169.254; requests carry the network's id as their origin.
    http::Site metadataSite();

    /// The default flavors (m1.tiny … m1.xlarge), where there are none yet.
    void bootstrap();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
