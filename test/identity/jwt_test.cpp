#include <catch2/catch.hpp>

#include <stratolet/error.hpp>

#include "identity/federation/jwt.hpp"
#include "identity/issuer.hpp"
#include "identity/token/crypto.hpp"

using namespace stratolet;
using namespace stratolet::test;
using identity::SigningKeys;

namespace {
const std::string claims = R"({"sub":"alice"})";
}

TEST_CASE("A token signed by any algorithm of the standard is read, and none that somebody else signed",
          "[identity][federation]") {
    for (const std::string algorithm :
         {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}) {
        CAPTURE(algorithm);
        const Issuer issuer(algorithm), stranger(algorithm);
        const auto keys = SigningKeys::parse(issuer.keySet());
        const auto read = keys.claimsIn(issuer.token(claims));
        REQUIRE(read);
        CHECK(read->text("sub") == "alice");
        CHECK_FALSE(keys.claimsIn(stranger.token(claims)));
        auto changed = issuer.token(claims);
        changed.replace(changed.find('.') + 1, 4, "eyJi");
        CHECK_FALSE(keys.claimsIn(changed));
    }
}

TEST_CASE("A token is not read whose header asks for less than a signature", "[identity][federation][S20]") {
    const Issuer issuer("RS256");
    const auto keys = SigningKeys::parse(issuer.keySet());
    const auto unsignedToken = identity::base64Url(R"({"alg":"none"})") + "." + identity::base64Url(claims) + ".";
    CHECK_FALSE(keys.claimsIn(unsignedToken));
    const auto content = identity::base64Url(R"({"alg":"HS256","kid":"k1"})") + "." + identity::base64Url(claims);
    for (const auto& secret :
         {issuer.keySet(), issuer.publicKey(), issuer.publicBytes(), std::string()}) // what everybody knows
        CHECK_FALSE(keys.claimsIn(content + "." + identity::base64Url(identity::hmacSha256(secret, content))));
    for (const auto* header : {R"({"alg":"RS256","kid":"other"})", R"({"alg":"RS256","typ":"logout+jwt"})",
                               R"({"alg":"rs256"})", R"({"alg":"RS256","crit":["b64"],"b64":false})",
                               R"({"alg":"PS256"})", R"({"alg":"ES256"})", "{}", "[]", "x"}) {
        CAPTURE(header);
        CHECK_FALSE(keys.claimsIn(issuer.token(claims, header)));
    }
    CHECK(keys.claimsIn(issuer.token(claims, R"({"alg":"RS256"})")));
    CHECK(keys.claimsIn(issuer.token(claims, R"({"alg":"RS256","typ":"at+JWT"})")));
}

TEST_CASE("What has not the form of a token is none", "[identity][federation]") {
    const Issuer issuer;
    const auto keys = SigningKeys::parse(issuer.keySet());
    const auto good = issuer.token(claims);
    for (const auto& each :
         {std::string(), std::string("."), std::string(".."), good + ".", "." + good, good + "=", good + " ",
          " " + good, good.substr(0, good.rfind('.')), good.substr(0, good.size() - 1), std::string(100000, 'a'),
          issuer.token("[1]"), issuer.token("no JSON"), issuer.token(R"({"sub":"a","sub":"b"})")}) {
        CAPTURE(each.substr(0, 80));
        CHECK_FALSE(keys.claimsIn(each));
    }
}

TEST_CASE("Only keys that can have signed a token are taken from a set", "[identity][federation]") {
    const Issuer issuer("ES256", "good"), weak("RS256", "weak", 1024), other("ES256", "good");
    const auto set = [](const std::string& keys) { return R"({"keys":[)" + keys + "]}"; };
    const auto secret = std::string(R"({"kty":"oct","k":"AAAA"})"),
               curve = std::string(R"({"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"})");
    const auto offCurve = R"({"kty":"EC","crv":"P-256","x":")" + identity::base64Url(std::string(32, '\1')) +
                          R"(","y":")" + identity::base64Url(std::string(32, '\1')) + "\"}";
    const auto sealing = Issuer().publicKey();
    for (const auto& each : {std::string(), secret, curve, offCurve, weak.publicKey(),
                             R"({"use":"enc",)" + sealing.substr(sealing.find("\"kty"))}) {
        CAPTURE(each);
        CHECK_THROWS_AS(SigningKeys::parse(set(each)), Error);
    }
    for (const auto* each : {"", "{}", "[]", R"({"keys":{}})"}) CHECK_THROWS_AS(SigningKeys::parse(each), Error);
    // Among others, and with a second key of the same name while they are changed.
    const auto keys = SigningKeys::parse(set(secret + "," + other.publicKey() + "," + issuer.publicKey()));
    CHECK(keys.claimsIn(issuer.token(claims)));
    // A key that says what it is for is for nothing else.
    const Issuer rsa("RS256");
    CHECK(SigningKeys::parse(set(rsa.publicKey(R"(,"alg":"RS256")"))).claimsIn(rsa.token(claims)));
    CHECK_FALSE(SigningKeys::parse(set(rsa.publicKey(R"(,"alg":"PS256")"))).claimsIn(rsa.token(claims)));
}
