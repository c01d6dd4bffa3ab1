#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace stratolet::network {

/// An address or a route of the kernel's, whole, as rtnetlink(7) tells of it: what we have no word for is kept as well.
struct Entry {
    std::string bytes;
    bool operator==(const Entry&) const = default;
};

/// How an address is put on another device.
struct AddressChange {
    std::string label;              ///< of the device; one that the address has is kept where it begins so
    bool plainRoute = true;         ///< the kernel makes the route to its block
    std::optional<bool> own = {};   ///< that flag of its own is kept, whatever plainRoute says, where this is true
    bool forever = false;           ///< else as long as it is good now, less `older`
    std::uint32_t older = 0;        ///< seconds
    std::uint32_t leastSeconds = 0; ///< that it is good for at least, where it ends at all
};

/// A netlink connection to the network namespace in which it was made, for whole entries. Failures are Error(Broken).
class Entries {
public:
    Entries();
    ~Entries();

    /// Without those that the kernel gives each device itself (fe80::…, and of routes those to them).
    std::vector<Entry> addresses(int link);
    /// Of all tables but the kernel's own (local), those through `link`; ones to blocks on the link first.
    std::vector<Entry> routes(int link);

    /// Also where it is there already.
    void addAddress(const Entry& address, int link, const AddressChange& how);
    void removeAddress(const Entry& address, int link); ///< also where it is gone
    /// In the place of the same one through whichever device. A time that it ends at is kept only with `ends`, and then
    /// what a router announced comes behind what the kernel hears of it on the other device.
    void moveRoute(const Entry& route, int from, int to, bool ends);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

std::string textOf(const Entry& address); ///< "192.168.1.7/24"
bool isSameAddress(const Entry& one, const Entry& other);
bool isFromRouter(const Entry& address); ///< IPv6 that the kernel keeps up by what routers announce
/// The gateway of a default route of the main table; empty for any other.
std::string gatewayOf(const Entry& route);
std::uint32_t metricOf(const Entry& route);
std::string inHex(const Entry& entry);
Entry fromHex(const std::string& text); ///< Error(Broken) for what is none

}
