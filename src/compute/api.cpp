#include "compute/api.hpp"

#include <algorithm>
#include <charconv>

#include "compute/encoding.hpp"
#include "platform/text/text.hpp"
#include "resource/listing.hpp"

namespace stratolet::compute {
namespace {

using http::Request;
using http::Response;

constexpr std::string_view genericHeader = "OpenStack-API-Version", oldHeader = "X-OpenStack-Nova-API-Version";

/// What the version headers ask for, empty where they ask for nothing. The generic one wins where it names compute.
std::string_view askedVersion(const Request& request) {
    for (const auto each : split(request.headers[genericHeader], ',')) {
        const auto item = trimmed(each);
        if (const auto blank = item.find(' '); blank != std::string_view::npos && sameWithoutCase(item.substr(0, blank), "compute"))
            return trimmed(item.substr(blank));
    }
    return trimmed(request.headers[oldHeader]);
}

struct Asked {
    int major = 2, minor = versionMin;
    bool wellFormed = true;
    bool served() const { return major == 2 && minor >= versionMin && minor <= versionMax; }
};

Asked readVersion(const Request& request) {
    const std::string_view text = askedVersion(request);
    if (text.empty()) return {};
    if (sameWithoutCase(text, "latest")) return {2, versionMax, true};
    Asked asked{0, 0, false};
    const char* const end = text.data() + text.size();
    const auto major = std::from_chars(text.data(), end, asked.major);
    if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return asked;
    const auto minor = std::from_chars(major.ptr + 1, end, asked.minor);
    asked.wellFormed = minor.ec == std::errc() && minor.ptr == end && asked.major >= 1 && asked.minor >= 0;
    return asked;
}

bool isLegacy(const Request& request) { return request.path == "/v2" || request.path.starts_with("/v2/"); }

int negotiated(const Request& request) {
    if (isLegacy(request)) return versionMin;
    const Asked asked = readVersion(request);
    if (!asked.wellFormed)
        throw Error(Failure::Invalid, "API Version String ", askedVersion(request),
                    " is of invalid format. Must be of format MajorNum.MinorNum.");
    if (!asked.served())
        throw Error(Failure::Unsupported, "Version ", asked.major, ".", asked.minor, " is not supported by the API. Minimum is 2.",
                    versionMin, " and maximum is 2.", versionMax, ".")
            .as("version");
    return asked.minor;
}

std::string_view faultName(int status) {
    switch (status) {
    case 400: return "badRequest";
    case 401: return "unauthorized";
    case 403: return "forbidden";
    case 404: return "itemNotFound";
    case 405: return "badMethod";
    case 409: return "conflictingRequest";
    case 413:
    case 429: return "overLimit";
    case 415: return "badMediaType";
    case 501: return "notImplemented";
    case 503: return "serviceUnavailable";
    default: return "computeFault";
    }
}

int statusOf(const Error& error) {
    switch (error.failure()) {
    case Failure::Invalid: return 400;
    case Failure::Unauthenticated: return 401;
    case Failure::Forbidden: return 403;
    case Failure::NotFound: return 404;
    case Failure::Conflict: return 409;
    case Failure::OverLimit: return 403;
    case Failure::TooLarge: return 413;
    case Failure::Unsupported: return error.type() == "version" ? 406 : 415;
    case Failure::TimedOut: return 504;
    case Failure::Busy: return 503;
    case Failure::Full: return 507;
    case Failure::Broken: return 500;
    }
    std::abort();
}

/// The service's root as the client sees it, without what stands for compute alone.
std::string identityOf(const Request& request) {
    const std::string_view base = request.base;
    const auto host = base.find("://");
    const auto path = host == std::string_view::npos ? host : base.find('/', host + 3);
    return std::string(base.substr(0, path)) + "/identity";
}

void link(JsonWriter& out, std::string_view rel, std::string_view href) {
    const auto scope = out.object();
    out.field("rel", rel);
    out.field("href", href);
}

void writeVersion(JsonWriter& out, const Request& request, bool current, bool whole) {
    out.field("id", current ? "v2.1" : "v2.0");
    out.field("status", current ? "CURRENT" : "SUPPORTED");
    out.field("version", current ? "2." + std::to_string(versionMax) : "");
    out.field("min_version", current ? "2." + std::to_string(versionMin) : "");
    out.field("updated", current ? "2013-07-23T11:33:21Z" : "2011-01-21T11:33:21Z");
    {
        const auto links = out.array("links");
        link(out, "self", request.base + (current ? "/v2.1/" : "/v2/"));
        if (whole) {
            const auto scope = out.object();
            out.field("rel", "describedby");
            out.field("type", "text/html");
            out.field("href", "http://docs.openstack.org/");
        }
    }
    if (!whole) return;
    const auto types = out.array("media-types");
    const auto scope = out.object();
    out.field("base", "application/json");
    out.field("type", std::string("application/vnd.openstack.compute+json;version=2") + (current ? ".1" : ""));
}

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
    link(out, "self", self(path));
    link(out, "bookmark", bookmark(path));
}

void Call::nextLink(JsonWriter& out, std::string_view name, const std::string& marker) const {
    const auto scope = out.array(name);
    link(out, "next", resource::pageHref(request, marker));
}

void addRoute(http::Routes& routes, http::Method method, std::string_view pattern, std::string rule, Answer answer, Span span,
              http::Runs runs) {
    const http::Handler handler = [answer = std::move(answer), span](Request& request) {
        Call call{request, identity::callerOf(request), negotiated(request), isLegacy(request)};
        if (call.version < span.from || call.version > span.until) {
            call.caller.asked = true; // there is nothing here that anybody could be let at
            throw Error(Failure::NotFound, "The resource could not be found.");
        }
        for (const auto& [name, value] : request.params)
            if (name == "project_id" && value != call.caller.project.text)
                throw Error(Failure::Invalid, "Malformed request URL: URL's project_id '", value, "' doesn't match Context's project_id '",
                            call.caller.project, "'");
        return answer(call);
    };
    for (const char* prefix : prefixes) routes.push_back({method, prefix + std::string(pattern), http::policy(rule), handler, runs});
}

Page pageOf(const http::Query& query) {
    Page page;
    page.limit = std::min<std::int64_t>(query.integer("limit", 0, INT64_MAX).value_or(1000), 1000);
    page.marker = query.find("marker");
    return page;
}

bool booleanOf(const Json& value) {
    if (value.isBoolean()) return value.boolean();
    if (value.isText())
        if (const auto truth = truthOf(value.text())) return *truth;
    value.refuse("It is not a boolean.");
}

bool booleanOf(std::string_view name, const std::string& text) {
    if (const auto truth = truthOf(text)) return *truth;
    throw Error(Failure::Invalid, "Invalid input for query parameters ", name, ". Value: ", text, ". It is not a boolean.");
}

std::int64_t integerOf(const Json& value, std::int64_t least, std::int64_t most) {
    std::int64_t number = 0;
    if (value.isInteger()) {
        number = value.integer();
    } else if (value.isText()) {
        const auto read = wholeNumberIn(value.text());
        if (!read) value.refuse("It is not an integer.");
        number = *read;
    } else {
        value.refuse("It is not an integer.");
    }
    if (number < least) value.refuse(std::to_string(number) + " is less than the minimum of " + std::to_string(least));
    if (number > most) value.refuse(std::to_string(number) + " is greater than the maximum of " + std::to_string(most));
    return number;
}

std::string textOf(const Json& value, std::size_t least, std::size_t most) {
    if (!value.isText()) value.refuse("It is not of type 'string'");
    std::string text = value.text();
    if (lengthInCharacters(text) < least) value.refuse("It is too short");
    if (lengthInCharacters(text) > most) value.refuse("It is too long");
    return text;
}

std::string nameOf(const Json& value) {
    std::string name = textOf(value, 1, 255);
    if (!isPrintable(name) || name.front() == ' ' || name.back() == ' ')
        value.refuse("It must be printable, without a blank at either end.");
    return name;
}

std::string uuidOf(const Json& value) {
    if (!value.isText() || !isUuid(value.text())) value.refuse("It is not a 'uuid'");
    return value.text();
}

std::string addressOf(const Json& value) {
    const std::string address = textOf(value, 1, 64);
    auto canonical = canonicalIpv4(address);
    if (!canonical) canonical = canonicalIpv6(address);
    if (!canonical) value.refuse("It is not an address.");
    return *std::move(canonical);
}

void writeTime(JsonWriter& out, std::string_view name, std::optional<Time> time) {
    time ? out.field(name, isoSecondsZ(*time)) : out.field(name, nullptr);
}

void finish(const Request& request, Response& response) {
    response.headers.set("Vary", std::string(genericHeader) + ", " + std::string(oldHeader));
    response.headers.set("x-openstack-request-id", request.requestId);
    response.headers.set("x-compute-request-id", request.requestId);
    if (isLegacy(request)) return;
    const Asked asked = readVersion(request);
    const std::string version = "2." + std::to_string(asked.wellFormed && asked.served() ? asked.minor : versionMin);
    response.headers.set(genericHeader, "compute " + version);
    response.headers.set(oldHeader, version);
}

Response refuse(const Request& request, const Error& error) {
    const int status = statusOf(error);
    if (status == 401) {
        Response response = http::jsonResponse(401, [](JsonWriter& out) {
            const auto whole = out.object();
            const auto body = out.object("error");
            out.field("code", 401);
            out.field("title", "Unauthorized");
            out.field("message", "The request you have made requires authentication.");
        });
        response.headers.set("WWW-Authenticate", "Keystone uri=\"" + identityOf(request) + "\"");
        return response;
    }
    const std::string message = error.failure() == Failure::Broken || error.failure() == Failure::TimedOut
                                    ? "The server could not do what was asked; its log has the reason under " + request.requestId + "."
                                    : std::string(error.what());
    Response response = http::jsonResponse(status, [&](JsonWriter& out) {
        const auto whole = out.object();
        const auto body = out.object(faultName(status));
        out.field("code", status);
        out.field("message", message);
        if (status == 413) out.field("retryAfter", "0");
    });
    if (status == 413) response.headers.set("Retry-After", "0");
    if (status == 503) response.headers.set("Retry-After", "1");
    return response;
}

Response noRoute(const Request& request) {
    const std::string_view accept = request.headers["Accept"];
    if (accept.find("application/json") != std::string_view::npos)
        return http::jsonResponse(404, [](JsonWriter& out) {
            const auto body = out.object();
            out.field("message", "The resource could not be found.<br /><br />\n\n\n");
            out.field("code", "404 Not Found");
            out.field("title", "Not Found");
        });
    if (accept.find("html") != std::string_view::npos || accept.find("*/*") != std::string_view::npos)
        return http::textResponse(404,
                                  "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n"
                                  "  The resource could not be found.<br /><br />\n\n\n\n </body>\n</html>",
                                  "text/html; charset=UTF-8");
    return http::textResponse(404, "404 Not Found\n\nThe resource could not be found.\n\n   ");
}

void addVersionRoutes(http::Routes& routes) {
    const auto all = [](Request& request) {
        return http::jsonResponse(200, [&](JsonWriter& out) {
            const auto whole = out.object();
            const auto versions = out.array("versions");
            for (const bool current : {false, true}) {
                const auto version = out.object();
                writeVersion(out, request, current, false);
            }
        });
    };
    const auto one = [](bool current) {
        return [current](Request& request) {
            return http::jsonResponse(200, [&](JsonWriter& out) {
                const auto whole = out.object();
                const auto version = out.object("version");
                writeVersion(out, request, current, true);
            });
        };
    };
    const auto why = http::open("version discovery comes before authentication");
    routes.push_back({http::Method::Get, "/", why, http::Handler(all)});
    routes.push_back({http::Method::Get, "/v2.1", why, http::Handler(one(true))});
    routes.push_back({http::Method::Get, "/v2", why, http::Handler(one(false))});
}

}
