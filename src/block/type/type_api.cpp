#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/type/specs.hpp"
#include "block/type/type_query.hpp"
#include "block/type/type_service.hpp"
#include "block/volume/volume_access.hpp"
#include "block/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::Caller;
using identity::callerOf;

constexpr Microversion defaultsSince{62};

/// Who makes or changes a type is told less of it than who asks for it.
enum class Told { All, Made, Changed };

void write(JsonWriter& out, const Caller& caller, const VolumeType& type, Told told = Told::All) {
    const auto one = out.object();
    showInto(out, typeColumns, type);
    if (caller.may("volume_extension:access_types_extra_specs", {}))
        writeSpecs(out, "extra_specs", visibleSpecs(caller, type));
    if (told == Told::All && caller.may("volume_extension:access_types_qos_specs_id", {})) {
        out.key("qos_specs_id");
        type.qos.empty() ? out.value(nullptr) : out.value(type.qos);
    }
    if (told != Told::Changed && caller.may("volume_extension:volume_type_access", {}))
        out.field("os-volume-type-access:is_public", type.isPublic);
}

Response typeResponse(const Request& request, const VolumeType& type, Told told = Told::All) {
    return http::jsonResponse(200, "volume_type", [&](JsonWriter& out) { write(out, callerOf(request), type, told); });
}

const std::string& typeIn(const Request& request) { return request.param("type"); }

// --- types

Response list(Request& request, VolumeTypes& types) {
    const auto query = listQueryIn(request, typeLists());
    const auto page = types.list(callerOf(request), query, publicIn(request));
    return listResponse(
        request, "volume_types", query, page, [](const VolumeType& each) { return each.id; },
        [&](JsonWriter& out, const VolumeType& each) { write(out, callerOf(request), each); }, "volume_type_links");
}

Response show(Request& request, VolumeTypes& types) {
    return typeResponse(request, types.show(callerOf(request), typeIn(request)));
}

Response showDefault(Request& request, VolumeTypes& types) {
    return typeResponse(request, types.showDefault(callerOf(request)));
}

Response create(Request& request, VolumeTypes& types) {
    const auto wanted = nounIn(request, "volume_type");
    wanted.onlyKnows({"name", "description", "extra_specs", "os-volume-type-access:is_public"});
    VolumeType type;
    type.name = typeNameIn(wanted.at("name"));
    if (const auto value = wanted.find("description")) type.description = shortTextOrNull(*value);
    if (const auto value = wanted.find("os-volume-type-access:is_public")) type.isPublic = truthIn(*value);
    if (const auto value = wanted.find("extra_specs")) type.extraSpecs = specsIn(*value, true);
    return typeResponse(request, types.create(callerOf(request), std::move(type)), Told::Made);
}

Response update(Request& request, VolumeTypes& types) {
    const auto wanted = nounIn(request, "volume_type");
    wanted.onlyKnows({"name", "description", "is_public"});
    const auto given = [&](std::string_view name) {
        const auto value = wanted.find(name);
        return value && !value->isNull() ? value : std::nullopt;
    };
    if (!given("name") && !given("description") && !given("is_public"))
        throw Error(Failure::Invalid, "Specify volume type name, description, is_public or a combination thereof.");
    return typeResponse(request,
                        types.update(callerOf(request), typeIn(request),
                                     [&](VolumeType& type) {
                                         if (const auto value = given("name")) type.name = typeNameIn(*value);
                                         if (const auto value = given("description"))
                                             type.description = shortTextOrNull(*value);
                                         if (const auto value = given("is_public")) type.isPublic = truthIn(*value);
                                     }),
                        Told::Changed);
}

Response remove(Request& request, VolumeTypes& types) {
    return types.remove(callerOf(request), typeIn(request)), http::emptyResponse(202);
}

// --- extra specs

Response listSpecs(Request& request, VolumeTypes& types) {
    return specsResponse("extra_specs", types.specs(callerOf(request), typeIn(request)));
}

Response showSpec(Request& request, VolumeTypes& types) {
    const auto specs = types.specs(callerOf(request), typeIn(request));
    const auto found = specs.find(request.param("key"));
    if (found == specs.end())
        throw Error(Failure::NotFound, "Volume Type ", typeIn(request), " has no extra specs with key ",
                    request.param("key"), ".");
    return specResponse(found->first, found->second);
}

Response createSpecs(Request& request, VolumeTypes& types) {
    const auto body = request.json();
    body.onlyKnows({"extra_specs"});
    const auto specs = specsIn(body.at("extra_specs"), false);
    types.setSpecs(callerOf(request), typeIn(request), specs);
    return specsResponse("extra_specs", specs);
}

Response updateSpec(Request& request, VolumeTypes& types) {
    const auto specs = specsIn(request.json(), false);
    const auto& key = request.param("key");
    if (specs.size() != 1) throw Error(Failure::Invalid, "The request body must have one extra spec.");
    if (!specs.contains(key)) throw Error(Failure::Invalid, "Request body and URI mismatch");
    types.setSpecs(callerOf(request), typeIn(request), specs);
    return specResponse(key, specs.at(key));
}

