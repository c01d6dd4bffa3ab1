#include <algorithm>
#include <array>

#include <stratolet/error.hpp>

#include "compute/proxy/proxy.hpp"
#include "compute/proxy/services_below.hpp"
#include "compute/server/server_reading.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

const std::string networks = "/network/v2.0/networks", ports = "/network/v2.0/ports";

/// What a network had when compute made them; network has others, so all of it is null. The former for everybody.
constexpr auto nobody = std::to_array<std::string_view>(
    {"cidr", "netmask", "gateway", "broadcast", "dns1", "dns2", "cidr_v6", "gateway_v6", "netmask_v6"});
constexpr auto administrators = std::to_array<std::string_view>(
    {"created_at",  "updated_at",         "deleted_at",   "deleted",  "injected",         "bridge",
     "vlan",        "vpn_public_address", "host",         "priority", "vpn_public_port",  "vpn_private_address",
     "dhcp_start",  "project_id",         "rxtx_base",    "mtu",      "bridge_interface", "multi_host",
     "dhcp_server", "enable_dhcp",        "share_address"});

void writeNetwork(JsonWriter& out, const Call& call, const Json& network) {
    const auto scope = out.object();
    out.field("id", network.text("id"));
    out.field("label", network.text("name"));
    for (const auto name : nobody) out.field(name, nullptr);
    if (!call.caller.isAdmin()) return;
    for (const auto name : administrators) out.field(name, nullptr);
}

void writeTenantNetwork(JsonWriter& out, const Call&, const Json& network) {
    const auto scope = out.object();
    out.field("id", network.text("id"));
    out.field("label", network.text("name"));
    out.field("cidr", "None");
}

using Write = void (*)(JsonWriter&, const Call&, const Json&);

void addNoun(http::Routes& routes, Core& core, const std::string& path, const std::string& rule, Write write) {
    constexpr Span old{.until = 35};
    addRoute(
        routes, Method::Get, path, rule + "list",
        [&core, write](Call& call) {
            call.caller.enforce();
            const auto all = core.below.get(call.request, networks).array("networks").items();
            return http::jsonResponse(200, [&](JsonWriter& out) {
                const auto body = out.object();
                const auto items = out.array("networks");
                for (const auto& each : all) write(out, call, each);
            });
        },
        old);
    addRoute(
        routes, Method::Get, path + "/{id}", rule + "show",
        [&core, write](Call& call) {
            call.caller.enforce();
            const auto network = core.below.get(call.request, networks + "/" + http::percentEncoded(call.param("id")));
            return http::jsonResponse(200, "network",
                                      [&](JsonWriter& out) { write(out, call, network.object("network")); });
        },
        old);
}

void requireOld(const Call& call) {
    if (call.version > 43) throw Error(Failure::NotFound, "The resource could not be found.");
}

/// The addresses of a port as a change of it says them.
std::vector<std::string> addressesOf(const Json& port) {
    std::vector<std::string> all;
    for (const auto& each : port.array("fixed_ips").items())
        all.push_back(R"({"subnet_id":)" + jsonText(each.text("subnet_id")) + R"(,"ip_address":)" +
                      jsonText(each.text("ip_address")) + "}");
    return all;
}

}

std::string jsonList(const std::vector<std::string>& json) {
    std::string list = "[";
    for (const auto& each : json) list.append(list.size() > 1 ? "," : "").append(each);
    return list += "]";
}

std::vector<Json> portsOf(const Call& call, Core& core, const ServerId& server) {
    return core.below.get(call.request, ports + "?device_id=" + server.text).array("ports").items();
}

void updatePort(const Call& call, Core& core, const std::string& port, const std::string& members) {
    core.below.ask(call.request,
                   {.method = Method::Put, .target = ports + "/" + port, .body = R"({"port":{)" + members + "}}"});
}

Response addFixedIp(Call& call, Core& core, const Json& arguments) {
    requireOld(call);
    const Server server =
        allowedServer(core.reader(), call.caller, ServerId{call.param("id")}, "os_compute_api:os-multinic:add");
    call.onlyKnows(arguments, {"networkId"});
    const Json wanted = arguments.at("networkId");
    const std::string network = wanted.isInteger() ? std::to_string(wanted.integer()) : textOf(wanted, 1, 255);
    const auto subnets =
        core.below.get(call.request, "/network/v2.0/subnets?network_id=" + http::percentEncoded(network))
            .array("subnets")
            .items();
    for (const auto& port : portsOf(call, core, server.id)) {
        if (port.text("network_id") != network || subnets.empty()) continue;
        auto addresses = addressesOf(port);
        addresses.push_back(R"({"subnet_id":)" + jsonText(subnets.front().text("id")) + "}");
        updatePort(call, core, port.text("id"), R"("fixed_ips":)" + jsonList(addresses));
        return http::emptyResponse(202);
    }
    throw Error(Failure::Invalid, "Network could not be found for instance ", server.id, ".");
}

Response removeFixedIp(Call& call, Core& core, const Json& arguments) {
    requireOld(call);
    const Server server =
        allowedServer(core.reader(), call.caller, ServerId{call.param("id")}, "os_compute_api:os-multinic:remove");
    call.onlyKnows(arguments, {"address"});
    const std::string address = addressOf(arguments.at("address"));
    for (const auto& port : portsOf(call, core, server.id)) {
        auto addresses = addressesOf(port);
        if (std::erase_if(addresses, [&](const std::string& each) {
                return each.ends_with(R"("ip_address":)" + jsonText(address) + "}");
            }) == 0)
            continue;
        updatePort(call, core, port.text("id"), R"("fixed_ips":)" + jsonList(addresses));
        return http::emptyResponse(202);
    }
    throw Error(Failure::Invalid, "Instance ", server.id, " does not have fixed IP ", address, ".");
}

void addNetworkProxies(http::Routes& routes, Core& core) {
    addNoun(routes, core, "/os-networks", "os_compute_api:os-networks:", writeNetwork);
    addNoun(routes, core, "/os-tenant-networks", "os_compute_api:os-tenant-networks:", writeTenantNetwork);
}

}
