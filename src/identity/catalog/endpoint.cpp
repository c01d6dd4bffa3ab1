#include "identity/catalog/endpoint.hpp"

#include "identity/catalog/catalog.hpp"

namespace stratolet::identity {

using namespace resource;

namespace {

std::string checkedUrl(const Json& value) {
    const auto url = value.text();
    if (url.size() < 4 || url.find("://") == std::string::npos)
        value.refuse("It must be an address such as http://host/path.");
    for (auto at = url.find_first_of("$%"); at != std::string::npos; at = url.find_first_of("$%", at + 1)) {
        if (at + 1 < url.size() && url[at + 1] != '(') continue;
        bool known = false;
        for (const std::string_view each :
             {"(project_id)s", "(tenant_id)s", "(user_id)s", "(public_endpoint)s", "(admin_endpoint)s"})
            known = known || std::string_view(url).substr(at + 1).starts_with(each);
        if (!known) value.refuse("It has a part to fill in that is not known here.");
    }
    return url;
}

/// The region that a body names by either of its two names, made on the fly where it came by the older one.
std::optional<std::string> regionFrom(store::Transaction& tx, const Json& body) {
    if (auto id = body.maybeText("region_id")) {
        demandRegion(tx, *id);
        return id;
    }
    auto name = body.maybeText("region");
    if (name) tx.execute("INSERT OR IGNORE INTO regions (id, parent_id, description) VALUES (?, NULL, '')", *name);
    return name;
}

void settle(store::Transaction& tx, Endpoint& endpoint, const Endpoint* before, const Json& body) {
    refuseMissingService(tx, endpoint.service);
    if (before == nullptr || body.has("region_id") || body.has("region")) endpoint.region = regionFrom(tx, body);
    if (before != nullptr && before->url != endpoint.url)
        endpoint.ownPath.reset(); // what somebody has set is not ours to move any more
}

}

const Table<Endpoint> endpointTable(
    "endpoints", 'e',
    {attribute<&Endpoint::id>("id", Show),
     strictText<&Endpoint::service>("service_id", Post | Put | Show | Find | Needed),
     attribute<&Endpoint::region>("region_id", Post | Put | Show | Find).readByHook(),
     computed<Endpoint>(
         "region", Kind::Text, Post | Put | Show | Find,
         [](JsonWriter& out, const Endpoint& it) { out.value(it.region); }, "$.region_id"),
     attribute<&Endpoint::interface>("interface", Post | Put | Show | Find | Needed)
         .readBy([](Endpoint& it, const Json& value, const Reading&) { it.interface = checkedInterface(value); }),
     attribute<&Endpoint::url>("url", Post | Put | Show | Find | Needed)
         .readBy([](Endpoint& it, const Json& value, const Reading&) { it.url = checkedUrl(value); }),
     attribute<&Endpoint::enabled>("enabled", Post | Put | Show | Find), extra<Endpoint>(), links<Endpoint>(),
     column<&Endpoint::ownPath>("own_path", Moves)});

std::string checkedInterface(const Json& value) {
    auto interface = value.text();
    if (interface != "public" && interface != "internal" && interface != "admin")
        value.refuse("It must be one of public, internal, admin.");
    return interface;
}

Endpoints addEndpointRoutes(http::Routes& routes, Core& core) {
    return addNoun<Endpoint>(routes, core,
                             {.table = endpointTable, .readsTold = true, .changesTold = true, .settle = settle});
}

void addCatalogRoutes(http::Routes& routes, Core& core) {
    addRegionRoutes(routes, core);
    addServiceRoutes(routes, core);
    const auto endpoints = addEndpointRoutes(routes, core);
    addEndpointGroupRoutes(routes, core, endpoints);
    addPolicyRoutes(routes, core, endpoints);
}

}
