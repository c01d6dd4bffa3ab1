#include <algorithm>
#include <array>

#include "identity/credential/delegation.hpp"
#include "identity/dialect.hpp"
#include "identity/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {
namespace {

using namespace http;
using resource::Find;
using resource::Kind;

constexpr std::array<std::string_view, 6> ruleMethods = {"POST", "GET", "HEAD", "PATCH", "PUT", "DELETE"};
constexpr std::size_t rulePathMax = 128, ruleServiceMax = 64, rulesMax = 64, secretMax = 255;

void writeRule(JsonWriter& out, const AccessRule& rule) {
    out.field("id", rule.id);
    out.field("service", rule.service);
    out.field("method", rule.method);
    out.field("path", rule.path);
}

void write(JsonWriter& out, const Request& request, const ApplicationCredential& credential, store::Reader& db,
           const std::string* secret) {
    const auto object = out.object();
    out.field("id", credential.id);
    out.field("name", credential.name);
    out.field("description", credential.description);
    out.field("project_id", credential.project);
    out.field("user_id", credential.user);
    out.field("unrestricted", credential.unrestricted);
    out.field("expires_at", credential.expires ? std::optional(isoMicros(*credential.expires)) : std::nullopt);
    if (secret) out.field("secret", *secret);
    {
        const auto roles = out.array("roles");
        for (const auto& each : credential.roles)
            if (const auto role = roleTable.find(db, each)) {
                const auto entry = out.object();
                out.field("id", role->id);
                out.field("name", role->name);
                out.field("domain_id", role->domain.empty() ? std::nullopt : std::optional(role->domain.text));
            }
    }
    if (credential.rules) {
        const auto rules = out.array("access_rules");
        for (const auto& each : *credential.rules) {
            const auto entry = out.object();
            writeRule(out, each);
        }
    }
    writeSelf(out, request, "users/" + credential.user.text + "/application_credentials/" + credential.id.text);
}

std::string boundedText(const Json& json, std::size_t most) {
    auto text = json.text();
    if (text.empty() || lengthInCharacters(text) > most)
        json.refuse("It must have 1 to " + std::to_string(most) + " characters.");
    return text;
}

AccessRule ruleIn(const Json& json) {
    json.onlyKnows({"id", "service", "method", "path"});
    if (const auto id = json.maybeText("id")) return {{*id}, {}, {}, {}};
    AccessRule rule;
    rule.service = boundedText(json.at("service"), ruleServiceMax);
    rule.method = json.text("method");
    if (std::find(ruleMethods.begin(), ruleMethods.end(), rule.method) == ruleMethods.end())
        json.at("method").refuse("It must be POST, GET, HEAD, PATCH, PUT or DELETE.");
    rule.path = boundedText(json.at("path"), rulePathMax);
    if (!rule.path.starts_with('/')) json.at("path").refuse("It must begin with a slash.");
    return rule;
}

Response create(Request& request, ApplicationCredentials& credentials, Core& core) {
    const Json body = request.json().object("application_credential");
    NewApplicationCredential wanted;
    wanted.name = checkedName(body.at("name"), 255);
    wanted.description = body.maybeText("description");
    if (const auto secret = body.find("secret"); secret && !secret->isNull())
        wanted.secret = boundedText(*secret, secretMax);
    if (const auto truth = body.find("unrestricted"); truth && !truth->isNull()) wanted.unrestricted = truth->boolean();
    wanted.expires = futureTimeIn(body, "expires_at", core.parts.ambient.now());
    if (const auto roles = body.find("roles"); roles && !roles->isNull() && roles->size() > 0)
        wanted.roles = roleReferencesIn(*roles);
    if (const auto rules = body.find("access_rules"); rules && !rules->isNull()) {
        wanted.rules.emplace();
        for (const auto& each : rules->items()) wanted.rules->push_back(ruleIn(each));
        if (wanted.rules->size() > rulesMax) rules->refuse("There may be at most " + std::to_string(rulesMax) + ".");
    }
    const auto [made, secret] = credentials.create(callerOf(request), {request.param("user")}, std::move(wanted));
    return jsonResponse(201, "application_credential", [&, &credential = made, &told = secret](JsonWriter& out) {
        write(out, request, credential, core.parts.store.reader(), &told);
    });
}

Response show(Request& request, ApplicationCredentials& credentials, Core& core) {
    const auto found = credentials.show(callerOf(request), {request.param("user")}, {request.param("id")});
    return jsonResponse(200, "application_credential",
                        [&](JsonWriter& out) { write(out, request, found, core.parts.store.reader(), nullptr); });
}

Response list(Request& request, ApplicationCredentials& credentials, Core& core) {
    store::Conditions conditions;
    static const resource::Words words{{"name", Kind::Text, Find, "name"},
                                       {"project_id", Kind::Text, Find, "project_id"}};
    applyFilters(conditions, request.query, words, 'a');
    const auto found = credentials.list(callerOf(request), {request.param("user")}, conditions);
    return slicedResponse<ApplicationCredential>(request, "application_credentials", found,
                                                 [&](JsonWriter& out, const ApplicationCredential& each) {
                                                     write(out, request, each, core.parts.store.reader(), nullptr);
                                                 });
}

void writeWhole(JsonWriter& out, const Request& request, const AccessRule& rule) {
    const auto object = out.object();
    writeRule(out, rule);
    writeSelf(out, request, "users/" + request.param("user") + "/access_rules/" + rule.id.text);
}

Response listRules(Request& request, ApplicationCredentials& credentials) {
    store::Conditions conditions;
    static const resource::Words words{{"service", Kind::Text, Find, "service"},
                                       {"method", Kind::Text, Find, "method"},
                                       {"path", Kind::Text, Find, "path"}};
    applyFilters(conditions, request.query, words, 'a');
    const auto found = credentials.listRules(callerOf(request), {request.param("user")}, conditions);
    return slicedResponse<AccessRule>(request, "access_rules", found,
                                      [&](JsonWriter& out, const AccessRule& each) { writeWhole(out, request, each); });
}

Response showRule(Request& request, ApplicationCredentials& credentials) {
    const auto found = credentials.showRule(callerOf(request), {request.param("user")}, {request.param("id")});
    return jsonResponse(200, "access_rule", [&](JsonWriter& out) { writeWhole(out, request, found); });
}

}

