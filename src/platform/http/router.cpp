#include "platform/http/router.hpp"

#include <stdexcept>

namespace stratolet::http {
namespace {

/// The first segment of `rest`, which it is taken from. A trailing slash makes an empty last segment.
std::string_view takeSegment(std::string_view& rest) {
    if (rest.starts_with('/')) rest.remove_prefix(1);
    const auto end = rest.find('/');
    const auto segment = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
    return segment;
}

bool serves(const std::array<const Route*, 8>& routes, Method method) {
    if (routes[static_cast<std::size_t>(method)]) return true;
    return method == Method::Head && routes[static_cast<std::size_t>(Method::Get)];
}

}

std::vector<std::string_view> namesIn(std::string_view pattern) {
    std::vector<std::string_view> names;
    while (!pattern.empty()) {
        const auto segment = takeSegment(pattern);
        if (segment.starts_with('{')) names.push_back(segment.substr(1, segment.size() - 2));
    }
    return names;
}

Router::Router(const Routes& routes) {
    for (const auto& route : routes) {
        if (route.access.rule.empty() == route.access.openBecause.empty())
            throw std::logic_error("route " + route.pattern + " must name its policy rule, or say why it has none");
        Node* node = &root_;
        std::string_view rest = route.pattern;
        while (!rest.empty()) {
            const auto segment = takeSegment(rest);
            auto& next = segment.starts_with('{') ? node->any : node->literal[std::string(segment)];
            if (!next) next = std::make_unique<Node>();
            node = next.get();
        }
        auto& place = node->routes[static_cast<std::size_t>(route.method)];
        if (place) throw std::logic_error("two routes for " + std::string(nameOf(route.method)) + " " + route.pattern);
        place = &route;
    }
}

const Router::Node* Router::walk(const Node& node, std::string_view rest, Method method,
                                 std::vector<std::string>& values, const Node*& pathOnly) {
    const auto here = [&]() -> const Node* {
        if (serves(node.routes, method)) return &node;
        for (const auto* each : node.routes)
            if (each && !pathOnly) pathOnly = &node;
        return nullptr;
    };
    if (rest.empty()) return here();
    const auto whole = rest;
    const auto segment = takeSegment(rest);
    if (const auto literal = node.literal.find(segment); literal != node.literal.end())
        if (const auto* found = walk(*literal->second, rest, method, values, pathOnly)) return found;
    if (whole == "/") return here();
    if (node.any && !segment.empty()) {
        values.emplace_back(segment);
        if (const auto* found = walk(*node.any, rest, method, values, pathOnly)) return found;
        values.pop_back();
    }
    return nullptr;
}

Router::Found Router::find(Method method, std::string_view path) const {
    Found found;
    const Node* pathOnly = nullptr;
    if (const auto* node = walk(root_, path, method, found.values, pathOnly)) {
        found.route = node->routes[static_cast<std::size_t>(method)];
        if (!found.route) found.route = node->routes[static_cast<std::size_t>(Method::Get)]; // HEAD
        return found;
    }
    if (pathOnly)
        for (std::size_t method_ = 0; method_ < pathOnly->routes.size(); ++method_)
            if (pathOnly->routes[method_]) found.allowed.push_back(static_cast<Method>(method_));
    return found;
}

}
