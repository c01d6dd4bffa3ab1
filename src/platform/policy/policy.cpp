#include "platform/policy/policy.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <functional>
#include <regex>
#include <set>

#include <stratolet/error.hpp>

#include "platform/text/text.hpp"

namespace stratolet {
namespace {

/// What a rule is asked about, and what stands in for what that does not say.
struct Asked {
    const Target& target;
    const Target& otherwise;

    /// Nothing where nobody says. A thing's project has two names.
    const std::string* find(std::string_view name) const {
        for (const auto* each : {&target, &otherwise}) {
            if (const auto found = each->find(name); found != each->end()) return &found->second;
            if (name != "tenant_id") continue;
            if (const auto found = each->find("project_id"); found != each->end()) return &found->second;
        }
        return nullptr;
    }
};

/// "%(name)s" parts replaced by what the target has; nothing where it has no such name, so that the check fails.
std::optional<std::string> filledIn(const std::string& text, const Asked& target) {
    std::string filled;
    std::size_t at = 0;
    for (;;) {
        const auto open = text.find("%(", at);
        if (open == std::string::npos) return filled.append(text, at);
        const auto close = text.find(")s", open);
        if (close == std::string::npos) return filled.append(text, at);
        const auto* found = target.find(std::string_view(text).substr(open + 2, close - open - 2));
        if (!found) return std::nullopt;
        filled.append(text, at, open - at).append(*found);
        at = close + 2;
    }
}

}

struct Policy::Check {
    enum class Kind { Always, Never, And, Or, Not, Rule, Role, Field, Attribute, Literal };
    Kind kind = Kind::Always;
    std::vector<std::shared_ptr<const Check>> parts; // of And, Or, Not
    std::string left;                                // rule or attribute name, literal
    std::string right;                               // what it must be; may have %(names)s
    std::string text;                                // as written, for explain()
};

namespace {

using Check = Policy::Check;
using CheckPointer = std::shared_ptr<const Check>;
using Rules = std::map<std::string, Policy::Rule, std::less<>>;

constexpr std::array<std::string_view, 3> scopeNames = {"system", "domain", "project"}; // their places are the bits

/// What the token is scoped to.
unsigned scopeOf(const Credentials& who) {
    const auto has = [&](std::string_view name) { return who.attributes.find(name) != who.attributes.end(); };
    return has("system_scope") ? 1U : has("domain_id") ? 2U : 4U;
}

std::string scopesIn(unsigned bits) {
    std::string names;
    for (std::size_t each = 0; each < scopeNames.size(); ++each)
        if (bits & 1U << each) names.append(names.empty() ? "" : ", ").append(scopeNames[each]);
    return names;
}

/// Rule text → tree. Throws std::string with what is wrong.
class Parser {
public:
    explicit Parser(std::string_view text) { tokenize(text); }

    /// One check alone, with whatever is in it taken for what it says.
    static CheckPointer parseOne(const std::string& text) { return parseCheck(std::string(trimmed(text))); }

    CheckPointer parse() {
        if (tokens_.empty()) return make(Check::Kind::Always, "@");
        auto whole = parseOr();
        if (next_ != tokens_.size()) throw "unexpected \"" + tokens_[next_] + "\"";
        return whole;
    }

private:
    void tokenize(std::string_view text) {
        std::size_t at = 0;
        while (at < text.size()) {
            if (std::isspace(static_cast<unsigned char>(text[at]))) {
                ++at;
                continue;
            }
            auto end = at;
            char quote = 0;
            while (end < text.size() && (quote || !std::isspace(static_cast<unsigned char>(text[end])))) {
                if (quote ? text[end] == quote : (text[end] == '\'' || text[end] == '"')) quote = quote ? 0 : text[end];
                ++end;
            }
            if (quote) throw std::string("a quote is not closed");
            splitWord(text.substr(at, end - at));
            at = end;
        }
    }

