#include "appliance/events/cloud_site.hpp"

#include <stratolet/error.hpp>

#include "appliance/events/event.hpp"
#include "identity/caller.hpp"
#include "identity/wire.hpp"
#include "platform/metrics/metrics.hpp"
#include "platform/policy/policy.hpp"
#include "platform/resources.hpp"
#include "platform/text/text.hpp"

namespace stratolet {
namespace {

using namespace http;

/// The number in a query or a header; Error(Invalid) by its name.
std::int64_t eventIn(std::string_view name, std::string_view text) {
    const auto number = wholeNumberIn(text);
    if (!number || *number < 0) throw Error(Failure::Invalid, name, " must be the id of an event, a whole number.");
    return *number;
}

std::optional<std::int64_t> sinceOf(const Request& request) {
    if (const auto since = request.query.find("since")) return eventIn("since", *since);
    if (request.headers.has("Last-Event-ID")) return eventIn("Last-Event-ID", request.headers["Last-Event-ID"]);
    return std::nullopt;
}

EventFilter filterOf(const Request& request) {
    const auto& caller = identity::callerOf(request);
    caller.enforce();
    EventFilter filter;
    filter.type = request.query.text("type");
    if (caller.may("events:list:all_projects", {})) {
        filter.project = request.query.find("project_id");
    } else {
        if (caller.project.text.empty()) throw Error(Failure::Forbidden, "A token of a project is needed.");
        filter.project = caller.project.text;
    }
    return filter;
}

Response gone(const Request& request, std::int64_t since) {
    auto response = identity::refusal(
        request, Error(Failure::Invalid, "What came after event ", std::to_string(since),
                       " is not all here any more; read what you need anew, and go on from what /v1/events says now."));
    response.status = 410;
    return response;
}

Response listOf(const std::vector<Event>& events, std::int64_t seen, std::int64_t keptSince) {
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto list = out.array("events");
            for (const auto& each : events) write(out, each);
        }
        out.field("last", seen); // what a next question is to say it has seen
        out.field("kept_since", keptSince);
    });
}

Response streamOf(store::Store& store, std::int64_t since, EventFilter filter) {
    Response response;
    response.headers.add("Content-Type", "text/event-stream");
    response.headers.add("Cache-Control", "no-store");
    response.feed = [&store, seen = since, filter = std::move(filter),
                     looked = std::int64_t{-1}]() mutable -> std::optional<std::string> {
        const auto changes = store.changes(); // nothing is read where nothing has been written
        if (looked == changes) return std::string();
        const auto before = seen;
        std::string text;
        for (const auto& each : event_table::next(store.reader(), seen, filter, seen)) {
            text += "id: " + std::to_string(each.id) + "\nevent: " + each.type + "\ndata: ";
            JsonWriter out(text);
            write(out, each);
            text += "\n\n";
        }
        if (seen == before) looked = changes;
        return text;
    };
    return response;
}

Response events(Request& request, store::Store& store) {
    auto filter = filterOf(request);
    auto& db = store.reader();
    const auto since = sinceOf(request);
    if (since && !event_table::has(db, *since)) return gone(request, *since);
    auto seen = since.value_or(event_table::last(db));
    if (request.headers["Accept"].find("text/event-stream") != std::string_view::npos)
        return streamOf(store, seen, std::move(filter));
    const auto found = event_table::next(db, seen, filter, seen);
    return listOf(found, seen, event_table::keptSince(db));
}

Response metricsFor(Request& request, Metrics& metrics) {
    identity::callerOf(request).enforce();
    return textResponse(200, metrics.text(Metrics::For::Operators), "text/plain; version=0.0.4; charset=utf-8");
}

}

Site cloudSite(const Parts& parts) {
    parts.policies.add("cloud", policyDefaults("cloud"));
    Site site;
    site.name = "cloud";
    site.prefix = "/v1";
    const auto forStore = boundTo(std::ref(parts.store));
    const auto forMetrics = boundTo(std::ref(parts.metrics));
    site.routes = {{Method::Get, "/events", policy("events:list"), forStore(events)},
                   {Method::Get, "/metrics", policy("metrics:show"), forMetrics(metricsFor)}};
    site.refuse = identity::refusal;
    site.noRoute = identity::noRoute;
    site.finish = [](const Request& request, Response& response) {
        response.headers.add("x-openstack-request-id", request.requestId);
    };
    return site;
}

}
