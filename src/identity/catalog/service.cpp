#include "identity/catalog/catalog.hpp"
#include "identity/noun.hpp"

namespace stratolet::identity {

using namespace resource;

namespace {

/// What the catalog says that there is, by type; it has endpoints.
struct Service {
    static constexpr std::string_view noun = "service", path = "services";
    std::string id;
    std::string type;
    std::optional<std::string> name, description;
    bool enabled = true;
    std::string extra = "{}";
};

const Table<Service> serviceTable("services", 's',
                                  {attribute<&Service::id>("id", Show),
                                   named<&Service::type>("type", Post | Put | Show | Find | Needed),
                                   attribute<&Service::name>("name", Post | Put | Show | Find)
                                       .written([](JsonWriter& out, const Service& it, const http::Request&) {
                                           if (it.name) out.field("name", *it.name);
                                       }),
                                   attribute<&Service::description>("description", Post | Put | Show | Find)
                                       .written([](JsonWriter& out, const Service& it, const http::Request&) {
                                           if (it.description) out.field("description", *it.description);
                                       }),
                                   attribute<&Service::enabled>("enabled", Post | Put | Show | Find), extra<Service>(),
                                   links<Service>()});

}

void demandService(store::Reader& db, const std::string& id) {
    if (!serviceTable.find(db, id)) throw missing<Service>(id);
}

void refuseMissingService(store::Reader& db, const std::string& id) {
    if (!serviceTable.find(db, id)) throw Error(Failure::Invalid, "Could not find service: ", id, ".");
}

void addServiceRoutes(http::Routes& routes, Core& core) { addNoun<Service>(routes, core, {.table = serviceTable}); }

}
