#include "compute/scheduler/place.hpp"

#include <algorithm>
#include <utility>

namespace stratolet::compute {
namespace {

/// "3 of 4 lack memory, 1 is disabled", the most frequent first.
std::string summaryOf(const std::vector<Against>& all) {
    std::vector<std::pair<Against, std::size_t>> counts;
    for (const auto& each : all) {
        const auto known =
            std::find_if(counts.begin(), counts.end(), [&](const auto& count) { return count.first.one == each.one; });
        if (known == counts.end())
            counts.emplace_back(each, 1);
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

}

Placed place(const std::vector<Candidate>& hosts, const Wish& wish) {
    constexpr std::string_view none = "No valid host was found. ";
    Placed placed;
    std::vector<const Candidate*> fitting;
    std::vector<Against> refused;
    for (const auto& each : hosts) {
        auto verdict = against(each, wish);
        if (!verdict) {
            fitting.push_back(&each);
            continue;
        }
        placed.details += (placed.details.empty() ? "" : "; ") + each.host.name.text + " ";
        placed.details.append(verdict->one);
        if (!verdict->detail.empty()) placed.details += " (" + verdict->detail + ")";
        refused.push_back(*std::move(verdict));
    }
    if (fitting.empty()) {
        placed.fault.append(none).append(hosts.empty() ? "There is no host" : summaryOf(refused)).append(".");
        return placed;
    }
    const auto good = weights(fitting, wish);
    const auto best = static_cast<std::size_t>(std::max_element(good.begin(), good.end()) - good.begin());
    placed.host = fitting[best]->host.name;
    placed.zone = fitting[best]->host.zone;
    return placed;
}

}
