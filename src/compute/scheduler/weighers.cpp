#include <algorithm>

#include "compute/scheduler/place.hpp"

// How good hosts are that fit: each weigher's numbers are spread from 0 to 1 over the hosts, and added up by their
// multiplier (Nova, weights.BaseWeightHandler). Multipliers are Nova's defaults, but for groups: what room says three
// times would else always be louder than what somebody asked for.

namespace stratolet::compute {
namespace {

double freeRam(const Candidate& each, const Wish&) {
    return static_cast<double>(each.host.ramMost() - each.host.load.ram.count);
}
double freeProcessors(const Candidate& each, const Wish&) {
    return static_cast<double>(each.host.vcpusMost() - each.host.load.vcpus);
}
double freeDisk(const Candidate& each, const Wish&) {
    return static_cast<double>(each.host.diskMost() - each.host.load.disk.count);
}
double together(const Candidate& each, const Wish& wish) {
    if (wish.policy == GroupPolicy::SoftAffinity) return static_cast<double>(each.ofGroup);
    return wish.policy == GroupPolicy::SoftAntiAffinity ? -static_cast<double>(each.ofGroup) : 0.0;
}
double failures(const Candidate& each, const Wish&) { return -static_cast<double>(each.host.failures); }

struct Weigher {
    double (*weigh)(const Candidate&, const Wish&);
    double multiplier;
};
constexpr Weigher weighers[] = {{freeRam, 1}, {freeProcessors, 1}, {freeDisk, 1}, {together, 10}, {failures, 1000000}};

}

std::vector<double> weights(const std::vector<const Candidate*>& hosts, const Wish& wish) {
    std::vector<double> all(hosts.size(), 0.0), own(hosts.size());
    for (const auto& weigher : weighers) {
        std::transform(hosts.begin(), hosts.end(), own.begin(),
                       [&](const Candidate* each) { return weigher.weigh(*each, wish); });
        const auto [least, most] = std::minmax_element(own.begin(), own.end());
        const double from = *least, span = *most - *least;
        if (span <= 0) continue;
        for (std::size_t each = 0; each < all.size(); ++each)
            all[each] += weigher.multiplier * (own[each] - from) / span;
    }
    return all;
}

}
