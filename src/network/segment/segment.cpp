#include "network/segment/segment.hpp"

#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/l2/network_record.hpp"

namespace stratolet::network {

using namespace resource;

const Table<Segment> segmentTable(
    "network_segments", 'e',
    {attribute<&Segment::id>("id", Show | Find),
     attribute<&Segment::network>("network_id", Post | Show | Find).in("network").readByHook(),
     attribute<&Segment::type>("network_type", Post | Show | Find).in("type").readByHook(),
     maybe<&Segment::physical>("physical_network", Post | Show | Find).in("physical").readByHook(),
     maybe<&Segment::number>("segmentation_id", Post | Show | Find | Moves).in("number").readByHook(),
     maybe<&Segment::standard, &Standard::name>("name", Post | Put | Show | Find),
     maybe<&Segment::standard, &Standard::description>("description", Post | Put | Show | Find),
     attribute<&Segment::standard, &Standard::created>("created_at", Show).in("created"),
     attribute<&Segment::standard, &Standard::updated>("updated_at", Show | Moves).in("updated"),
     attribute<&Segment::standard, &Standard::revision>("revision_number", Show | Find | Moves).in("revision"),
     column<&Segment::position>("position")});

namespace {

std::vector<About> about(store::Reader&, const std::vector<Segment>& all) {
    return aboutEach(
        all, [](const Segment&) { return 0; }, [](const Segment&) { return Target(); });
}

Segment create(Core& core, store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    const auto network = networkIn(tx, caller, body);
    if (body.text("network_type").empty()) throw notSpecified("network_type");
    const auto number = body.whole("segmentation_id", 0);
    const auto wanted = allotted(core, tx,
                                 {segmentWanted(core, body.text("network_type"), body.text("physical_network"),
                                                number != 0 ? std::optional(number) : std::nullopt)},
                                 network.standard.project);
    if (network.mtu > mtuMostOf(core, wanted)) {
        auto changed = network;
        changed.mtu = mtuMostOf(core, wanted);
        networkTable.update(tx, changed);
    }
    Segment segment;
    segment.id.text = core.uuid();
    segment.network = network.id;
    segment.standard = {"", "", "", 1, core.now(), core.now()};
    body.readInto(segment, segmentTable);
    segment.position = static_cast<int>(
        tx.query("SELECT coalesce(MAX(position), -1) + 1 FROM network_segments WHERE network = ?", network.id)
            .integer());
    segment.type = nameOf(wanted.front().type);
    segment.physical = wanted.front().physical;
    segment.number = wanted.front().number;
    segmentTable.insert(tx, segment);
    touch(tx, "networks", network.id.text, core.now());
    core.changed(tx, network.id.text);
    return segment;
}

Segment update(Core& core, store::Transaction& tx, Segment segment, const Body& body) {
    body.readInto(segment, segmentTable);
    markChanged(core, segment.standard);
    segmentTable.update(tx, segment);
    return segment;
}

void remove(Core& core, store::Transaction& tx, const Segment& segment) {
    const auto inUse = [&](const std::string& reason) {
        return Error(Failure::Conflict, "Segment '", segment.id, "' cannot be deleted: ", reason, ".")
            .as("SegmentInUse");
    };
    if (tx.query("SELECT 1 FROM subnets WHERE coalesce(segment, '') = ?", segment.id).any())
        throw inUse("The segment is still associated with subnet(s)");
    if (segmentsOf(tx, segment.network).size() == 1 &&
        tx.query("SELECT 1 FROM ports WHERE network = ? AND host <> ''", segment.network).any())
        throw inUse("The segment is still associated with port(s)");
    segmentTable.remove(tx, segment.id);
    touch(tx, "networks", segment.network.text, core.now());
    core.changed(tx, segment.network.text);
}

}

Error segmentNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Segment ", id, " could not be found.").as("SegmentNotFound");
}

std::vector<Segment> segmentsOf(store::Reader& db, const NetworkId& network) {
    return segmentTable.where(db, "WHERE e.network = ? ORDER BY e.position, e.id", network);
}

std::map<std::string, std::vector<Segment>> segmentsOf(store::Reader& db, const Texts& networks) {
    std::map<std::string, std::vector<Segment>> found;
    for (auto& each : segmentTable.where(
             db, "WHERE e.network IN (SELECT value FROM json_each(?)) ORDER BY e.network, e.position, e.id",
             store::asList(networks)))
        found[each.network.text].push_back(std::move(each));
    return found;
}

void addSegmentRoutes(http::Routes& routes, Core& core) {
    using Tx = store::Transaction;
    using identity::Caller;
    addNoun<Segment>(
        routes, core,
        {.noun = "segment",
         .table = segmentTable,
         .missing = segmentNotFound,
         .about = about,
         .concern = {"$.id = ?"}, // no project has one
         .wanted = [](Tx&, const Caller&, const Body&) { return Target(); },
         .create = [&core](Tx& tx, const Caller& caller, const Body& body) { return create(core, tx, caller, body); },
         .update = [&core](Tx& tx, const Caller&, const Segment& segment,
                           const Body& body) { return update(core, tx, segment, body); },
         .remove = [&core](Tx& tx, const Caller&, const Segment& segment) { remove(core, tx, segment); },
         .tagged = false});
}

}
