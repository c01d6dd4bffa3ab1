#include "identity/credential/application_credential.hpp"

namespace stratolet::identity {
namespace {

/// Takes the first segment off; the path is left without its leading slash.
std::string_view takeSegment(std::string_view& path) {
    const auto slash = path.find('/');
    const auto segment = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    return segment;
}

bool isOneSegment(std::string_view pattern) {
    return pattern == "*" || (pattern.size() > 2 && pattern.front() == '{' && pattern.back() == '}');
}

std::string_view trimmed(std::string_view path) {
    while (path.starts_with('/')) path.remove_prefix(1);
    while (path.ends_with('/')) path.remove_suffix(1);
    return path;
}

}

bool pathMatches(std::string_view pattern, std::string_view path) {
    // Each "**" takes as little as possible at first, and more only where what follows it doesn't fit: linear in
    // practice, never deeper.
    pattern = trimmed(pattern);
    path = trimmed(path);
    std::string_view againPattern, againPath;
    bool again = false;
    while (!path.empty()) {
        auto rest = pattern;
        const auto wanted = pattern.empty() ? std::string_view() : takeSegment(rest);
        if (wanted == "**") {
            again = true;
            againPattern = pattern = rest;
            takeSegment(path);
            againPath = path;
            if (rest.empty()) return true;
            continue;
        }
        auto restOfPath = path;
        const auto segment = takeSegment(restOfPath);
        if (!wanted.empty() && !segment.empty() && (isOneSegment(wanted) || wanted == segment)) {
            pattern = rest;
            path = restOfPath;
        } else if (again) {
            takeSegment(againPath);
            pattern = againPattern;
            path = againPath;
        } else {
            return false;
        }
    }
    return pattern.empty();
}

}
