// The payload of a token, and the sealed token around it.

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "fuzz/target.hpp"
#include "identity/token/fernet.hpp"
#include "identity/token/token.hpp"
#include "support/folder.hpp"

namespace stratolet::fuzz {
namespace {

struct Box {
    test::Folder folder;
    RealAmbient ambient;
    identity::Fernet fernet{folder / "keys", ambient};
};

Box& box() {
    static Box made;
    return made;
}

identity::TokenClaims claims(identity::TokenScope scope) {
    identity::TokenClaims made;
    made.scope = scope;
    made.user.text = "0123456789abcdef0123456789abcdef";
    made.target = scope == identity::TokenScope::Project ? "fedcba9876543210fedcba9876543210" : "default";
    made.methods = {"password", "token"};
    made.issued = fromMicros(1900000000000000);
    made.expires = fromMicros(1900003600000000);
    made.auditIds = {"MDEyMzQ1Njc4OWFiY2RlZg", "ZmVkY2JhOTg3NjU0MzIxMA"};
    return made;
}

}

void run(std::string_view input) {
    if (const auto found = identity::claimsIn(input)) {
        // What is read as a token is written as the same one.
        const auto again = identity::claimsIn(identity::payloadOf(*found));
        if (!again || again->user != found->user || again->target != found->target ||
            again->auditIds != found->auditIds || again->scope != found->scope || again->expires != found->expires ||
            again->provider != found->provider || again->protocol != found->protocol)
            std::abort();
    }
    if (const auto opened = box().fernet.open(input); opened && *opened != "sealed by us") std::abort();
}

std::vector<std::string> seeds() {
    std::vector<std::string> all;
    for (const auto scope : {identity::TokenScope::Unscoped, identity::TokenScope::Domain,
                             identity::TokenScope::Project, identity::TokenScope::System})
        all.push_back(identity::payloadOf(claims(scope)));
    auto derived = claims(identity::TokenScope::Project);
    derived.trust.text = "00112233445566778899aabbccddeeff";
    all.push_back(identity::payloadOf(derived));
    derived.trust.text.clear();
    derived.applicationCredential.text = "00112233445566778899aabbccddeeff";
    all.push_back(identity::payloadOf(derived));
    derived.applicationCredential.text.clear();
    derived.provider = "corp";
    derived.protocol = "openid";
    all.push_back(identity::payloadOf(derived));
    all.push_back(box().fernet.seal("sealed by us"));
    return all;
}

}
