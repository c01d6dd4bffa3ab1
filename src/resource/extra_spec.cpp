#include "resource/extra_spec.hpp"

#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "platform/text/text.hpp"

namespace stratolet::resource {
namespace {

std::optional<double> numberIn(std::string_view text) {
    double number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    return problem == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::vector<std::string_view> wordsIn(std::string_view text) {
    std::vector<std::string_view> words;
    for (const auto each : split(text, ' '))
        if (!each.empty()) words.push_back(each);
    return words;
}

/// By an operator that compares numbers; nothing where there is no such one, false of what are no numbers.
std::optional<bool> byNumber(std::string_view op, std::string_view left, std::string_view right) {
    const bool known = op == "=" || op == "==" || op == "!=" || op == ">=" || op == "<=";
    if (!known) return std::nullopt;
    const auto one = numberIn(left), other = numberIn(right);
    if (!one || !other) return false;
    if (op == "==") return *one == *other;
    if (op == "!=") return *one != *other;
    if (op == "<=") return *one <= *other;
    return *one >= *other; // "=" too: at least
}

std::optional<bool> byText(std::string_view op, std::string_view left, std::string_view right) {
    if (op == "s==") return left == right;
    if (op == "s!=") return left != right;
    if (op == "s<") return left < right;
    if (op == "s<=") return left <= right;
    if (op == "s>") return left > right;
    if (op == "s>=") return left >= right;
    if (op == "<in>") return left.find(right) != std::string_view::npos;
    if (op == "<is>") return truthOf(left).value_or(false) == truthOf(right).value_or(false);
    return std::nullopt;
}

}

bool meets(const std::string& capability, const std::string& spec) {
    const auto words = wordsIn(spec);
    if (words.empty()) return capability == spec;
    const auto op = words.front();
    if (op == "<or>") { // "<or> a <or> b"
        for (std::size_t each = 1; each < words.size(); each += 2)
            if (words[each] == capability) return true;
        return false;
    }
    const auto right = words.size() > 1 ? words[1] : std::string_view();
    auto result = byNumber(op, capability, right);
    if (!result) result = byText(op, capability, right);
    return result ? words.size() > 1 && *result : capability == spec;
}

}
