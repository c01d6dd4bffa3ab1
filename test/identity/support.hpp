#pragma once

#include <string>

#include "support/test_appliance.hpp"

// Bodies of logins, and questions about tokens, that several specifications need.

namespace stratolet::test {

inline Answer logsIn(TestAppliance& cloud, const std::string& body, HeaderList headers = {}) {
    return cloud.asks(http::Method::Post, "/identity/v3/auth/tokens", body, headers);
}

inline std::string tokenOf(const Answer& answer) { return std::string(answer.headers["X-Subject-Token"]); }

inline std::string projectScope(const std::string& id) { return R"({"project":{"id":")" + id + "\"}}"; }
inline std::string trustScope(const std::string& id) { return R"({"OS-TRUST:trust":{"id":")" + id + "\"}}"; }

/// `methods` is a JSON list, `parts` the members of "identity" beside it.
inline std::string login(const std::string& methods, const std::string& parts, const std::string& scope = "") {
    return R"({"auth":{"identity":{"methods":)" + methods + "," + parts + "}" +
           (scope.empty() ? "" : ",\"scope\":" + scope) + "}}";
}

inline std::string passwordPart(const Member& who) {
    return R"("password":{"user":{"id":")" + who.user + R"(","password":)" + jsonText(who.password) + "}}";
}

inline std::string passwordLogin(const Member& who, const std::string& scope = "") {
    return login(R"(["password"])", passwordPart(who), scope);
}

inline std::string tokenLogin(const std::string& token, const std::string& scope) {
    return login(R"(["token"])", R"("token":{"id":)" + jsonText(token) + "}", scope);
}

inline std::string credentialLogin(const std::string& id, const std::string& secret) {
    return login(R"(["application_credential"])",
                 R"("application_credential":{"id":")" + id + R"(","secret":)" + jsonText(secret) + "}");
}

/// What the service says of a token now: 200, or 404 where it means nothing.
inline int stateOf(const Member& asker, const std::string& token) {
    return asker.heads("/identity/v3/auth/tokens", {{"X-Subject-Token", token}}).status;
}

inline std::vector<std::string> roleNames(const Answer& answer) {
    std::vector<std::string> names;
    for (const auto& each : answer.json().object("token").array("roles").items()) names.push_back(each.text("name"));
    return names;
}

/// `who` with another token.
inline Member with(Member who, const std::string& token) {
    who.token = token;
    return who;
}

inline std::string roleId(const Member& root, const std::string& name) {
    return root.gets("/identity/v3/roles?name=" + name).json().array("roles").items().at(0).text("id");
}

/// An application credential of `who`, with `more` members in its body (",…").
struct MadeCredential {
    std::string id, secret;
    Answer answer;
};
inline MadeCredential makesCredential(const Member& who, const std::string& name, const std::string& more = "") {
    auto answer = who.posts("/identity/v3/users/" + who.user + "/application_credentials",
                            R"({"application_credential":{"name":)" + jsonText(name) + more + "}}");
    if (answer.status != 201) return {"", "", std::move(answer)};
    const auto made = answer.json().object("application_credential");
    return {made.text("id"), made.text("secret"), std::move(answer)};
}

inline Answer makesTrust(const Member& trustor, const Member& trustee, const std::string& roles,
                         const std::string& more = "") {
    return trustor.posts("/identity/v3/OS-TRUST/trusts",
                         R"({"trust":{"trustor_user_id":")" + trustor.user + R"(","trustee_user_id":")" + trustee.user +
                             R"(","project_id":")" + trustor.project + R"(","roles":)" + roles + more + "}}");
}

}
