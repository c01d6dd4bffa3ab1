#include "appliance/sandbox/sandbox_site.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "platform/http/failures.hpp"
#include "platform/text/text.hpp"

namespace stratolet {
namespace {

using namespace http;

Error wrong(std::string_view name, std::string_view must) {
    return Error(Failure::Invalid, "\"", name, "\" must be ", must, ".");
}

void write(JsonWriter& out, const Fault& fault) {
    const auto body = out.object();
    out.field("id", fault.id);
    out.field("does", nameOf(fault.does));
    out.field("times", fault.times);
    out.field("met", fault.met);
    if (fault.ofRequests) {
        const auto request = out.object("request");
        out.field("service", fault.service);
        out.field("method", fault.method);
        out.field("route", fault.route);
        if (fault.does == Fault::Does::Fail) out.field("status", fault.status);
    } else {
        const auto job = out.object("job");
        out.field("kind", fault.job);
        out.field("step", fault.step);
    }
    if (fault.does == Fault::Does::Delay) out.field("seconds", static_cast<double>(fault.delay.count()) / 1000);
    if (fault.does == Fault::Does::Fail && !fault.ofRequests) out.field("reason", fault.reason);
}

std::int64_t numberIn(const Json& object, std::string_view name, std::int64_t otherwise, std::int64_t least,
                      std::int64_t most) {
    const auto value = object.find(name);
    if (!value) return otherwise;
    if (!value->isInteger() || value->integer() < least || value->integer() > most)
        throw wrong(name, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return value->integer();
}

Fault faultIn(const Json& body, const jobs::Jobs& jobs) {
    body.onlyKnows({"does", "times", "job", "request", "seconds", "reason"});
    Fault fault;
    const auto does = body.text("does");
    if (does == "delay")
        fault.does = Fault::Does::Delay;
    else if (does == "stick")
        fault.does = Fault::Does::Stick;
    else if (does != "fail")
        throw wrong("does", "fail, delay or stick");
    fault.times = numberIn(body, "times", 1, 1, 1'000'000'000);
    if (body.has("request") == body.has("job"))
        throw Error(Failure::Invalid, "Say either \"job\" or \"request\": what is to go wrong.");
    constexpr std::int64_t dayMost = 86400;
    fault.delay = std::chrono::seconds(numberIn(body, "seconds", 1, 0, dayMost));
    if (const auto request = body.find("request")) {
        request->onlyKnows({"service", "method", "route", "status"});
        if (fault.does == Fault::Does::Stick) throw wrong("does", "fail or delay, of requests");
        fault.ofRequests = true;
        fault.service = request->text("service", "");
        fault.method = request->text("method", "");
        fault.route = request->text("route", "");
        fault.status = static_cast<int>(numberIn(*request, "status", 503, 400, 599));
        return fault;
    }
    const auto job = body.object("job");
    job.onlyKnows({"kind", "step"});
    fault.job = job.text("kind", "");
    fault.step = job.text("step", "");
    const auto steps = jobs.stepsOfAll();
    if (std::none_of(steps.begin(), steps.end(), [&](const auto& each) {
            return (fault.job.empty() || fault.job == each.first) && (fault.step.empty() || fault.step == each.second);
        }))
        throw Error(Failure::Invalid, "There is no such job or step; stratolet jobs --steps lists them.");
    fault.reason = body.text("reason", fault.reason);
    return fault;
}

Response clockResponse(ShiftedAmbient& clock) {
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.field("now", isoMicrosZ(clock.now()));
        out.field("ahead", std::chrono::duration_cast<std::chrono::seconds>(clock.shift()).count());
    });
}

void write(JsonWriter& out, const Snapshot& snapshot) {
    const auto body = out.object();
    out.field("id", snapshot.id);
    out.field("name", snapshot.name);
    out.field("created_at", isoMicrosZ(snapshot.created));
}

template <class Each> Response listResponse(std::string_view name, const std::vector<Each>& all) {
    return jsonResponse(200, name, [&](JsonWriter& out) {
        const auto list = out.array();
        for (const auto& each : all) write(out, each);
    });
}

Response snapshotResponse(int status, const Snapshot& snapshot) {
    return jsonResponse(status, "snapshot", [&](JsonWriter& out) { write(out, snapshot); });
}

/// While no step of a job runs and nothing is written: what the store says and what the files are belong together.
Snapshot takeSnapshot(const SandboxParts& parts, std::string name) {
    Snapshot snapshot{.id = parts.clock.uuid(),
                      .name = std::move(name),
                      .created = parts.clock.now(),
                      .ahead = parts.clock.shift(),
                      .faults = parts.faults.all()};
    const auto turn = parts.snapshots.turn();
    parts.jobs.park();
    try {
        parts.store.write([&](store::Transaction&) { parts.snapshots.take(snapshot, parts.store); });
    } catch (...) {
        parts.jobs.start();
        throw;
    }
    parts.jobs.start();
    return snapshot;
}

Routes snapshotRoutes(const SandboxParts& parts, const Access& toy) {
    auto& snapshots = parts.snapshots;
    return {
        {Method::Get, "/snapshots", toy, [&snapshots](Request&) { return listResponse("snapshots", snapshots.all()); }},
        {Method::Post, "/snapshots", toy,
         [parts](Request& request) {
             const auto body = request.body.empty() ? Json::parse("{}") : request.json();
             body.onlyKnows({"name"});
             return snapshotResponse(201, takeSnapshot(parts, body.text("name", "")));
         }},
        {Method::Get, "/snapshots/{id}", toy,
         [&snapshots](Request& request) { return snapshotResponse(200, snapshots.named(request.param("id"))); }},
        {Method::Delete, "/snapshots/{id}", toy,
         [&snapshots](Request& request) {
             snapshots.remove(request.param("id"));
             return emptyResponse(204);
         }},
        {Method::Post, "/snapshots/{id}/restore", toy,
         [parts](Request& request) {
             const auto snapshot = parts.snapshots.named(request.param("id"));
             parts.goBack(snapshot);
             return snapshotResponse(200, snapshot);
         }},
    };
}

Routes faultRoutes(const SandboxParts& parts, const Access& toy) {
    auto& faults = parts.faults;
    return {
        {Method::Get, "/faults", toy, [&faults](Request&) { return listResponse("faults", faults.all()); }},
        {Method::Post, "/faults", toy,
         [&faults, &jobs = parts.jobs](Request& request) {
             const auto made = faults.add(faultIn(request.json(), jobs));
             return jsonResponse(201, "fault", [&](JsonWriter& out) { write(out, made); });
         }},
        {Method::Delete, "/faults", toy,
         [&faults](Request&) {
             faults.clear();
             return emptyResponse(204);
         }},
        {Method::Delete, "/faults/{id}", toy,
         [&faults](Request& request) {
             const auto id = wholeNumberIn(request.param("id"));
             return emptyResponse(id && faults.remove(*id) ? 204 : 404);
         }},
    };
}

Routes clockRoutes(const SandboxParts& parts, const Access& toy) {
    auto& clock = parts.clock;
    return {
        {Method::Get, "/clock", toy, [&clock](Request&) { return clockResponse(clock); }},
        {Method::Post, "/clock", toy,
         [&clock, &reconciler = parts.reconciler](Request& request) {
             const auto body = request.json();
             body.onlyKnows({"advance"});
             constexpr std::int64_t tenYears = std::int64_t{10} * 366 * 86400;
             if (!body.has("advance")) throw wrong("advance", "there: seconds to let pass");
             clock.passes(std::chrono::seconds(numberIn(body, "advance", 0, 0, tenYears)));
             reconciler.kickAll(); // what is due by now
             return clockResponse(clock);
         }},
    };
}

}

Site sandboxSite(const SandboxParts& parts) {
    const auto toy = open("a sandbox is a toy of who runs it");
    Site site;
    site.name = "sandbox";
    site.prefix = "/sandbox";
    for (auto& routes : {faultRoutes(parts, toy), clockRoutes(parts, toy), snapshotRoutes(parts, toy)})
        site.routes.insert(site.routes.end(), routes.begin(), routes.end());
    site.refuse = [](const Request&, const Error& error) {
        return jsonResponse(usualStatus(error.failure()), "error", [&](JsonWriter& out) {
            const auto body = out.object();
            out.field("message", error.what());
        });
    };
    return site;
}

}
