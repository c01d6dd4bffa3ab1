#include <algorithm>
#include <charconv>

#include "compute/api.hpp"
#include "compute/flavor/extra_specs.hpp"
#include "compute/flavor/flavor_table.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

constexpr std::int64_t largest = 0x7fffffff;

void writeSpecs(JsonWriter& out, std::string_view name, const std::map<std::string, std::string>& specs) {
    const auto scope = out.object(name);
    for (const auto& [key, value] : specs) out.field(key, value);
}

void write(JsonWriter& out, const Call& call, const Flavor& flavor, bool whole) {
    const auto scope = out.object();
    const bool specs = whole && call.since(61) && call.caller.may("os_compute_api:os-flavor-extra-specs:index", {});
    showLines(out, call, flavorLines(), flavor, whole, specs);
    call.links(out, "/flavors/" + flavor.id.text);
}

Response answer(const Call& call, const Flavor& flavor) {
    return http::jsonResponse(200, "flavor", [&](JsonWriter& out) { write(out, call, flavor, true); });
}

FlavorQuery queryOf(const Call& call) {
    if (call.since(75)) call.asksOnly({"limit", "marker", "is_public", "minRam", "minDisk", "sort_key", "sort_dir"});
    const auto& query = call.request.query;
    FlavorQuery wanted;
    if (const auto given = query.find("is_public"); given && !given->empty()) {
        if (*given == "None" || *given == "none")
            wanted.isPublic = std::nullopt;
        else
            wanted.isPublic = booleanOf("is_public", *given);
    }
    wanted.minDisk = query.integer("minDisk", 0, largest);
    wanted.minRam = query.integer("minRam", 0, largest);
    wanted.sortKey = query.text("sort_key", "flavorid");
    const std::string direction = query.text("sort_dir", "asc");
    if (direction != "asc" && direction != "desc")
        throw Error(Failure::Invalid, "Invalid input for query parameters sort_dir. Value: ", direction);
    wanted.descending = direction == "desc";
    const Page page = pageOf(query);
    wanted.limit = page.limit;
    wanted.marker = page.marker;
    return wanted;
}

Response list(Call& call, Flavors& flavors, bool whole) {
    call.caller.enforce();
    const FlavorQuery query = queryOf(call);
    const auto found = flavors.list(call.caller, query);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto items = out.array("flavors");
            for (const auto& flavor : found) write(out, call, flavor, whole);
        }
        if (query.limit > 0 && static_cast<std::int64_t>(found.size()) == query.limit &&
            call.request.query.has("limit"))
            call.nextLink(out, "flavors_links", found.back().id.text);
    });
}

std::optional<std::string> descriptionOf(const Json& value) {
    if (value.isNull()) return std::nullopt;
    return textOf(value, 0, 65535);
}

/// A number, or a text of one with digits and a point only.
double factorOf(const Json& value) {
    double factor = 0;
    if (value.isNumber()) {
        factor = value.number();
    } else if (value.isText()) {
        const std::string text = value.text();
        const auto read = std::from_chars(text.data(), text.data() + text.size(), factor, std::chars_format::fixed);
        if (read.ec != std::errc() || read.ptr != text.data() + text.size()) factor = 0;
    }
    if (!(factor > 0) || factor > 3.40282e+38) value.refuse("It must be a number greater than 0.");
    return factor;
}

