#pragma once

#include <string>
#include <vector>

#include "compute/placement/provider.hpp"
#include "compute/placement/wire.hpp"

// What a query asks of providers: resources, traits, aggregates, a tree.

namespace stratolet::compute::placement {

/// One group of a query's conditions; `suffix` is empty for the one without a number or name.
struct Condition {
    std::string suffix = {};
    std::vector<Amount> resources = {};
    std::vector<std::vector<std::string>> traits = {}; ///< one of each list
    std::vector<std::string> noTraits = {};
    std::vector<std::vector<std::string>> aggregates = {}; ///< one of each list
    std::vector<std::string> noAggregates = {};
    std::string tree = {}; ///< the UUID of a provider; empty: any

    /// All but how much of the resources there is.
    bool suits(const Provider& provider) const;
};

/// The conditions with this suffix. Error(Invalid) for what is not formed well, or what there is no trait or class of.
Condition conditionIn(const Ask& ask, store::Reader& db, const std::vector<Provider>& providers,
                      const std::string& suffix = "");

/// What "root_required" asks of the provider at the root of a tree.
Condition rootIn(const Ask& ask, store::Reader& db, const std::vector<Provider>& providers);

}
