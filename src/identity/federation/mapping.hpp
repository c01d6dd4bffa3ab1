#pragma once

#include <map>
#include <string>
#include <vector>

#include "platform/json/json.hpp"

// The rules by which what an identity provider says of somebody (an assertion) becomes a user here: the mappings of
// OS-FEDERATION.

namespace stratolet::identity {

/// The values of each attribute.
using Assertion = std::map<std::string, std::vector<std::string>>;

/// What rules make of an assertion.
struct Mapped {
    struct Domain {
        std::string id, name; ///< one of them, or neither
    };
    struct User {
        std::string id, name, email;
        Domain domain;
        bool local = false; ///< one who must exist here already; otherwise a shadow of the provider's user
    };
    struct Group {
        std::string id, name; ///< one of them
        Domain domain;        ///< of the name
    };
    struct Project {
        std::string name;
        std::vector<std::string> roles; ///< names
    };
    User user;
    std::vector<Group> groups;
    std::vector<Project> projects;
};

/// Error(Invalid) naming the field unless `rules` can be applied to any assertion: known words, regular expressions
/// that are some, and no "{2}" where only two attributes are taken over.
void checkRules(const Json& rules);

/// Error(Invalid) where no rule applies, or one wants a single text and gets several.
Mapped applyRules(const Json& rules, const Assertion& assertion);

}
