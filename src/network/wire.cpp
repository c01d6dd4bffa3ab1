#include "network/wire.hpp"

#include <algorithm>
#include <set>

#include <stratolet/error.hpp>

#include "network/address.hpp"
#include "network/sharing.hpp"
#include "platform/http/failures.hpp"
#include "platform/text/text.hpp"

namespace stratolet::network {

namespace {

using namespace http;
using namespace resource;

int statusOf(Failure failure) { return failure == Failure::OverLimit ? 409 : usualStatus(failure); }

std::string_view typeOf(Failure failure) {
    switch (failure) {
    case Failure::Invalid: return "HTTPBadRequest";
    case Failure::Unauthenticated: return "HTTPUnauthorized";
    case Failure::Forbidden: return "PolicyNotAuthorized";
    case Failure::NotFound: return "HTTPNotFound";
    case Failure::Conflict: return "Conflict";
    case Failure::OverLimit: return "OverQuota";
    case Failure::TooLarge: return "HTTPRequestEntityTooLarge";
    case Failure::Unsupported: return "HTTPUnsupportedMediaType";
    case Failure::TimedOut: return "HTTPGatewayTimeout";
    case Failure::Busy: return "HTTPServiceUnavailable";
    case Failure::Full: return "HTTPInsufficientStorage";
    case Failure::Broken: return "HTTPInternalServerError";
    }
    std::abort();
}

Response envelope(int status, std::string_view type, std::string_view message) {
    return jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto error = out.object("NeutronError");
        out.field("type", type);
        out.field("message", message);
        out.field("detail", "");
    });
}

void checkKind(const Word& attribute, const Json& value) {
    switch (attribute.kind) {
    case Kind::Text:
        if (value.isNull()) return;
        if (!value.isText()) refuseInput(attribute.name, "'" + value.dump() + "' is not a valid string.");
        if (lengthInCharacters(value.text()) > attribute.lengthMax)
            refuseInput(attribute.name, "'" + value.text() + "' exceeds maximum length of " +
                                            std::to_string(attribute.lengthMax) + ".");
        if (value.text().find('\0') != std::string::npos)
            refuseInput(attribute.name, "null characters are not allowed.");
        return;
    case Kind::Whole:
        if (!value.isNull() && !wholeOf(value))
            refuseInput(attribute.name, "'" + value.dump() + "' is not an integer.");
        return;
    case Kind::Truth:
        if (!truthOf(value)) refuseInput(attribute.name, "'" + value.dump() + "' cannot be converted to boolean.");
        return;
    case Kind::Other: return;
    }
}

}

Response refusal(const Request& request, const Error& error) {
    if (error.type() == "RevisionNumberConstraintFailed") return envelope(412, error.type(), error.what());
    if (error.failure() == Failure::Broken)
        return envelope(500, "HTTPInternalServerError",
                        "Request Failed: internal server error while processing your request (" + request.requestId +
                            ").");
    auto response =
        envelope(statusOf(error.failure()),
                 error.type().empty() ? typeOf(error.failure()) : std::string_view(error.type()), error.what());
    if (error.failure() == Failure::Busy) response.headers.add("Retry-After", "1");
    return response;
}

Response noRoute(const Request&, const std::vector<Method>& allowed) {
    if (allowed.empty()) return envelope(404, "HTTPNotFound", "The resource could not be found.");
    auto response = envelope(405, "HTTPMethodNotAllowed", "The method is not allowed for this resource.");
    std::string names;
    for (const auto each : allowed) names += (names.empty() ? "" : ", ") + std::string(nameOf(each));
    response.headers.add("Allow", names);
    return response;
}

std::string dnsNameIn(const Json& value) {
    auto name = value.isNull() ? std::string() : value.text();
    if (!name.empty() && !isHostLabel(name)) refuseInput("dns_name", "'" + name + "' is not a valid name of a host.");
    return name;
}

