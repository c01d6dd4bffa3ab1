#include "compute/pattern.hpp"

#include <algorithm>
#include <bitset>
#include <functional>
#include <stratolet/error.hpp>
#include <vector>

namespace stratolet::compute {
namespace {

using Bytes256 = std::bitset<256>;
enum class Op { Match, Set, Start, End, Jump, Split };

struct Instruction {
    Op op;
    int to = 0, other = 0; // Jump: to. Split: both
    Bytes256 set = {};     // Set
};

constexpr std::size_t instructionsMax = 4000;

Bytes256 range(unsigned char from, unsigned char to) {
    Bytes256 set;
    for (unsigned each = from; each <= to; ++each) set.set(each);
    return set;
}

Bytes256 single(char letter) { return range(static_cast<unsigned char>(letter), static_cast<unsigned char>(letter)); }

/// What \d and its kin stand for; any other escaped letter stands for itself.
Bytes256 escaped(char letter) {
    const Bytes256 digits = range('0', '9'), word = digits | range('a', 'z') | range('A', 'Z') | single('_'),
                   space = single(' ') | single('\t') | single('\n') | single('\r') | single('\f') | single('\v');
    switch (letter) {
    case 'd': return digits;
    case 'D': return ~digits;
    case 'w': return word;
    case 'W': return ~word;
    case 's': return space;
    case 'S': return ~space;
    default: return single(letter);
    }
}

/// Recursive descent to Thompson's instructions; a repeated part is compiled as often as it may come.
class Compiler {
public:
    explicit Compiler(std::string_view text) : text_(text) {}

    std::vector<Instruction> compile() {
        alternatives(0);
        if (at_ < text_.size()) refuse();
        emit({Op::Match});
        return std::move(code_);
    }

private:
    [[noreturn]] void refuse() const { throw Error(Failure::Invalid, "Invalid regular expression: '", text_, "'"); }

    int emit(Instruction instruction) {
        if (code_.size() >= instructionsMax) refuse();
        code_.push_back(instruction);
        return static_cast<int>(code_.size()) - 1;
    }
    int here() const { return static_cast<int>(code_.size()); }
    bool more() const { return at_ < text_.size(); }

    void alternatives(int depth) {
        if (depth > 20) refuse();
        std::vector<int> ends;
        for (;;) {
            const int split = emit({Op::Split});
            code_[static_cast<std::size_t>(split)].to = here();
            sequence(depth);
            if (!more() || text_[at_] != '|') {
                code_[static_cast<std::size_t>(split)].other =
                    code_[static_cast<std::size_t>(split)].to; // the last one: no other way
                break;
            }
            ++at_;
            ends.push_back(emit({Op::Jump}));
            code_[static_cast<std::size_t>(split)].other = here();
        }
        for (const int end : ends) code_[static_cast<std::size_t>(end)].to = here();
    }

    void sequence(int depth) {
        while (more() && text_[at_] != '|' && text_[at_] != ')') repeated(depth);
    }

    void repeated(int depth) {
        const std::size_t from = at_;
        const int codeFrom = here();
        atom(depth);
        int least = 1, most = 1;
        if (!more() || !count(least, most)) return;
        if (more() && text_[at_] == '?') ++at_; // lazy or not makes no difference to whether it matches
        const std::size_t after = at_;
        code_.resize(static_cast<std::size_t>(codeFrom));
        const auto again = [&] {
            at_ = from;
            atom(depth);
        };
        for (int time = 0; time < least; ++time) again();
        if (most < 0) {
            const int split = emit({Op::Split});
            code_[static_cast<std::size_t>(split)].to = here();
            again();
            emit({Op::Jump, split});
            code_[static_cast<std::size_t>(split)].other = here();
        } else {
            std::vector<int> splits;
            for (int time = least; time < most; ++time) {
                splits.push_back(emit({Op::Split}));
                code_[static_cast<std::size_t>(splits.back())].to = here();
                again();
            }
            for (const int split : splits) code_[static_cast<std::size_t>(split)].other = here();
        }
        at_ = after;
    }

