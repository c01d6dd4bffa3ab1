#include "compute/api.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/version.hpp"
#include "resource/listing.hpp"

namespace stratolet::compute {

using http::Request;
using http::Response;

void writeLink(JsonWriter& out, std::string_view rel, std::string_view href) {
    const auto scope = out.object();
    out.field("rel", rel);
    out.field("href", href);
}

Json Call::body(std::string_view name) const {
    const Json whole = request.json();
    if (!whole.isObject()) throw Error(Failure::Invalid, "Malformed request body");
    onlyKnows(whole, {name});
    return whole.object(name);
}

void Call::onlyKnows(const Json& object, std::initializer_list<std::string_view> known) const {
    if (!legacy) object.onlyKnows(known);
}

std::optional<Json> Call::find(const Json& object, std::string_view name, int minor) const {
    auto member = object.find(name);
    if (member && !since(minor)) member->refuse("Additional properties are not allowed.");
    return member;
}

void Call::asksOnly(std::initializer_list<std::string_view> known) const {
    for (const auto& [name, value] : request.query)
        if (std::find(known.begin(), known.end(), name) == known.end())
            throw Error(Failure::Invalid, "Invalid input for query parameters ", name, ". Value: ", value,
                        ". Additional properties are not allowed ('", name, "' was unexpected)");
}

void Call::requireNoBlankId() const {
    if (request.path.ends_with('/')) throw Error(Failure::NotFound, "The resource could not be found.");
}

std::optional<Time> Call::time(std::string_view parameter) const {
    const auto text = request.query.find(parameter);
    if (!text) return std::nullopt;
    const auto time = parseIsoTime(*text);
    if (!time)
        throw Error(Failure::Invalid, "Invalid input for query parameters ", parameter, ". Value: ", *text,
                    ". It is not a 'date-time'");
    return time;
}

Call::Changes Call::changes() const {
    Changes changes{.since = time("changes-since"), .before = since(66) ? time("changes-before") : std::nullopt};
    if (changes.since && changes.before && *changes.before < *changes.since)
        throw Error(Failure::Invalid, "The value of changes-since must be less than or equal to changes-before.");
    return changes;
}

std::string Call::self(std::string_view path) const {
    std::string href = request.base + (legacy ? "/v2" : "/v2.1");
    for (const auto& [name, value] : request.params)
        if (name == "project_id") href += "/" + value;
    return href += path;
}

std::string Call::bookmark(std::string_view path) const {
    std::string href = request.base;
    for (const auto& [name, value] : request.params)
        if (name == "project_id") href += "/" + value;
    return href += path;
}

void Call::links(JsonWriter& out, std::string_view path) const {
    out.key("links");
    linkList(out, path);
}

void Call::linkList(JsonWriter& out, std::string_view path) const {
    const auto scope = out.array();
    writeLink(out, "self", self(path));
    writeLink(out, "bookmark", bookmark(path));
}

void Call::nextLink(JsonWriter& out, std::string_view name, const std::string& marker) const {
    const auto scope = out.array(name);
    writeLink(out, "next", resource::pageHref(request, marker));
}

void addRoute(http::Routes& routes, http::Method method, std::string_view pattern, std::string rule, Answer answer,
              Span span, http::Runs runs) {
    const http::Handler handler = [answer = std::move(answer), span](Request& request) {
        Call call{request, identity::callerOf(request), negotiated(request), isLegacy(request)};
        if (call.version < span.from || call.version > span.until) {
            call.caller.asked = true; // there is nothing here that anybody could be let at
            throw Error(Failure::NotFound, "The resource could not be found.");
        }
        for (const auto& [name, value] : request.params)
            if (name == "project_id" && value != call.caller.project.text)
                throw Error(Failure::Invalid, "Malformed request URL: URL's project_id '", value,
                            "' doesn't match Context's project_id '", call.caller.project, "'");
        return answer(call);
    };
    for (const char* prefix : prefixes)
        routes.push_back({method, prefix + std::string(pattern), http::policy(rule), handler, runs});
}

Page pageOf(const http::Query& query) {
    Page page;
    page.limit = std::min<std::int64_t>(query.integer("limit", 0, INT64_MAX).value_or(1000), 1000);
    page.marker = query.find("marker");
    return page;
}

}
