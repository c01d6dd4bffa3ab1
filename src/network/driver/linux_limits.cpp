#include "network/driver/linux_limits.hpp"

#include <algorithm>

#include "network/driver/linux_names.hpp"
#include "network/driver/linux_rules.hpp"

namespace stratolet::network {

namespace {

// The kernel counts what has been saved up in billionths of a second; what is faster than this host could do anyhow is
// no limit, and would be no number to it.
constexpr std::int64_t kbpsMost = 100'000'000, packetsMost = 50'000'000, burstMost = 2'000'000'000;

/// A guest sends its segments many at a time, as one packet of up to 64 KiB: a smaller burst would let none through.
constexpr std::int64_t bytesLeast = 65'600;

/// What TCP needs to keep to the rate, of what passes in a second.
constexpr std::int64_t usualBurst(std::int64_t rate) { return rate * 8 / 10; }

std::string over(std::int64_t rate, std::string_view unit, std::int64_t burst, std::string_view burstUnit) {
    return "limit rate over " + std::to_string(rate) + std::string(unit) + "/second burst " + std::to_string(burst) +
           std::string(burstUnit) + " drop";
}

std::string sendsTo(int number) { return "limits_from_" + std::to_string(number); }
std::string getsFrom(int number) { return "limits_to_" + std::to_string(number); }

}

std::vector<std::string> limitRules(const PlannedRate& rate) {
    std::vector<std::string> rules;
    if (rate.packets > 0 && rate.packets < packetsMost) {
        const auto burst = rate.burstPackets > 0 ? rate.burstPackets : usualBurst(rate.packets);
        rules.push_back(over(rate.packets, "", std::clamp<std::int64_t>(burst, 1, burstMost), " packets"));
    }
    if (rate.kbps > 0 && rate.kbps < kbpsMost) {
        const auto burst = (rate.burstKbits > 0 ? rate.burstKbits : usualBurst(rate.kbps)) * 1000 / 8;
        rules.push_back(over(rate.kbps * 1000 / 8, " bytes", std::clamp(burst, bytesLeast, burstMost), " bytes"));
    }
    return rules;
}

PortLimits::PortLimits(Ruleset& rules) : rules_(rules) {
    rules_.declare(guardTable, "limits_from", "map", "type ifname : verdict;");
    rules_.declare(guardTable, "limits_to", "map", "type ifname : verdict;");
    // Behind the guard: what a port may not send costs it nothing of its rate.
    rules_.put(guardTable, "limits_prerouting",
               {"type filter hook prerouting priority -290; policy accept;", {"iifname vmap @limits_from"}});
    rules_.put(guardTable, "limits_postrouting",
               {"type filter hook postrouting priority -290; policy accept;", {"oifname vmap @limits_to"}});
}

void PortLimits::set(const PlannedPort& port, int number) {
    const auto found = ports_.find(port.id);
    const auto qos = port.tapped ? port.qos : PlannedQos{};
    if (found != ports_.end() && found->second.number == number && found->second.qos == qos) return;
    Limited now{number, qos, {}};
    const auto put = [&](const std::string& chain, const char* map, std::vector<std::string> lines) {
        if (lines.empty()) return;
        rules_.put(guardTable, chain, {"", std::move(lines)});
        now.elements.push_back({map, "\"" + tapNameOf(port.id) + "\"", "jump " + chain});
    };
    auto sends = limitRules(qos.egress);
    if (qos.dscp)
        for (const auto* family : {"ip", "ip6"})
            sends.push_back(std::string(family) + " dscp set " + std::to_string(*qos.dscp));
    put(sendsTo(number), "limits_from", std::move(sends));
    put(getsFrom(number), "limits_to", limitRules(qos.ingress));
    rules_.give(now.elements);
    if (found != ports_.end()) {
        rules_.take(found->second.elements);
        for (const auto& each : found->second.elements) {
            const auto chain = each.value.substr(std::string_view("jump ").size());
            const auto kept = [&](const RuleElement& one) { return one.value == each.value; };
            if (std::none_of(now.elements.begin(), now.elements.end(), kept)) rules_.removeChain(chain);
        }
        ports_.erase(found);
    }
    if (!now.elements.empty()) ports_.emplace(port.id, std::move(now));
}

void PortLimits::remove(const PortId& port) {
    PlannedPort gone;
    gone.id = port;
    if (const auto found = ports_.find(port); found != ports_.end()) set(gone, found->second.number);
}

}