    bool count(int& least, int& most) {
        switch (text_[at_]) {
        case '*': least = 0, most = -1; break;
        case '+': least = 1, most = -1; break;
        case '?': least = 0, most = 1; break;
        case '{': return counted(least, most);
        default: return false;
        }
        ++at_;
        return true;
    }

    bool counted(int& least, int& most) {
        ++at_;
        const auto number = [&]() -> int {
            int value = -1;
            while (more() && text_[at_] >= '0' && text_[at_] <= '9' && value < 1000)
                value = std::max(value, 0) * 10 + (text_[at_++] - '0');
            return value;
        };
        least = number();
        most = least;
        if (more() && text_[at_] == ',') {
            ++at_;
            most = number();
            least = std::max(least, 0);
        }
        if (!more() || text_[at_] != '}' || least < 0 || (most >= 0 && most < least) || least > 255 || most > 255)
            refuse();
        ++at_;
        return true;
    }

    void atom(int depth) {
        const char letter = text_[at_++];
        switch (letter) {
        case '.': emit({Op::Set, 0, 0, Bytes256().set()}); break;
        case '^': emit({Op::Start}); break;
        case '$': emit({Op::End}); break;
        case '[': emit({Op::Set, 0, 0, klass()}); break;
        case '(':
            if (text_.substr(at_).starts_with("?:")) at_ += 2;
            alternatives(depth + 1);
            if (!more() || text_[at_] != ')') refuse();
            ++at_;
            break;
        case '\\':
            if (!more()) refuse();
            emit({Op::Set, 0, 0, escaped(text_[at_++])});
            break;
        case '*':
        case '+':
        case '?': refuse();
        default: emit({Op::Set, 0, 0, single(letter)});
        }
    }

    Bytes256 klass() {
        const bool inverted = more() && text_[at_] == '^';
        if (inverted) ++at_;
        Bytes256 set;
        for (bool first = true;; first = false) {
            if (!more()) refuse();
            char letter = text_[at_++];
            if (letter == ']' && !first) break;
            if (letter == '\\') {
                if (!more()) refuse();
                set |= escaped(text_[at_++]);
                continue;
            }
            if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
                const char end = text_[at_ + 1];
                at_ += 2;
                if (static_cast<unsigned char>(end) < static_cast<unsigned char>(letter)) refuse();
                set |= range(static_cast<unsigned char>(letter), static_cast<unsigned char>(end));
            } else {
                set |= single(letter);
            }
        }
        return inverted ? ~set : set;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::vector<Instruction> code_;
};

}

struct Pattern::Program {
    std::vector<Instruction> code;
};

Pattern::Pattern(std::string_view text) {
    if (text.size() > 255) throw Error(Failure::Invalid, "A regular expression may have 255 characters at most");
    program_ = std::make_unique<const Program>(Program{Compiler(text).compile()});
}
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;

bool Pattern::matches(std::string_view text) const {
    const auto& code = program_->code;
    std::vector<int> now, next, ways;
    std::vector<std::size_t> seen(code.size(), 0);
    const auto follow = [&](std::vector<int>& states, int start, std::size_t at) {
        ways.push_back(start);
        while (!ways.empty()) {
            const int each = ways.back();
            ways.pop_back();
            if (std::exchange(seen[static_cast<std::size_t>(each)], at + 1) == at + 1) continue;
            const auto& instruction = code[static_cast<std::size_t>(each)];
            switch (instruction.op) {
            case Op::Jump: ways.push_back(instruction.to); break;
            case Op::Split: ways.push_back(instruction.to), ways.push_back(instruction.other); break;
            case Op::Start:
                if (at == 0) ways.push_back(each + 1);
                break;
            case Op::End:
                if (at == text.size()) ways.push_back(each + 1);
                break;
            case Op::Match:
            case Op::Set: states.push_back(each);
            }
        }
    };
    for (std::size_t at = 0;; ++at) {
        follow(now, 0, at); // a match may begin anywhere
        for (const int state : now)
            if (code[static_cast<std::size_t>(state)].op == Op::Match) return true;
        if (at == text.size()) return false;
        next.clear();
        for (const int state : now)
            if (code[static_cast<std::size_t>(state)].set.test(static_cast<unsigned char>(text[at])))
                follow(next, state + 1, at + 1);
        std::swap(now, next);
    }
}

}
