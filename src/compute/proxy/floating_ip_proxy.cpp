#include <algorithm>
#include <map>

#include <stratolet/error.hpp>

#include "compute/proxy/proxy.hpp"
#include "compute/proxy/services_below.hpp"
#include "compute/server/server_reading.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

const std::string addresses = "/network/v2.0/floatingips";

/// Networks that floating IPs are of.
std::vector<Json> poolsFor(const Call& call, Core& core) {
    return core.below.get(call.request, "/network/v2.0/networks?router:external=true").array("networks").items();
}

/// What an answer shows of a floating IP beside what network says of it.
struct Around {
    std::map<std::string, std::string> pools, servers; ///< names of networks; servers by ports
};

Around aroundOf(const Call& call, Core& core) {
    Around around;
    for (const auto& each : poolsFor(call, core)) around.pools[each.text("id")] = each.text("name");
    const auto ports = core.below.get(call.request, "/network/v2.0/ports?project_id=" +
                                                        http::percentEncoded(call.caller.project.text));
    for (const auto& each : ports.array("ports").items())
        if (each.text("device_owner", "").starts_with("compute:"))
            around.servers[each.text("id")] = each.text("device_id");
    return around;
}

std::optional<std::string> in(const std::map<std::string, std::string>& map, const std::optional<std::string>& key) {
    const auto found = map.find(key.value_or(""));
    return found == map.end() ? std::nullopt : std::optional(found->second);
}

void write(JsonWriter& out, const Json& floating, const Around& around) {
    const auto scope = out.object();
    const auto network = floating.text("floating_network_id");
    out.field("id", floating.text("id"));
    out.field("ip", floating.text("floating_ip_address"));
    out.field("pool", in(around.pools, network).value_or(network));
    out.field("fixed_ip", floating.maybeText("fixed_ip_address"));
    out.field("instance_id", in(around.servers, floating.maybeText("port_id")));
}

std::vector<Json> mine(const Call& call, Core& core) {
    return core.below.get(call.request, addresses + "?project_id=" + http::percentEncoded(call.caller.project.text))
        .array("floatingips")
        .items();
}

Response answer(const Call& call, Core& core, const Json& floating) {
    const auto around = aroundOf(call, core);
    return http::jsonResponse(200, "floating_ip", [&](JsonWriter& out) { write(out, floating, around); });
}

Response list(Call& call, Core& core) {
    call.caller.enforce();
    const auto all = mine(call, core);
    const auto around = aroundOf(call, core);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("floating_ips");
        for (const auto& each : all) write(out, each, around);
    });
}

std::string targetOf(const Call& call) { return addresses + "/" + http::percentEncoded(call.param("id")); }

Response show(Call& call, Core& core) {
    call.caller.enforce();
    return answer(call, core, core.below.get(call.request, targetOf(call)).object("floatingip"));
}

Response remove(Call& call, Core& core) {
    call.caller.enforce();
    core.below.ask(call.request, {.method = Method::Delete, .target = targetOf(call)});
    return http::emptyResponse(202);
}

/// The network of that name or id; of no name the first one.
std::string poolNamed(const Call& call, Core& core, const std::optional<std::string>& name) {
    for (const auto& each : poolsFor(call, core))
        if (!name || each.text("name") == *name || each.text("id") == *name) return each.text("id");
    throw Error(Failure::NotFound, "Floating IP pool not found.");
}

Response create(Call& call, Core& core) {
    call.caller.enforce();
    std::optional<std::string> name;
    if (!call.request.body.empty()) {
        const Json body = call.request.json();
        if (!body.isObject()) throw Error(Failure::Invalid, "Malformed request body");
        call.onlyKnows(body, {"pool"});
        name = body.maybeText("pool");
    }
    const auto made = core.below.ask(call.request, {.method = Method::Post,
                                                    .target = addresses,
                                                    .body = R"({"floatingip":{"floating_network_id":)" +
                                                            jsonText(poolNamed(call, core, name)) + "}}"});
    return answer(call, core, made.object("floatingip"));
}

