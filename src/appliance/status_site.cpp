#include "appliance/status_site.hpp"

#include <algorithm>

#include "platform/metrics/metrics.hpp"

namespace stratolet {

using namespace http;

Site statusSite(Metrics& metrics, std::function<std::vector<std::pair<std::string, std::string>>()> parts) {
    Site site;
    site.name = "status";
    site.routes = {
        {Method::Get, "/", open("names the services, as their own version documents do"),
         [](Request& request) {
             return jsonResponse(200, [&](JsonWriter& out) {
                 const auto body = out.object();
                 const auto services = out.object("services");
                 for (const auto* each : {"identity/v3", "image/v2", "volume/v3", "network/v2.0", "compute/v2.1"}) {
                     const std::string_view path(each);
                     out.field(path.substr(0, path.find('/')), request.base + "/" + each);
                 }
             });
         }},
        {Method::Get, "/healthz", open("monitors have no token; it says nothing but ok"),
         [](Request&) { return textResponse(200, "ok\n"); }},
        {Method::Get, "/readyz", open("monitors have no token; it names parts, not their content"),
         [parts = std::move(parts)](Request&) {
             const auto all = parts();
             const bool ready =
                 std::all_of(all.begin(), all.end(), [](const auto& each) { return each.second.empty(); });
             std::string text;
             for (const auto& [name, complaint] : all)
                 text.append(name).append(complaint.empty() ? " ok\n" : " not ready\n");
             return textResponse(ready ? 200 : 503, text);
         }},
        {Method::Get, "/metrics", open("scrapers have no token; counts only, no names of anybody's things"),
         [&metrics](Request&) {
             return textResponse(200, metrics.text(), "text/plain; version=0.0.4; charset=utf-8");
         }},
    };
    site.finish = [](const Request& request, Response& response) {
        response.headers.add("x-openstack-request-id", request.requestId);
    };
    return site;
}

}
