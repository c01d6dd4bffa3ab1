// A policy file, and the decisions of what it says.

#include <cstdlib>

#include <stratolet/error.hpp>

#include "fuzz/target.hpp"
#include "platform/policy/policy.hpp"
#include "platform/resources.hpp"

namespace stratolet::fuzz {

void run(std::string_view input) {
    try {
        const auto policy = Policy::parse("\"base\": \"role:member\"\n", "defaults", input, "file");
        const Credentials who{{"member"}, {{"user_id", "u"}, {"project_id", "p"}}};
        const Target target{{"project_id", "p"}, {"target.user.id", "u"}};
        for (const auto& each : policy->names())
            if (const bool yes = policy->allows(each, who, target);
                policy->explain(each, who, target).starts_with("yes") != yes)
                std::abort();
    } catch (const Error& refused) {
        if (refused.failure() != Failure::Invalid) std::abort();
    }
}

std::vector<std::string> seeds() {
    std::vector<std::string> all = {
        R"-("a": "role:admin or (role:reader and system_scope:all)")-",
        R"("a": "user_id:%(target.user.id)s and not rule:b")"
        "\n"
        R"("b": "'literal':%(project_id)s or None:%(x)s or @ or !")",
        R"-({"a": "", "b": "field:networks:shared=True", "c": "(((role:x)))"})-",
        "\"a\": \"rule:a\"\n",
    };
    // Pieces of the real files; whole ones would make each step slow.
    for (const auto* each : {"identity", "image", "network", "compute", "block-storage"})
        for (std::size_t at = 0; at < 8192; at += 1024) {
            const auto text = policyDefaults(each);
            if (at >= text.size()) break;
            const auto line = text.find('\n', at);
            if (line != std::string_view::npos)
                all.emplace_back(text.substr(line + 1, text.find('\n', line + 600) - line));
        }
    return all;
}
}
