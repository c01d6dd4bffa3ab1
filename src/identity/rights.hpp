#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "identity/caller.hpp"

namespace stratolet::identity {

/// What policy knows of a thing; things that are alike to it share one.
using About = std::shared_ptr<const Target>;

/// One About for all things that `key` says are alike, in their order. `key` is what the target is made of, and nothing else.
template <class Thing, class Key, class Make> std::vector<About> aboutEach(const std::vector<Thing>& things, Key key, Make make) {
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

/// What the rules let a caller do to the things of one answer: each question is asked once, however many things it is about.
/// Lives as long as the answer is made, on one thread; keeps what it was asked about.
class Rights {
public:
    explicit Rights(const Caller& caller) : caller_(caller) {}

    /// `rule` must outlive this: it is a literal.
    bool may(std::string_view rule, const About& about);

    const Caller& caller() const { return caller_; }

private:
    const Caller& caller_;
    std::unordered_map<About, std::vector<std::pair<std::string_view, bool>>> known_;
};

}
