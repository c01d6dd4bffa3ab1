#include <algorithm>
#include <cctype>

#include <stratolet/error.hpp>

#include "compute/api.hpp"

// The documents that say which versions there are.

namespace stratolet::compute {

using http::Request;

namespace {

void writeVersion(JsonWriter& out, const Request& request, bool current, bool whole) {
    out.field("id", current ? "v2.1" : "v2.0");
    out.field("status", current ? "CURRENT" : "SUPPORTED");
    out.field("version", current ? "2." + std::to_string(versionMax) : "");
    out.field("min_version", current ? "2." + std::to_string(versionMin) : "");
    out.field("updated", current ? "2013-07-23T11:33:21Z" : "2011-01-21T11:33:21Z");
    {
        const auto links = out.array("links");
        writeLink(out, "self", request.base + (current ? "/v2.1/" : "/v2/"));
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
    const auto named = [](Request& request) {
        const std::string& id = request.param("id");
        if (id != "v2.1" && id != "v2.0") throw Error(Failure::NotFound, "The resource could not be found.");
        return http::jsonResponse(200, "version", [&](JsonWriter& out) {
            const auto version = out.object();
            writeVersion(out, request, id == "v2.1", true);
        });
    };
    for (const char* prefix : prefixes)
        routes.push_back({http::Method::Get, prefix + std::string("/versions/{id}"), why, http::Handler(named)});
    // A project behind the version is taken along; any other word is no path of ours.
    for (const bool current : {false, true})
        routes.push_back({http::Method::Get, current ? "/v2.1/{project_id}" : "/v2/{project_id}", why,
                          http::Handler([answer = one(current)](Request& request) {
                              const std::string& project = request.param("project_id");
                              const bool isId = std::all_of(project.begin(), project.end(), [](unsigned char letter) {
                                  return std::isxdigit(letter) || letter == '-';
                              });
                              return isId ? answer(request) : noRoute(request);
                          })});
}

}