void addApplicationCredentialRoutes(Routes& routes, ApplicationCredentials& credentials, Core& core) {
    const std::string all = "/v3/users/{user}/application_credentials", one = all + "/{id}";
    routes.push_back({Method::Post, all, policy("identity:create_application_credential"),
                      [&](Request& request) { return create(request, credentials, core); }});
    routes.push_back({Method::Get, all, policy("identity:list_application_credentials"),
                      [&](Request& request) { return list(request, credentials, core); }});
    routes.push_back({Method::Get, one, policy("identity:get_application_credential"),
                      [&](Request& request) { return show(request, credentials, core); }});
    routes.push_back({Method::Delete, one, policy("identity:delete_application_credential"), [&](Request& request) {
                          credentials.remove(callerOf(request), {request.param("user")}, {request.param("id")});
                          return emptyResponse(204);
                      }});
    const std::string rules = "/v3/users/{user}/access_rules", rule = rules + "/{id}";
    routes.push_back({Method::Get, rules, policy("identity:list_access_rules"),
                      [&](Request& request) { return listRules(request, credentials); }});
    routes.push_back({Method::Get, rule, policy("identity:get_access_rule"),
                      [&](Request& request) { return showRule(request, credentials); }});
    routes.push_back({Method::Delete, rule, policy("identity:delete_access_rule"), [&](Request& request) {
                          credentials.removeRule(callerOf(request), {request.param("user")}, {request.param("id")});
                          return emptyResponse(204);
                      }});
}

}