    /// Brackets stick to words; the one that closes "%(name)s" is followed by the s and stays.
    void splitWord(std::string_view word) {
        while (!word.empty() && word.front() == '(') {
            tokens_.emplace_back("(");
            word.remove_prefix(1);
        }
        std::size_t closing = 0;
        while (!word.empty() && word.back() == ')') {
            ++closing;
            word.remove_suffix(1);
        }
        if (!word.empty()) tokens_.emplace_back(word);
        for (; closing > 0; --closing) tokens_.emplace_back(")");
    }

    bool at(std::string_view keyword) const {
        return next_ < tokens_.size() && sameWithoutCase(tokens_[next_], keyword);
    }
    bool take(std::string_view keyword) { return at(keyword) && ++next_; }

    CheckPointer parseOr() {
        return parseChain("or", Check::Kind::Or,
                          [this] { return parseChain("and", Check::Kind::And, [this] { return parseNot(); }); });
    }

    CheckPointer parseChain(std::string_view keyword, Check::Kind kind,
                            const std::function<CheckPointer()>& parsePart) {
        std::vector<CheckPointer> parts{parsePart()};
        while (take(keyword)) parts.push_back(parsePart());
        if (parts.size() == 1) return parts.front();
        auto chain = std::make_shared<Check>();
        chain->kind = kind;
        chain->text = keyword;
        chain->parts = std::move(parts);
        return chain;
    }

    CheckPointer parseNot() {
        if (take("not")) {
            auto negation = std::make_shared<Check>();
            negation->kind = Check::Kind::Not;
            negation->text = "not";
            negation->parts.push_back(parseNot());
            return negation;
        }
        if (take("(")) {
            auto inner = parseOr();
            if (!take(")")) throw std::string("a bracket is not closed");
            return inner;
        }
        if (next_ == tokens_.size()) throw std::string("a check is missing at the end");
        return parseCheck(tokens_[next_++]);
    }

    static CheckPointer parseCheck(const std::string& word) {
        if (word == "@") return make(Check::Kind::Always, word);
        if (word == "!") return make(Check::Kind::Never, word);
        const auto colon = word.empty() ? std::string::npos : colonOf(word);
        if (colon == std::string::npos || colon == 0) throw "\"" + word + "\" is no check (kind:match, @ or !)";
        std::string left = word.substr(0, colon);
        std::string right = word.substr(colon + 1);
        if (left == "rule") return make(Check::Kind::Rule, word, right);
        if (left == "role") return make(Check::Kind::Role, word, "", right);
        if (left == "http" || left == "https") throw "remote checks (" + left + ":) are not supported";
        if (left == "field") {
            const auto resource = right.find(':'), equals = right.find('=');
            if (resource == std::string::npos || equals == std::string::npos || equals < resource)
                throw "\"" + word + "\" is not field:resource:attribute=value";
            return make(Check::Kind::Field, word, right.substr(resource + 1, equals - resource - 1),
                        right.substr(equals + 1));
        }
        if (left.size() >= 2 && (left.front() == '\'' || left.front() == '"') && left.back() == left.front())
            return make(Check::Kind::Literal, word, left.substr(1, left.size() - 2), right);
        if (left == "None" || left == "True" || left == "False") return make(Check::Kind::Literal, word, left, right);
        return make(Check::Kind::Attribute, word, left, right);
    }

    static std::size_t colonOf(const std::string& word) {
        if (word.front() == '\'' || word.front() == '"') {
            const auto close = word.find(word.front(), 1);
            return close == std::string::npos ? close : word.find(':', close);
        }
        return word.find(':');
    }

    static CheckPointer make(Check::Kind kind, std::string text, std::string left = "", std::string right = "") {
        auto check = std::make_shared<Check>();
        check->kind = kind;
        check->text = std::move(text);
        check->left = std::move(left);
        check->right = std::move(right);
        return check;
    }

