#pragma once

#include <string>

#include "network/driver/linux_netlink.hpp"

// What is said and heard on a link of who has which address, in the network namespace of the thread that calls.

namespace stratolet::network {

/// Tells everybody on the link that `address` is here now (gratuitous ARP).
void announceAddress(const Link& link, const std::string& address);

/// Whether who has `gateway` says so (ARP, RFC 826; neighbour discovery, RFC 4861) on that device within the time. Not
/// from what the kernel remembers.
bool answers(const std::string& device, const std::string& gateway, int patienceMs);

}
