#pragma once

#include "compute/api.hpp"
#include "compute/server.hpp"

namespace stratolet::compute {

/// How much of a server an answer shows.
enum class Showing {
    Whole,   ///< GET of one
    InList,  ///< GET /servers/detail: without what would be dear for many
    Changed, ///< the answer to PUT, which was smaller until 2.75
};

/// The server as the negotiated version has it.
void writeServer(JsonWriter& out, const Call& call, Servers& servers, const Server& server, const ServerDetails& details, Showing showing);

/// "addresses": by the network's name.
void writeAddresses(JsonWriter& out, const std::vector<network::PortFacts>& ports, std::string_view onlyNetwork = "");

}
