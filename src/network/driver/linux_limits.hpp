#pragma once

#include <stratolet/driver/network.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "network/driver/linux_ruleset.hpp"

namespace stratolet::network {

/// Rules that drop what is faster than the rate.
std::vector<std::string> limitRules(const PlannedRate& rate);

/// How fast the taps of this host may send and get, and how what they send is marked: in the table of the bridges'
/// guard, as elements of a few sets, each with a limit of its own. So one changes without the others, and what that
/// costs doesn't grow with them, as it would with chains (who loads rules reads the names of all).
class PortLimits {
public:
    explicit PortLimits(Ruleset& rules);

    void set(const PlannedPort& port);
    void remove(const PortId& port);

private:
    struct Limited {
        PlannedQos qos;
        RuleElements elements;
    };
    /// A set of limits is there from when somebody first has one: not every kernel can limit.
    void need(const std::string& set);
    void putRules();

    Ruleset& rules_;
    std::map<PortId, Limited> ports_;
    std::set<std::string> limits_; ///< the sets of limits that are there
    std::set<int> marks_;          ///< DSCP that some port has or had
};

}
