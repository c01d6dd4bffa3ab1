#include "compute/placement/wire.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <set>

#include <stratolet/error.hpp>

#include "platform/http/failures.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute::placement {
namespace {

using http::Request;
using http::Response;

constexpr std::string_view header = "OpenStack-API-Version";

/// What the header asks for; empty where it asks for nothing of placement's.
std::string versionText(const Request& request) {
    for (const auto each : split(request.headers[header], ',')) {
        const auto item = trimmed(each);
        const auto blank = item.find(' ');
        if (blank != std::string_view::npos && sameWithoutCase(item.substr(0, blank), "placement"))
            return std::string(trimmed(item.substr(blank)));
    }
    return {};
}

/// The minor version that the request gets; nothing for one that isn't served.
std::optional<int> negotiated(const Request& request) {
    const auto text = versionText(request);
    if (text.empty()) return versionMin;
    if (text == "latest") return versionMax;
    const auto parts = split(text, '.');
    if (parts.size() != 2 || parts[0] != "1") return std::nullopt;
    const auto minor = wholeNumberIn(parts[1]);
    if (!minor || *minor < versionMin || *minor > versionMax) return std::nullopt;
    return static_cast<int>(*minor);
}

/// "Sat, 28 Nov 2026 21:54:06 GMT" (RFC 9110, 5.6.7)
std::string httpDate(Time time) {
    const auto seconds = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[40];
    return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

int statusOf(const Error& error) {
    const auto failure = error.failure();
    if (failure == Failure::OverLimit) return 403;
    if (failure == Failure::Unsupported && error.type() == "version") return 406;
    return http::usualStatus(failure);
}

Response errorOf(const Request& request, int status, const std::string& detail, const std::string& code = "") {
    return http::jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto errors = out.array("errors");
        const auto error = out.object();
        out.field("status", status);
        out.field("title", http::reasonOf(status));
        out.field("detail", detail);
        out.field("request_id", request.requestId);
        if (negotiated(request).value_or(versionMin) >= 23)
            out.field("code", code.empty() ? std::string("placement.undefined_code") : code);
        if (status != 406) return;
        out.field("min_version", "1." + std::to_string(versionMin));
        out.field("max_version", "1." + std::to_string(versionMax));
    });
}

}

void Ask::onlyKnows(std::initializer_list<std::string_view> known,
                    std::initializer_list<std::string_view> often) const {
    const auto isIn = [](const auto& list, const std::string& name) {
        return std::find(list.begin(), list.end(), name) != list.end();
    };
    std::set<std::string> seen;
    for (const auto& [name, value] : request.query) {
        if (!isIn(known, name) && !isIn(often, name))
            throw Error(Failure::Invalid, "Invalid query string parameters: Additional properties are not allowed ('",
                        name, "' was unexpected)");
        if (!seen.insert(name).second && !isIn(often, name))
            throw Error(Failure::Invalid, "Query parameter '", name, "' specified multiple times.")
                .as("placement.query.duplicate_key");
    }
}

void addRoute(http::Routes& routes, Core& core, http::Method method, std::string pattern, std::string_view rule,
              Answer answer, int from) {
    routes.push_back(
        {method, std::move(pattern), http::policy(std::string(rule)),
         [&core, from, answer = std::move(answer)](Request& request) {
             const auto& caller = identity::callerOf(request);
             const auto version = negotiated(request);
             if (!version) {
                 caller.asked = true;
                 throw Error(Failure::Unsupported, "Unacceptable version header: ", versionText(request)).as("version");
             }
             if (*version < from) {
                 caller.asked = true; // there is nothing here that anybody could be let at
                 absent("There is no such path.");
             }
             Ask ask{request, caller, core, *version};
             auto response = answer(ask);
             if (*version >= 15 && response.status == 200) { // a view is as new as the answer
                 response.headers.set("Last-Modified", httpDate(core.now()));
                 response.headers.set("Cache-Control", "no-cache");
             }
             return response;
         }});
}

std::string hrefOf(const Request& request, std::string_view path) {
    const auto host = request.base.find("://");
    const auto begin = host == std::string::npos ? 0 : request.base.find('/', host + 3);
    return (begin == std::string::npos ? "" : request.base.substr(begin)) + std::string(path);
}

void absent(const std::string& what) { throw Error(Failure::NotFound, what); }
void wrong(const std::string& what) { throw Error(Failure::Invalid, what).as("placement.query.bad_value"); }

void follows(std::string_view what) {
    throw Error(Failure::Conflict, what,
                " follow from the servers and hosts of this cloud, and are changed with those.");
}

void finish(const Request& request, Response& response) {
    response.headers.set("Vary", std::string(header));
    response.headers.set("x-openstack-request-id", request.requestId);
    const auto version = negotiated(request);
    response.headers.set(header, "placement 1." + std::to_string(version.value_or(versionMin)));
}

Response refuse(const Request& request, const Error& error) {
    const int status = statusOf(error);
    const bool ours = status >= 500 && status != 503;
    const std::string why =
        ours ? "The server could not do what was asked; its log has the reason under " + request.requestId + "."
             : std::string(error.what());
    auto response = errorOf(request, status, why, error.type() == "version" ? "" : error.type());
    if (status == 503) response.headers.set("Retry-After", "1");
    return response;
}

Response noRoute(const Request& request, const std::vector<http::Method>& allowed) {
    if (allowed.empty()) return errorOf(request, 404, "The resource could not be found.");
    std::string names;
    for (const auto each : allowed) names.append(names.empty() ? "" : ", ").append(http::nameOf(each));
    auto response = errorOf(request, 405, "The method specified is not allowed for this resource.");
    response.headers.set("Allow", names);
    return response;
}

void addVersionRoute(http::Routes& routes) {
    for (const auto* path : {"/", ""})
        routes.push_back({http::Method::Get, path, http::open("says which versions there are"), [](Request&) {
                              return http::jsonResponse(200, [&](JsonWriter& out) {
                                  const auto body = out.object();
                                  const auto versions = out.array("versions");
                                  const auto version = out.object();
                                  out.field("id", "v1.0");
                                  out.field("max_version", "1." + std::to_string(versionMax));
                                  out.field("min_version", "1." + std::to_string(versionMin));
                                  out.field("status", "CURRENT");
                                  const auto links = out.array("links");
                                  const auto link = out.object();
                                  out.field("rel", "self");
                                  out.field("href", "");
                              });
                          }});
}

}
