#include <cstdlib>
#include <string>

#include <stratolet/error.hpp>

#include "compute/version.hpp"
#include "platform/http/failures.hpp"

// How compute says what went wrong, and what every answer of its has.

namespace stratolet::compute {

using http::Request;
using http::Response;

namespace {

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
    const auto failure = error.failure();
    if (failure == Failure::OverLimit) return 403;
    if (failure == Failure::Unsupported && error.type() == "version") return 406;
    if (failure == Failure::Unsupported && error.type() == "notImplemented") return 501;
    return http::usualStatus(failure);
}

/// The service's root as the client sees it, without what stands for compute alone.
std::string identityOf(const Request& request) {
    const std::string_view base = request.base;
    const auto host = base.find("://");
    const auto path = host == std::string_view::npos ? host : base.find('/', host + 3);
    return std::string(base.substr(0, path)) + "/identity";
}

}

void finish(const Request& request, Response& response) {
    response.headers.set("Vary", std::string(genericHeader) + ", " + std::string(oldHeader));
    response.headers.set("x-openstack-request-id", request.requestId);
    response.headers.set("x-compute-request-id", request.requestId);
    if (isLegacy(request)) return;
    const AskedVersion asked = askedVersion(request);
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
    const std::string message =
        error.failure() == Failure::Broken || error.failure() == Failure::TimedOut
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
        return http::textResponse(
            404,
            "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n"
            "  The resource could not be found.<br /><br />\n\n\n\n </body>\n</html>",
            "text/html; charset=UTF-8");
    return http::textResponse(404, "404 Not Found\n\nThe resource could not be found.\n\n   ");
}

}
