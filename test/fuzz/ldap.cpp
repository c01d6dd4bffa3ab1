// A name in a filter (RFC 4515) stays one value: nothing in it ends the filter or begins another. DNs compare without
// looking twice.

#include <cstdlib>

#include "fuzz/target.hpp"
#include "identity/directory/ldap.hpp"

namespace stratolet::fuzz {

void run(std::string_view input) {
    const auto escaped = identity::ldap::inFilter(input);
    if (escaped.find_first_of(std::string_view("()*\0", 4)) != std::string::npos) std::abort();
    std::string back; // as a server reads it
    for (std::size_t at = 0; at < escaped.size(); ++at) {
        if (escaped[at] != '\\') {
            back += escaped[at];
            continue;
        }
        if (at + 2 >= escaped.size()) std::abort();
        back += static_cast<char>(std::strtol(escaped.substr(at + 1, 2).c_str(), nullptr, 16));
        at += 2;
    }
    if (back != input) std::abort();
    const auto comparable = identity::ldap::comparable(input);
    if (identity::ldap::comparable(comparable) != comparable) std::abort();
}

std::vector<std::string> seeds() { return {}; }

}
