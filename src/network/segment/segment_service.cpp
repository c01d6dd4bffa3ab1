#include <algorithm>
#include <array>
#include <set>

#include <stratolet/error.hpp>

#include "network/l2/subnet.hpp"
#include "network/segment/segment.hpp"
#include "network/segment/segment_range.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/cloud/cloud.hpp"

namespace stratolet::network {

namespace {

bool isTaken(store::Reader& db, NetworkType type, const std::string& physical, std::int64_t number) {
    return db
        .query("SELECT 1 FROM network_segments WHERE type = ? AND coalesce(physical, '') = ? AND coalesce(number, 0) = "
               "? AND type <> 'local'",
               nameOf(type), physical, number)
        .any();
}

Error takenError(const WantedSegment& wanted) {
    if (wanted.type == NetworkType::Flat)
        return Error(Failure::Conflict, "Unable to create the flat network. Physical network ", wanted.physical,
                     " is in use.")
            .as("FlatNetworkInUse");
    if (wanted.type == NetworkType::Vlan)
        return Error(Failure::Conflict, "Unable to create the network. The VLAN ", wanted.number,
                     " on physical network ", wanted.physical, " is in use.")
            .as("VlanIdInUse");
    return Error(Failure::Conflict, "Unable to create the network. The tunnel ID ", wanted.number, " is in use.")
        .as("TunnelIdInUse");
}

bool isKnown(store::Reader& db, const std::string& physical) {
    return db.query("SELECT 1 FROM network_hosts h, json_each(h.physical) p WHERE p.value = ?", physical).any();
}

/// A number of the range that nobody has: mostly one of chance, so that a full cloud costs what an empty one does.
std::optional<std::int64_t> freeNumber(Core& core, store::Reader& db, const Ml2Options::Range& range,
                                       const WantedSegments& also) {
    const auto isFree = [&](std::int64_t number) {
        return !isTaken(db, range.type, range.physical, number) &&
               std::none_of(also.begin(), also.end(), [&](const auto& each) {
                   return each.type == range.type && each.physical == range.physical && each.number == number;
               });
    };
    const auto size = static_cast<std::uint64_t>(range.most - range.least + 1);
    for (int tries = 0; tries < 16; ++tries) {
        std::array<std::byte, 4> random{};
        core.parts.ambient.randomize(random);
        std::uint64_t chance = 0;
        for (const auto each : random) chance = chance << 8 | std::to_integer<std::uint64_t>(each);
        const auto number = range.least + static_cast<std::int64_t>(chance % size);
        if (isFree(number)) return number;
    }
    auto rows = db.query("SELECT coalesce(number, 0) FROM network_segments WHERE type = ? AND coalesce(physical, '') = "
                         "? AND coalesce(number, 0) BETWEEN ? AND ? AND type <> 'local' ORDER BY coalesce(number, 0)",
                         nameOf(range.type), range.physical, range.least, range.most);
    std::int64_t candidate = range.least;
    while (rows.next()) {
        const auto taken = rows.row().integer(0);
        for (; candidate < taken; ++candidate)
            if (isFree(candidate)) return candidate;
        candidate = taken + 1;
    }
    for (; candidate <= range.most; ++candidate)
        if (isFree(candidate)) return candidate;
    return std::nullopt;
}

/// Fills in what isn't said: the physical network of a VLAN, and a number. False where none is left.
bool fill(Core& core, store::Reader& db, WantedSegment& wanted, const WantedSegments& also,
          const std::string& project) {
    if (factsOf(wanted.type).most == 0 || wanted.number != 0) return true;
    for (const auto& range : rangesFor(db, wanted.type, project)) {
        if (!wanted.physical.empty() && range.physical != wanted.physical) continue;
        const auto number = freeNumber(core, db, range, also);
        if (!number) continue;
        wanted.physical = range.physical;
        wanted.number = *number;
        return true;
    }
    return false;
}

[[noreturn]] void noneLeft() {
    throw Error(Failure::Busy, "Unable to create the network. No tenant network is available for allocation.")
        .as("NoNetworkAvailable");
}

void checkWanted(store::Reader& db, const WantedSegment& wanted) {
    const auto& facts = factsOf(wanted.type);
    const std::string name(facts.name);
    if (!facts.physical && !wanted.physical.empty())
        refuseOperation("provider:physical_network specified for " + name + " network");
    if (wanted.type == NetworkType::Flat && wanted.physical.empty())
        refuseOperation("physical_network required for flat provider network");
    if (!wanted.physical.empty() && !isKnown(db, wanted.physical))
        refuseOperation("physical_network '" + wanted.physical + "' unknown for " + name + " provider network");
    if (facts.most == 0) {
        if (wanted.number != 0) refuseOperation("provider:segmentation_id specified for " + name + " network");
        return;
    }
    if (wanted.number == 0) return;
    if (wanted.number < facts.least || wanted.number > facts.most)
        refuseOperation("segmentation_id out of range (" + std::to_string(facts.least) + " through " +
                        std::to_string(facts.most) + ")");
    if (wanted.type == NetworkType::Vlan && wanted.physical.empty())
        refuseOperation("segmentation_id requires physical_network for VLAN provider network");
}

}

WantedSegments segmentsIn(Core& core, store::Reader& db, const Body& body, const std::string& project) {
    if (auto wanted = segmentsAskedIn(core, body); !wanted.empty())
        return allotted(core, db, std::move(wanted), project);
    for (const auto type : core.ml2.tenantTypes)
        if (WantedSegment fresh{type, "", 0}; fill(core, db, fresh, {}, project)) return {fresh};
    noneLeft();
}

WantedSegments allotted(Core& core, store::Reader& db, WantedSegments wanted, const std::string& project) {
    for (auto& each : wanted) {
        checkWanted(db, each);
        if (!fill(core, db, each, wanted, project)) noneLeft();
        if (each.type != NetworkType::Local && isTaken(db, each.type, each.physical, each.number))
            throw takenError(each);
    }
    return wanted;
}

std::vector<Segment> insertSegments(Core& core, store::Transaction& tx, const NetworkId& network,
                                    const WantedSegments& wanted) {
    std::vector<Segment> made;
    for (const auto& each : wanted) {
        auto& segment = made.emplace_back();
        segment.id.text = core.uuid();
        segment.network = network;
        segment.standard = {"", "", "", 1, core.now(), core.now()};
        segment.position = static_cast<int>(made.size()) - 1;
        segment.type = nameOf(each.type);
        segment.physical = each.physical;
        segment.number = each.number;
        segmentTable.insert(tx, segment);
    }
    return made;
}

void changeProvider(Core& core, store::Transaction& tx, const NetworkId& network, const Body& body) {
    const bool any = body.has("provider:network_type") || body.has("provider:physical_network") ||
                     body.has("provider:segmentation_id") || body.has("segments");
    if (!any) return;
    auto segments = segmentsOf(tx, network);
    if (segments.size() != 1 || body.has("segments"))
        refuseOperation("Plugin does not support updating the segments of a network");
    auto& segment = segments.front();
    const auto isOther = [&](std::string_view name, const std::string& now) {
        return body.has(name) && body.text(name) != now;
    };
    if (isOther("provider:network_type", segment.type) || isOther("provider:physical_network", segment.physical))
        refuseOperation("Plugin does not support updating the following provider network attributes: network_type, "
                        "physical_network");
    const auto number = body.whole("provider:segmentation_id", segment.number);
    if (number == segment.number) return;
    if (segment.type != "vlan") refuseOperation("only the segmentation_id of a vlan network can be changed");
    const WantedSegment wanted{NetworkType::Vlan, segment.physical, number};
    if (number < 1) refuseOperation("segmentation_id out of range (1 through 4094)");
    checkWanted(tx, wanted);
    if (isTaken(tx, wanted.type, wanted.physical, number)) throw takenError(wanted);
    segment.number = number;
    markChanged(core, segment.standard);
    segmentTable.update(tx, segment);
}

int mtuMostOf(const Core& core, const WantedSegments& segments) {
    int most = core.ml2.mtu;
    for (const auto& each : segments) most = std::min(most, core.ml2.mtuOf(each.type));
    return most;
}

int mtuMostOf(const Core& core, const std::vector<Segment>& segments) {
    int most = core.ml2.mtu;
    for (const auto& each : segments)
        most = std::min(most, core.ml2.mtuOf(networkTypeNamed(each.type).value_or(NetworkType::Local)));
    return most;
}

void placeHost(Core& core, store::Transaction& tx) {
    Texts physical;
    for (const auto& [name, device] : core.ml2.physical) physical.push_back(name);
    tx.execute("INSERT OR REPLACE INTO network_hosts VALUES (?, ?, ?)", core.parts.cloud.host, core.ml2.tunnelAddress,
               store::asList(physical));
    placeRanges(core, tx);
}

std::vector<Segment> segmentsAt(store::Reader& db, const NetworkId& network, const std::string& host) {
    return segmentTable.where(db,
                              "WHERE e.network = ? AND EXISTS (SELECT 1 FROM network_hosts h WHERE h.name = ? AND "
                              "(e.physical IS NULL OR EXISTS (SELECT 1 FROM json_each(h.physical) p WHERE p.value = "
                              "e.physical))) ORDER BY e.position",
                              network, host);
}

}