Response removeSpec(Request& request, VolumeTypes& types) {
    return types.removeSpec(callerOf(request), typeIn(request), request.param("key")), http::emptyResponse(202);
}

// --- access

Response listAccess(Request& request, VolumeTypes& types) {
    const auto projects = types.access(callerOf(request), typeIn(request));
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("volume_type_access");
        for (const auto& each : projects) {
            const auto one = out.object();
            out.field("volume_type_id", typeIn(request));
            out.field("project_id", each);
        }
    });
}

Response act(Request& request, VolumeTypes& types) {
    const auto body = request.json();
    const auto action = actionIn(body);
    const bool allows = action == "addProjectAccess";
    if (!allows && action != "removeProjectAccess") throw Error(Failure::Invalid, "There is no such action: ", action);
    const auto wanted = body.object(action);
    wanted.onlyKnows({"project"});
    const ProjectId project{wanted.text("project")};
    if (project.empty() || lengthInCharacters(project.text) > 255)
        wanted.at("project").refuse("It must have 1 to 255 characters.");
    const auto& caller = callerOf(request);
    allows
        ? types.allow(caller, "volume_extension:volume_type_access:addProjectAccess", typeIn(request), project)
        : types.disallow(caller, "volume_extension:volume_type_access:removeProjectAccess", typeIn(request), project);
    return http::emptyResponse(202);
}

// --- defaults of projects

void writeDefault(JsonWriter& out, const ProjectId& project, const std::string& type) {
    const auto one = out.object();
    out.field("project_id", project);
    out.field("volume_type_id", type);
}

Response defaultResponse(const ProjectId& project, const std::string& type) {
    return http::jsonResponse(200, "default_type", [&](JsonWriter& out) { writeDefault(out, project, type); });
}

ProjectId projectIn(const Request& request) { return {request.param("default_project")}; }

Response listDefaults(Request& request, VolumeTypes& types) {
    require(request, defaultsSince);
    const auto all = types.defaults(callerOf(request));
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("default_types");
        for (const auto& [project, type] : all) writeDefault(out, project, type);
    });
}

Response showProjectDefault(Request& request, VolumeTypes& types) {
    require(request, defaultsSince);
    return defaultResponse(projectIn(request), types.projectDefault(callerOf(request), projectIn(request)));
}

Response setDefault(Request& request, VolumeTypes& types) {
    require(request, defaultsSince);
    const auto wanted = request.json().object("default_type");
    wanted.onlyKnows({"volume_type"});
    const auto name = typeNameIn(wanted.at("volume_type"));
    return defaultResponse(projectIn(request), types.setDefault(callerOf(request), projectIn(request), name));
}

Response removeDefault(Request& request, VolumeTypes& types) {
    require(request, defaultsSince);
    return types.removeDefault(callerOf(request), projectIn(request)), http::emptyResponse(204);
}

}

http::Routes typeRoutes(VolumeTypes& types) {
    http::Routes routes;
    const auto with = http::boundTo(std::ref(types));
    const std::string type = "/types/{type}", specs = type + "/extra_specs";
    add(routes, Method::Get, "/types", "volume_extension:type_get_all", with(list));
    add(routes, Method::Post, "/types", "volume_extension:type_create", with(create));
    add(routes, Method::Get, "/types/default", "volume_extension:type_get", with(showDefault));
    add(routes, Method::Get, type, "volume_extension:type_get", with(show));
    add(routes, Method::Put, type, "volume_extension:type_update", with(update));
    add(routes, Method::Delete, type, "volume_extension:type_delete", with(remove));

    add(routes, Method::Get, specs, "volume_extension:types_extra_specs:index", with(listSpecs));
    add(routes, Method::Post, specs, "volume_extension:types_extra_specs:create", with(createSpecs));
    add(routes, Method::Get, specs + "/{key}", "volume_extension:types_extra_specs:show", with(showSpec));
    add(routes, Method::Put, specs + "/{key}", "volume_extension:types_extra_specs:update", with(updateSpec));
    add(routes, Method::Delete, specs + "/{key}", "volume_extension:types_extra_specs:delete", with(removeSpec));

    add(routes, Method::Get, type + "/os-volume-type-access", "volume_extension:volume_type_access:get_all_for_type",
        with(listAccess));
    // Each action has a rule of its own; the route's is the least that anybody needs.
    add(routes, Method::Post, type + "/action", "volume_extension:type_get", with(act));

    // These have no project in their path: whose default it is, is what they are about.
    const std::string one = "/v3/default-types/{default_project}";
    for (const auto* all : {"/v3/default-types", "/v3/default-types/"})
        routes.push_back({Method::Get, all, http::policy("volume_extension:default_get_all"), with(listDefaults)});
    routes.push_back({Method::Get, one, http::policy("volume_extension:default_get"), with(showProjectDefault)});
    routes.push_back({Method::Put, one, http::policy("volume_extension:default_set_or_update"), with(setDefault)});
    routes.push_back({Method::Delete, one, http::policy("volume_extension:default_unset"), with(removeDefault)});
    return routes;
}
}