std::string dnsDomainIn(const Json& value) {
    auto domain = value.isNull() ? std::string() : value.text();
    if (!domain.empty() && !isDomainName(domain)) refuseInput("dns_domain", "'" + domain + "' is not a valid domain.");
    return domain;
}

void checkHasPorts(std::string_view protocol) {
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp" && protocol != "dccp")
        refuseInput("protocol", "'" + std::string(protocol) + "' is not in ['tcp', 'udp', 'sctp', 'dccp'].");
}

Error notSpecified(std::string_view name) {
    return Error(Failure::Invalid, "Failed to parse request. Required attribute '", name, "' not specified")
        .as("HTTPBadRequest");
}

void refuseInput(std::string_view name, const std::string& reason) {
    throw Error(Failure::Invalid, "Invalid input for ", name, ". Reason: ", reason).as("HTTPBadRequest");
}

std::optional<bool> truthOf(const Json& value) {
    if (value.isBoolean()) return value.boolean();
    if (value.isText()) return stratolet::truthOf(value.text());
    if (value.isInteger() && (value.integer() == 0 || value.integer() == 1)) return value.integer() == 1;
    return std::nullopt;
}

std::optional<std::int64_t> wholeOf(const Json& value) {
    if (value.isInteger()) return value.integer();
    if (!value.isText()) return std::nullopt;
    return wholeNumberIn(value.text());
}

void checkBody(const Json& body, const Words& words, bool creating) {
    std::string unknown;
    for (const auto& name : body.names())
        if (!wordOf(words, name)) unknown += (unknown.empty() ? "'" : ", '") + name + "'";
    if (!unknown.empty()) throw Error(Failure::Invalid, "Unrecognized attribute(s) ", unknown).as("HTTPBadRequest");
    for (const auto& name : body.names()) {
        const auto& word = *wordOf(words, name);
        if (creating && !word.may(Post))
            throw Error(Failure::Invalid, "Attribute '", name, "' not allowed in POST").as("HTTPBadRequest");
        if (!creating && !word.may(Put))
            throw Error(Failure::Invalid, "Cannot update read-only attribute ", name).as("HTTPBadRequest");
        checkKind(word, body.at(name));
    }
}

bool truthIn(std::string_view name, const std::string& text) {
    const auto truth = stratolet::truthOf(text);
    if (!truth) refuseInput(name, "'" + text + "' cannot be converted to boolean.");
    return *truth;
}

bool Body::isNull(std::string_view name) const {
    const auto found = value_.find(name);
    return found && found->isNull();
}

std::string Body::text(std::string_view name, std::string_view otherwise) const {
    const auto found = value_.find(name);
    if (!found) return std::string(otherwise);
    return found->isNull() ? "" : found->text();
}

bool Body::truth(std::string_view name, bool otherwise) const {
    const auto found = value_.find(name);
    return found ? truthOf(*found).value_or(otherwise) : otherwise;
}

std::int64_t Body::whole(std::string_view name, std::int64_t otherwise) const {
    const auto found = value_.find(name);
    return found ? wholeOf(*found).value_or(otherwise) : otherwise;
}

Posted posted(const Request& request, std::string_view singular, std::string_view plural) {
    const Json body = request.json();
    if (!body.isObject()) throw Error(Failure::Invalid, "Resource body required").as("HTTPBadRequest");
    if (const auto many = body.find(plural)) {
        if (!many->isArray() || many->size() == 0)
            throw Error(Failure::Invalid, "Resources required").as("HTTPBadRequest");
        Posted out{many->items(), true};
        for (auto& each : out.items) {
            if (const auto inner = each.isObject() ? each.find(singular) : std::nullopt) each = *inner;
            if (!each.isObject())
                throw Error(Failure::Invalid, "Unable to find '", singular, "' in request body").as("HTTPBadRequest");
        }
        return out;
    }
    const auto one = body.find(singular);
    if (!one || !one->isObject())
        throw Error(Failure::Invalid, "Unable to find '", singular, "' in request body").as("HTTPBadRequest");
    return {{*one}, false};
}

