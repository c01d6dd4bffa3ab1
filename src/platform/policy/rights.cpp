#include "platform/policy/rights.hpp"

#include <algorithm>

namespace stratolet {

bool Rights::may(std::string_view rule, const About& about) {
    auto& answers = known_[about];
    const auto found =
        std::find_if(answers.begin(), answers.end(), [&](const auto& each) { return each.first == rule; });
    if (found != answers.end()) return found->second;
    answers.emplace_back(rule, may_(rule, *about));
    return answers.back().second;
}

}
