#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "platform/policy/policy.hpp"

namespace stratolet {

/// What policy knows of a thing; things that are alike to it share one.
using About = std::shared_ptr<const Target>;

/// One About for all things that `key` says are alike, in their order. `key` is what the target is made of, and nothing
/// else.
template <class Thing, class Key, class Make>
std::vector<About> aboutEach(const std::vector<Thing>& things, Key key, Make make) {
    using Alike = std::decay_t<decltype(key(things.front()))>;
    std::map<Alike, About> known;
    std::vector<About> all;
    all.reserve(things.size());
    for (const auto& each : things) {
        auto& about = known[key(each)];
        if (!about) about = std::make_shared<const Target>(make(each));
        all.push_back(about);
    }
    return all;
}

/// What the rules let somebody do to the things of one answer: each question is asked once, however many things it is
/// about. Lives as long as the answer is made, on one thread; keeps what it was asked about.
class Rights {
public:
    /// `may` answers for a rule and a target.
    explicit Rights(std::function<bool(std::string_view rule, const Target&)> may) : may_(std::move(may)) {}

    /// `rule` must outlive this.
    bool may(std::string_view rule, const About& about);

private:
    std::function<bool(std::string_view, const Target&)> may_;
    std::unordered_map<About, std::vector<std::pair<std::string_view, bool>>> known_;
};

}
