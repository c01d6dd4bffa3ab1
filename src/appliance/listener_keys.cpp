#include "appliance/listener_keys.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <vector>

#include "platform/cloud/cloud.hpp"
#include "platform/os/fd.hpp"
#include "platform/tls/own_certificates.hpp"
#include "platform/web/web.hpp"

namespace stratolet {
namespace {

bool isLoopback(const std::string& address) {
    return address.starts_with("127.") || address == "::1" || address == "::ffff:127.0.0.1";
}

bool isWildcard(const std::string& address) { return address == "0.0.0.0" || address == "::"; }

/// Of all interfaces, but for those that are good on one link only.
std::vector<std::string> addressesOfHost() {
    ifaddrs* first = nullptr;
    check(::getifaddrs(&first), "list this host's addresses");
    const Handle<ifaddrs, ::freeifaddrs> all(first);
    std::vector<std::string> texts;
    for (const auto* each = first; each; each = each->ifa_next) {
        std::array<char, INET6_ADDRSTRLEN> text{};
        if (!each->ifa_addr) continue;
        if (each->ifa_addr->sa_family == AF_INET)
            ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr, text.data(),
                        text.size());
        else if (each->ifa_addr->sa_family == AF_INET6 &&
                 !IN6_IS_ADDR_LINKLOCAL(&reinterpret_cast<const sockaddr_in6*>(each->ifa_addr)->sin6_addr))
            ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(each->ifa_addr)->sin6_addr, text.data(),
                        text.size());
        if (text[0]) texts.emplace_back(text.data());
    }
    return texts;
}

std::vector<std::string> namesOf(const Settings& settings, const std::vector<ListenAddress>& addresses) {
    std::vector<std::string> names{"localhost", hostName()};
    for (const auto& each : addresses) {
        if (isWildcard(each.address))
            for (auto& one : addressesOfHost()) names.push_back(std::move(one));
        else
            names.push_back(each.address);
    }
    if (const auto endpoint = web::parsed(publicEndpoint(settings.config))) names.push_back(endpoint->host);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

}

ListenerKeys listenerKeys(const Settings& settings, const std::filesystem::path& stateDir, Ambient& ambient) {
    const auto& certificate = settings.config.text("DEFAULT", "certificate");
    if (!certificate.empty()) return {certificate, settings.config.text("DEFAULT", "key"), "", false};
    const auto addresses = addressesIn(settings);
    if (settings.config.boolean("DEFAULT", "plain_http") ||
        std::all_of(addresses.begin(), addresses.end(), [](const auto& each) { return isLoopback(each.address); }))
        return {};
    const auto own = tls::ensureOwnCertificates(stateDir / "tls", namesOf(settings, addresses), ambient.now());
    return {own.certificate, own.key, own.authority, own.fresh};
}

}
