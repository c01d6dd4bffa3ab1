#pragma once

#include "compute/api.hpp"
#include "compute/core.hpp"
#include "compute/server/server.hpp"
#include "platform/http/http.hpp"

// What compute's API had before other services had it, and passes on to them for clients that are as old: until 2.35,
// 2.38 or 2.43, and then no more (API reference, "Deprecated APIs").

namespace stratolet::compute {

/// /os-security-groups, /os-security-group-rules, and in all versions /servers/{id}/os-security-groups.
void addSecurityGroupProxies(http::Routes& routes, Core& core);

/// /os-floating-ips and /os-floating-ip-pools.
void addFloatingIpProxies(http::Routes& routes, Core& core);

/// /os-networks and /os-tenant-networks.
void addNetworkProxies(http::Routes& routes, Core& core);

/// /os-volumes and /os-snapshots.
void addVolumeProxies(http::Routes& routes, Core& core);

/// /images and the metadata of one.
void addImageProxies(http::Routes& routes, Core& core);

// Actions of a server that network has by now; the first two have no end.
http::Response addSecurityGroup(Call& call, Core& core, const Json& arguments);
http::Response removeSecurityGroup(Call& call, Core& core, const Json& arguments);
http::Response addFloatingIp(Call& call, Core& core, const Json& arguments);
http::Response removeFloatingIp(Call& call, Core& core, const Json& arguments);
http::Response addFixedIp(Call& call, Core& core, const Json& arguments);
http::Response removeFixedIp(Call& call, Core& core, const Json& arguments);

/// The ports of a server, as network shows them.
std::vector<Json> portsOf(const Call& call, Core& core, const ServerId& server);

/// Changes one of them: `members` is what stands between the braces of "port".
void updatePort(const Call& call, Core& core, const std::string& port, const std::string& members);

/// A list of texts, or of JSON texts, as JSON.
std::string jsonList(const std::vector<std::string>& json);

}
