#include <stratolet/error.hpp>

#include "compute/placement/placement_table.hpp"
#include "compute/placement/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute::placement {
namespace {

using http::Method;
using http::Response;

constexpr std::string_view consumerType = "INSTANCE";

std::string consumerOf(const Ask& ask) {
    ask.caller.enforce();
    if (!isUuid(ask.param("consumer")))
        throw Error(Failure::Invalid, "Malformed consumer_uuid: ", ask.param("consumer"));
    return ask.param("consumer");
}

Response show(Ask& ask) {
    const auto consumer = consumerOf(ask);
    return ask.core.parts.store.read([&](store::Reader& db) {
        const auto found = placement_table::allocationOf(db, consumer);
        std::optional<Provider> holder;
        if (found)
            for (auto& each : providers(ask.core, db))
                if (each.host == found->host) holder = std::move(each);
        return http::jsonResponse(200, [&](JsonWriter& out) {
            const auto body = out.object();
            {
                const auto all = out.object("allocations");
                if (holder) {
                    const auto item = out.object(holder->uuid);
                    out.field("generation", holder->generation());
                    const auto resources = out.object("resources");
                    for (const auto& each : found->amounts) out.field(each.resource, each.count);
                }
            }
            if (!holder) return;
            if (ask.since(12)) {
                out.field("project_id", found->project);
                out.field("user_id", found->user);
            }
            if (ask.since(28)) out.field("consumer_generation", 1);
            if (ask.since(38)) out.field("consumer_type", consumerType);
        });
    });
}

Response usages(Ask& ask) {
    const auto& query = ask.request.query;
    const auto project = query.find("project_id");
    ask.caller.enforce({{"project_id", project.value_or("")}});
    ask.since(38) ? ask.onlyKnows({"project_id", "user_id", "consumer_type"})
                  : ask.onlyKnows({"project_id", "user_id"});
    if (!project || project->empty() || project->size() > 255)
        throw Error(Failure::Invalid, "Invalid query string parameters: 'project_id' is a required property")
            .as("placement.query.missing_value");
    auto usage = placement_table::usageOf(ask.core.reader(), *project, query.find("user_id"));
    const auto type = query.text("consumer_type", "all");
    if (type != "all" && type != consumerType) usage = {};
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto all = out.object("usages");
        const auto write = [&] {
            for (const auto& each : usage.amounts) out.field(each.resource, each.count);
        };
        if (!ask.since(38)) return write();
        if (usage.servers == 0) return;
        const auto ofType = out.object(type == "all" ? "all" : consumerType);
        out.field("consumer_count", usage.servers);
        write();
    });
}

Answer refusal(std::string_view what) {
    return [what](Ask& ask) -> Response {
        ask.caller.enforce();
        follows(what);
    };
}

/// One that has nothing has nothing to be taken.
Response remove(Ask& ask) {
    const auto consumer = consumerOf(ask);
    if (!placement_table::allocationOf(ask.core.reader(), consumer))
        absent("No allocations for consumer '" + consumer + "'");
    follows("Allocations");
}

Response put(Ask& ask) {
    consumerOf(ask);
    follows("Allocations");
}

}

void addAllocationRoutes(http::Routes& routes, Core& core) {
    const std::string rule = "placement:allocations:", one = "/allocations/{consumer}";
    addRoute(routes, core, Method::Post, "/allocations", rule + "manage", refusal("Allocations"), 13);
    addRoute(routes, core, Method::Get, one, rule + "list", show);
    addRoute(routes, core, Method::Put, one, rule + "update", put);
    addRoute(routes, core, Method::Delete, one, rule + "delete", remove);
    addRoute(routes, core, Method::Get, "/usages", "placement:usages", usages, 9);
    addRoute(routes, core, Method::Post, "/reshaper", "placement:reshaper:reshape",
             refusal("Inventories and allocations"), 30);
}

}
