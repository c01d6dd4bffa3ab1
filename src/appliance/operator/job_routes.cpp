#include "appliance/operator/operator_site.hpp"

#include <stratolet/error.hpp>

#include "platform/ambient/ambient.hpp"
#include "platform/text/text.hpp"

namespace stratolet {

using namespace http;

namespace {

std::int64_t numberIn(const Request& request) {
    const auto& text = request.param("id");
    const auto number = wholeNumberIn(text);
    if (!number) throw Error(Failure::Invalid, "a job has a number; \"", text, "\" is none");
    return *number;
}

Response show(const Request& request, const OperatorParts& parts) {
    const auto job = parts.jobs.find(parts.store.reader(), numberIn(request));
    if (!job)
        throw Error(Failure::NotFound, "there is no unfinished job ", request.param("id"),
                    "; a job that has ended leaves no row, \"stratolet why\" tells what became of its subject");
    return jsonResponse(200, [&](JsonWriter& out) { writeJob(out, *job); });
}

Response retry(const Request& request, const OperatorParts& parts) {
    parts.jobs.retry(numberIn(request));
    return show(request, parts);
}

Response cancel(const Request& request, const OperatorParts& parts) {
    const auto id = numberIn(request);
    const auto job = parts.jobs.find(parts.store.reader(), id);
    parts.store.write([&](store::Transaction& tx) { parts.jobs.cancel(tx, id); });
    return jsonResponse(200, [&](JsonWriter& out) { // as it was: by now it may be over
        const auto body = out.object();
        out.field("id", id);
        out.field("kind", job->kind);
        out.field("subject", job->subject);
        const auto undoes = out.array("undoes");
        for (auto each = job->stages.rbegin(); each != job->stages.rend(); ++each) out.value(each->step);
    });
}

}

void writeJob(JsonWriter& out, const jobs::JobRecord& job) {
    const auto item = out.object();
    out.field("id", job.id);
    out.field("kind", job.kind);
    out.field("subject", job.subject);
    out.field("project", job.owner);
    out.field("lane", job.lane);
    out.field("state", job.state);
    out.field("step", job.step);
    out.field("attempt", job.attempt);
    out.field("error", job.error);
    out.field("cancelled", job.cancelled);
    out.field("progress", job.progress);
    out.field("total", job.total);
    writeTime(out, "created", job.created);
    writeTime(out, "begun", job.begun);
    writeTime(out, "not_before", job.notBefore);
    const auto steps = out.array("steps");
    for (const auto& each : job.stages) {
        const auto step = out.object();
        out.field("step", each.step);
        writeTime(out, "began", each.began);
        writeTime(out, "ended", each.ended);
        out.field("error", each.error);
    }
}

void writeJobs(JsonWriter& out, const std::vector<jobs::JobRecord>& jobs) {
    const auto body = out.object();
    const auto items = out.array("jobs");
    for (const auto& each : jobs) writeJob(out, each);
}

void addJobRoutes(Routes& routes, const OperatorParts& parts) {
    const auto add = [&](Method method, const char* path, auto handler) {
        routes.push_back({method, path, byTheSocket(), [=](Request& request) { return handler(request, parts); }});
    };
    add(Method::Get, "/v1/jobs", [](const Request&, const OperatorParts& its) {
        return jsonResponse(200, [&](JsonWriter& out) { writeJobs(out, its.jobs.list(its.store.reader())); });
    });
    add(Method::Get, "/v1/jobs/{id}", show);
    add(Method::Post, "/v1/jobs/{id}/retry", retry);
    add(Method::Post, "/v1/jobs/{id}/cancel", cancel);
}

}
