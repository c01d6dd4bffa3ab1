#include <algorithm>
#include <set>

#include <stratolet/error.hpp>

#include "network/l2/port.hpp"
#include "network/security/security_group.hpp"

namespace stratolet::network {

namespace {

constexpr std::size_t addressPairsMost = 10;

}

TextPairs addressPairsIn(const Body& body, const std::string& ownMac) {
    TextPairs out;
    const auto list = body.find("allowed_address_pairs");
    if (!list || list->isNull()) return out;
    if (!list->isArray()) throw Error(Failure::Invalid, "Allowed address pairs must be a list.").as("HTTPBadRequest");
    for (const auto& each : list->items()) {
        if (!each.isObject() || !each.has("ip_address"))
            throw Error(Failure::Invalid, "AllowedAddressPair must contain ip_address")
                .as("AllowedAddressPairsMissingIP");
        each.onlyKnows({"ip_address", "mac_address"});
        const auto text = each.text("ip_address");
        const auto block = Prefix::parseLoosely(text);
        if (!block) refuseInput("allowed_address_pairs", "'" + text + "' is not a valid IP subnet.");
        const auto givenMac = each.maybeText("mac_address").value_or("");
        const auto mac = givenMac.empty() ? ownMac : normalMac(givenMac).value_or("");
        if (mac.empty()) refuseInput("allowed_address_pairs", "'" + givenMac + "' is not a valid MAC address.");
        const std::pair<std::string, std::string> pair{mac, text.find('/') == std::string::npos ? block->base.text()
                                                                                                : block->text()};
        if (std::find(out.begin(), out.end(), pair) != out.end())
            throw Error(Failure::Invalid, "Request contains duplicate address pair: mac_address ", mac, " ip_address ",
                        text, ".")
                .as("DuplicateAddressPairInRequest");
        out.push_back(pair);
    }
    if (out.size() > addressPairsMost)
        throw Error(Failure::Invalid, "The number of allowed address pair exceeds the maximum ", addressPairsMost, ".")
            .as("AllowedAddressPairExhausted");
    return out;
}

Texts securityGroupsIn(store::Reader& db, const Body& body, const std::string& project,
                       const identity::Caller* caller) {
    Texts groups;
    const auto list = body.find("security_groups");
    if (!list || list->isNull()) return groups;
    if (!list->isArray()) refuseInput("security_groups", "'" + list->dump() + "' is not a list.");
    for (const auto& each : list->items()) {
        const auto id = each.isText() ? each.text() : each.dump();
        const auto group = securityGroupTable.find(db, {id});
        if (!group ||
            (group->standard.project != project && !group->sharing.to(project) && !(caller && caller->isAdmin())))
            throw securityGroupNotFound(id);
        if (std::find(groups.begin(), groups.end(), id) == groups.end()) groups.push_back(id);
    }
    return groups;
}

std::vector<WantedAddress> wantedAddresses(store::Reader& db, const NetworkId& network, const Body& body,
                                           std::string_view attribute) {
    std::vector<WantedAddress> wanted;
    const auto given = body.find(attribute);
    if (!given || given->isNull()) return wanted;
    const auto& list = *given;
    if (!list.isArray()) refuseInput(attribute, "'" + list.dump() + "' is not a list.");
    std::set<std::string> seen;
    for (const auto& each : list.items()) {
        if (!each.isObject()) refuseInput(attribute, "Invalid data format for fixed IP: '" + each.dump() + "'.");
        for (const auto& name : each.names())
            if (name != "subnet_id" && name != "ip_address")
                refuseInput(attribute, "Invalid data format for fixed IP: '" + each.dump() + "'.");
        WantedAddress one;
        if (const auto text = each.maybeText("ip_address")) {
            one.address = Address::parse(*text);
            if (!one.address) refuseInput(attribute, "'" + *text + "' is not a valid IP address.");
            if (!seen.insert(one.address->text()).second)
                refuseInput(attribute, "Duplicate IP address '" + *text + "'.");
        }
        if (const auto id = each.maybeText("subnet_id")) {
            one.subnet = subnetTable.find(db, {*id});
            if (!one.subnet) throw subnetNotFound(*id);
            if (one.subnet->network != network)
                throw Error(Failure::Invalid, "Invalid input for operation: Failed to create port on network ", network,
                            ", because fixed_ips included invalid subnet ", *id, ".")
                    .as("InvalidInput");
        }
        if (!one.subnet && !one.address)
            throw Error(Failure::Invalid,
                        "Invalid input for operation: IP allocation requires subnet_id or ip_address.")
                .as("InvalidInput");
        wanted.push_back(std::move(one));
    }
    return wanted;
}

}
