#include <array>

#include <stratolet/error.hpp>

#include "image/image_api.hpp"
#include "image/metadef/metadef.hpp"

namespace stratolet::image {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

const std::string namespacesPath = "/v2/metadefs/namespaces";

/// How one kind of item is spoken of. A rule that is empty belongs to a route that this kind doesn't have.
struct Dialect {
    MetadefKind kind;
    std::string_view collection; ///< in paths and in lists
    std::string_view listed;     ///< the list's member
    std::string_view listRule, showRule, addRule, changeRule, removeRule, removeAllRule;
};
constexpr std::array<Dialect, 4> dialects{{
    {MetadefKind::Object, "objects", "objects", "get_metadef_objects", "get_metadef_object", "add_metadef_object",
     "modify_metadef_object", "delete_metadef_object", "delete_metadef_object"},
    {MetadefKind::Property, "properties", "properties", "get_metadef_properties", "get_metadef_property",
     "add_metadef_property", "modify_metadef_property", "remove_metadef_property", "remove_metadef_property"},
    {MetadefKind::Tag, "tags", "tags", "get_metadef_tags", "get_metadef_tag", "add_metadef_tags", "modify_metadef_tag",
     "delete_metadef_tag", "delete_metadef_tags"},
    {MetadefKind::ResourceType, "resource_types", "resource_type_associations", "get_metadef_resource_type", "",
     "add_metadef_resource_type_association", "", "remove_metadef_resource_type_association", ""},
}};

const std::string& namespaceIn(const Request& request) { return request.param("namespace_name"); }

std::string hrefOf(const MetadefNamespace& about) { return namespacesPath + "/" + http::percentEncoded(about.name); }

void writeBody(JsonWriter& out, const std::string& body) {
    const auto json = Json::parse(body);
    for (const auto& name : json.names()) out.rawField(name, json.at(name).dump());
}

void writeTimes(JsonWriter& out, const Time& created, const Time& updated) {
    out.field("created_at", isoSecondsZ(created));
    out.field("updated_at", isoSecondsZ(updated));
}

void writeItem(JsonWriter& out, MetadefKind kind, const std::string& ofNamespace, const MetadefItem& item,
               const std::string& prefix = "") {
    const auto object = out.object();
    out.field("name", prefix + item.name);
    writeBody(out, item.body);
    if (kind == MetadefKind::Property) return;
    writeTimes(out, item.created, item.updated);
    if (kind != MetadefKind::Object) return;
    out.field("self",
              namespacesPath + "/" + http::percentEncoded(ofNamespace) + "/objects/" + http::percentEncoded(item.name));
    out.field("schema", "/v2/schemas/metadefs/object");
}

/// Properties are listed by their names, all else in order.
void writeItems(JsonWriter& out, const Dialect& dialect, const std::string& ofNamespace,
                const std::vector<MetadefItem>& items, const std::string& prefix = "") {
    if (dialect.kind == MetadefKind::Property) {
        const auto object = out.object(dialect.listed);
        for (const auto& each : items) {
            out.rawField(prefix + each.name, each.body);
        }
        return;
    }
    const auto list = out.array(dialect.listed);
    for (const auto& each : items) writeItem(out, dialect.kind, ofNamespace, each);
}

void writeAbout(JsonWriter& out, const MetadefNamespace& about) {
    out.field("namespace", about.name);
    if (about.displayName) out.field("display_name", *about.displayName);
    if (about.description) out.field("description", *about.description);
    out.field("visibility", about.isPublic ? "public" : "private");
    out.field("protected", about.isProtected);
    out.field("owner", about.owner);
    writeTimes(out, about.created, about.updated);
    out.field("self", hrefOf(about));
    out.field("schema", "/v2/schemas/metadefs/namespace");
}

void writeAssociations(JsonWriter& out, const MetadefNamespace& about, store::Reader& db) {
    writeItems(out, dialects[3], about.name, metadef_table::all(db, about.id, MetadefKind::ResourceType));
}

/// What stands before the names of properties on resources of the type that the query names.
std::string prefixFor(const Request& request, const MetadefNamespace& about, store::Reader& db) {
    const auto type = request.query.find("resource_type");
    if (!type) return {};
    const auto association = metadef_table::find(db, about.id, MetadefKind::ResourceType, *type);
    if (!association)
        throw Error(Failure::NotFound, "The metadata definition resource type association ", *type,
                    " was not found in namespace ", about.name, ".");
    return Json::parse(association->body).maybeText("prefix").value_or("");
}

/// The namespace with all that is in it.
Response wholeResponse(const Request& request, int status, const MetadefNamespace& about, store::Reader& db) {
    const auto prefix = prefixFor(request, about, db);
    auto response = http::jsonResponse(status, [&](JsonWriter& out) {
        const auto object = out.object();
        writeAbout(out, about);
        for (const auto& each : dialects) {
            const auto items = metadef_table::all(db, about.id, each.kind);
            if (status != 201 || !items.empty()) writeItems(out, each, about.name, items, prefix);
        }
    });
    if (status == 201) response.headers.add("Location", hrefOf(about));
    return response;
}

// Image API v2, "List namespaces": one key and one direction, the newest first.
constexpr resource::Sorting sorting{
    .direction = [](std::string_view key) { return std::string_view(key == "created_at" ? "desc" : "asc"); },
    .notSorted =
        [](std::string_view key) {
            return Error(Failure::Invalid, "Invalid sort key: ", key,
                         ". It must be created_at, updated_at or namespace.");
        },
    .noDirection =
        [](std::string_view direction) {
            return Error(Failure::Invalid, "Invalid sort direction: ", direction, ". It must be asc or desc.");
        }};

template <class Record> resource::Listing listingIn(const http::Query& query, const resource::Table<Record>& table) {
    resource::Listing listing;
    listing.table = table.text().named();
    listing.keys = resource::sortKeysIn(query, table.text(), table.words(), sorting);
    listing.marker = query.text("marker");
    listing.limit = query.integer("limit", 0, 1000);
    if (listing.limit == 0) listing.limit.reset(); // all of them, as where none is said
    return listing;
}

/// What the next page begins after, where this one is full.
template <class Item>
std::optional<std::string> lastOf(const std::vector<Item>& found, const resource::Listing& listing) {
    if (!listing.limit || static_cast<std::int64_t>(found.size()) != *listing.limit) return std::nullopt;
    return found.back().name;
}

Response listNamespaces(Request& request, Metadefs& metadefs) {
    store::Conditions conditions;
    if (const auto visibility = request.query.find("visibility")) {
        if (*visibility != "public" && *visibility != "private")
            throw Error(Failure::Invalid, "Invalid visibility value: ", *visibility, ". It must be public or private.");
        conditions.add("public = ?", *visibility == "public");
    }
    if (const auto types = request.query.find("resource_types")) {
        std::vector<std::string> names(1);
        for (const char each : *types) each == ',' ? names.emplace_back() : names.back().append(1, each);
        metadef_table::onlyFor(conditions, names);
    }
    auto listing = listingIn(request.query, namespaceColumns);
    listing.conditions = std::move(conditions);
    const auto found = metadefs.list(callerOf(request), listing);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto list = out.array("namespaces");
            for (const auto& each : found) {
                const auto object = out.object();
                writeAbout(out, each);
                writeAssociations(out, each, metadefs.db());
            }
        }
        writeLinks(out, request, namespacesPath, lastOf(found, listing));
        out.field("schema", "/v2/schemas/metadefs/namespaces");
    });
}

