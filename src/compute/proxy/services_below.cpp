#include "compute/proxy/services_below.hpp"

#include <optional>

#include <stratolet/error.hpp>

#include "platform/http/failures.hpp"

namespace stratolet::compute {
namespace {

/// {"NeutronError": {"message": …}}, {"badRequest": {"message": …}}: each service has its own word around it.
std::optional<Json> faultIn(const http::Response& response) {
    if (!response.body.starts_with('{')) return std::nullopt;
    const Json body = Json::parse(response.body);
    for (const auto& name : body.names())
        if (const Json fault = body.at(name); fault.isObject() && fault.has("message")) return fault;
    return std::nullopt;
}

[[noreturn]] void refused(const http::Response& response) {
    const auto fault = faultIn(response);
    const bool quota = fault && fault->text("type", "") == "OverQuota";
    const std::string reason = fault ? fault->text("message") : std::string(http::reasonOf(response.status));
    throw Error(quota ? Failure::OverLimit : http::failureOf(response.status), reason);
}

}

Json ServicesBelow::ask(const http::Request& from, const Question& question) {
    http::Request request;
    request.method = question.method;
    request.headers.add("X-Auth-Token", std::string(from.headers["X-Auth-Token"]));
    if (!question.body.empty()) request.headers.add("Content-Type", question.type);
    request.body = question.body;
    request.peer = from.peer;
    const auto place = dispatch_.prepare(request, question.target, "");
    auto refusal = dispatch_.refused(place, request);
    http::Response response = refusal ? std::move(*refusal) : dispatch_.handle(place, request);
    dispatch_.complete(place, request, response);
    if (response.status >= 300) refused(response);
    return Json::parse(response.body.empty() ? "{}" : response.body);
}

}
