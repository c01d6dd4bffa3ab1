#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "compute/core.hpp"
#include "identity/caller.hpp"
#include "platform/http/http.hpp"

// How placement speaks: microversions 1.0 to 1.39, its errors, and what every answer has (Placement API reference).

namespace stratolet::compute::placement {

inline constexpr int versionMin = 0, versionMax = 39; ///< minor versions of 1.x

/// One request to placement, as its handlers see it.
struct Ask {
    http::Request& request;
    const identity::Caller& caller;
    Core& core;
    int version = versionMin; ///< the minor of the negotiated 1.x

    bool since(int minor) const { return version >= minor; }
    const std::string& param(std::string_view name) const { return request.param(name); }

    /// Error(Invalid) for parameters of the query that aren't known, or come twice where they may not.
    void onlyKnows(std::initializer_list<std::string_view> known,
                   std::initializer_list<std::string_view> often = {}) const;
};

using Answer = std::function<http::Response(Ask&)>;

/// Adds a route that there is from 1.`from` on. Handlers ask the rule.
void addRoute(http::Routes& routes, Core& core, http::Method method, std::string pattern, std::string_view rule,
              Answer answer, int from = 0);

/// Where a path of this API is: links have no host here.
std::string hrefOf(const http::Request& request, std::string_view path);

/// 404 with what is missing, 400 with what is wrong.
[[noreturn]] void absent(const std::string& what);
[[noreturn]] void wrong(const std::string& what);

/// What this API could change elsewhere follows from servers and hosts here: 409, and says where it is changed.
[[noreturn]] void follows(std::string_view what);

void finish(const http::Request& request, http::Response& response);
http::Response refuse(const http::Request& request, const Error& error);
http::Response noRoute(const http::Request& request, const std::vector<http::Method>& allowed);

void addVersionRoute(http::Routes& routes);
void addProviderRoutes(http::Routes& routes, Core& core);
void addWordRoutes(http::Routes& routes, Core& core);
void addAllocationRoutes(http::Routes& routes, Core& core);
void addCandidateRoutes(http::Routes& routes, Core& core);

}
