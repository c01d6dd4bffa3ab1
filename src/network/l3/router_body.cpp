#include <stratolet/error.hpp>

#include "network/l3/router.hpp"

namespace stratolet::network {

std::optional<WantedGateway> gatewayIn(store::Reader& db, const identity::Caller& caller, const Body& body) {
    const auto given = body.find("external_gateway_info");
    if (!given) return std::nullopt;
    const auto& info = *given;
    WantedGateway wanted;
    if (info.isNull() || (info.isObject() && info.size() == 0)) return WantedGateway{};
    if (!info.isObject()) refuseInput("external_gateway_info", "'" + info.dump() + "' is not a dictionary.");
    for (const auto& name : info.names())
        if (name != "network_id" && name != "enable_snat" && name != "external_fixed_ips" && name != "qos_policy_id")
            refuseInput("external_gateway_info", "Unexpected keys supplied: " + name + ".");
    const auto id = info.maybeText("network_id").value_or("");
    if (id.empty()) refuseInput("external_gateway_info", "Required dictionary key network_id missing.");
    auto network = networkTable.find(db, {id});
    if (!network || !isOpenTo(*network, caller)) throw networkNotFound(id);
    if (!network->external) throw badRouter("Network " + id + " is not an external network");
    if (const auto snat = info.find("enable_snat")) {
        const auto truth = truthOf(*snat);
        if (!truth) refuseInput("enable_snat", "'" + snat->dump() + "' cannot be converted to boolean.");
        wanted.snat = *truth;
    }
    wanted.qosPolicy = info.find("qos_policy_id");
    wanted.addresses = wantedAddresses(db, network->id, info, "external_fixed_ips");
    wanted.network = std::move(network);
    return wanted;
}

WantedInterface interfaceIn(const Json& body) {
    if (!body.isObject()) return {};
    return {body.maybeText("subnet_id"), body.maybeText("port_id")};
}

}
