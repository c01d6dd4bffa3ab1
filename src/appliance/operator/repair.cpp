#include "appliance/operator/operator_site.hpp"

#include <algorithm>
#include <chrono>

#include <stratolet/error.hpp>

#include "appliance/doctor.hpp"
#include "platform/reconcile/reconciler.hpp"

namespace stratolet {

using namespace http;

namespace {

/// What became of one part of the host.
struct Mending {
    std::string part, complaint;
    std::chrono::milliseconds took{0};
};

Mending mendingOf(Reconciler& reconciler, const std::string& part) {
    const auto began = std::chrono::steady_clock::now();
    Mending mending{part, {}};
    try {
        reconciler.now(part);
    } catch (const std::exception& problem) {
        mending.complaint = problem.what();
    }
    mending.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    return mending;
}

std::vector<std::string> findings(const OperatorParts& parts) {
    return parts.store.read([&](store::Reader& db) { return findingsIn(db, parts.settings, parts.stateDir); });
}

void writeTexts(JsonWriter& out, std::string_view name, const std::vector<std::string>& texts) {
    const auto items = out.array(name);
    for (const auto& each : texts) out.value(each);
}

Response repair(const OperatorParts& parts) {
    const auto before = findings(parts);
    std::vector<Mending> all;
    for (const auto& each : parts.reconciler.parts()) all.push_back(mendingOf(parts.reconciler, each));
    const auto after = findings(parts);
    std::vector<std::string> mended;
    for (const auto& each : before)
        if (std::find(after.begin(), after.end(), each) == after.end()) mended.push_back(each);
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        writeTexts(out, "mended", mended);
        writeTexts(out, "left", after);
        const auto items = out.array("parts");
        for (const auto& each : all) {
            const auto item = out.object();
            out.field("part", each.part);
            out.field("complaint", each.complaint);
            out.field("milliseconds", static_cast<std::int64_t>(each.took.count()));
        }
    });
}

}

void addRepairRoutes(Routes& routes, const OperatorParts& parts) {
    routes.push_back({Method::Post, "/v1/repair", byTheSocket(), [parts](Request&) { return repair(parts); }});
}

}
