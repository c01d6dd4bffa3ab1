#include "network/segment/segment_range.hpp"

#include <algorithm>
#include <map>

#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/l2/subnet.hpp"
#include "network/segment/segment.hpp"
#include "platform/store/many.hpp"
#include "platform/text/text.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

/// Numbers that networks are given, as they are kept.
struct SegmentRange {
    Id<SegmentRange> id;
    Standard standard; ///< its project is empty where it is shared
    bool isStandard = false;
    bool shared = true;
    std::string type, physical;
    std::int64_t least = 0, most = 0;
    std::map<std::int64_t, std::string> used; ///< number and the project that has it; only for an answer
};

constexpr std::int64_t shownMost = 1000; ///< free numbers: a range may have millions

void showUsed(JsonWriter& out, const SegmentRange& range) {
    const auto object = out.object();
    for (const auto& [number, project] : range.used) out.field(std::to_string(number), project);
}

void showAvailable(JsonWriter& out, const SegmentRange& range) {
    const auto list = out.array();
    std::int64_t shown = 0;
    for (auto number = range.least; number <= range.most && shown < shownMost; ++number)
        if (!range.used.contains(number)) {
            out.value(number);
            ++shown;
        }
}

const Table<SegmentRange> rangeTable(
    "network_segment_ranges", 'v',
    withStandard<SegmentRange>({attribute<&SegmentRange::isStandard>("default", Show | Find).in("standard"),
                                attribute<&SegmentRange::shared>("shared", Post | Show | Find),
                                attribute<&SegmentRange::type>("network_type", Post | Show | Find).in("type"),
                                maybe<&SegmentRange::physical>("physical_network", Post | Show | Find).in("physical"),
                                attribute<&SegmentRange::least>("minimum", Post | Put | Show | Find).in("least"),
                                attribute<&SegmentRange::most>("maximum", Post | Put | Show | Find).in("most"),
                                computed<SegmentRange>("used", Kind::Other, Show, showUsed),
                                computed<SegmentRange>("available", Kind::Other, Show, showAvailable)},
                               HasName | HasTags | MayBeNobodys));

Error rangeNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Network Segment Range ", id, " could not be found.")
        .as("NetworkSegmentRangeNotFound");
}

void completeUsed(store::Reader& db, std::vector<SegmentRange>& all) {
    auto used = store::many<std::pair<std::int64_t, std::string>>(
        db,
        "SELECT v.id, e.number, n.project FROM json_each(?) w JOIN network_segment_ranges v ON v.id = w.value JOIN "
        "network_segments e ON e.type = v.type AND coalesce(e.physical, '') = coalesce(v.physical, '') AND "
        "coalesce(e.number, 0) BETWEEN v.least AND v.most AND e.type <> 'local' JOIN networks n ON n.id = e.network",
        idsOf(all), [](const store::Row& row) { return std::pair(row.integer(1), row.text(2)); });
    for (auto& each : all)
        for (auto& [number, project] : store::takeOf(used, each.id.text)) each.used[number] = std::move(project);
}

void check(store::Reader& db, const SegmentRange& range) {
    const auto type = networkTypeNamed(range.type);
    if (!type || factsOf(*type).most == 0)
        refuseInput("network_type", "'" + range.type + "' is not in ['vlan', 'vxlan', 'gre', 'geneve'].");
    const auto& facts = factsOf(*type);
    if (!facts.given)
        throw Error(Failure::Invalid, "Network type ", range.type, " does not support segment ranges.")
            .as("NetworkSegmentRangeNetTypeNotSupported");
    if (facts.physical && range.physical.empty())
        throw Error(Failure::Invalid, "Bad network_segment_range request: Network type ", range.type,
                    " requires 'physical_network' to be specified while creating new range.")
            .as("BadRequest");
    if (facts.physical &&
        !db.query("SELECT 1 FROM network_hosts h, json_each(h.physical) p WHERE p.value = ?", range.physical).any())
        refuseOperation("physical_network '" + range.physical + "' unknown for " + range.type + " provider network");
    if (range.least < facts.least || range.most > facts.most || range.least > range.most)
        throw Error(Failure::Invalid, "Invalid network ", facts.physical ? "VLAN" : "tunnel", " range: '", range.least,
                    ":", range.most, "' - it is to lie between ", facts.least, " and ", facts.most,
                    ", the least first.")
            .as(facts.physical ? "NetworkVlanRangeError" : "NetworkTunnelRangeError");
    const auto others = db.query("SELECT id FROM network_segment_ranges WHERE type = ? AND NOT standard AND "
                                 "coalesce(physical, '') = ? AND least <= ? AND most >= ? AND id <> ? ORDER BY id",
                                 range.type, range.physical, range.most, range.least, range.id)
                            .texts();
    if (others.empty()) return;
    throw Error(Failure::Conflict, "Network segment range overlaps with existing range(s): ", joined(others))
        .as("NetworkSegmentRangeOverlaps");
}

