#include <algorithm>
#include <array>
#include <set>

#include <stratolet/error.hpp>

#include "compute/placement/placement_table.hpp"
#include "compute/placement/wire.hpp"
#include "compute/placement/word.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute::placement {
namespace {

using http::Method;
using http::Response;

// os-resource-classes, by number.
constexpr auto standardClasses = std::to_array<std::string_view>({"VCPU",
                                                                  "MEMORY_MB",
                                                                  "DISK_GB",
                                                                  "PCI_DEVICE",
                                                                  "SRIOV_NET_VF",
                                                                  "NUMA_SOCKET",
                                                                  "NUMA_CORE",
                                                                  "NUMA_THREAD",
                                                                  "NUMA_MEMORY_MB",
                                                                  "IPV4_ADDRESS",
                                                                  "VGPU",
                                                                  "VGPU_DISPLAY_HEAD",
                                                                  "NET_BW_EGR_KILOBIT_PER_SEC",
                                                                  "NET_BW_IGR_KILOBIT_PER_SEC",
                                                                  "PCPU",
                                                                  "MEM_ENCRYPTION_CONTEXT",
                                                                  "FPGA",
                                                                  "PGPU",
                                                                  "NET_PACKET_RATE_KILOPACKET_PER_SEC",
                                                                  "NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC",
                                                                  "NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC"});

void requireCustom(const std::string& name, std::string_view what) {
    if (!isCustom(name))
        throw Error(Failure::Invalid, "The ", what, " is invalid. A valid ", what,
                    " must begin with 'CUSTOM_' and contain only the letters A-Z, the numbers 0-9 and the '_' "
                    "character. It may be no longer than 255.");
}

bool known(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string classHref(const Ask& ask, const std::string& name) {
    return hrefOf(ask.request, "/resource_classes/" + name);
}

void writeClass(JsonWriter& out, const Ask& ask, const std::string& name) {
    const auto item = out.object();
    out.field("name", name);
    const auto links = out.array("links");
    const auto link = out.object();
    out.field("rel", "self");
    out.field("href", classHref(ask, name));
}

Response listClasses(Ask& ask) {
    ask.caller.enforce();
    const auto names = knownClasses(ask.core.reader());
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("resource_classes");
        for (const auto& each : names) writeClass(out, ask, each);
    });
}

void requireClass(const Ask& ask, const std::string& name) {
    if (!known(knownClasses(ask.core.reader()), name)) absent("No such resource class " + name + ".");
}

Response showClass(Ask& ask) {
    ask.caller.enforce();
    const auto name = ask.param("name");
    requireClass(ask, name);
    return http::jsonResponse(200, [&](JsonWriter& out) { writeClass(out, ask, name); });
}

Response made(const Ask& ask, const std::string& path, int status) {
    auto response = http::emptyResponse(status);
    response.headers.set("Location", ask.request.base + path);
    return response;
}

Response createClass(Ask& ask) {
    ask.caller.enforce();
    const Json body = ask.request.json();
    if (!body.isObject()) throw Error(Failure::Invalid, "JSON does not validate: it is not of type 'object'");
    body.onlyKnows({"name"});
    const auto name = body.text("name");
    requireCustom(name, "resource class");
    const bool added =
        ask.core.parts.store.write([&](store::Transaction& tx) { return placement_table::addWord(tx, "class", name); });
    if (!added) throw Error(Failure::Conflict, "Conflicting resource class already exists: ", name);
    return made(ask, "/resource_classes/" + name, 201);
}

/// From 1.7 on it is made, where it isn't there; before it was renamed, which nobody needs.
Response putClass(Ask& ask) {
    ask.caller.enforce();
    const auto name = ask.param("name");
    requireCustom(name, "resource class");
    const bool added =
        ask.core.parts.store.write([&](store::Transaction& tx) { return placement_table::addWord(tx, "class", name); });
    return made(ask, "/resource_classes/" + name, added ? 201 : 204);
}

Response removeClass(Ask& ask) {
    ask.caller.enforce();
    const auto name = ask.param("name");
    requireClass(ask, name);
    if (isStandardClass(name)) throw Error(Failure::Invalid, "Cannot delete standard resource class ", name, ".");
    ask.core.parts.store.write([&](store::Transaction& tx) { placement_table::removeWord(tx, "class", name); });
    return http::emptyResponse(204);
}

