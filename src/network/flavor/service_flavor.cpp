#include <algorithm>

#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/flavor/service_flavor.hpp"
#include "platform/store/many.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

/// A choice of how a service is provided, as it is kept: a record, which nothing here is chosen by.
struct ServiceFlavor {
    Id<ServiceFlavor> id;
    Standard standard; ///< name, description, and when it was made
    std::string serviceType;
    bool enabled = true;
    Texts profiles; ///< ids; only for an answer
};

/// Who would provide a service, as it is kept.
struct ServiceProfile {
    Id<ServiceProfile> id;
    Standard standard; ///< description, and when it was made
    std::string driver, metainfo;
    bool enabled = true;
};

constexpr std::size_t longTextMost = 1024, profilesMost = 100; ///< of a flavor

template <class Record> Attribute<Record> longText(Attribute<Record> attribute) {
    attribute.lengthMax = longTextMost;
    return attribute;
}

const Table<ServiceFlavor> flavorTable(
    "service_flavors", 'i',
    {attribute<&ServiceFlavor::id>("id", Show | Find),
     attribute<&ServiceFlavor::standard, &Standard::name>("name", Post | Put | Show | Find),
     longText(attribute<&ServiceFlavor::standard, &Standard::description>("description", Post | Put | Show | Find)),
     attribute<&ServiceFlavor::serviceType>("service_type", Post | Show | Find),
     attribute<&ServiceFlavor::enabled>("enabled", Post | Put | Show | Find),
     computed<ServiceFlavor>("service_profiles", Kind::Other, Post | Show,
                             [](JsonWriter& out, const ServiceFlavor& it) { Codec<Texts>::show(out, it.profiles); }),
     computed<ServiceFlavor>("project_id", Kind::Text, Post), computed<ServiceFlavor>("tenant_id", Kind::Text, Post),
     column<&ServiceFlavor::standard, &Standard::created>("created")});

const Table<ServiceProfile> profileTable(
    "service_profiles", 'j',
    {attribute<&ServiceProfile::id>("id", Show | Find),
     longText(attribute<&ServiceProfile::standard, &Standard::description>("description", Post | Put | Show | Find)),
     longText(attribute<&ServiceProfile::driver>("driver", Post | Put | Show | Find)),
     longText(attribute<&ServiceProfile::metainfo>("metainfo", Post | Put | Show | Find)),
     attribute<&ServiceProfile::enabled>("enabled", Post | Put | Show | Find),
     computed<ServiceProfile>("project_id", Kind::Text, Post), computed<ServiceProfile>("tenant_id", Kind::Text, Post),
     column<&ServiceProfile::standard, &Standard::created>("created")});

Error flavorNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Flavor ", id, " could not be found.").as("FlavorNotFound");
}
Error profileNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Service Profile ", id, " could not be found.").as("ServiceProfileNotFound");
}

void associate(store::Transaction& tx, const ServiceFlavor& flavor, const std::string& profile) {
    if (!profileTable.find(tx, profile)) throw profileNotFound(profile);
    if (tx.query("SELECT COUNT(*) FROM service_flavor_profiles WHERE flavor = ?", flavor.id).integer() >=
        static_cast<std::int64_t>(profilesMost))
        throw Error(Failure::Conflict, "Flavor ", flavor.id, " has ", profilesMost, " service profiles already.")
            .as("OverQuota");
    if (tx.execute("INSERT OR IGNORE INTO service_flavor_profiles VALUES (?, ?)", flavor.id, profile) == 0)
        throw Error(Failure::Conflict, "Service Profile ", profile, " is already associated with flavor ", flavor.id,
                    ".")
            .as("FlavorServiceProfileBindingExists");
}

ServiceFlavor createFlavor(Core& core, store::Transaction& tx, const Body& body) {
    ServiceFlavor flavor;
    flavor.id.text = core.uuid();
    flavor.standard.created = core.now();
    body.readInto(flavor, flavorTable);
    if (flavor.serviceType.empty()) throw notSpecified("service_type");
    flavorTable.insert(tx, flavor);
    if (const auto profiles = body.find("service_profiles"); profiles && !profiles->isNull()) {
        if (!profiles->isArray()) refuseInput("service_profiles", "'" + profiles->dump() + "' is not a list.");
        for (const auto& each : profiles->items()) associate(tx, flavor, each.isText() ? each.text() : each.dump());
    }
    return flavor;
}

void checkSaysSomething(const ServiceProfile& profile) {
    if (profile.driver.empty() && profile.metainfo.empty())
        throw Error(Failure::Invalid, "Service Profile needs either a driver or metainfo.").as("ServiceProfileEmpty");
}

void completeProfiles(store::Reader& db, std::vector<ServiceFlavor>& all) {
    auto profiles =
        store::many<std::string>(db,
                                 "SELECT b.flavor, b.profile FROM json_each(?) w JOIN "
                                 "service_flavor_profiles b ON b.flavor = w.value ORDER BY w.key, b.profile",
                                 idsOf(all), [](const store::Row& row) { return row.text(1); });
    for (auto& each : all) each.profiles = store::takeOf(profiles, each.id.text);
}

