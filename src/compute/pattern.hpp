#pragma once

#include <memory>
#include <string_view>

namespace stratolet::compute {

/// A regular expression as list filters take it: literals, ".", [classes], (groups), "|", "*", "+", "?", {m,n}, "^",
/// "$", and \d \w \s with their opposites. It is a stranger's, so matching takes time in proportion to pattern × text,
/// whatever the pattern.
class Pattern {
public:
    /// Error(Invalid) where `text` is no such expression or is longer than 255 bytes.
    explicit Pattern(std::string_view text);
    ~Pattern();
    Pattern(Pattern&&) noexcept;

    /// Somewhere in `text`, unless anchored.
    bool matches(std::string_view text) const;

private:
    struct Program;
    std::unique_ptr<const Program> program_;
};

}
