// The body of a login, sent to the whole cloud.

#include <cstdlib>

#include "fuzz/target.hpp"
#include "support/test_appliance.hpp"

namespace stratolet::fuzz {
namespace {

test::TestAppliance& cloud() {
    static test::TestAppliance made;
    return made;
}

}

void run(std::string_view input) {
    const auto answer = cloud().asks(http::Method::Post, "/identity/v3/auth/tokens", std::string(input));
    switch (answer.status) {
    case 201:
    case 400:
    case 401:
    case 403:
    case 404: return;
    default: std::abort();
    }
}

std::vector<std::string> seeds() {
    const std::string user = R"("user":{"name":"admin","domain":{"id":"default"},"password":"secret"})";
    const auto login = [](const std::string& method, const std::string& part, const std::string& scope) {
        return R"({"auth":{"identity":{"methods":[")" + method + R"("],")" + method + "\":{" + part + "}}" + scope +
               "}}";
    };
    const auto token = cloud().admin().token;
    return {login("password", user, ""),
            login("password", user, R"(,"scope":{"project":{"name":"admin","domain":{"name":"Default"}}})"),
            login("password", user, R"(,"scope":{"domain":{"id":"default"}})"),
            login("password", user, R"(,"scope":{"system":{"all":true}})"),
            login("password", user, R"(,"scope":"unscoped")"),
            login("token", R"("id":")" + token + "\"", R"(,"scope":{"project":{"id":"x"}})"),
            login("token", R"("id":")" + token + "\"", R"(,"scope":{"OS-TRUST:trust":{"id":"x"}})"),
            login("totp", R"("user":{"id":"x","passcode":"123456"})", ""),
            login("application_credential", R"("id":"x","secret":"y")", ""),
            login("application_credential",
                  R"("name":"x","user":{"name":"admin","domain":{"id":"default"}},"secret":"y")", "")};
}

}
