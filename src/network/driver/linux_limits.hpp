#pragma once

#include <stratolet/driver/network.hpp>

#include <map>
#include <string>
#include <vector>

#include "network/driver/linux_ruleset.hpp"

namespace stratolet::network {

/// Rules that drop what is faster than the rate.
std::vector<std::string> limitRules(const PlannedRate& rate);

/// How fast the taps of this host may send and get, and how what they send is marked: in the table of the bridges'
/// guard, a chain of its own for each tap and way, so that one changes without the others.
class PortLimits {
public:
    explicit PortLimits(Ruleset& rules);

    void set(const PlannedPort& port, int number); ///< as HostRules::set
    void remove(const PortId& port);

private:
    struct Limited {
        int number = 0;
        PlannedQos qos;
        RuleElements elements;
    };

    Ruleset& rules_;
    std::map<PortId, Limited> ports_;
};

}
