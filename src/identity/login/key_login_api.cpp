#include "identity/login/auth.hpp"
#include "identity/login/ec2_signature.hpp"
#include "identity/token/fernet.hpp"
#include "identity/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {
namespace {

using namespace http;

constexpr auto skewMax = std::chrono::minutes(15);

/// A signature is good for a quarter of an hour: who records a request can't use it for long.
void checkTime(const std::optional<Time>& time, Time now) {
    if (!time || *time < now - skewMax || *time > now + skewMax) throw refused();
}

std::map<std::string, std::string> textsIn(const Json& body, std::string_view name, bool lowerCase) {
    std::map<std::string, std::string> texts;
    const auto found = body.find(name);
    if (!found || found->isNull()) return texts;
    for (const auto& each : found->names()) {
        const auto value = found->at(each);
        texts[lowerCase ? lowered(each) : each] = value.isText() ? value.text() : value.dump();
    }
    return texts;
}

SignedRequest signedRequestIn(const Json& body) {
    SignedRequest request;
    request.access = body.text("access");
    request.signature = body.text("signature");
    request.verb = body.text("verb", "");
    request.host = body.text("host", "");
    request.path = body.text("path", "");
    request.parameters = textsIn(body, "params", false);
    request.headers = textsIn(body, "headers", true);
    request.bodyHash = body.text("body_hash", "");
    return request;
}

/// The access key, and its secret.
std::pair<Credential, AccessKey> keyOf(Authentication& authentication, const std::string& access) {
    auto& db = authentication.core().parts.store.reader();
    const auto found = authentication.credentials().byAccess(db, access);
    const auto key = found ? accessKeyIn(*found) : std::nullopt;
    if (!key) throw refused();
    return {*found, *key};
}

Response tokenFor(const Request& request, Authentication& authentication, const Credential& credential) {
    const auto result = authentication.logInByKey(credential);
    auto response = jsonResponse(200, [&](JsonWriter& out) {
        writeToken(out, *result.token, authentication.core().parts.store.reader(), !request.query.flag("nocatalog"));
    });
    response.headers.add("X-Subject-Token", result.text);
    return response;
}

Response logInByRequest(Request& request, Authentication& authentication) {
    callerOf(request).enforce();
    const Json whole = request.json();
    const Json body = whole.has("ec2Credentials") ? whole.object("ec2Credentials") : whole.object("credentials");
    const auto wanted = signedRequestIn(body);
    const auto [credential, key] = keyOf(authentication, wanted.access);
    if (!isSignedBy(wanted, key.secret)) throw refused();
    checkTime(signedAt(wanted), authentication.core().parts.ambient.now());
    return tokenFor(request, authentication, credential);
}

Response logInByText(Request& request, Authentication& authentication) {
    callerOf(request).enforce();
    const Json body = request.json().object("credentials");
    const auto text = fromBase64Url(body.text("token"));
    if (!text) body.at("token").refuse("It must be base64url.");
    const auto [credential, key] = keyOf(authentication, body.text("access"));
    if (!isTextSignedBy(*text, body.text("signature"), key.secret)) throw refused();
    const auto now = authentication.core().parts.ambient.now();
    checkTime(textSignedAt(*text, now), now);
    return tokenFor(request, authentication, credential);
}

}

void addKeyLoginRoutes(Routes& routes, Authentication& authentication) {
    routes.push_back({Method::Post, "/v3/ec2tokens", policy("identity:ec2tokens_validate"),
                      [&](Request& request) { return logInByRequest(request, authentication); }});
    routes.push_back({Method::Post, "/v3/s3tokens", policy("identity:s3tokens_validate"),
                      [&](Request& request) { return logInByText(request, authentication); }});
}

}
