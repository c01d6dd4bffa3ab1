#include <stratolet/error.hpp>

#include "network/agent/agent.hpp"
#include "network/collection.hpp"
#include "platform/cloud/cloud.hpp"

namespace stratolet::network {

namespace {

using namespace http;

/// A kind of agent that things are given to, by the route's words.
struct Scheduled {
    std::string_view kind, attribute, things; ///< "network_id", "networks"
    std::string_view served;                  ///< SQL of whether a thing is served where nobody said anything of it
    Error (*missing)(const std::string& id);
    Error (*alreadyThere)(const std::string& object, const std::string& agent);
    Error (*notThere)(const std::string& object, const std::string& agent);
    Error (*wrongAgent)(const std::string& agent);
};

const Scheduled dhcp{
    dhcpAgent,
    "network_id",
    "networks",
    networkIsServed,
    networkNotFound,
    [](const std::string& network, const std::string& agent) {
        return Error(Failure::Conflict, "The network ", network, " has been already hosted by the DHCP Agent ", agent,
                     ".")
            .as("NetworkHostedByDHCPAgent");
    },
    [](const std::string& network, const std::string& agent) {
        return Error(Failure::Conflict, "The network ", network, " is not hosted by the DHCP agent ", agent, ".")
            .as("NetworkNotHostedByDhcpAgent");
    },
    [](const std::string& agent) {
        return Error(Failure::NotFound, "Agent ", agent, " is not a valid DHCP Agent or has been disabled")
            .as("InvalidDHCPAgent");
    }};

const Scheduled l3{routerAgent,
                   "router_id",
                   "routers",
                   routerIsServed,
                   routerNotFound,
                   nullptr, // who has the router may be given it again
                   [](const std::string& router, const std::string& agent) {
                       return Error(Failure::Conflict, "The router ", router, " is not hosted by L3 agent ", agent, ".")
                           .as("RouterNotHostedByL3Agent");
                   },
                   [](const std::string& agent) {
                       return Error(Failure::NotFound, "Agent ", agent, " is not a L3 Agent or has been disabled")
                           .as("InvalidL3Agent");
                   }};

/// SQL: the thing of the alias is served by the agent ?.
std::string servedBy(const Scheduled& what, char alias) { return resource::withAlias(what.served, alias); }

Response give(Request& request, Core& core, const AgentApi& api, const Scheduled& what, std::string_view rule) {
    const Json body = request.json();
    const auto object = body.isObject() ? body.maybeText(what.attribute).value_or("") : "";
    core.parts.store.write([&](store::Transaction& tx) {
        const auto agent = api.demand(request, tx, rule);
        if (object.empty()) throw notSpecified(what.attribute);
        if (agent.kind != what.kind || !agent.adminUp) throw what.wrongAgent(agent.id.text);
        const auto served = isServed(tx, what.things, what.served, object);
        if (!served) throw what.missing(object);
        if (*served && what.alreadyThere != nullptr) throw what.alreadyThere(object, agent.id.text);
        choose(core, tx, agent, object, true);
    });
    auto response = jsonResponse(201, [](JsonWriter& out) { out.value(nullptr); });
    return response;
}

Response take(Request& request, Core& core, const AgentApi& api, const Scheduled& what, std::string_view rule) {
    const auto& object = request.param("object");
    core.parts.store.write([&](store::Transaction& tx) {
        const auto agent = api.demand(request, tx, rule);
        const auto served = isServed(tx, what.things, what.served, object);
        if (!served) throw what.missing(object);
        if (agent.kind != what.kind || !*served) throw what.notThere(object, agent.id.text);
        choose(core, tx, agent, object, false);
    });
    return emptyResponse(204);
}

/// What the agent of the path serves: a page of the things as their own list shows them.
template <class Record> Response served(Request& request, Core& core, const AgentApi& api, const Scheduled& what,
                                        const resource::CollectionApi<Record>& things, std::string_view rule) {
    return core.parts.store.read([&](store::Reader& db) {
        const auto agent = api.demand(request, db, rule);
        const bool serves = agent.kind == what.kind && agent.host == core.parts.cloud.host;
        return things.openList(request, db, {{serves ? servedBy(what, things.kind().table.text().alias) : "0", {}}});
    });
}

/// Who serves the thing of the path.
Response servers(Request& request, Core& core, const AgentApi& api, const Scheduled& what, std::string_view rule) {
    identity::callerOf(request).enforce(rule, {});
    return core.parts.store.read([&](store::Reader& db) {
        const auto serves = isServed(db, what.things, what.served, request.param("object"));
        if (!serves) throw what.missing(request.param("object"));
        return api.openList(request, db,
                            {{*serves ? "a.kind = ? AND a.host = ?" : "0 AND a.kind = ? AND a.host = ?",
                              {std::string(what.kind), core.parts.cloud.host}}});
    });
}

}

void addSchedulerRoutes(Routes& routes, Agents& agents, const std::shared_ptr<const AgentApi>& api,
                        const std::shared_ptr<const resource::CollectionApi<NetworkRecord>>& networks,
                        const std::shared_ptr<const RouterApi>& routers) {
    auto& core = agents.core();
    const auto add = [&](Method method, const char* path, const char* rule, auto serve) {
        routes.push_back(
            {method, path, policy(rule), [serve, rule](Request& request) { return serve(request, rule); }});
    };
    const auto change = [&](Method method, const char* path, const char* rule, const Scheduled& what, auto handler) {
        add(method, path, rule, [&core, api, &what, handler](Request& request, std::string_view asked) {
            return handler(request, core, *api, what, asked);
        });
    };
    add(Method::Get, "/v2.0/agents/{id}/dhcp-networks", "get_dhcp-networks",
        [&core, api, networks](Request& request, std::string_view asked) {
            return served(request, core, *api, dhcp, *networks, asked);
        });
    add(Method::Get, "/v2.0/agents/{id}/l3-routers", "get_l3-routers",
        [&core, api, routers](Request& request, std::string_view asked) {
            return served(request, core, *api, l3, *routers, asked);
        });
    change(Method::Post, "/v2.0/agents/{id}/dhcp-networks", "create_dhcp-network", dhcp, give);
    change(Method::Post, "/v2.0/agents/{id}/l3-routers", "create_l3-router", l3, give);
    change(Method::Delete, "/v2.0/agents/{id}/dhcp-networks/{object}", "delete_dhcp-network", dhcp, take);
    change(Method::Delete, "/v2.0/agents/{id}/l3-routers/{object}", "delete_l3-router", l3, take);
    change(Method::Get, "/v2.0/networks/{object}/dhcp-agents", "get_dhcp-agents", dhcp, servers);
    change(Method::Get, "/v2.0/routers/{object}/l3-agents", "get_l3-agents", l3, servers);
}

}
