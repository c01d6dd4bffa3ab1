#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/placement/placement_table.hpp"
#include "compute/placement/query.hpp"
#include "compute/placement/wire.hpp"
#include "compute/placement/word.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute::placement {
namespace {

using http::Method;
using http::Response;

void writeLinks(JsonWriter& out, const Ask& ask, const std::string& uuid) {
    struct Link {
        std::string_view name;
        int from;
    };
    constexpr Link parts[] = {{"inventories", 0}, {"usages", 0}, {"aggregates", 1}, {"traits", 6}, {"allocations", 11}};
    const auto own = hrefOf(ask.request, "/resource_providers/" + uuid);
    const auto links = out.array("links");
    const auto write = [&](std::string_view name, const std::string& href) {
        const auto link = out.object();
        out.field("rel", name);
        out.field("href", href);
    };
    write("self", own);
    for (const auto& each : parts)
        if (ask.since(each.from)) write(each.name, own + "/" + std::string(each.name));
}

void writeParents(JsonWriter& out, const Provider& provider) {
    out.field("parent_provider_uuid", nullptr);
    out.field("root_provider_uuid", provider.uuid);
}

void write(JsonWriter& out, const Ask& ask, const Provider& provider) {
    const auto item = out.object();
    out.field("uuid", provider.uuid);
    out.field("name", provider.name);
    out.field("generation", provider.generation());
    if (ask.since(14)) writeParents(out, provider);
    writeLinks(out, ask, provider.uuid);
}

/// What the list of providers may be asked for in this version.
void requireKnown(const Ask& ask) {
    ask.onlyKnows({"name", "uuid", "resources", "in_tree"}, {"member_of", "required"});
    struct Since {
        std::string_view name;
        int minor;
    };
    constexpr Since all[] = {{"member_of", 3}, {"resources", 4}, {"in_tree", 14}, {"required", 18}};
    for (const auto& each : all)
        if (ask.request.query.has(each.name) && !ask.since(each.minor))
            throw Error(Failure::Invalid, "Invalid query string parameters: Additional properties are not allowed ('",
                        each.name, "' was unexpected)");
}

Response list(Ask& ask) {
    ask.caller.enforce();
    requireKnown(ask);
    return ask.core.parts.store.read([&](store::Reader& db) {
        auto all = providers(ask.core, db);
        const auto condition = conditionIn(ask, db, all);
        const auto name = ask.request.query.find("name"), uuid = ask.request.query.find("uuid");
        if (uuid && !isUuid(*uuid)) wrong("Invalid query string parameters: '" + *uuid + "' is not a 'uuid'");
        const auto fits = [&](const Provider& each) {
            return std::all_of(condition.resources.begin(), condition.resources.end(), [&](const Amount& wanted) {
                const auto* inventory = each.of(wanted.resource);
                return inventory != nullptr && inventory->fits(wanted.count);
            });
        };
        std::erase_if(all, [&](const Provider& each) {
            return (name && *name != each.name) || (uuid && *uuid != each.uuid) || !condition.suits(each) ||
                   !fits(each);
        });
        return http::jsonResponse(200, [&](JsonWriter& out) {
            const auto body = out.object();
            const auto items = out.array("resource_providers");
            for (const auto& each : all) write(out, ask, each);
        });
    });
}

/// The provider of the path, when its rule lets it be seen.
Provider providerOf(const Ask& ask, store::Reader& db) {
    ask.caller.enforce();
    return provider(ask.core, db, ask.param("uuid"));
}

/// Answers about one provider.
template <class Write> Response about(Ask& ask, Write write) {
    return ask.core.parts.store.read([&](store::Reader& db) {
        const auto one = providerOf(ask, db);
        return http::jsonResponse(200, [&](JsonWriter& out) { write(out, one, db); });
    });
}

void writeGeneration(JsonWriter& out, const Provider& provider) {
    out.field("resource_provider_generation", provider.generation());
}

void writeInventory(JsonWriter& out, const Inventory& inventory) {
    out.field("total", inventory.total);
    out.field("reserved", inventory.reserved);
    out.field("min_unit", 1);
    out.field("max_unit", inventory.total);
    out.field("step_size", 1);
    out.field("allocation_ratio", inventory.ratio);
}

Response show(Ask& ask) {
    return about(ask, [&](JsonWriter& out, const Provider& one, store::Reader&) { write(out, ask, one); });
}

Response inventories(Ask& ask) {
    return about(ask, [&](JsonWriter& out, const Provider& one, store::Reader&) {
        const auto body = out.object();
        writeGeneration(out, one);
        const auto all = out.object("inventories");
        for (const auto& each : one.inventories) {
            const auto item = out.object(each.resource);
            writeInventory(out, each);
        }
    });
}

Response inventory(Ask& ask) {
    return about(ask, [&](JsonWriter& out, const Provider& one, store::Reader&) {
        const auto* found = one.of(ask.param("class"));
        if (found == nullptr) absent("No inventory of class " + ask.param("class") + " for " + one.uuid);
        const auto body = out.object();
        writeGeneration(out, one);
        writeInventory(out, *found);
    });
}

Response usages(Ask& ask) {
    return about(ask, [&](JsonWriter& out, const Provider& one, store::Reader&) {
        const auto body = out.object();
        writeGeneration(out, one);
        const auto all = out.object("usages");
        for (const auto& each : one.inventories) out.field(each.resource, each.used);
    });
}

Response aggregates(Ask& ask) {
    return about(ask, [&](JsonWriter& out, const Provider& one, store::Reader&) {
        const auto body = out.object();
        if (ask.since(19)) writeGeneration(out, one);
        const auto items = out.array("aggregates");
        for (const auto& each : one.aggregates) out.value(each);
    });
}

Response traits(Ask& ask) {
    return about(ask, [&](JsonWriter& out, const Provider& one, store::Reader&) {
        const auto body = out.object();
        writeGeneration(out, one);
        const auto items = out.array("traits");
        for (const auto& each : one.traits) out.value(each);
    });
}

Response allocations(Ask& ask) {
    return about(ask, [&](JsonWriter& out, const Provider& one, store::Reader& db) {
        const auto body = out.object();
        writeGeneration(out, one);
        const auto all = out.object("allocations");
        for (const auto& each : placement_table::allocationsOn(db, one.host)) {
            const auto item = out.object(each.server);
            if (ask.since(28)) out.field("consumer_generation", 1);
            const auto resources = out.object("resources");
            for (const auto& amount : each.amounts) out.field(amount.resource, amount.count);
        }
    });
}

/// A write of what only follows: 404 where there is no such provider, else 409.
Answer refusal(std::string_view what) {
    return [what](Ask& ask) -> Response {
        providerOf(ask, ask.core.reader());
        follows(what);
    };
}

Response create(Ask& ask) {
    ask.caller.enforce();
    follows("Resource providers");
}

}

