#pragma once

#include <stratolet/ids.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "network/core.hpp"
#include "network/segment/ml2.hpp"

namespace stratolet::network {

struct NetworkRecord;
using SegmentId = Id<struct SegmentTag>;

/// A segment of a network, as it is kept: what its frames travel in between hosts.
struct Segment {
    SegmentId id;
    NetworkId network;
    Standard standard; ///< without a project: an administrator's
    int position = 0;  ///< within its network
    std::string type = "local";
    std::string physical;    ///< empty where the type has none
    std::int64_t number = 0; ///< 0 where the type has none
};

extern const resource::Table<Segment> segmentTable; ///< alias e

/// A segment that somebody wants.
struct WantedSegment {
    NetworkType type = NetworkType::Local;
    std::string physical;
    std::int64_t number = 0;
};
using WantedSegments = std::vector<WantedSegment>;

std::vector<Segment> segmentsOf(store::Reader& db, const NetworkId& network); ///< in their order
std::map<std::string, std::vector<Segment>> segmentsOf(store::Reader& db, const Texts& networks);

/// One of this type; no number: any that is free. Error(Invalid) for a type that can't be.
WantedSegment segmentWanted(const Core& core, const std::string& type, const std::string& physical,
                            std::optional<std::int64_t> number);

/// Those that a body names, by provider:… or segments, as far as its words alone say; none where it names none.
/// Error(Invalid) for what can't be.
WantedSegments segmentsAskedIn(const Core& core, const Body& body);

/// What a new network of a project is to be made of: as the body says (provider:… or segments), else the first type of
/// tenant_network_types that has something left. Nothing is written yet. Error(Invalid) for what can't be,
/// Error(Conflict) for what another network has, Error(Busy) where nothing is left.
WantedSegments segmentsIn(Core& core, store::Reader& db, const Body& body, const std::string& project);
/// The same of those that somebody wants.
WantedSegments allotted(Core& core, store::Reader& db, WantedSegments wanted, const std::string& project);
std::vector<Segment> insertSegments(Core& core, store::Transaction& tx, const NetworkId& network,
                                    const WantedSegments& wanted);

/// What a body changes of a network's one segment: its VLAN id may be another. Error(Invalid) for all else.
void changeProvider(Core& core, store::Transaction& tx, const NetworkId& network, const Body& body);

/// The MTU that a network of these types can have.
int mtuMostOf(const Core& core, const WantedSegments& segments);
int mtuMostOf(const Core& core, const std::vector<Segment>& segments);

/// This host is as its configuration says.
void placeHost(Core& core, store::Transaction& tx);

/// The segments of a network that a host is on: none where it isn't known.
std::vector<Segment> segmentsAt(store::Reader& db, const NetworkId& network, const std::string& host);

Error segmentNotFound(const std::string& id);
void addSegmentRoutes(http::Routes& routes, Core& core);

}
