#include <stratolet/error.hpp>

#include "network/trunk/trunk.hpp"

namespace stratolet::network {

namespace {

constexpr int vlanMost = 4094;
constexpr std::size_t subportsMost = 512; ///< of one request

Json checkedList(const Json& list) {
    if (!list.isArray()) refuseInput("sub_ports", "'" + list.dump() + "' is not a list.");
    if (list.size() > subportsMost)
        refuseInput("sub_ports", "there are more than " + std::to_string(subportsMost) + " of them.");
    return list;
}

/// "sub_ports" of an action's body, which has nothing else.
Json listIn(const Json& body) {
    if (!body.isObject() || !body.has("sub_ports")) throw notSpecified("sub_ports");
    body.onlyKnows({"sub_ports"});
    return checkedList(body.at("sub_ports"));
}

PortId portIn(const Json& item) {
    if (!item.isObject() || !item.has("port_id") || !item.at("port_id").isText())
        refuseInput("sub_ports", "'" + item.dump() + "' has no port_id.");
    return {item.text("port_id")};
}

WantedSubport subportIn(const Json& item) {
    WantedSubport wanted{portIn(item), std::nullopt};
    for (const auto& name : item.names())
        if (name != "port_id" && name != "segmentation_type" && name != "segmentation_id")
            refuseInput("sub_ports", "'" + name + "' is unknown.");
    const auto isNull = [&](std::string_view name) { return !item.has(name) || item.at(name).isNull(); };
    const auto type = isNull("segmentation_type") ? "" : item.at("segmentation_type").dump();
    if (type == "\"inherit\"") return wanted;
    if (type.empty() || isNull("segmentation_id"))
        throw Error(Failure::Invalid, "Invalid input for operation: Invalid subport details '", item.dump(),
                    "': missing segmentation information. Must specify both segmentation_id and segmentation_type.")
            .as("InvalidInput");
    if (type != "\"vlan\"")
        throw Error(Failure::Invalid, "Invalid input for operation: Unknown segmentation type ", type,
                    "; there are vlan and inherit.")
            .as("InvalidInput");
    const auto number = wholeOf(item.at("segmentation_id"));
    if (!number || *number < 1 || *number > vlanMost)
        throw Error(Failure::Invalid, "Invalid input for operation: segmentation_id ",
                    item.at("segmentation_id").dump(), " is not in the range of 1 through ", vlanMost, ".")
            .as("InvalidInput");
    wanted.number = static_cast<int>(*number);
    return wanted;
}

std::vector<WantedSubport> subportsOf(const Json& list) {
    std::vector<WantedSubport> all;
    for (const auto& item : list.items()) all.push_back(subportIn(item));
    return all;
}

}

std::vector<WantedSubport> subportsIn(const Body& body) {
    const auto list = body.find("sub_ports");
    return list && !list->isNull() ? subportsOf(checkedList(*list)) : std::vector<WantedSubport>();
}

std::vector<WantedSubport> subportsToAdd(const Json& body) { return subportsOf(listIn(body)); }

std::vector<PortId> subportsToTake(const Json& body) {
    std::vector<PortId> all;
    const auto list = listIn(body);
    for (const auto& item : list.items()) all.push_back(portIn(item));
    return all;
}

}