void addProviderRoutes(http::Routes& routes, Core& core) {
    const std::string rule = "placement:resource_providers:", all = "/resource_providers", one = all + "/{uuid}";
    addRoute(routes, core, Method::Get, all, rule + "list", list);
    addRoute(routes, core, Method::Post, all, rule + "create", create);
    addRoute(routes, core, Method::Get, one, rule + "show", show);
    addRoute(routes, core, Method::Put, one, rule + "update", refusal("Resource providers"));
    addRoute(routes, core, Method::Delete, one, rule + "delete", refusal("Resource providers"));
    addRoute(routes, core, Method::Get, one + "/inventories", rule + "inventories:list", inventories);
    addRoute(routes, core, Method::Post, one + "/inventories", rule + "inventories:create", refusal("Inventories"));
    addRoute(routes, core, Method::Put, one + "/inventories", rule + "inventories:update", refusal("Inventories"));
    addRoute(routes, core, Method::Delete, one + "/inventories", rule + "inventories:delete", refusal("Inventories"),
             5);
    addRoute(routes, core, Method::Get, one + "/inventories/{class}", rule + "inventories:show", inventory);
    addRoute(routes, core, Method::Put, one + "/inventories/{class}", rule + "inventories:update",
             refusal("Inventories"));
    addRoute(routes, core, Method::Delete, one + "/inventories/{class}", rule + "inventories:delete",
             refusal("Inventories"));
    addRoute(routes, core, Method::Get, one + "/usages", rule + "usages", usages);
    addRoute(routes, core, Method::Get, one + "/aggregates", rule + "aggregates:list", aggregates, 1);
    addRoute(routes, core, Method::Put, one + "/aggregates", rule + "aggregates:update",
             refusal("Aggregates of providers"), 1);
    addRoute(routes, core, Method::Get, one + "/traits", rule + "traits:list", traits, 6);
    addRoute(routes, core, Method::Put, one + "/traits", rule + "traits:update", refusal("Traits of providers"), 6);
    addRoute(routes, core, Method::Delete, one + "/traits", rule + "traits:delete", refusal("Traits of providers"), 6);
    addRoute(routes, core, Method::Get, one + "/allocations", rule + "allocations:list", allocations);
}

}
