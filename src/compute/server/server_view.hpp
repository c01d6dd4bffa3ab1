#pragma once

#include <string>
#include <unordered_map>

#include "compute/api.hpp"
#include "compute/core.hpp"
#include "compute/server/server_reading.hpp"
#include "platform/policy/rights.hpp"

namespace stratolet::compute {

/// How much of a server an answer shows.
enum class Showing {
    Whole,   ///< GET of one
    InList,  ///< GET /servers/detail: without what would be dear for many
    Changed, ///< the answer to PUT, which was smaller until 2.75
};

/// Writes the servers of one answer, as the negotiated version has them. What is the same for many of them is found once.
class ServerWriter {
public:
    ServerWriter(const Call& call, Core& core);

    void write(JsonWriter& out, const Server& server, const ServerDetails& details, Showing showing);

private:
    struct Project {
        About about;
        std::string host, hostId, hypervisor; ///< of the host that was asked about last
    };
    const Project& projectOf(const Server& server);
    void writeExtended(JsonWriter& out, const Server& server, const ServerDetails& details, const Project& project);

    const Call& call_;
    Rights rights_;
    Core& core_;
    bool admin_;
    std::unordered_map<std::string, Project> projects_;
};

/// "addresses": by the network's name.
void writeAddresses(JsonWriter& out, const std::vector<network::PortFacts>& ports, std::string_view onlyNetwork = "");

}