Response pools(Call& call, Core& core) {
    call.caller.enforce();
    const auto all = poolsFor(call, core);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("floating_ip_pools");
        for (const auto& each : all) {
            const auto item = out.object();
            out.field("name", each.text("name"));
        }
    });
}

/// A floating IP of the caller's project, and the server that it is, or shall be, of.
struct Pair {
    Server server;
    Json floating;
    std::vector<Json> ports;
};

Pair pairOf(Call& call, Core& core, const Json& arguments, std::string_view rule) {
    if (call.version > 43) throw Error(Failure::NotFound, "The resource could not be found.");
    const Server server = allowedServer(core.reader(), call.caller, ServerId{call.param("id")}, rule);
    const std::string address = addressOf(arguments.at("address"));
    for (auto& each : mine(call, core))
        if (each.text("floating_ip_address") == address) return {server, each, portsOf(call, core, server.id)};
    throw Error(Failure::NotFound, "floating IP not found");
}

void setPort(const Call& call, Core& core, const Json& floating, const std::string& members) {
    core.below.ask(call.request, {.method = Method::Put,
                                  .target = addresses + "/" + floating.text("id"),
                                  .body = R"({"floatingip":{)" + members + "}}"});
}

/// That the address has another floating IP already is, here, a mistake of who asks.
void associate(const Call& call, Core& core, const Json& floating, const std::string& port,
               const std::string& address) {
    try {
        setPort(call, core, floating, R"("port_id":)" + jsonText(port) + R"(,"fixed_ip_address":)" + jsonText(address));
    } catch (const Error& error) {
        if (error.failure() == Failure::Conflict) throw Error(Failure::Invalid, error.what());
        throw;
    }
}

}

Response addFloatingIp(Call& call, Core& core, const Json& arguments) {
    call.onlyKnows(arguments, {"address", "fixed_address"});
    const auto pair = pairOf(call, core, arguments, "os_compute_api:os-floating-ips:add");
    std::optional<std::string> wanted;
    if (const auto fixed = arguments.find("fixed_address")) wanted = addressOf(*fixed);
    for (const auto& port : pair.ports)
        for (const auto& each : port.array("fixed_ips").items()) {
            const auto address = each.text("ip_address");
            if (wanted ? *wanted != address : address.find(':') != std::string::npos) continue;
            associate(call, core, pair.floating, port.text("id"), address);
            return http::emptyResponse(202);
        }
    throw Error(Failure::Invalid,
                wanted ? "Specified fixed address not assigned to instance" : "No fixed IPs associated to instance");
}

Response removeFloatingIp(Call& call, Core& core, const Json& arguments) {
    call.onlyKnows(arguments, {"address"});
    const auto pair = pairOf(call, core, arguments, "os_compute_api:os-floating-ips:remove");
    const auto port = pair.floating.maybeText("port_id");
    const bool its = port && std::any_of(pair.ports.begin(), pair.ports.end(),
                                         [&](const Json& each) { return each.text("id") == *port; });
    if (!its)
        throw Error(Failure::Conflict, "Floating IP ", pair.floating.text("floating_ip_address"),
                    " is not associated with instance ", pair.server.id, ".");
    setPort(call, core, pair.floating, R"("port_id":null)");
    return http::emptyResponse(202);
}

void addFloatingIpProxies(http::Routes& routes, Core& core) {
    const std::string rule = "os_compute_api:os-floating-ips:", all = "/os-floating-ips", one = all + "/{id}";
    constexpr Span old{.until = 35};
    const auto with = [&](Response (*handler)(Call&, Core&)) {
        return [&core, handler](Call& call) { return handler(call, core); };
    };
    addRoute(routes, Method::Get, all, rule + "list", with(list), old);
    addRoute(routes, Method::Post, all, rule + "create", with(create), old);
    addRoute(routes, Method::Get, one, rule + "show", with(show), old);
    addRoute(routes, Method::Delete, one, rule + "delete", with(remove), old);
    addRoute(routes, Method::Get, "/os-floating-ip-pools", "os_compute_api:os-floating-ip-pools", with(pools), old);
}

}
