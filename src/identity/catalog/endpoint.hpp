#pragma once

#include <memory>
#include <optional>
#include <string>

#include "identity/noun.hpp"

namespace stratolet::identity {

/// The address of a service in a region, for one kind of clients.
struct Endpoint {
    static constexpr std::string_view noun = "endpoint", path = "endpoints";
    std::string id;
    std::string service;
    std::optional<std::string> region;
    std::string interface; ///< "public", "internal" or "admin"
    std::string url;       ///< may have parts to fill in, "$(project_id)s"
    bool enabled = true;
    std::string extra = "{}";
    std::optional<std::string>
        ownPath; ///< of one that we made and keep pointed at ourselves: what follows our own address
};

extern const resource::Table<Endpoint> endpointTable; ///< its alias is e

/// Error(Invalid) at `value` for what is no interface of an endpoint.
std::string checkedInterface(const Json& value);

/// What serves endpoints: for those who list and show them by what they are associated with.
using Endpoints = std::shared_ptr<const resource::CollectionApi<Endpoint>>;

Endpoints addEndpointRoutes(http::Routes& routes, Core& core);
void addEndpointGroupRoutes(http::Routes& routes, Core& core, const Endpoints& endpoints);
void addPolicyRoutes(http::Routes& routes, Core& core, const Endpoints& endpoints);

}
