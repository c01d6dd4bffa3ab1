#include "identity/credential/credential.hpp"
#include "identity/dialect.hpp"
#include "identity/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {
namespace {

using namespace http;

constexpr std::size_t typeMax = 255;

void write(JsonWriter& out, const Request& request, const Credential& credential) {
    const auto object = out.object();
    out.field("id", credential.id);
    out.field("user_id", credential.user);
    out.field("project_id", credential.project.empty() ? std::nullopt : std::optional(credential.project.text));
    out.field("type", credential.type);
    out.field("blob", credential.blob);
    writeSelf(out, request, "credentials/" + credential.id.text);
}

Response answer(const Request& request, int status, const Credential& credential) {
    return jsonResponse(status, "credential", [&](JsonWriter& out) { write(out, request, credential); });
}

std::string typeIn(const Json& body) {
    auto type = body.text("type");
    if (type.empty() || lengthInCharacters(type) > typeMax) body.at("type").refuse("It must have 1 to 255 characters.");
    return type;
}

Response create(Request& request, StoredCredentials& credentials) {
    const Json body = request.json().object("credential");
    Credential wanted;
    wanted.type = typeIn(body);
    wanted.blob = body.text("blob");
    wanted.user.text = body.maybeText("user_id").value_or("");
    wanted.project.text = body.maybeText("project_id").value_or("");
    return answer(request, 201, credentials.create(callerOf(request), std::move(wanted)));
}

Response list(Request& request, StoredCredentials& credentials) {
    store::Conditions conditions;
    using resource::Kind;
    static const resource::Words words{{"user_id", Kind::Text, resource::Find, "user_id"},
                                       {"type", Kind::Text, resource::Find, "type"}};
    applyFilters(conditions, request.query, words, 'c');
    const auto found = credentials.list(callerOf(request), conditions);
    return slicedResponse<Credential>(request, "credentials", found,
                                      [&](JsonWriter& out, const Credential& each) { write(out, request, each); });
}

Response update(Request& request, StoredCredentials& credentials) {
    const Json body = request.json().object("credential");
    CredentialChange change;
    if (body.has("type")) change.type = typeIn(body);
    change.blob = body.maybeText("blob");
    if (const auto user = body.maybeText("user_id")) change.user = UserId{*user};
    if (body.has("project_id")) change.project = ProjectId{body.maybeText("project_id").value_or("")};
    if (const auto id = body.maybeText("id"); id && *id != request.param("id"))
        body.at("id").refuse("It cannot be changed.");
    return answer(request, 200, credentials.update(callerOf(request), {request.param("id")}, change));
}

void writeKey(JsonWriter& out, const Request& request, const Credential& credential) {
    const auto key = accessKeyIn(credential).value_or(AccessKey());
    const auto object = out.object();
    out.field("access", key.access);
    out.field("secret", key.secret);
    out.field("user_id", credential.user);
    out.field("tenant_id", credential.project);
    out.field("trust_id", nullptr);
    writeSelf(out, request, "users/" + credential.user.text + "/credentials/OS-EC2/" + key.access);
}

Response keyAnswer(const Request& request, int status, const Credential& credential) {
    return jsonResponse(status, "credential", [&](JsonWriter& out) { writeKey(out, request, credential); });
}

Response listKeys(Request& request, StoredCredentials& credentials) {
    const auto found = credentials.listAccessKeys(callerOf(request), {request.param("user")});
    return slicedResponse<Credential>(request, "credentials", found,
                                      [&](JsonWriter& out, const Credential& each) { writeKey(out, request, each); });
}

}

void addCredentialRoutes(Routes& routes, StoredCredentials& credentials) {
    const std::string all = "/v3/credentials", one = all + "/{id}";
    routes.push_back({Method::Post, all, policy("identity:create_credential"),
                      [&](Request& request) { return create(request, credentials); }});
    routes.push_back({Method::Get, all, policy("identity:list_credentials"),
                      [&](Request& request) { return list(request, credentials); }});
    routes.push_back({Method::Get, one, policy("identity:get_credential"), [&](Request& request) {
                          return answer(request, 200, credentials.show(callerOf(request), {request.param("id")}));
                      }});
    routes.push_back({Method::Patch, one, policy("identity:update_credential"),
                      [&](Request& request) { return update(request, credentials); }});
    routes.push_back({Method::Delete, one, policy("identity:delete_credential"), [&](Request& request) {
                          credentials.remove(callerOf(request), {request.param("id")});
                          return emptyResponse(204);
                      }});
}

void addAccessKeyRoutes(Routes& routes, StoredCredentials& credentials) {
    const std::string all = "/v3/users/{user}/credentials/OS-EC2", one = all + "/{access}";
    routes.push_back({Method::Post, all, policy("identity:ec2_create_credential"), [&](Request& request) {
                          const auto project = request.json().text("tenant_id");
                          return keyAnswer(
                              request, 201,
                              credentials.createAccessKey(callerOf(request), {request.param("user")}, {project}));
                      }});
    routes.push_back({Method::Get, all, policy("identity:ec2_list_credentials"),
                      [&](Request& request) { return listKeys(request, credentials); }});
    routes.push_back({Method::Get, one, policy("identity:ec2_get_credential"), [&](Request& request) {
                          return keyAnswer(request, 200,
                                           credentials.showAccessKey(callerOf(request), {request.param("user")},
                                                                     request.param("access")));
                      }});
    routes.push_back({Method::Delete, one, policy("identity:ec2_delete_credential"), [&](Request& request) {
                          credentials.removeAccessKey(callerOf(request), {request.param("user")},
                                                      request.param("access"));
                          return emptyResponse(204);
                      }});
}

}
