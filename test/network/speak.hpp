#pragma once

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "support/test_appliance.hpp"

// How tests speak the network API.

namespace stratolet::test::net {

inline const std::string v2 = "/network/v2.0/";

inline std::string inQuotes(const std::string& text) { return "\"" + text + "\""; }

/// The one resource of an answer of this status.
inline Json made(const Answer& answer, std::string_view noun, int status = 201) {
    INFO(answer.body);
    REQUIRE(answer.status == status);
    return answer.json().object(noun);
}

/// "409 NetworkInUse"
inline std::string refusal(const Answer& answer) {
    INFO(answer.body);
    REQUIRE(answer.status >= 400);
    return std::to_string(answer.status) + " " + answer.json().object("NeutronError").text("type");
}

inline std::set<std::string> idsIn(const Answer& answer, std::string_view plural) {
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    std::set<std::string> ids;
    for (const auto& each : answer.json().array(plural).items()) ids.insert(each.text("id"));
    return ids;
}

/// The id of a new thing: creates(alice, "router", R"("name":"r")").
inline std::string creates(const Member& who, const std::string& noun, const std::string& body = "") {
    auto path = v2 + noun + "s";
    std::replace(path.begin(), path.end(), '_', '-'); // as Neutron writes nouns in paths
    return made(who.posts(path, "{\"" + noun + "\":{" + body + "}}"), noun).text("id");
}

inline std::string subnetOn(const Member& who, const std::string& network, const std::string& cidr) {
    return creates(who, "subnet",
                   R"("network_id":)" + inQuotes(network) + R"(,"ip_version":)" +
                       (cidr.find(':') == std::string::npos ? "4" : "6") + R"(,"cidr":)" + inQuotes(cidr));
}

/// A network with a subnet.
inline std::string networkWith(const Member& who, const std::string& cidr) {
    auto id = creates(who, "network");
    subnetOn(who, id, cidr);
    return id;
}

inline std::string subnetIdOf(const Member& who, const std::string& network) {
    return who.gets(v2 + "subnets?network_id=" + network).json().array("subnets").items().at(0).text("id");
}

inline std::string publicNetwork(const Member& who) {
    return who.gets(v2 + "networks?router:external=true").json().array("networks").items().at(0).text("id");
}

}
