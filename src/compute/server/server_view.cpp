#include "compute/server/server_view.hpp"

#include <algorithm>
#include <set>

namespace stratolet::compute {
namespace {

void writeAddress(JsonWriter& out, const std::string& address, const char* type, const std::string& mac, bool whole) {
    const auto scope = out.object();
    out.field("version", address.find(':') == std::string::npos ? 4 : 6);
    out.field("addr", address);
    if (!whole) return;
    out.field("OS-EXT-IPS:type", type);
    out.field("OS-EXT-IPS-MAC:mac_addr", mac);
}

bool isShown(const ServerAttribute& each, const Call& call, Showing showing) {
    if (!each.may(resource::Show) || !call.since(each.first)) return false;
    if (showing == Showing::InList) return each.listed;
    if (showing == Showing::Whole || !each.extended) return true;
    if (call.since(75)) // a rebuild calls the user data by another name
        return showing != Showing::Rebuilt || each.name != "OS-EXT-SRV-ATTR:user_data";
    return showing == Showing::Rebuilt && each.name == "key_name" && call.since(54);
}

}

ServerWriter::ServerWriter(const Call& call, Core& core, Showing showing)
    : call_(call),
      rights_(identity::rightsOf(call.caller)),
      core_(core),
      showing_(showing),
      admin_(call.caller.isAdmin()) {
    for (const auto& each : serverAttributes())
        if (isShown(each, call, showing)) attributes_.push_back(&each);
}

const ServerWriter::Project& ServerWriter::projectOf(const Server& server) {
    auto& project = projects_[server.project.text];
    if (!project.about) project.about = std::make_shared<const Target>(Target{{"project_id", server.project.text}});
    if (project.host != server.host || project.hostId.empty()) {
        project.host = server.host;
        project.hostId = hostIdOf(server);
    }
    return project;
}

/// A list's are read at once, and only where somebody may know of them.
const Host* ServerWriter::hostOf(const Server& server) {
    if (server.host.empty()) return nullptr;
    if (hosts_.empty() && showing_ == Showing::InList)
        for (auto& each : core_.hosts.all(core_.reader())) hosts_[each.name.text] = std::move(each);
    auto known = hosts_.find(server.host);
    if (known == hosts_.end())
        known = hosts_
                    .emplace(server.host, showing_ == Showing::InList ? std::nullopt
                                                                      : core_.hosts.find(core_.reader(), {server.host}))
                    .first;
    return known->second ? &*known->second : nullptr;
}

void writeAddresses(JsonWriter& out, const std::vector<network::PortFacts>& ports, std::string_view onlyNetwork,
                    bool whole) {
    std::vector<std::string> networks;
    for (const auto& port : ports)
        if (std::find(networks.begin(), networks.end(), port.networkName) == networks.end() &&
            (onlyNetwork.empty() || port.networkName == onlyNetwork))
            networks.push_back(port.networkName);
    for (const auto& network : networks) {
        const auto list = out.array(network);
        for (const auto& port : ports) {
            if (port.networkName != network) continue;
            for (const auto& ip : port.fixedIps) writeAddress(out, ip.address, "fixed", port.mac, whole);
            for (const auto& ip : port.fixedIps)
                if (!ip.floating.empty()) writeAddress(out, ip.floating, "floating", port.mac, whole);
        }
    }
}

void ServerWriter::write(JsonWriter& out, const Server& server, const ServerDetails& details,
                         const std::function<void()>& more) {
    const auto& project = projectOf(server);
    const bool seesHost = rights_.may("os_compute_api:os-extended-server-attributes", project.about);
    const bool seesStatus = rights_.may("os_compute_api:servers:show:host_status", project.about);
    const bool seesUnknown =
        seesStatus || rights_.may("os_compute_api:servers:show:host_status:unknown-only", project.about);
    const Shown shown{server,
                      details,
                      call_,
                      rights_,
                      project.about,
                      project.hostId,
                      seesHost || seesUnknown ? hostOf(server) : nullptr,
                      admin_,
                      seesHost,
                      seesStatus,
                      seesUnknown,
                      showing_ != Showing::Whole && showing_ != Showing::InList && !call_.since(75)};
    const auto scope = out.object();
    for (const auto* each : attributes_) {
        if (each->when != nullptr && !each->when(shown)) continue;
        out.key(each->name);
        each->write != nullptr ? each->write(out, shown) : each->show(out, server);
    }
    if (more) more();
}

}
