#pragma once

#include <set>
#include <string>

namespace stratolet::network::nft {

/// Loads `rules` (the language of nft(8)) as one transaction in the network namespace of this thread: all of it or, with Error(Broken),
/// nothing.
void load(const std::string& rules);

/// "bridge stratolet_guard": family and name of every table in the network namespace of this thread.
std::set<std::string> tables();

}
