// What a provider sends, and what an administrator writes about it: a token, a set of keys, the rules of a mapping.
// Each input is taken for all.

#include <cstdlib>
#include <functional>

#include <stratolet/error.hpp>

#include "fuzz/target.hpp"
#include "identity/federation/jwt.hpp"
#include "identity/federation/mapping.hpp"
#include "identity/issuer.hpp"

namespace stratolet::fuzz {
namespace {

const test::Issuer& issuer() {
    static const test::Issuer made;
    return made;
}

const std::string& token() {
    static const std::string made = issuer().token(R"({"sub":"alice","groups":["a","b"]})");
    return made;
}

const identity::SigningKeys& keys() {
    static const auto made = identity::SigningKeys::parse(issuer().keySet());
    return made;
}

/// Errors of the kind that is somebody's mistake are what is expected.
void refusing(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        if (error.failure() != Failure::Invalid) std::abort();
    }
}

}

void run(std::string_view input) {
    if (keys().claimsIn(input) && input != token()) std::abort(); // a forgery
    refusing([&] { identity::SigningKeys::parse(input).claimsIn(token()); });
    refusing([&] {
        const auto rules = Json::parse(input);
        identity::checkRules(rules);
        identity::applyRules(rules, {{"NAME", {"alice"}}, {"GROUPS", {"a", "b"}}, {"NONE", {}}});
    });
}

std::vector<std::string> seeds() {
    return {
        token(),
        issuer().keySet(),
        test::Issuer("RS256").keySet(),
        test::Issuer("EdDSA").keySet(),
        R"([{"local":[{"user":{"name":"{0}","email":"{0}@x","domain":{"id":"d"},"type":"local"}},{"group":{"id":"g"}}],"remote":[{"type":"NAME"}]}])",
        R"([{"local":[{"groups":"{0}","domain":{"name":"D"}},{"group_ids":"{0}"}],"remote":[{"type":"GROUPS","whitelist":["a"]}]}])",
        R"([{"local":[{"projects":[{"name":"of {{{0}}}","roles":[{"name":"member"}]}]}],"remote":[{"type":"NAME"},{"type":"GROUPS","any_one_of":["^a(b|c)*$"],"regex":true}]}])",
        R"([{"local":[{"group":{"name":"n","domain":{"name":"D"}}}],"remote":[{"type":"NAME","not_any_of":["bob"]},{"type":"GROUPS","blacklist":["b"]}]}])"};
}

}
