#pragma once

#include <stratolet/ids.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "network/core.hpp"
#include "network/segment/segment.hpp"
#include "network/sharing.hpp"
#include "resource/collection.hpp"

namespace stratolet::network {

/// A network as it is kept. (`Network` is the service.)
struct NetworkRecord {
    NetworkId id;
    Standard standard;
    bool adminUp = true;
    Sharing sharing;
    bool external = false;   ///< routers may have their gateway here
    std::string externalFor; ///< those of which projects (as Sharing::with), or all ("*")
    bool isDefault = false;
    int mtu = 1500;        ///< bytes
    std::string dnsDomain; ///< that its ports' names end in; empty: that of the configuration
    bool portSecurity = true;
    std::string status = "ACTIVE"; ///< as statusColumn has it
    std::string scope4, scope6;    ///< address scopes; empty: none
    Texts zoneHints;               ///< availability zones that somebody wants it in
    bool served = false;           ///< by the DHCP agents of the zone; only for an answer
    std::string qosPolicy;         ///< empty: none
    Texts subnets;                 ///< ids, oldest first; only for an answer
    bool adjacent = true;          ///< all of it is one link; else routers lie between its segments
    std::vector<Segment> segments; ///< only for an answer
    bool fresh = false;            ///< just made: it has its segments, and nothing else is on it yet
};

extern const resource::Table<NetworkRecord> networkTable; ///< alias n

/// Whether the caller may see the network, and so have a router's gateway on it where it is an external one.
bool isOpenTo(const NetworkRecord& network, const identity::Caller& caller);

/// Absence as the dialect says it.
Error networkNotFound(const std::string& id);

/// IPv6 needs packets of 1,280 bytes (RFC 8200): Error(Conflict) where the network's are smaller.
void checkMtuCarriesIpv6(const NetworkId& network, int mtu);

/// What policy knows of a network, and of what is on it ("network:project_id").
Target targetOf(const NetworkRecord& network);

/// The network of something that is kept.
NetworkRecord networkOf(store::Reader& db, const NetworkId& id);

/// The networks of many, by their ids, in one statement; each may be named more than once.
std::unordered_map<std::string, NetworkRecord> networksOf(store::Reader& db, const std::vector<std::string>& ids);

/// What policy knows of each of the things that are on networks, by `targetOf` a thing and its network. `kind` is what
/// that looks at beside the project and the network.
template <class Thing, class Kind, class TargetOf>
std::vector<About> aboutOnNetworks(store::Reader& db, const std::vector<Thing>& things, Kind kind, TargetOf targetOf) {
    std::vector<std::string> ids;
    for (const auto& each : things) ids.push_back(each.network.text);
    const auto networks = networksOf(db, ids);
    return aboutEach(
        things,
        [&](const Thing& each) {
            return std::tuple(std::string_view(each.standard.project), std::string_view(each.network.text), kind(each));
        },
        [&](const Thing& each) { return targetOf(each, networks.at(each.network.text)); });
}

/// The network that a body names by network_id: one that the caller may see.
NetworkRecord networkIn(store::Reader& db, const identity::Caller& caller, const Body& body);

/// What policy knows of something wanted on that network, for a project.
Target targetForProject(const NetworkRecord& network, const std::string& project);

/// The same, as a body names both.
Target targetOnNetwork(store::Reader& db, const identity::Caller& caller, const Body& body);

/// The rules of networks: what may be made, changed and removed. Used by requests on the writer's thread; owned by the
/// module.
class Networks {
public:
    explicit Networks(Core& core) : core_(core) {}

    NetworkRecord create(store::Transaction& tx, const identity::Caller& caller, const Body& body);
    NetworkRecord update(store::Transaction& tx, const identity::Caller& caller, NetworkRecord network,
                         const Body& body);
    void remove(store::Transaction& tx, const NetworkRecord& network);

    Core& core() { return core_; }

private:
    Core& core_;
};

std::shared_ptr<const resource::CollectionApi<NetworkRecord>> addNetworkRoutes(http::Routes& routes,
                                                                               Networks& networks);

}
