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
           std::string(burstUnit);
}

/// What is over the rate, in the language of nft(8); empty: nothing is.
std::string packetsOver(const PlannedRate& rate) {
    if (rate.packets <= 0 || rate.packets >= packetsMost) return {};
    const auto burst = rate.burstPackets > 0 ? rate.burstPackets : usualBurst(rate.packets);
    return over(rate.packets, "", std::clamp<std::int64_t>(burst, 1, burstMost), " packets");
}
std::string bytesOver(const PlannedRate& rate) {
    if (rate.kbps <= 0 || rate.kbps >= kbpsMost) return {};
    const auto burst = (rate.burstKbits > 0 ? rate.burstKbits : usualBurst(rate.kbps)) * 1000 / 8;
    return over(rate.kbps * 1000 / 8, " bytes", std::clamp(burst, bytesLeast, burstMost), " bytes");
}

constexpr const char *sendsPackets = "packets_from", *sendsBytes = "bytes_from", *getsPackets = "packets_to",
                     *getsBytes = "bytes_to";

std::string markedWith(int dscp) { return "dscp_" + std::to_string(dscp); }

}

std::vector<std::string> limitRules(const PlannedRate& rate) {
    std::vector<std::string> rules;
    for (const auto& each : {packetsOver(rate), bytesOver(rate)})
        if (!each.empty()) rules.push_back(each + " drop");
    return rules;
}

PortLimits::PortLimits(Ruleset& rules) : rules_(rules) { putRules(); }

void PortLimits::need(const std::string& set) {
    if (!limits_.insert(set).second) return;
    const std::string unit = set == sendsPackets || set == getsPackets ? "" : " bytes";
    // An element has a limit of its own; that of the set only says that they have one.
    rules_.declare(guardTable, set, "set", "type ifname; limit rate over 1" + unit + "/second;");
    putRules();
}

void PortLimits::putRules() {
    // Behind the guard: what a port may not send costs it nothing of its rate.
    RuleChain sends{"type filter hook prerouting priority -290; policy accept;", {}};
    for (const auto* each : {sendsPackets, sendsBytes})
        if (limits_.contains(each)) sends.rules.push_back(std::string("iifname @") + each + " drop");
    for (const auto dscp : marks_)
        for (const auto* family : {"ip", "ip6"})
            sends.rules.push_back("iifname @" + markedWith(dscp) + " " + family + " dscp set " + std::to_string(dscp));
    rules_.put(guardTable, "limits_prerouting", std::move(sends));
    RuleChain gets{"type filter hook postrouting priority -290; policy accept;", {}};
    for (const auto* each : {getsPackets, getsBytes})
        if (limits_.contains(each)) gets.rules.push_back(std::string("oifname @") + each + " drop");
    rules_.put(guardTable, "limits_postrouting", std::move(gets));
}

void PortLimits::set(const PlannedPort& port) {
    const auto found = ports_.find(port.id);
    const auto qos = port.tapped ? port.qos : PlannedQos{};
    if (found != ports_.end() ? found->second.qos == qos : qos == PlannedQos{}) return;
    Limited now{qos, {}};
    const auto tap = "\"" + tapNameOf(port.id) + "\"";
    const auto limits = [&](const char* set, const std::string& limit) {
        if (limit.empty()) return;
        need(set);
        now.elements.push_back({set, tap, limit});
    };
    limits(sendsPackets, packetsOver(qos.egress));
    limits(sendsBytes, bytesOver(qos.egress));
    limits(getsPackets, packetsOver(qos.ingress));
    limits(getsBytes, bytesOver(qos.ingress));
    if (qos.dscp) {
        if (marks_.insert(*qos.dscp).second) { // there are 64 at most, and each stays
            rules_.declare(guardTable, markedWith(*qos.dscp), "set", "type ifname;");
            putRules();
        }
        now.elements.push_back({markedWith(*qos.dscp), tap, ""});
    }
    rules_.give(now.elements);
    if (found != ports_.end()) {
        rules_.take(found->second.elements);
        ports_.erase(found);
    }
    if (!now.elements.empty()) ports_.emplace(port.id, std::move(now));
}

void PortLimits::remove(const PortId& port) {
    PlannedPort gone;
    gone.id = port;
    set(gone);
}

}