    std::vector<std::string> tokens_;
    std::size_t next_ = 0;
};

struct Question {
    const Rules& rules;
    const Credentials& who;
    Asked target;
    std::string* explanation = nullptr;
};

bool holds(const Check& check, const Question& question, int depth);

bool isForScope(const Policy::Rule& rule, unsigned scope) { return rule.scopes == 0 || (rule.scopes & scope) != 0; }

/// The rule itself, and that it is for tokens of this scope.
bool holds(const Policy::Rule& rule, const Question& question, int depth) {
    if (const auto scope = scopeOf(question.who); !isForScope(rule, scope)) {
        if (question.explanation)
            question.explanation->append(static_cast<std::size_t>(depth) * 2, ' ')
                .append("no   the rule is for tokens scoped to ")
                .append(scopesIn(rule.scopes))
                .append(", and this one counts as ")
                .append(scopesIn(scope))
                .append("\n");
        return false;
    }
    return holds(*rule.check, question, depth);
}

/// What every token has in oslo.policy's eyes, if only as None.
bool isScopeAttribute(std::string_view name) {
    return name == "project_id" || name == "tenant_id" || name == "domain_id" || name == "system_scope";
}

bool holdsSimply(const Check& check, const Question& question, int depth) {
    using enum Check::Kind;
    switch (check.kind) {
    case Always: return true;
    case Never: return false;
    case And:
        return std::all_of(check.parts.begin(), check.parts.end(),
                           [&](const auto& each) { return holds(*each, question, depth + 1); });
    case Or:
        return std::any_of(check.parts.begin(), check.parts.end(),
                           [&](const auto& each) { return holds(*each, question, depth + 1); });
    case Not: return !holds(*check.parts.front(), question, depth + 1);
    case Rule: return holds(question.rules.find(check.left)->second, question, depth + 1);
    case Role: {
        const auto role = filledIn(check.right, question.target);
        return role && std::any_of(question.who.roles.begin(), question.who.roles.end(),
                                   [&](const auto& each) { return sameWithoutCase(each, *role); });
    }
    case Field: {
        const auto* found = question.target.find(check.left);
        if (!found) return false;
        if (check.right.starts_with("~")) return std::regex_search(*found, std::regex(check.right.substr(1)));
        return sameWithoutCase(*found, check.right);
    }
    case Attribute: {
        const auto found = question.who.attributes.find(check.left);
        if (found == question.who.attributes.end()) return check.right == "None" && isScopeAttribute(check.left);
        return filledIn(check.right, question.target) == found->second;
    }
    case Literal: return filledIn(check.right, question.target) == check.left;
    }
    std::abort();
}

bool holds(const Check& check, const Question& question, int depth) {
    if (!question.explanation) return holdsSimply(check, question, depth);
    const auto place = question.explanation->size();
    const bool result = holdsSimply(check, question, depth);
    question.explanation->insert(place, std::string(static_cast<std::size_t>(depth) * 2, ' ') +
                                            (result ? "yes  " : "no   ") + check.text + "\n");
    return result;
}

Error problem(std::string_view origin, int line, const std::string& what) {
    return Error(Failure::Invalid, origin, ":", line, ": ", what);
}

/// The scopes that the comment behind a rule names; throws std::string with what is wrong.
unsigned scopesBehind(std::string_view line) {
    constexpr std::string_view mark = "# scope ";
    const auto end = line.rfind('"');
    const auto found = line.find(mark, end == std::string_view::npos ? 0 : end);
    if (found == std::string_view::npos) return 0;
    const auto names = line.substr(found + mark.size());
    unsigned bits = 0;
    for (const auto name : split(trimmed(names.substr(0, names.find(';'))), ',')) {
        const auto known = std::find(scopeNames.begin(), scopeNames.end(), name);
        if (known == scopeNames.end()) throw "\"" + std::string(name) + "\" is no scope (system, domain, project)";
        bits |= 1U << (known - scopeNames.begin());
    }
    return bits;
}

CheckPointer joined(Check::Kind kind, std::vector<CheckPointer> parts) {
    if (parts.size() == 1) return parts.front();
    auto chain = std::make_shared<Check>();
    chain->kind = kind;
    chain->text = kind == Check::Kind::Or ? "or" : "and";
    chain->parts = std::move(parts);
    return chain;
}

/// A check in any of the forms that oslo.policy reads; throws std::string with what is wrong.
CheckPointer checkIn(const YAML::Node& node) {
    if (node.IsNull()) return Parser("").parse();
    if (node.IsScalar()) return Parser(node.Scalar()).parse();
    if (!node.IsSequence()) throw std::string("the check must be a text, or a list of texts and of lists of texts");
    if (node.size() == 0) return Parser("").parse();
    std::vector<CheckPointer> any;
    for (const auto& each : node) {
        std::vector<CheckPointer> all;
        if (each.IsScalar())
            all.push_back(Parser::parseOne(each.Scalar()));
        else if (!each.IsSequence())
            throw std::string("in a list of checks each is a text or a list of texts");
        else
            for (const auto& one : each) {
                if (!one.IsScalar()) throw std::string("lists of checks are no deeper than two");
                all.push_back(Parser::parseOne(one.Scalar()));
            }
        if (!all.empty()) any.push_back(joined(Check::Kind::And, std::move(all)));
    }
    return any.empty() ? Parser("!").parse() : joined(Check::Kind::Or, std::move(any));
}

/// Where one file's rules go.
struct Loading {
    std::string_view origin;
    Rules& rules;
    std::map<std::string, std::string>& places; ///< where each came from
    bool scoped;                                ///< the comments behind rules count