Response create(Call& call, Flavors& flavors) {
    call.caller.enforce();
    const Json body = call.body("flavor");
    call.onlyKnows(body, {"name", "id", "ram", "vcpus", "disk", "OS-FLV-EXT-DATA:ephemeral", "swap", "rxtx_factor",
                          "os-flavor-access:is_public", "description"});
    Flavor flavor;
    flavor.name = nameOf(body.at("name"));
    if (const auto id = body.find("id"); id && !id->isNull() && !(id->isText() && id->text() == "auto")) {
        flavor.id.text = id->isInteger() ? std::to_string(id->integer()) : textOf(*id, 1, 255);
        for (const char letter : flavor.id.text)
            if (!std::isalnum(static_cast<unsigned char>(letter)) &&
                std::string_view(" .-_").find(letter) == std::string_view::npos)
                id->refuse("It may have letters, digits, blanks, dots, dashes and underscores only.");
        if (flavor.id.text.front() == ' ' || flavor.id.text.back() == ' ')
            id->refuse("It may not begin or end with a blank.");
    }
    const auto number = [&](std::string_view name, std::int64_t least, std::int64_t otherwise) {
        const auto value = body.find(name);
        return value ? integerOf(*value, least, largest) : otherwise;
    };
    flavor.ram = MiB{integerOf(body.at("ram"), 1, largest)};
    flavor.vcpus = integerOf(body.at("vcpus"), 1, largest);
    flavor.disk = GiB{integerOf(body.at("disk"), 0, largest)};
    flavor.ephemeral = GiB{number("OS-FLV-EXT-DATA:ephemeral", 0, 0)};
    flavor.swap = MiB{number("swap", 0, 0)};
    if (const auto factor = body.find("rxtx_factor")) flavor.rxtxFactor = factorOf(*factor);
    if (const auto isPublic = body.find("os-flavor-access:is_public")) flavor.isPublic = booleanOf(*isPublic);
    if (const auto description = call.find(body, "description", 55)) flavor.description = descriptionOf(*description);
    return answer(call, flavors.create(std::move(flavor)));
}

Response update(Call& call, Flavors& flavors) {
    call.caller.enforce();
    const Json body = call.body("flavor");
    call.onlyKnows(body, {"description"});
    return answer(call, flavors.describe(FlavorId{call.param("id")}, descriptionOf(body.at("description"))));
}

std::map<std::string, std::string> specsOf(const Call& call, const Json& object) {
    std::map<std::string, std::string> specs;
    for (const auto& name : object.names()) {
        const Json value = object.at(name);
        const bool plain =
            !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](unsigned char letter) {
                return std::isalnum(letter) ||
                       std::string_view("-_:. ").find(static_cast<char>(letter)) != std::string_view::npos;
            });
        if (!plain) value.refuse("A key may have letters, digits, blanks, dots, colons, dashes and underscores only.");
        specs[name] = value.isText()     ? textOf(value, 0, 255)
                      : value.isNumber() ? value.dump()
                                         : (value.refuse("It is not a text."), "");
        if (lengthInCharacters(specs[name]) > 255) value.refuse("It is too long");
        if (call.since(86)) requireValidSpec(name, specs[name]);
    }
    return specs;
}

Response specsAnswer(const std::map<std::string, std::string>& specs) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        writeSpecs(out, "extra_specs", specs);
    });
}

Response oneSpec(const std::string& name, const std::string& value) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.field(name, value);
    });
}

Response accessAnswer(const std::string& flavor, const std::vector<std::string>& projects) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("flavor_access");
        for (const auto& project : projects) {
            const auto item = out.object();
            out.field("flavor_id", flavor);
            out.field("tenant_id", project);
        }
    });
}

Response act(Call& call, Flavors& flavors, identity::Identity& identity) {
    const Json body = call.request.json();
    const FlavorId id{call.param("id")};
    for (const char* action : {"addTenantAccess", "removeTenantAccess"}) {
        const auto arguments = body.find(action);
        if (!arguments) continue;
        const bool adds = std::string_view(action) == "addTenantAccess";
        call.caller.enforce(adds ? "os_compute_api:os-flavor-access:add_tenant_access"
                                 : "os_compute_api:os-flavor-access:remove_tenant_access",
                            {});
        call.onlyKnows(*arguments, {"tenant"});
        const std::string tenant = textOf(arguments->at("tenant"), 1, 255);
        if (adds && !identity.projectExists(flavors.reader(), ProjectId{tenant}))
            throw Error(Failure::Invalid, "Project ID ", tenant, " is not a valid project.");
        if (adds && call.since(7) && flavors.get(flavors.reader(), call.caller, id).isPublic)
            throw Error(Failure::Conflict, "Can not add access to a public flavor.");
        return accessAnswer(id.text, adds ? flavors.grant(id, tenant) : flavors.revoke(id, tenant));
    }
    call.caller.asked = true;
    throw Error(Failure::Invalid,
                "There is no such action: ", body.isObject() && body.size() > 0 ? body.names().front() : "");
}

}

