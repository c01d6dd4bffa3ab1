#pragma once

#include <stratolet/driver/network.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include "platform/log/rolling_file.hpp"

namespace stratolet::network {

/// Writes down the packets of which the rules tell (linux_rules.hpp): a line of JSON each, with when, which port and
/// whose, by which logs, whether a security group let it through (and which) or none did, and the addresses, protocol
/// and ports. Who reads them is a thread of its own, begun with the first port: what a guest sends, and how much, holds
/// nothing else up. What comes faster than it can be written is lost, and a line says so. tell() and forget() may be
/// called by any thread.
class PacketLog {
public:
    PacketLog(std::filesystem::path file, std::function<void(std::string_view)> notice, RollingSize size = {});
    ~PacketLog();

    /// In the network namespace whose packets they are. `number` is the port's, as HostRules::set. Error(Broken) where
    /// this kernel tells of none.
    void tell(const PlannedPort& port, int number);
    void forget(const PortId& port);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