    /// `check` makes it, and throws a text that says what is wrong.
    template <class Make> void add(std::string_view name, int line, std::string_view text, Make check) {
        const std::string key(name);
        try {
            rules[key].check = check();
            if (scoped) rules[key].scopes = scopesBehind(text);
        } catch (const std::string& what) {
            throw problem(origin, line, "rule \"" + key + "\": " + what);
        }
        places[key] = std::string(origin) + ":" + std::to_string(line);
    }
};

/// A line as the files that are shipped have it, "NAME": "CHECK" and maybe a comment: the library of YAML takes a
/// third of a start for those.
struct PlainLine {
    std::string_view name, check;
};
std::optional<PlainLine> plainLine(std::string_view line) {
    const auto quoted = [&]() -> std::optional<std::string_view> {
        const auto end = line.starts_with('"') ? line.find_first_of("\"\\", 1) : std::string_view::npos;
        if (end == std::string_view::npos || line[end] != '"') return std::nullopt;
        const auto text = line.substr(1, end - 1);
        line.remove_prefix(end + 1);
        return text;
    };
    const auto name = quoted();
    if (!name || !line.starts_with(": ")) return std::nullopt;
    line.remove_prefix(2);
    const auto check = quoted();
    const auto rest = trimmed(line);
    if (!check || (!rest.empty() && (!rest.starts_with('#') || line.front() != ' '))) return std::nullopt;
    return PlainLine{*name, *check};
}

/// The lines of a file that has only plain ones; nothing of any other.
std::optional<std::vector<PlainLine>> plainLines(const std::vector<std::string_view>& lines) {
    std::vector<PlainLine> plain(lines.size());
    for (std::size_t each = 0; each < lines.size(); ++each) {
        if (lines[each].empty() || lines[each].starts_with('#')) continue;
        const auto line = plainLine(lines[each]);
        if (!line) return std::nullopt;
        plain[each] = *line;
    }
    return plain;
}

/// Adds the rules of one file.
void load(std::string_view text, Loading into) {
    const auto lines = split(text, '\n');
    if (const auto plain = plainLines(lines)) {
        for (std::size_t each = 0; each < lines.size(); ++each)
            if (!(*plain)[each].name.empty())
                into.add((*plain)[each].name, static_cast<int>(each) + 1, lines[each],
                         [&] { return Parser((*plain)[each].check).parse(); });
        return;
    }
    YAML::Node root;
    try {
        root = YAML::Load(std::string(text));
    } catch (const YAML::Exception& wrong) {
        throw problem(into.origin, wrong.mark.line + 1, wrong.msg);
    }
    if (root.IsNull()) return;
    if (!root.IsMap())
        throw problem(into.origin, root.Mark().line + 1, "expected lines of the form \"rule\": \"check\"");
    for (const auto& each : root) {
        const int line = each.first.Mark().line + 1;
        if (!each.first.IsScalar()) throw problem(into.origin, line, "a rule's name must be a text");
        into.add(each.first.Scalar(), line, lines[static_cast<std::size_t>(line) - 1],
                 [&] { return checkIn(each.second); });
    }
}

/// Every rule that is named exists, and none leads back to itself.
void verify(const std::string& name, const Check& check, const Rules& rules,
            const std::map<std::string, std::string>& places, std::set<std::string>& above,
            std::set<std::string>& known) {
    for (const auto& each : check.parts) verify(name, *each, rules, places, above, known);
    if (check.kind != Check::Kind::Rule) return;
    const auto found = rules.find(check.left);
    if (found == rules.end())
        throw Error(Failure::Invalid, places.at(name), ": rule \"", name, "\": there is no rule \"", check.left, "\"");
    if (known.contains(check.left)) return;
    if (!above.insert(check.left).second)
        throw Error(Failure::Invalid, places.at(name), ": rule \"", name, "\" leads back to itself");
    verify(check.left, *found->second.check, rules, places, above, known);
    above.erase(check.left);
    known.insert(check.left);
}

}

Policy::Policy() = default;
Policy::~Policy() = default;

std::shared_ptr<const Policy> Policy::parse(std::string_view defaults, std::string_view defaultsOrigin,
                                            std::string_view overrides, std::string_view overridesOrigin,
                                            bool enforceScope) {
    std::shared_ptr<Policy> policy(new Policy);
    std::map<std::string, std::string> places;
    load(defaults, {defaultsOrigin, policy->rules_, places, enforceScope});
    load(overrides, {overridesOrigin, policy->rules_, places, false});
    std::set<std::string> known;
    for (const auto& [name, rule] : policy->rules_) {
        std::set<std::string> above{name};
        verify(name, *rule.check, policy->rules_, places, above, known);
        known.insert(name);
    }
    return policy;
}

bool Policy::has(std::string_view rule) const { return rules_.find(rule) != rules_.end(); }

bool Policy::allows(std::string_view rule, const Credentials& who, const Target& target,
                    const Target& otherwise) const {
    const auto found = rules_.find(rule);
    return found != rules_.end() && holds(found->second, {rules_, who, {target, otherwise}}, 0);
}

bool Policy::isFor(std::string_view rule, const Credentials& who) const {
    const auto found = rules_.find(rule);
    return found == rules_.end() || isForScope(found->second, scopeOf(who));
}

std::vector<std::string> Policy::names() const {
    std::vector<std::string> all;
    for (const auto& [name, rule] : rules_) all.push_back(name);
    return all;
}

std::vector<std::string> Policy::scopesOf(std::string_view rule) const {
    std::vector<std::string> names;
    if (const auto found = rules_.find(rule); found != rules_.end())
        for (std::size_t each = 0; each < scopeNames.size(); ++each)
            if (found->second.scopes & 1U << each) names.emplace_back(scopeNames[each]);
    return names;
}

std::string Policy::explain(std::string_view rule, const Credentials& who, const Target& target) const {
    const Target nothing;
    const auto found = rules_.find(rule);
    if (found == rules_.end()) return "no   there is no rule \"" + std::string(rule) + "\"\n";
    std::string explanation;
    const bool result = holds(found->second, {rules_, who, {target, nothing}, &explanation}, 1);
    return std::string(result ? "yes  " : "no   ") + std::string(rule) + "\n" + explanation;
}

}
