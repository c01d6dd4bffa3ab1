#pragma once

#include <functional>
#include <string>

#include "network/driver/linux_rules.hpp"

namespace stratolet::network::conntrack {

/// As the kernel keeps one: with where its answers come from and go to, which tells what was translated.
struct Entry {
    Connection connection;
    Address replySource, replyDestination;
};

/// Ends the connections of the network namespace of this thread for which `which` says so: their next packets are
/// judged as first ones. Returns how many.
int end(const std::function<bool(const Entry&)>& which);

}
