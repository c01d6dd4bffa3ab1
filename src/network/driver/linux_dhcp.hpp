#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "network/driver/linux_layout.hpp"

namespace stratolet::network {

/// The DHCP servers of this host: one dnsmasq per network, in the network's own namespace. They go on while we restart.
class DhcpServers {
public:
    explicit DhcpServers(std::filesystem::path folder);

    /// The server runs as `wanted` says, in the namespace `netns`. Hosts come and go without a restart.
    void ensure(const DhcpLayout& wanted, const std::string& netns);

    void remove(const std::string& key);
    std::vector<std::string> keys() const; ///< of all that are or were there
    bool running(const std::string& key) const;

private:
    std::filesystem::path placeOf(const std::string& key) const { return folder_ / key; }
    int pidOf(const std::string& key) const;
    void start(const DhcpLayout& wanted, const std::string& netns, const std::vector<std::string>& argv);
    void stop(const std::string& key);
    /// Writes what has changed; says which leases are void now and whether the server must read everything again.
    bool writeHosts(const DhcpLayout& wanted, std::vector<DhcpHost>& voided) const;

    std::filesystem::path folder_;
};

}
