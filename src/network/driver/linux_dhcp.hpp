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

    using Hosts = std::map<std::string, DhcpHost>; ///< by port id

    /// The server runs as `wanted` says, in the namespace `netns`, and knows these hosts and no others.
    void ensure(const DhcpLayout& wanted, const std::string& netns, const Hosts& hosts);

    /// Hosts come (with lines) and go (without) while the server runs.
    void change(const DhcpLayout& server, const std::string& netns, const Hosts& hosts);

    void remove(const std::string& key);
    std::vector<std::string> keys() const; ///< of all that are or were there
    bool running(const std::string& key) const;

private:
    std::filesystem::path placeOf(const std::string& key) const { return folder_ / key; }
    int pidOf(const std::string& key) const;
    void start(const DhcpLayout& wanted, const std::string& netns, const std::vector<std::string>& argv);
    void stop(const std::string& key);
    /// What has changed, told to the server.
    struct Changed {
        bool rereads = false;         ///< it notices additions only
        std::vector<DhcpHost> voided; ///< leases
    };
    void writeHost(const std::filesystem::path& file, const std::string& lines, Changed& changed) const;
    static void writeLines(const std::filesystem::path& file, const std::string& lines, Changed& changed);
    void writeAll(const std::filesystem::path& place, const std::string& name, const DhcpHost& host,
                  Changed& changed) const;
    void tell(const DhcpLayout& server, const std::string& netns, const Changed& changed);

    std::filesystem::path folder_;
};

}
