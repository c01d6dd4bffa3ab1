#include "compute/scheduler/place.hpp"

#include <algorithm>
#include <utility>

namespace stratolet::compute {
namespace {

/// "3 of 4 lack memory, 1 is disabled", the most frequent first.
std::string summaryOf(const std::vector<std::pair<std::string, Against>>& all) {
    std::vector<std::pair<Against, std::size_t>> counts;
    for (const auto& refused : all) {
        const auto& why = refused.second;
        const auto known =
            std::find_if(counts.begin(), counts.end(), [&](const auto& count) { return count.first.one == why.one; });
        if (known == counts.end())
            counts.emplace_back(why, 1);
        else
            ++known->second;
    }
    std::stable_sort(counts.begin(), counts.end(),
                     [](const auto& left, const auto& right) { return left.second > right.second; });
    std::string text;
    for (const auto& [what, count] : counts) {
        text += (text.empty() ? "" : ", ") + std::to_string(count);
        if (&what == &counts.front().first) text += " of " + std::to_string(all.size());
        text.append(" ").append(count == 1 ? what.one : what.many);
    }
    return text;
}

/// "one is down; two lacks memory (512 wanted, 0 free MiB)", of as many as are read by somebody.
std::string detailsOf(const std::vector<std::pair<std::string, Against>>& all) {
    constexpr std::size_t most = 30;
    std::string text;
    for (std::size_t each = 0; each < std::min(all.size(), most); ++each) {
        const auto& host = all[each].first;
        const auto& why = all[each].second;
        text.append(text.empty() ? "" : "; ").append(host).append(" ").append(why.one);
        if (!why.detail.empty()) text += " (" + why.detail + ")";
    }
    return all.size() > most ? text + "; and " + std::to_string(all.size() - most) + " more" : text;
}

}

Placed place(const std::vector<Candidate>& hosts, const Wish& wish) {
    constexpr std::string_view none = "No valid host was found. ";
    Placed placed;
    std::vector<const Candidate*> fitting;
    std::vector<std::pair<std::string, Against>> refused;
    for (const auto& each : hosts) {
        if (auto verdict = against(each, wish))
            refused.emplace_back(each.host.name.text, *std::move(verdict));
        else
            fitting.push_back(&each);
    }
    if (fitting.empty()) {
        placed.fault.append(none).append(hosts.empty() ? "There is no host" : summaryOf(refused)).append(".");
        placed.details = detailsOf(refused);
        return placed;
    }
    const auto good = weights(fitting, wish);
    const auto best = static_cast<std::size_t>(std::max_element(good.begin(), good.end()) - good.begin());
    placed.host = fitting[best]->host.name;
    placed.zone = fitting[best]->host.zone;
    return placed;
}

}
