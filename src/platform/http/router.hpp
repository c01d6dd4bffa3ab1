#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/http/http.hpp"

namespace stratolet::http {

/// Finds the route for a method and a path. Literal segments win over names; "/a/b" and "/a/b/" are the same unless
/// both are routes.
class Router {
public:
    explicit Router(const Routes& routes); ///< must outlive this

    struct Found {
        const Route* route = nullptr;
        std::vector<std::string> values;  ///< of the pattern's names, in order
        std::vector<Method> allowed = {}; ///< where there is no route: what the path knows
    };
    Found find(Method method, std::string_view path) const;

private:
    struct Node {
        std::map<std::string, std::unique_ptr<Node>, std::less<>> literal;
        std::unique_ptr<Node> any;
        std::array<const Route*, 8> routes{}; // by Method
    };
    static const Node* walk(const Node& node, std::string_view rest, Method method, std::vector<std::string>& values,
                            const Node*& pathOnly);
    Node root_;
};

/// The names in a pattern, in order.
std::vector<std::string_view> namesIn(std::string_view pattern);

}
