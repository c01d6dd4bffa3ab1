#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct sockaddr;

namespace stratolet::image {

/// Which addresses a download for a stranger may connect to: those of the public internet, but none of this host, and
/// the networks that the configuration names.
class AddressRules {
public:
    /// `allowed`: networks ("10.1.0.0/16", "fd00::/8") that may be reached although they are not public. Error(Invalid)
    /// naming one that is none.
    AddressRules(const std::vector<std::string>& allowed, std::vector<std::uint16_t> ports);

    /// Why it must not be connected to; empty where it may.
    std::string complaint(const sockaddr& address) const;

    /// The same for an address as text ("127.0.0.1", "::1"); empty also where the text is a name and no address.
    std::string complaint(const std::string& host) const;

    bool allowsPort(std::uint16_t port) const;

private:
    struct Network {
        std::string bytes; // 16 of them; IPv4 is ::ffff:a.b.c.d
        unsigned bits = 0;
        bool holds(std::string_view address) const;
    };
    static Network parse(std::string_view text);
    std::string complaintAbout(std::string_view address) const; // 16 bytes

    std::vector<Network> allowed_, refused_;
    std::vector<std::uint16_t> ports_;
};

/// What is wrong with a list of networks, for the configuration; empty where nothing is.
std::string networksComplaint(const std::string& list);

}
