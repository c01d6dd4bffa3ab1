#pragma once

#include <string>
#include <utility>
#include <vector>

namespace stratolet::process {

/// The part of the host that a program sees which reads what a stranger sent: /usr and /proc, and nothing else,
/// read-only. Files reach it as open descriptors. Made before fork(), since enter() may allocate nothing.
class ConfinedView {
public:
    ConfinedView();

    /// In the child, whose mount namespace is its own already, and its user namespace, too, where we are not root.
    /// False where a step fails.
    bool enter() const;

private:
    std::string user_, group_;                                 ///< maps of ids; empty where we are root
    std::vector<std::pair<std::string, std::string>> folders_; ///< of the host, and where they go
    std::vector<std::pair<std::string, std::string>> links_;   ///< what they say, and where they go
};

}