SegmentRange create(Core& core, store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    SegmentRange range;
    range.standard = freshStandard(core, caller, body);
    range.id.text = core.uuid();
    for (const auto* needed : {"network_type", "minimum", "maximum"})
        if (!body.has(needed)) throw notSpecified(needed);
    body.readInto(range, rangeTable);
    if (range.shared) range.standard.project.clear();
    if (range.type != "vlan") range.physical.clear();
    check(tx, range);
    rangeTable.insert(tx, range);
    return range;
}

void refuseStandard(const SegmentRange& range) {
    if (range.isStandard)
        throw Error(Failure::Invalid, "Network Segment Range ", range.id,
                    " is a default segment range which could not be updated or deleted.")
            .as("NetworkSegmentRangeDefaultReadOnly");
}

/// Numbers between these, which are the range's, are no network's.
void checkUnused(store::Reader& db, const SegmentRange& range, std::int64_t least, std::int64_t most) {
    if (least <= most &&
        db.query("SELECT 1 FROM network_segments e JOIN networks n ON n.id = e.network WHERE e.type = ? AND "
                 "coalesce(e.physical, '') = ? AND coalesce(e.number, 0) BETWEEN ? AND ? AND e.type <> 'local' LIMIT 1",
                 range.type, range.physical, least, most)
            .any())
        throw Error(Failure::Conflict, "Network Segment Range ", range.id,
                    " is referenced by one or more tenant networks.")
            .as("NetworkSegmentRangeReferencedByProject");
}

SegmentRange update(Core& core, store::Transaction& tx, const SegmentRange& before, const Body& body) {
    refuseStandard(before);
    auto range = before;
    body.readInto(range, rangeTable);
    checkUnused(tx, before, before.least, std::min(before.most, range.least - 1));
    checkUnused(tx, before, std::max(before.least, range.most + 1), before.most);
    check(tx, range);
    markChanged(core, range.standard);
    rangeTable.update(tx, range);
    return range;
}

void remove(store::Transaction& tx, const SegmentRange& range) {
    refuseStandard(range);
    checkUnused(tx, range, range.least, range.most);
    forgetTags(tx, range.id.text);
    rangeTable.remove(tx, range.id);
}

}

std::vector<Ml2Options::Range> rangesFor(store::Reader& db, NetworkType type, const std::string& project) {
    std::vector<Ml2Options::Range> ranges;
    auto rows = db.query("SELECT coalesce(physical, ''), least, most FROM network_segment_ranges WHERE type = ?1 AND "
                         "(shared OR project = ?2) ORDER BY shared, created, id",
                         nameOf(type), project);
    while (rows.next()) ranges.push_back({type, rows.row().text(0), rows.row().integer(1), rows.row().integer(2)});
    return ranges;
}

void placeRanges(Core& core, store::Transaction& tx) {
    auto known = rangeTable.where(tx, "WHERE v.standard ORDER BY v.created, v.id");
    for (const auto& each : core.ml2.ranges) {
        const auto its = std::find_if(known.begin(), known.end(), [&](const auto& one) {
            return one.type == nameOf(each.type) && one.physical == each.physical && one.least == each.least &&
                   one.most == each.most;
        });
        if (its != known.end()) {
            known.erase(its);
            continue;
        }
        SegmentRange range;
        range.id.text = core.uuid();
        range.standard = {"", "", "", 1, core.now(), core.now()};
        range.isStandard = true;
        range.type = nameOf(each.type);
        range.physical = each.physical;
        range.least = each.least;
        range.most = each.most;
        rangeTable.insert(tx, range);
    }
    for (const auto& gone : known) {
        forgetTags(tx, gone.id.text);
        rangeTable.remove(tx, gone.id);
    }
}

void addSegmentRangeRoutes(http::Routes& routes, Core& core) {
    using Tx = store::Transaction;
    using identity::Caller;
    addNoun<SegmentRange>(
        routes, core,
        {.noun = "network_segment_range",
         .table = rangeTable,
         .missing = rangeNotFound,
         .concern = {"$.project = ?"},
         .complete = completeUsed,
         .create = [&core](Tx& tx, const Caller& caller, const Body& body) { return create(core, tx, caller, body); },
         .update = [&core](Tx& tx, const Caller&, const SegmentRange& range,
                           const Body& body) { return update(core, tx, range, body); },
         .remove = [](Tx& tx, const Caller&, const SegmentRange& range) { remove(tx, range); },
         .path = "/v2.0/network_segment_ranges"});
}

}