Response createNamespace(Request& request, Metadefs& metadefs) {
    const auto made = metadefs.create(callerOf(request), metadefDocumentIn(request.json()));
    return wholeResponse(request, 201, made, metadefs.db());
}

Response updateNamespace(Request& request, Metadefs& metadefs) {
    const auto wanted = metadefDocumentIn(request.json());
    const auto changed = metadefs.update(callerOf(request), namespaceIn(request), wanted.about);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto object = out.object();
        writeAbout(out, changed);
        writeAssociations(out, changed, metadefs.db());
    });
}

Response listItems(Request& request, Metadefs& metadefs, const Dialect& dialect) {
    const auto listing = listingIn(request.query, itemColumns);
    const auto found = dialect.kind == MetadefKind::Property // a list by names has no pages
                           ? metadefs.items(callerOf(request), namespaceIn(request), dialect.kind)
                           : metadefs.items(callerOf(request), namespaceIn(request), dialect.kind, listing);
    std::string prefix;
    if (dialect.kind == MetadefKind::Property && request.query.has("resource_type"))
        prefix = prefixFor(request, *metadef_table::find(metadefs.db(), namespaceIn(request)), metadefs.db());
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        writeItems(out, dialect, namespaceIn(request), found, prefix);
        if (dialect.kind == MetadefKind::Property || dialect.kind == MetadefKind::ResourceType) return;
        writeLinks(out, request,
                   namespacesPath + "/" + http::percentEncoded(namespaceIn(request)) + "/" +
                       std::string(dialect.collection),
                   lastOf(found, listing));
        out.field("schema", "/v2/schemas/metadefs/" + std::string(dialect.collection));
    });
}

Response itemResponse(int status, const Request& request, MetadefKind kind, const MetadefItem& item,
                      const std::string& prefix = "") {
    return http::jsonResponse(status,
                              [&](JsonWriter& out) { writeItem(out, kind, namespaceIn(request), item, prefix); });
}

Response showItem(Request& request, Metadefs& metadefs, MetadefKind kind) {
    auto name = request.param("item");
    std::string prefix;
    if (kind == MetadefKind::Property && request.query.has("resource_type")) {
        // Asked for by the name that it has on a resource.
        const auto about = metadefs.show(callerOf(request), namespaceIn(request));
        prefix = prefixFor(request, about, metadefs.db());
        if (name.starts_with(prefix)) name.erase(0, prefix.size());
    }
    return itemResponse(200, request, kind, metadefs.item(callerOf(request), namespaceIn(request), kind, name), prefix);
}

