#include <algorithm>
#include <array>

#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/wire.hpp"
#include "platform/text/text.hpp"

// One process serves this cloud's volumes: it is in no cluster, and nobody else has left work behind for it.

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

constexpr Microversion clustersSince{7}, replicatedSince{26}, cleanupSince{24};

/// Error(Invalid) for what is no text of 1 to 255 characters; it may be absent or null, and empty where that is said.
void requireWord(const Json& body, std::string_view name, bool mayBeEmpty) {
    const auto word = body.maybeText(name);
    if (word && ((word->empty() && !mayBeEmpty) || lengthInCharacters(*word) > 255))
        body.at(name).refuse(mayBeEmpty ? "It must have at most 255 characters." : "It must have 1 to 255 characters.");
}

void requireTruth(const Json& body, std::string_view name) {
    if (const auto value = body.find(name)) truthIn(*value);
}

Error noCluster(const std::string& name) { return Error(Failure::NotFound, "Cluster ", name, " could not be found."); }

Response list(Request& request) {
    callerOf(request).enforce();
    require(request, clustersSince);
    constexpr std::array<std::string_view, 9> all{
        "name",   "binary",           "is_up", "disabled", "num_hosts", "num_down_hosts", "replication_status",
        "frozen", "active_backend_id"};
    const auto known = microversionOf(request) >= replicatedSince ? all.end() : all.begin() + 6;
    for (const auto& [name, value] : request.query) {
        if (std::find(all.begin(), known, name) == known)
            throw Error(Failure::Invalid, "Invalid input received: Invalid filter keys: ", name);
        if ((name == "is_up" || name == "disabled" || name == "frozen") && !truthOf(value))
            throw Error(Failure::Invalid, "Invalid input received: Value '", value, "' of ", name,
                        " is neither true nor false.");
    }
    return http::jsonResponse(200, [](JsonWriter& out) {
        const auto body = out.object();
        const auto clusters = out.array("clusters");
    });
}

Response show(Request& request) {
    callerOf(request).enforce();
    require(request, clustersSince);
    throw noCluster(request.param("cluster"));
}

Response change(Request& request, bool disabled) {
    callerOf(request).enforce();
    require(request, clustersSince);
    const auto body = request.json();
    disabled ? body.onlyKnows({"name", "binary", "disabled_reason"}) : body.onlyKnows({"name", "binary"});
    const auto name = body.text("name");
    requireWord(body, "name", false);
    requireWord(body, "binary", true);
    requireWord(body, "disabled_reason", true);
    throw noCluster(name);
}

Response enable(Request& request) { return change(request, false); }
Response disable(Request& request) { return change(request, true); }

/// Jobs of this process go on by themselves when it starts again: nothing is ever left for anybody to clean up.
Response cleanUp(Request& request) {
    callerOf(request).enforce();
    require(request, cleanupSince);
    const auto body = request.json();
    body.onlyKnows(
        {"cluster_name", "disabled", "host", "is_up", "binary", "resource_id", "resource_type", "service_id"});
    for (const auto* name : {"cluster_name", "host"}) requireWord(body, name, false);
    for (const auto* name : {"disabled", "is_up"}) requireTruth(body, name);
    if (const auto binary = body.find("binary");
        binary && binary->text() != "cinder-volume" && binary->text() != "cinder-scheduler")
        binary->refuse("It must be cinder-volume or cinder-scheduler.");
    requireWord(body, "resource_type", true);
    if (const auto type = lowered(body.maybeText("resource_type").value_or(""));
        !type.empty() && type != "volume" && type != "snapshot")
        throw Error(Failure::Invalid, "Invalid input received: Resource type ", type,
                    " not valid, must be Volume or Snapshot");
    if (const auto service = body.find("service_id"); service && !service->isNull() && !service->isInteger()) {
        const auto text = service->text();
        if (text.size() > 11 || text.find_first_not_of("0123456789") != std::string::npos)
            service->refuse("It must be a number.");
    }
    const auto resource = body.maybeText("resource_id").value_or("");
    if (!resource.empty() && !isUuid(resource)) body.at("resource_id").refuse("It must be a UUID.");
    if (!resource.empty() && !body.has("service_id") && !body.has("cluster_name") && !body.has("host"))
        throw Error(Failure::Invalid, "Invalid input received: There is no resource with UUID ", resource,
                    " pending cleanup.");
    return http::jsonResponse(202, [](JsonWriter& out) {
        const auto content = out.object();
        { const auto cleaning = out.array("cleaning"); }
        const auto unavailable = out.array("unavailable");
    });
}

}

http::Routes clusterRoutes() {
    http::Routes routes;
    add(routes, Method::Get, "/clusters", "clusters:get_all", list);
    add(routes, Method::Get, "/clusters/detail", "clusters:get_all", list);
    add(routes, Method::Get, "/clusters/{cluster}", "clusters:get", show);
    add(routes, Method::Put, "/clusters/enable", "clusters:update", enable);
    add(routes, Method::Put, "/clusters/disable", "clusters:update", disable);
    add(routes, Method::Post, "/workers/cleanup", "workers:cleanup", cleanUp);
    return routes;
}

}