Json put(const Request& request, std::string_view singular) {
    const Json body = request.json();
    const auto one = body.isObject() ? body.find(singular) : std::nullopt;
    if (!one || !one->isObject())
        throw Error(Failure::Invalid, "Unable to find '", singular, "' in request body").as("HTTPBadRequest");
    return *one;
}

namespace {

/// The target as the caller meets it; `room` holds it where it differs.
const Target& metBy(const identity::Caller& caller, const Target& target, Target& room) {
    const Target* met = &target;
    for (const auto& [list, attribute] : {std::pair{"shared_with", "shared"}, {"external_for", "router:external"}}) {
        const auto found = target.find(list);
        if (found == target.end() || !Sharing::names(found->second, caller.project.text)) continue;
        if (met != &room) room = target;
        room[attribute] = "True";
        met = &room;
    }
    return *met;
}

}

bool mayOn(const identity::Caller& caller, std::string_view rule, const Target& target) {
    Target room;
    return caller.may(rule, metBy(caller, target, room));
}

void demandOn(const identity::Caller& caller, std::string_view rule, const Target& target) {
    Target room;
    caller.enforce(rule, metBy(caller, target, room));
}

bool seesAll(const identity::Caller& caller, std::string_view rule) {
    // A project that nobody is in: who may see this may see everything.
    return caller.may(rule, {{"project_id", "-"},
                             {"tenant_id", "-"},
                             {"network:project_id", "-"},
                             {"security_group:project_id", "-"},
                             {"shared", "False"},
                             {"router:external", "False"}});
}

void enforceOn(const identity::Caller& caller, std::string_view rule, std::string_view seeing, const Target& target,
               const Error& missing) {
    if (mayOn(caller, rule, target)) return;
    if (!mayOn(caller, seeing, target)) throw missing;
    demandOn(caller, rule, target);
}

Target ownedBy(const std::string& project) { return {{"project_id", project}, {"tenant_id", project}}; }

void enforceAttributes(const identity::Caller& caller, std::string_view rule, const Body& body, const Target& target,
                       bool creating) {
    const auto ask = [&](const std::string& name) {
        if (caller.policy->has(name)) demandOn(caller, name, target);
    };
    for (const auto& name : body.json().names()) {
        const auto value = body.json().at(name);
        if (creating) { // a default that is spelt out is no wish
            const auto truth = truthOf(value);
            if (name == "port_security_enabled" ? truth == true : value.isBoolean() && !value.boolean()) continue;
            if (value.isNull() || (value.isText() && value.text().empty())) continue;
        }
        const auto attributeRule = std::string(rule) + ":" + name;
        ask(attributeRule);
        std::set<std::string> parts;
        const auto collect = [&](const Json& each) {
            if (each.isObject())
                for (const auto& part : each.names()) parts.insert(part);
        };
        collect(value);
        if (value.isArray())
            for (const auto& each : value.items()) collect(each);
        for (const auto& part : parts) ask(attributeRule + ":" + part);
    }
}

std::string projectOf(const identity::Caller& caller, const Body& body) {
    const auto named = body.has("project_id") ? body.text("project_id") : body.text("tenant_id", caller.project.text);
    if (body.has("project_id") && body.has("tenant_id") && body.text("tenant_id") != named)
        throw Error(Failure::Invalid, "'project_id' and 'tenant_id' do not match").as("HTTPBadRequest");
    if (named != caller.project.text && !caller.isAdmin())
        throw Error(Failure::Invalid, "Specifying 'project_id' or 'tenant_id' other than the authenticated project in "
                                      "request requires admin privileges")
            .as("HTTPBadRequest");
    if (named.empty())
        throw Error(Failure::Invalid, "Running without project context: 'project_id' is required").as("HTTPBadRequest");
    return named;
}

}
