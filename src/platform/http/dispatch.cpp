#include "platform/http/dispatch.hpp"

#include <algorithm>

#include "platform/ambient/ambient.hpp"
#include "platform/log/log.hpp"
#include "platform/os/prompt.hpp"
#include "platform/text/text.hpp"

namespace stratolet::http {
namespace {

bool hasPrefix(std::string_view path, std::string_view prefix) {
    return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

Response plainRefusal(const Error& error) {
    switch (error.failure()) {
    case Failure::TooLarge:
        return textResponse(error.type() == "header" ? 431 : error.type() == "target" ? 414 : 413, error.what());
    case Failure::Busy: return textResponse(503, error.what());
    case Failure::Full: return textResponse(507, error.what());
    case Failure::Broken: return textResponse(500, "The server could not do that; its log knows why.");
    default: return textResponse(400, error.what());
    }
}

}

Dispatch::Dispatch(Ambient& ambient, Log& log, Metrics& metrics) : ambient_(ambient), log_(log), metrics_(metrics) {}

void Dispatch::add(Site site, std::string onlyFrom) {
    sites_.push_back(std::move(site));
    onlyFrom_.push_back(std::move(onlyFrom));
    served_.clear(); // the routers point into sites_, which has moved
    for (const auto& each : sites_)
        served_.push_back(
            {std::make_unique<Router>(each.routes), std::vector<std::atomic<const Counts*>>(each.routes.size() + 1)});
}

const Dispatch::Counts& Dispatch::countsOf(const Target& place) {
    auto& all = served_[static_cast<std::size_t>(place.site - sites_.data())].counts;
    auto& known = place.route ? all[static_cast<std::size_t>(place.route - place.site->routes.data())] : all.back();
    if (const auto* counts = known.load(std::memory_order_acquire)) return *counts;
    auto labels = metricLabel("service", place.site->name);
    if (place.route)
        labels = metricLabel("route", place.route->pattern, metricLabel("method", nameOf(place.route->method), labels));
    Counts made{&metrics_.histogram("stratolet_http_request_seconds", "From a request's head to its answer", labels),
                {}};
    for (std::size_t hundreds = 0; hundreds < made.answers.size(); ++hundreds)
        made.answers[hundreds] = &metrics_.counter("stratolet_http_requests_total", "Requests answered",
                                                   metricLabel("status", std::to_string(hundreds) + "xx", labels));
    const std::lock_guard guard(counting_);
    const auto& counts = counts_.emplace_back(made); // made twice where two come at once: of the same counters
    known.store(&counts, std::memory_order_release);
    return counts;
}

Dispatch::Target Dispatch::prepare(Request& request, std::string_view target, const std::string& siteName) {
    request.requestId = "req-" + ambient_.uuid();
    request.begun = std::chrono::steady_clock::now();
    // An absolute target (RFC 9112, 3.2.2) is only for proxies; what counts is its path.
    if (const auto scheme = target.find("://"); scheme != std::string_view::npos && scheme < target.find('/')) {
        const auto path = target.find('/', scheme + 3);
        target = path == std::string_view::npos ? "/" : target.substr(path);
    }
    const auto question = target.find('?');
    std::string_view path = target.substr(0, question);
    std::string normal;
    if (path.find('%') != std::string_view::npos) path = normal = percentNormalized(path);
    if (question != std::string_view::npos) request.queryText = target.substr(question + 1);
    request.base = request.endpoint = endpoint_;

    Target place;
    try {
        request.query = Query::parse(request.queryText);
        request.path = percentDecoded(path, false);
        if (!isUtf8(request.path) || request.path.find('\0') != std::string::npos)
            throw Error(Failure::Invalid, "The path has a character that is no text.");
    } catch (const Error& error) {
        place.wrong = error;
        request.path = asUtf8(request.path);
    }
    std::size_t index = 0;
    for (; index < sites_.size(); ++index) {
        const auto& site = sites_[index];
        if (!onlyFrom_[index].empty() && onlyFrom_[index] != request.origin) continue;
        if (siteName.empty() ? hasPrefix(path, site.prefix) : site.name == siteName) {
            if (!place.site || (siteName.empty() && site.prefix.size() > place.site->prefix.size())) place.site = &site;
        }
    }
    if (!place.site) return place;
    request.base += place.site->prefix;
    if (siteName.empty()) {
        path.remove_prefix(place.site->prefix.size());
        request.path.erase(0, place.site->prefix.size()); // which has nothing to decode
        if (path.empty()) request.path = path = "/"; // a service's address is the same with and without its last slash
    }
    const auto& router = *served_[static_cast<std::size_t>(place.site - sites_.data())].router;
    auto found = router.find(request.method, path);
    place.route = request.route = found.route;
    place.allowed = std::move(found.allowed);
    if (found.route) {
        const auto names = namesIn(found.route->pattern);
        for (std::size_t each = 0; each < names.size(); ++each)
            request.params.emplace_back(names[each], percentDecoded(found.values[each], false));
    }
    return place;
}

Response Dispatch::refuse(const Target& place, const Request& request, const Error& error) {
    const bool full = error.failure() == Failure::Full;
    if (full || error.failure() == Failure::Broken)
        log_.error(full ? "no room left on the host" : "request failed",
                   {{"path", request.path}, {"reason", error.what()}});
    // What was full, and where, is for those who run the host.
    const Error told = full ? Error(Failure::Full, "There is no room left on the server for that.") : error;
    Response response = place.site && place.site->refuse ? place.site->refuse(request, told) : plainRefusal(told);
    if (response.status == 503) response.headers.set("Retry-After", "1");
    return response;
}

template <class Work> Response Dispatch::guarded(const Target& place, Request& request, Work&& work) {
    const LogScope scope("request", request.requestId);
    try {
        return work();
    } catch (const Error& error) {
        return refuse(place, request, error);
    } catch (const std::exception& unexpected) {
        return refuse(place, request, Error(Failure::Broken, unexpected.what()));
    }
}

std::optional<Response> Dispatch::refused(const Target& place, Request& request) {
    if (place.wrong) return refuse(place, request, *place.wrong);
    if (!place.site) return textResponse(404, "404 Not Found\n");
    const Prompt prompt;
    bool passed = false;
    Response response = guarded(place, request, [&]() -> Response {
        if (!place.route)
            return place.site->noRoute ? place.site->noRoute(request, place.allowed)
                                       : textResponse(place.allowed.empty() ? 404 : 405, "Not Found\n");
        if (const auto status = refuseFirst_ ? refuseFirst_(*place.site, request) : std::nullopt) {
            auto instead = refuse(place, request, Error(Failure::Invalid, "The sandbox was told to refuse this."));
            instead.status = *status;
            return instead;
        }
        if (place.site->gate) place.site->gate(request);
        passed = true;
        return {};
    });
    if (passed) return std::nullopt;
    return response;
}

bool Dispatch::runsHere(const Target& place, const Request& request) {
    const auto runs = place.route->runs;
    return runs == Runs::Here ||
           (runs == Runs::ByMethod && (request.method == Method::Get || request.method == Method::Head));
}

Response Dispatch::handle(const Target& place, Request& request) {
    const auto& handler = std::get<Handler>(place.route->handler);
    // What runs on a worker may wait for something besides the store, and must not hold a moment of the store
    // meanwhile.
    if (!runsHere(place, request)) return guarded(place, request, [&] { return handler(request); });
    const Prompt prompt;
    return guarded(place, request, [&] {
        if (!around_) return handler(request);
        Response response;
        around_([&] { response = handler(request); });
        return response;
    });
}

std::unique_ptr<BodySink> Dispatch::receive(const Target& place, Request& request, Response& refusal) {
    std::unique_ptr<BodySink> sink;
    Response response = guarded(place, request, [&]() -> Response {
        sink = std::get<Upload>(place.route->handler)(request);
        return {};
    });
    if (!sink) refusal = std::move(response);
    return sink;
}

Response Dispatch::finishUpload(const Target& place, Request& request, BodySink& sink) {
    return guarded(place, request, [&] { return sink.finish(); });
}

void Dispatch::complete(const Target& place, const Request& request, Response& response) {
    if (!place.site) {
        response.headers.add("x-openstack-request-id", request.requestId);
        return;
    }
    if (place.site->finish) {
        try {
            place.site->finish(request, response);
        } catch (const std::exception& unexpected) {
            response = refuse(place, request, Error(Failure::Broken, unexpected.what()));
        }
    }
    const auto hundreds = std::min<std::size_t>(static_cast<std::size_t>(response.status) / 100, 5);
    const auto& counts = countsOf(place);
    counts.answers[hundreds]->fetch_add(1, std::memory_order_relaxed);
    counts.seconds->observe(std::chrono::steady_clock::now() - request.begun);
    if (hears_ && place.route) hears_(*place.site, request, response);
}

}
