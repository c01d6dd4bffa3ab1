#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "compute/api.hpp"
#include "compute/core.hpp"
#include "compute/server/server_attributes.hpp"
#include "platform/policy/rights.hpp"

namespace stratolet::compute {

/// Writes the servers of one answer, as the negotiated version has them. What is the same for many of them is found
/// once.
class ServerWriter {
public:
    ServerWriter(const Call& call, Core& core, Showing showing);

    /// `more` writes further members, behind the others.
    void write(JsonWriter& out, const Server& server, const ServerDetails& details,
               const std::function<void()>& more = {});

private:
    struct Project {
        About about;
        std::string host, hostId; ///< of the host that was asked about last
    };
    const Project& projectOf(const Server& server);
    const Host* hostOf(const Server& server); ///< null where it is nowhere

    const Call& call_;
    Rights rights_;
    Core& core_;
    const Showing showing_;
    bool admin_;
    std::vector<const ServerAttribute*> attributes_; ///< those that the answer has
    std::unordered_map<std::string, Project> projects_;
    std::map<std::string, std::optional<Host>> hosts_; ///< those of the answer
};

/// "addresses": by the network's name. `whole`: with what kind each is, and its interface's MAC address.
void writeAddresses(JsonWriter& out, const std::vector<network::PortFacts>& ports, std::string_view onlyNetwork = "",
                    bool whole = true);

}