/// "in:A,B" or "startswith:A".
void select(std::vector<std::string>& names, const std::string& filter) {
    constexpr std::string_view in = "in:", prefix = "startswith:";
    if (filter.starts_with(in)) {
        const std::string_view list = std::string_view(filter).substr(in.size());
        const auto wanted = split(list, ',');
        std::erase_if(names, [&](const std::string& each) {
            return std::find(wanted.begin(), wanted.end(), each) == wanted.end();
        });
    } else if (filter.starts_with(prefix)) {
        std::erase_if(names, [&](const std::string& each) { return !each.starts_with(filter.substr(prefix.size())); });
    } else {
        wrong("Badly formatted name parameter. Expected name query string parameter in form: "
              "?name=[in|startswith]:[name1,name2|prefix]. Got: \"" +
              filter + "\"");
    }
}

Response listTraits(Ask& ask) {
    ask.caller.enforce();
    ask.onlyKnows({"name", "associated"});
    auto& db = ask.core.reader();
    const auto hosts = providers(ask.core, db);
    auto names = knownTraits(hosts, db);
    if (const auto associated = ask.request.query.find("associated")) {
        const auto truth = truthOf(*associated);
        if (!truth) wrong("The query parameter \"associated\" only accepts \"true\" or \"false\"");
        std::set<std::string> used;
        for (const auto& each : hosts) used.insert(each.traits.begin(), each.traits.end());
        std::erase_if(names, [&](const std::string& each) { return used.contains(each) != *truth; });
    }
    if (const auto filter = ask.request.query.find("name")) select(names, *filter);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("traits");
        for (const auto& each : names) out.value(each);
    });
}

bool isKnownTrait(const Ask& ask, const std::string& name) {
    auto& db = ask.core.reader();
    return known(knownTraits(providers(ask.core, db), db), name);
}

Response showTrait(Ask& ask) {
    ask.caller.enforce();
    if (!isKnownTrait(ask, ask.param("name"))) absent("No such trait(s): " + ask.param("name") + ".");
    return http::emptyResponse(204);
}

Response putTrait(Ask& ask) {
    ask.caller.enforce();
    const auto name = ask.param("name");
    requireCustom(name, "trait");
    const bool added =
        ask.core.parts.store.write([&](store::Transaction& tx) { return placement_table::addWord(tx, "trait", name); });
    return made(ask, "/traits/" + name, added ? 201 : 204);
}

Response removeTrait(Ask& ask) {
    ask.caller.enforce();
    const auto name = ask.param("name");
    if (!isKnownTrait(ask, name)) absent("No such trait(s): " + name + ".");
    if (!isCustom(name)) throw Error(Failure::Invalid, "Cannot delete standard trait ", name, ".");
    ask.core.parts.store.write([&](store::Transaction& tx) { placement_table::removeWord(tx, "trait", name); });
    return http::emptyResponse(204);
}

}

bool isCustom(std::string_view name) {
    constexpr std::string_view prefix = "CUSTOM_";
    return name.starts_with(prefix) && name.size() > prefix.size() && name.size() <= 255 &&
           std::all_of(name.begin(), name.end(), [](char letter) {
               return (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') || letter == '_';
           });
}

bool isStandardClass(std::string_view name) {
    return std::find(standardClasses.begin(), standardClasses.end(), name) != standardClasses.end();
}

std::vector<std::string> knownClasses(store::Reader& db) {
    std::vector<std::string> names(standardClasses.begin(), standardClasses.end());
    for (auto& each : placement_table::words(db, "class")) names.push_back(std::move(each));
    return names;
}

std::vector<std::string> knownTraits(const std::vector<Provider>& providers, store::Reader& db) {
    std::set<std::string> names{"COMPUTE_NODE", "COMPUTE_STATUS_DISABLED"};
    for (const auto& each : providers) names.insert(each.traits.begin(), each.traits.end());
    for (auto& each : placement_table::words(db, "trait")) names.insert(std::move(each));
    return {names.begin(), names.end()};
}

void addWordRoutes(http::Routes& routes, Core& core) {
    const std::string classes = "placement:resource_classes:", traits = "placement:traits:";
    addRoute(routes, core, Method::Get, "/resource_classes", classes + "list", listClasses, 2);
    addRoute(routes, core, Method::Post, "/resource_classes", classes + "create", createClass, 2);
    addRoute(routes, core, Method::Get, "/resource_classes/{name}", classes + "show", showClass, 2);
    addRoute(routes, core, Method::Put, "/resource_classes/{name}", classes + "update", putClass, 7);
    addRoute(routes, core, Method::Delete, "/resource_classes/{name}", classes + "delete", removeClass, 2);
    addRoute(routes, core, Method::Get, "/traits", traits + "list", listTraits, 6);
    addRoute(routes, core, Method::Get, "/traits/{name}", traits + "show", showTrait, 6);
    addRoute(routes, core, Method::Put, "/traits/{name}", traits + "update", putTrait, 6);
    addRoute(routes, core, Method::Delete, "/traits/{name}", traits + "delete", removeTrait, 6);
}

}
