#include <map>

#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/l2/network_record.hpp"
#include "network/l2/port.hpp"

namespace stratolet::network {

namespace {

/// fixed_ips=ip_address=10.0.0.5, fixed_ips=subnet_id=…, fixed_ips=ip_address_substr=10.0. (all kinds must hold, one value of each)
store::Begin filterAddresses(store::Conditions& conditions, const std::vector<std::string>& values) {
    std::map<std::string, std::vector<std::string>> wanted;
    for (const auto& each : values) {
        const auto equals = each.find('=');
        const auto key = each.substr(0, equals);
        if (equals == std::string::npos || (key != "ip_address" && key != "subnet_id" && key != "ip_address_substr"))
            throw Error(Failure::Invalid, "Invalid filter for fixed_ips: ", each).as("HTTPBadRequest");
        wanted[key].push_back(each.substr(equals + 1));
    }
    for (const auto& [key, texts] : wanted) {
        Texts asked;
        for (const auto& text : texts) {
            const auto address = key == "ip_address" ? Address::parse(text) : std::nullopt;
            asked.push_back(address ? address->text() : text);
        }
        // As one JSON text: the condition doesn't grow with what is asked for.
        conditions.add("p.id IN (SELECT f.port FROM json_each(?) wanted JOIN fixed_ips f ON " +
                           std::string(key == "subnet_id"    ? "f.subnet = wanted.value)"
                                       : key == "ip_address" ? "f.address = wanted.value)"
                                                             : "instr(f.address, wanted.value) > 0)"),
                       store::asList(asked));
    }
    return store::Begin::WithConditions;
}

store::Begin filterGroups(store::Conditions& conditions, const std::vector<std::string>& values) {
    conditions.add("p.id IN (SELECT g.port FROM json_each(?) wanted JOIN port_security_groups g ON g.security_group = wanted.value)",
                   store::asList(values));
    return store::Begin::WithConditions;
}

}

void addPortRoutes(http::Routes& routes, Ports& ports) {
    addNoun<Port>(
        routes, ports.core(),
        {.noun = "port",
         .table = portTable,
         .missing = portNotFound,
         .about =
             [](store::Reader& db, const std::vector<Port>& all) {
                 return aboutOnNetworks(
                     db, all, [](const Port& port) { return std::string_view(port.owner); },
                     [](const Port& port, const NetworkRecord& network) { return targetOf(port, network); });
             },
         .concern = {"$.project = ?", "$.network_project = ? AND $.project <> $.network_project"},
         .wanted = targetOnNetwork,
         .aim = [](Target& target, const Body& body) { target["device_owner"] = body.text("device_owner", target["device_owner"]); },
         .create = [&](store::Transaction& tx, const identity::Caller& caller,
                       const Body& body) { return ports.create(tx, caller, networkIn(tx, caller, body), body); },
         .update = [&](store::Transaction& tx, const identity::Caller& caller, const Port& port,
                       const Body& body) { return ports.update(tx, caller, port, body); },
         .remove = [&](store::Transaction& tx, const identity::Caller&, const Port& port) { ports.removeByUser(tx, port); },
         .filters = {{"fixed_ips", filterAddresses}, {"security_groups", filterGroups}}});
}

}