void addFlavorRoutes(http::Routes& routes, Flavors& flavors, identity::Identity& identity) {
    const std::string reading = "os_compute_api:flavors",
                      specs = "os_compute_api:os-flavor-extra-specs:", manage = "os_compute_api:os-flavor-manage:";
    addRoute(routes, Method::Get, "/flavors", reading, [&](Call& call) { return list(call, flavors, false); });
    addRoute(routes, Method::Get, "/flavors/detail", reading, [&](Call& call) { return list(call, flavors, true); });
    addRoute(routes, Method::Post, "/flavors", manage + "create", [&](Call& call) { return create(call, flavors); });
    addRoute(routes, Method::Get, "/flavors/{id}", reading, [&](Call& call) {
        call.caller.enforce();
        return answer(call, flavors.get(flavors.reader(), call.caller, FlavorId{call.param("id")}));
    });
    addRoute(routes, Method::Put, "/flavors/{id}", manage + "update", [&](Call& call) { return update(call, flavors); },
             {.from = 55});
    addRoute(routes, Method::Delete, "/flavors/{id}", manage + "delete", [&](Call& call) {
        call.caller.enforce();
        flavors.remove(FlavorId{call.param("id")});
        return http::emptyResponse(202);
    });
    addRoute(routes, Method::Get, "/flavors/{id}/os-flavor-access", "os_compute_api:os-flavor-access", [&](Call& call) {
        call.caller.enforce();
        return accessAnswer(call.param("id"), flavors.access(FlavorId{call.param("id")}));
    });
    addRoute(routes, Method::Post, "/flavors/{id}/action", "os_compute_api:os-flavor-access:add_tenant_access",
             [&](Call& call) { return act(call, flavors, identity); });
    addRoute(routes, Method::Get, "/flavors/{id}/os-extra_specs", specs + "index", [&](Call& call) {
        call.caller.enforce();
        return specsAnswer(flavors.get(flavors.reader(), call.caller, FlavorId{call.param("id")}).extraSpecs);
    });
    addRoute(routes, Method::Post, "/flavors/{id}/os-extra_specs", specs + "create", [&](Call& call) {
        call.caller.enforce();
        const auto wanted = specsOf(call, call.body("extra_specs"));
        flavors.setSpecs(FlavorId{call.param("id")}, wanted);
        return specsAnswer(wanted);
    });
    addRoute(routes, Method::Get, "/flavors/{id}/os-extra_specs/{key}", specs + "show", [&](Call& call) {
        call.caller.enforce();
        const auto flavor = flavors.get(flavors.reader(), call.caller, FlavorId{call.param("id")});
        const auto found = flavor.extraSpecs.find(call.param("key"));
        if (found == flavor.extraSpecs.end())
            throw Error(Failure::NotFound, "Flavor ", flavor.id, " has no extra specs with key ", call.param("key"),
                        ".");
        return oneSpec(found->first, found->second);
    });
    addRoute(routes, Method::Put, "/flavors/{id}/os-extra_specs/{key}", specs + "update", [&](Call& call) {
        call.caller.enforce();
        const Json body = call.request.json();
        const auto wanted = specsOf(call, body);
        if (wanted.size() != 1 || wanted.begin()->first != call.param("key"))
            throw Error(Failure::Invalid, "Request body and URI mismatch");
        flavors.setSpecs(FlavorId{call.param("id")}, wanted);
        return oneSpec(wanted.begin()->first, wanted.begin()->second);
    });
    addRoute(routes, Method::Delete, "/flavors/{id}/os-extra_specs/{key}", specs + "delete", [&](Call& call) {
        call.caller.enforce();
        flavors.removeSpec(FlavorId{call.param("id")}, call.param("key"));
        return http::emptyResponse(200);
    });
}

}
