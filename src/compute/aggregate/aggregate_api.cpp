#include <algorithm>
#include <set>

#include <stratolet/error.hpp>

#include "compute/aggregate/aggregate.hpp"
#include "compute/api.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

/// As this noun writes times: with microseconds, without a zone.
void writeMoment(JsonWriter& out, std::string_view name, const std::optional<Time>& time) {
    time ? out.field(name, isoMicros(*time)) : out.field(name, nullptr);
}

void write(JsonWriter& out, const Call& call, const Aggregate& aggregate, bool whole = true) {
    const auto scope = out.object();
    out.field("id", aggregate.number);
    if (call.since(41)) out.field("uuid", aggregate.uuid);
    out.field("name", aggregate.name);
    out.field("availability_zone", aggregate.zone());
    writeMoment(out, "created_at", aggregate.created);
    writeMoment(out, "updated_at", aggregate.updated);
    out.field("deleted", false);
    out.field("deleted_at", nullptr);
    if (!whole) return;
    {
        const auto hosts = out.array("hosts");
        for (const auto& host : aggregate.hosts) out.value(host);
    }
    const auto metadata = out.object("metadata");
    for (const auto& [name, value] : aggregate.metadata) out.field(name, value);
}

Response answer(const Call& call, const Aggregate& aggregate, bool whole = true) {
    return http::jsonResponse(200, "aggregate", [&](JsonWriter& out) { write(out, call, aggregate, whole); });
}

std::int64_t numberOf(const Call& call) {
    const auto number = wholeNumberIn(call.param("id"));
    if (!number) throw Error(Failure::Invalid, "id must be an integer: ", call.param("id"));
    return *number;
}

std::optional<std::string> zoneOf(const Json& body) {
    const auto zone = body.find("availability_zone");
    if (!zone || zone->isNull()) return std::nullopt;
    auto name = nameOf(*zone);
    if (name.find(':') != std::string::npos) zone->refuse("It may have no colon."); // "zone:host" would be another
    return name;
}

Response list(Call& call, Core& core) {
    call.caller.enforce();
    const auto all = aggregates(core);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("aggregates");
        for (const auto& each : all) write(out, call, each);
    });
}

Response show(Call& call, Core& core) {
    call.caller.enforce();
    return answer(call, aggregate(core, numberOf(call)));
}

Response create(Call& call, Core& core) {
    call.caller.enforce();
    const Json body = call.body("aggregate");
    call.onlyKnows(body, {"name", "availability_zone"});
    return answer(call, createAggregate(core, nameOf(body.at("name")), zoneOf(body)), false);
}

Response update(Call& call, Core& core) {
    call.caller.enforce();
    const Json body = call.body("aggregate");
    call.onlyKnows(body, {"name", "availability_zone"});
    AggregateChange change;
    if (const auto name = body.find("name")) change.name = nameOf(*name);
    change.zone = zoneOf(body);
    if (body.size() == 0) body.refuse("It is too short");
    return answer(call, updateAggregate(core, numberOf(call), change));
}

std::map<std::string, std::optional<std::string>> metadataOf(const Json& object) {
    constexpr std::size_t most = 255;
    if (!object.isObject()) object.refuse("It is not of type 'object'");
    std::map<std::string, std::optional<std::string>> metadata;
    for (const auto& name : object.names()) {
        const Json value = object.at(name);
        const bool plain =
            !name.empty() && name.size() <= most && std::all_of(name.begin(), name.end(), [](unsigned char letter) {
                return std::isalnum(letter) ||
                       std::string_view("-_:. ").find(static_cast<char>(letter)) != std::string_view::npos;
            });
        if (!plain) value.refuse("A key may have letters, digits, blanks, dots, colons, dashes and underscores only.");
        metadata[name] = value.isNull() ? std::nullopt : std::optional(textOf(value, 0, most));
    }
    if (metadata.size() > most) object.refuse("It has too many properties");
    return metadata;
}

Response act(Call& call, Core& core) {
    const Json body = call.request.json();
    const auto begin = [&](const char* action, std::string_view rule) {
        call.caller.enforce(rule, {});
        call.onlyKnows(body, {action});
        return body.object(action);
    };
    for (const auto& [action, rule] : {std::pair("add_host", "os_compute_api:os-aggregates:add_host"),
                                       std::pair("remove_host", "os_compute_api:os-aggregates:remove_host")}) {
        if (!body.has(action)) continue;
        const Json arguments = begin(action, rule);
        call.onlyKnows(arguments, {"host"});
        const auto host = textOf(arguments.at("host"), 1, 255);
        return answer(call,
                      *action == 'a' ? addHost(core, numberOf(call), host) : removeHost(core, numberOf(call), host));
    }
    if (body.has("set_metadata")) {
        const Json arguments = begin("set_metadata", "os_compute_api:os-aggregates:set_metadata");
        call.onlyKnows(arguments, {"metadata"});
        return answer(call, setMetadata(core, numberOf(call), metadataOf(arguments.at("metadata"))));
    }
    call.caller.asked = true;
    throw Error(Failure::Invalid,
                "There is no such action: ", body.isObject() && body.size() > 0 ? body.names().front() : "");
}

/// POST /os-aggregates/{id}/images: base copies before somebody needs them.
Response cache(Call& call, Core& core) {
    call.caller.enforce();
    constexpr std::size_t most = 100;
    const Json body = call.request.json();
    call.onlyKnows(body, {"cache"});
    const Json list = body.array("cache");
    if (list.size() == 0) list.refuse("It is too short");
    if (list.size() > most) list.refuse("It is too long");
    std::vector<ImageId> images;
    std::set<std::string> seen;
    for (const auto& item : list.items()) {
        call.onlyKnows(item, {"id"});
        images.push_back(ImageId{uuidOf(item.at("id"))});
        if (!seen.insert(images.back().text).second) throw Error(Failure::Invalid, "Duplicate images in request");
    }
    cacheImages(core, call.caller, numberOf(call), images);
    return http::emptyResponse(202);
}

}

void addAggregateRoutes(http::Routes& routes, Core& core) {
    const std::string rule = "os_compute_api:os-aggregates:", path = "/os-aggregates";
    addRoute(routes, Method::Get, path, rule + "index", [&](Call& call) { return list(call, core); });
    addRoute(routes, Method::Post, path, rule + "create", [&](Call& call) { return create(call, core); });
    addRoute(routes, Method::Get, path + "/{id}", rule + "show", [&](Call& call) { return show(call, core); });
    addRoute(routes, Method::Put, path + "/{id}", rule + "update", [&](Call& call) { return update(call, core); });
    addRoute(routes, Method::Delete, path + "/{id}", rule + "delete", [&](Call& call) {
        call.caller.enforce();
        removeAggregate(core, numberOf(call));
        return http::emptyResponse(200);
    });
    addRoute(routes, Method::Post, path + "/{id}/action", rule + "set_metadata",
             [&](Call& call) { return act(call, core); });
    addRoute(routes, Method::Post, path + "/{id}/images", "compute:aggregates:images",
             [&](Call& call) { return cache(call, core); }, {.from = 81});
}

}
