#include "block/scheduler/pool.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "platform/text/text.hpp"
#include "resource/extra_spec.hpp"

namespace stratolet::block {
namespace {

std::string shortNumber(double number) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", number);
    return text;
}

bool isOneOf(const std::string& pool, const std::vector<std::string>& places) {
    return std::any_of(places.begin(), places.end(), [&](const std::string& each) {
        return each == pool || (pool.starts_with(each) && pool[each.size()] == '#'); // the pool, or its back end
    });
}

/// Whether volumes of these specs take their gigabytes only as they are written there.
bool isThin(const Pool& pool, const ExtraSpecs& specs) {
    const auto said = specs.find("provisioning:type");
    return pool.thin && (said == specs.end() || said->second != "thick");
}

/// What may still be promised there: of a thin pool what is free, as often as it may be promised.
double roomIn(const Pool& pool, const ExtraSpecs& specs) {
    const double held = std::floor(pool.total * static_cast<double>(pool.reserved) / 100);
    if (!isThin(pool, specs)) return pool.free - held;
    return (pool.total - held) * pool.overSubscription - pool.allocated;
}

// Each filter gives what speaks against the pool; empty: nothing.

std::string againstPlace(const Pool& pool, const Placement& wanted) {
    if (pool.disabled) return "its service is disabled";
    if (!wanted.zone.empty() && wanted.zone != pool.zone) return "it is in zone " + pool.zone;
    if (!wanted.only.empty() && !isOneOf(pool.name, wanted.only)) return "it is not where the volume must be";
    if (isOneOf(pool.name, wanted.notIn)) return "it is where the volume must not be";
    return {};
}

/// What takes no more room takes none of a back end that answers nobody.
constexpr std::string_view silent = "its back end doesn't answer";

/// Cinder, CapacityFilter.
std::string againstCapacity(const Pool& pool, const Placement& wanted) {
    if (wanted.size.count <= 0) return {};
    const auto size = static_cast<double>(wanted.size.count);
    if (!pool.answers) return std::string(silent);
    if (pool.total <= 0) return "it has no capacity";
    if (isThin(pool, wanted.specs)) {
        if (pool.overSubscription < 1) return "max_over_subscription_ratio is below 1";
        const double usable = pool.total * (1 - static_cast<double>(pool.reserved) / 100);
        if (pool.allocated + size > usable * pool.overSubscription)
            return shortNumber(pool.allocated) + " GiB are promised of " + shortNumber(usable) + ", and no more than " +
                   shortNumber(pool.overSubscription) + " times as many may be";
        const double room = (pool.free - std::floor(pool.total - usable)) * pool.overSubscription;
        if (room < size) return "it has room for " + shortNumber(room) + " GiB promised";
        return {};
    }
    if (const double room = roomIn(pool, wanted.specs); room < size) return "it has " + shortNumber(room) + " GiB free";
    return {};
}

/// Cinder, AvailabilityZoneFilter for types (RESKEY:availability_zones) and CapabilitiesFilter.
std::string againstSpecs(const Pool& pool, const Placement& wanted) {
    for (const auto& [name, spec] : wanted.specs) {
        if (name == "RESKEY:availability_zones") {
            const auto zones = split(spec, ',');
            if (std::none_of(zones.begin(), zones.end(), [&](auto each) { return trimmed(each) == pool.zone; }))
                return "its zone is not among " + spec;
            continue;
        }
        constexpr std::string_view scope = "capabilities:";
        std::string_view key = name;
        if (key.starts_with(scope))
            key.remove_prefix(scope.size());
        else if (key.find(':') != std::string_view::npos)
            continue; // somebody else's
        const auto found = pool.capabilities.find(std::string(key));
        if (found == pool.capabilities.end()) return "it does not say whether it has " + std::string(key);
        if (!resource::meets(found->second, spec))
            return std::string(key) + " is " + found->second + ", and " + spec + " is wanted";
    }
    return {};
}

/// The capacity comes last: of a back end that is silent all else is known to be right then.
std::string against(const Pool& pool, const Placement& wanted) {
    for (const auto filter : {againstPlace, againstSpecs, againstCapacity})
        if (auto why = filter(pool, wanted); !why.empty()) return why;
    return {};
}

}

Placed place(const std::vector<Pool>& pools, const Placement& wanted) {
    Placed placed;
    const Pool* best = nullptr;
    const auto isPreferred = [&](const Pool& pool) { return isOneOf(pool.name, wanted.preferred); };
    for (const auto& pool : pools) {
        if (auto why = against(pool, wanted); !why.empty()) {
            placed.onlySilent = placed.onlySilent || why == silent;
            placed.why.emplace_back(pool.name, std::move(why));
            continue;
        }
        const bool better =
            best == nullptr || (isPreferred(pool) && !isPreferred(*best)) ||
            (isPreferred(pool) == isPreferred(*best) && roomIn(pool, wanted.specs) > roomIn(*best, wanted.specs));
        if (better) best = &pool;
    }
    if (best == nullptr) return placed;
    placed.host = best->name;
    placed.onlySilent = false;
    return placed;
}

}