/// Who makes routers here, by the names that operators give a profile's driver (Neutron's class, and its provider).
constexpr std::string_view routerDrivers[] = {
    "single_node", "neutron.services.l3_router.service_providers.single_node.SingleNodeDriver"};

/// The driver of the flavor's first profile, which somebody here is.
std::string nextDriverOf(store::Reader& db, const ServiceFlavor& flavor) {
    const auto first =
        db.query("SELECT profile FROM service_flavor_profiles WHERE flavor = ? ORDER BY profile LIMIT 1", flavor.id)
            .maybeText();
    const auto profile = first ? profileTable.find(db, {*first}) : std::nullopt;
    if (!profile)
        throw Error(Failure::NotFound, "Service Profile  is not associated with flavor ", flavor.id, ".")
            .as("FlavorServiceProfileBindingNotFound");
    if (!profile->enabled) throw Error(Failure::Busy, "Service Profile is not enabled.").as("ServiceProfileDisabled");
    if (std::find(std::begin(routerDrivers), std::end(routerDrivers), profile->driver) == std::end(routerDrivers))
        throw Error(Failure::NotFound, "Service Profile driver ", profile->driver, " could not be found.")
            .as("ServiceProfileDriverNotFound");
    return profile->driver;
}

}

void addServiceFlavorRoutes(http::Routes& routes, Core& core) {
    using Tx = store::Transaction;
    using http::Request;
    using identity::Caller;
    const auto flavors = addNoun<ServiceFlavor>(
        routes, core,
        {.noun = "flavor",
         .table = flavorTable,
         .missing = flavorNotFound,
         .concern = {},
         .complete = completeProfiles,
         .create = [&core](Tx& tx, const Caller&, const Body& body) { return createFlavor(core, tx, body); },
         .update =
             [](Tx& tx, const Caller&, ServiceFlavor flavor, const Body& body) {
                 body.readInto(flavor, flavorTable);
                 flavorTable.update(tx, flavor);
                 return flavor;
             },
         .remove = [](Tx& tx, const Caller&, const ServiceFlavor& flavor) { flavorTable.remove(tx, flavor.id); },
         .tagged = false});
    addNoun<ServiceProfile>(
        routes, core,
        {.noun = "service_profile",
         .table = profileTable,
         .missing = profileNotFound,
         .concern = {},
         .create =
             [&core](Tx& tx, const Caller&, const Body& body) {
                 ServiceProfile profile;
                 profile.id.text = core.uuid();
                 profile.standard.created = core.now();
                 body.readInto(profile, profileTable);
                 checkSaysSomething(profile);
                 profileTable.insert(tx, profile);
                 return profile;
             },
         .update =
             [](Tx& tx, const Caller&, ServiceProfile profile, const Body& body) {
                 body.readInto(profile, profileTable);
                 checkSaysSomething(profile);
                 profileTable.update(tx, profile);
                 return profile;
             },
         .remove =
             [](Tx& tx, const Caller&, const ServiceProfile& profile) {
                 if (tx.query("SELECT 1 FROM service_flavor_profiles WHERE profile = ?", profile.id).any())
                     throw Error(Failure::Conflict, "Service Profile ", profile.id,
                                 " is used by some service instance.")
                         .as("ServiceProfileInUse");
                 profileTable.remove(tx, profile.id);
             },
         .tagged = false,
         .path = "/v2.0/service_profiles"});
    const std::string path = "/v2.0/flavors/{id}/service_profiles";
    routes.push_back(
        {http::Method::Post, path, http::policy("create_flavor_service_profile"), [&core, flavors](Request& request) {
             const auto profile = put(request, "service_profile").maybeText("id").value_or("");
             core.parts.store.write([&](Tx& tx) {
                 associate(tx, flavors->demand(request, tx, "create_flavor_service_profile"), profile);
             });
             return http::jsonResponse(201, "service_profile", [&](JsonWriter& out) {
                 const auto object = out.object();
                 out.field("id", profile);
             });
         }});
    routes.push_back({http::Method::Get, "/v2.0/flavors/{id}/next_providers", http::policy("get_flavor"),
                      [&core, flavors](Request& request) {
                          const auto driver = core.parts.store.read([&](store::Reader& db) {
                              return nextDriverOf(db, flavors->demand(request, db, "get_flavor"));
                          });
                          return http::jsonResponse(200, [&](JsonWriter& out) {
                              const auto body = out.object();
                              const auto list = out.array("next_providers");
                              const auto one = out.object();
                              out.field("provider", "single_node");
                              out.field("driver", driver);
                          });
                      }});
    routes.push_back({http::Method::Delete, path + "/{profile}", http::policy("delete_flavor_service_profile"),
                      [&core, flavors](Request& request) {
                          core.parts.store.write([&](Tx& tx) {
                              const auto flavor = flavors->demand(request, tx, "delete_flavor_service_profile");
                              const auto& profile = request.param("profile");
                              if (tx.execute("DELETE FROM service_flavor_profiles WHERE flavor = ? AND profile = ?",
                                             flavor.id, profile) == 0)
                                  throw Error(Failure::NotFound, "Service Profile ", profile,
                                              " is not associated with flavor ", flavor.id, ".")
                                      .as("FlavorServiceProfileBindingNotFound");
                          });
                          return http::emptyResponse(204);
                      }});
}

}