/// {"tags": [{"name": …}, …]}: in the place of those that there are, or beside them where the header says so.
Response createTags(Request& request, Metadefs& metadefs) {
    std::vector<MetadefItem> wanted;
    const auto body = request.json();
    body.onlyKnows({"tags"});
    for (const auto& each : body.array("tags").items()) wanted.push_back(metadefItemIn(MetadefKind::Tag, each));
    const auto append = request.headers["X-Openstack-Append"];
    const bool beside = append == "true" || append == "True";
    const auto made =
        metadefs.addAll(callerOf(request), namespaceIn(request), MetadefKind::Tag, std::move(wanted), beside);
    return http::jsonResponse(201, [&](JsonWriter& out) {
        const auto object = out.object();
        writeItems(out, dialects[2], namespaceIn(request), made);
    });
}

Response createTag(Request& request, Metadefs& metadefs) {
    const auto body = R"({"name":)" + jsonText(request.param("item")) + "}";
    const auto wanted = metadefItemIn(MetadefKind::Tag, Json::parse(body));
    return itemResponse(201, request, MetadefKind::Tag,
                        metadefs.add(callerOf(request), namespaceIn(request), MetadefKind::Tag, wanted));
}

Response listResourceTypes(Request& request, Metadefs& metadefs) {
    const auto found = metadefs.resourceTypes(callerOf(request));
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto list = out.array("resource_types");
            for (const auto& each : found) {
                const auto object = out.object();
                out.field("name", each.name);
                writeTimes(out, each.created, each.updated);
            }
        }
        out.field("schema", "/v2/schemas/metadefs/resource_types");
    });
}

void addItemRoutes(http::Routes& routes, Metadefs& metadefs, const Dialect& dialect) {
    const auto kind = dialect.kind;
    const std::string all = namespacesPath + "/{namespace_name}/" + std::string(dialect.collection),
                      one = all + "/{item}";
    const auto route = [&](Method method, const std::string& pattern, std::string_view rule, http::Handler handler) {
        if (!rule.empty()) routes.push_back({method, pattern, http::policy(std::string(rule)), std::move(handler)});
    };
    route(Method::Get, all, dialect.listRule,
          [&metadefs, &dialect](Request& request) { return listItems(request, metadefs, dialect); });
    route(Method::Post, all, dialect.addRule, [&metadefs, kind](Request& request) {
        if (kind == MetadefKind::Tag) return createTags(request, metadefs);
        const auto wanted = metadefItemIn(kind, request.json());
        return itemResponse(201, request, kind, metadefs.add(callerOf(request), namespaceIn(request), kind, wanted));
    });
    route(Method::Delete, all, dialect.removeAllRule, [&metadefs, kind](Request& request) {
        metadefs.removeAll(callerOf(request), namespaceIn(request), kind);
        return http::emptyResponse(204);
    });
    route(Method::Get, one, dialect.showRule,
          [&metadefs, kind](Request& request) { return showItem(request, metadefs, kind); });
    route(Method::Put, one, dialect.changeRule, [&metadefs, kind](Request& request) {
        const auto wanted = metadefItemIn(kind, request.json());
        return itemResponse(
            200, request, kind,
            metadefs.change(callerOf(request), namespaceIn(request), kind, request.param("item"), wanted));
    });
    route(Method::Delete, one, dialect.removeRule, [&metadefs, kind](Request& request) {
        metadefs.remove(callerOf(request), namespaceIn(request), kind, request.param("item"));
        return http::emptyResponse(204);
    });
    if (kind == MetadefKind::Tag)
        route(Method::Post, one, "add_metadef_tag",
              [&metadefs](Request& request) { return createTag(request, metadefs); });
}

}

http::Routes metadefRoutes(Metadefs& metadefs) {
    using http::policy;
    const std::string one = namespacesPath + "/{namespace_name}";
    http::Routes routes{
        {Method::Get, namespacesPath, policy("get_metadef_namespaces"),
         [&metadefs](Request& request) { return listNamespaces(request, metadefs); }},
        {Method::Post, namespacesPath, policy("add_metadef_namespace"),
         [&metadefs](Request& request) { return createNamespace(request, metadefs); }},
        {Method::Get, one, policy("get_metadef_namespace"),
         [&metadefs](Request& request) {
             return wholeResponse(request, 200, metadefs.show(callerOf(request), namespaceIn(request)), metadefs.db());
         }},
        {Method::Put, one, policy("modify_metadef_namespace"),
         [&metadefs](Request& request) { return updateNamespace(request, metadefs); }},
        {Method::Delete, one, policy("delete_metadef_namespace"),
         [&metadefs](Request& request) {
             metadefs.remove(callerOf(request), namespaceIn(request));
             return http::emptyResponse(204);
         }},
        {Method::Get, "/v2/metadefs/resource_types", policy("list_metadef_resource_types"),
         [&metadefs](Request& request) { return listResourceTypes(request, metadefs); }},
    };
    for (const auto& each : dialects) addItemRoutes(routes, metadefs, each);
    return routes;
}

}
