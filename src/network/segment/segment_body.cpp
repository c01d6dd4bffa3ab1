#include <algorithm>

#include <stratolet/error.hpp>

#include "network/l2/subnet.hpp"
#include "network/segment/segment.hpp"

namespace stratolet::network {

namespace {

NetworkType typeIn(const Core& core, const std::string& text) {
    const auto type = networkTypeNamed(text);
    if (!type) refuseOperation("network_type value '" + text + "' not supported");
    checkPair(mechanismNamed(core.driver.mechanism()), *type);
    if (!factsOf(*type).given) refuseOperation("network_type value '" + text + "' not supported");
    return *type;
}

}

WantedSegment segmentWanted(const Core& core, const std::string& type, const std::string& physical,
                            std::optional<std::int64_t> number) {
    WantedSegment wanted{typeIn(core, type), physical, number.value_or(0)};
    if (number && wanted.number <= 0) refuseOperation("segmentation_id out of range (1 through 4294967295)");
    return wanted;
}

namespace {

/// Of provider:… or of one item of "segments", which says the same.
std::optional<WantedSegment> wantedIn(const Core& core, const Body& body) {
    const auto type = body.text("provider:network_type"), physical = body.text("provider:physical_network");
    const bool numbered = body.has("provider:segmentation_id") && !body.isNull("provider:segmentation_id");
    if (type.empty() && physical.empty() && !numbered) return std::nullopt;
    if (type.empty()) refuseOperation("provider:network_type required");
    return segmentWanted(core, type, physical,
                         numbered ? std::optional(body.whole("provider:segmentation_id", 0)) : std::nullopt);
}

WantedSegments listIn(const Core& core, const Json& list) {
    constexpr std::size_t most = 32;
    if (!list.isArray() || list.size() > most) refuseInput("segments", "it is no list of segments.");
    WantedSegments all;
    for (const auto& each : list.items()) {
        if (!each.isObject()) refuseInput("segments", "'" + each.dump() + "' is no segment.");
        for (const auto& name : each.names())
            if (name != "provider:network_type" && name != "provider:physical_network" &&
                name != "provider:segmentation_id")
                refuseInput("segments", "'" + name + "' is unknown.");
        for (const auto* name : {"provider:network_type", "provider:physical_network"})
            if (each.has(name) && !each.at(name).isNull() && !each.at(name).isText())
                refuseInput(name, "'" + each.at(name).dump() + "' is not a valid string.");
        if (each.has("provider:segmentation_id") && !each.at("provider:segmentation_id").isNull() &&
            !wholeOf(each.at("provider:segmentation_id")))
            refuseInput("provider:segmentation_id",
                        "'" + each.at("provider:segmentation_id").dump() + "' is not an integer.");
        const auto wanted = wantedIn(core, Body(each));
        if (!wanted) refuseOperation("provider:network_type required");
        const auto same = [&](const WantedSegment& other) {
            return other.type == wanted->type && other.physical == wanted->physical && other.number == wanted->number &&
                   (wanted->number != 0 || factsOf(wanted->type).most == 0);
        };
        if (std::any_of(all.begin(), all.end(), same))
            throw Error(Failure::Invalid, "Duplicate segment entry in request.").as("SegmentsContainDuplicateEntry");
        all.push_back(*wanted);
    }
    return all;
}

}

WantedSegments segmentsAskedIn(const Core& core, const Body& body) {
    const auto one = wantedIn(core, body);
    if (!body.has("segments") || body.isNull("segments")) return one ? WantedSegments{*one} : WantedSegments();
    if (one)
        throw Error(Failure::Invalid, "Segments and provider values cannot both be set.")
            .as("SegmentsSetInConjunctionWithProviders");
    return listIn(core, body.find("segments").value());
}

}
