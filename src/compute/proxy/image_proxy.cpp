#include <algorithm>
#include <array>
#include <map>

#include <stratolet/error.hpp>

#include "compute/proxy/proxy.hpp"
#include "compute/proxy/services_below.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;
using Properties = std::map<std::string, std::string>;

const std::string images = "/image/v2/images";
constexpr std::string_view patchType = "application/openstack-images-v2.1-json-patch";

/// What every image has: all else are its properties, which were called metadata here.
bool isProperty(std::string_view name) {
    constexpr auto own = std::to_array<std::string_view>(
        {"id",    "name",       "status",           "visibility",  "protected",  "checksum",   "os_hash_algo",
         "owner", "size",       "os_hash_value",    "disk_format", "created_at", "updated_at", "virtual_size",
         "tags",  "direct_url", "container_format", "locations",   "min_ram",    "min_disk",   "self",
         "file",  "schema",     "os_hidden",        "stores",      "deleted",    "deleted_at"});
    return std::find(own.begin(), own.end(), name) == own.end() && !name.starts_with("os_glance");
}

struct Status {
    std::string_view there, here;
    int progress;
};
constexpr auto statuses = std::to_array<Status>({{"active", "ACTIVE", 100},
                                                 {"queued", "SAVING", 25},
                                                 {"saving", "SAVING", 50},
                                                 {"importing", "SAVING", 50},
                                                 {"uploading", "SAVING", 50},
                                                 {"killed", "ERROR", 0},
                                                 {"deleted", "DELETED", 0},
                                                 {"pending_delete", "DELETED", 0}});

Status statusOf(const Json& image) {
    const std::string status = image.text("status");
    const auto found =
        std::find_if(statuses.begin(), statuses.end(), [&](const Status& each) { return each.there == status; });
    return found == statuses.end() ? Status{"", "UNKNOWN", 0} : *found;
}

Properties propertiesOf(const Json& image) {
    Properties properties;
    for (const auto& name : image.names())
        if (const Json value = image.at(name); isProperty(name) && value.isText()) properties[name] = value.text();
    return properties;
}

void writeProperties(JsonWriter& out, std::string_view name, const Properties& properties) {
    const auto scope = out.object(name);
    for (const auto& [key, value] : properties) out.field(key, value);
}

void writeLinks(JsonWriter& out, const Call& call, const std::string& id) {
    const auto links = out.array("links");
    writeLink(out, "self", call.self("/images/" + id));
    writeLink(out, "bookmark", call.bookmark("/images/" + id));
    const auto alternate = out.object();
    out.field("rel", "alternate");
    out.field("type", "application/vnd.openstack.image");
    out.field("href", call.request.endpoint + images + "/" + id);
}

void write(JsonWriter& out, const Call& call, const Json& image, bool whole) {
    const auto scope = out.object();
    const std::string id = image.text("id");
    out.field("id", id);
    out.field("name", image.maybeText("name"));
    writeLinks(out, call, id);
    if (!whole) return;
    const Status status = statusOf(image);
    const auto properties = propertiesOf(image);
    out.field("minRam", image.integer("min_ram"));
    out.field("minDisk", image.integer("min_disk"));
    out.field("created", image.text("created_at"));
    out.field("updated", image.text("updated_at"));
    out.field("status", status.here);
    out.field("progress", status.progress);
    const Json size = image.at("size");
    out.field("OS-EXT-IMG-SIZE:size", size.isInteger() ? size.integer() : 0);
    writeProperties(out, "metadata", properties);
    if (const auto automatic = properties.find("auto_disk_config"); automatic != properties.end())
        out.field("OS-DCF:diskConfig", truthOf(automatic->second).value_or(false) ? "AUTO" : "MANUAL");
    const auto server = properties.find("instance_uuid");
    if (server == properties.end()) return;
    const auto of = out.object("server");
    out.field("id", server->second);
    const auto links = out.array("links");
    writeLink(out, "self", call.self("/servers/" + server->second));
    writeLink(out, "bookmark", call.bookmark("/servers/" + server->second));
}

/// The image service's words for what a list is asked for here.
std::string queryOf(const Call& call, std::int64_t limit) {
    const auto& query = call.request.query;
    std::string text = "?limit=" + std::to_string(limit);
    const auto add = [&](std::string_view name, const std::string& value) {
        text.append("&").append(name).append("=").append(http::percentEncoded(value));
    };
    const auto pass = [&](std::string_view here, std::string_view there) {
        if (const auto value = query.find(here); value && !value->empty()) add(there, *value);
    };
    pass("name", "name");
    pass("marker", "marker");
    pass("minRam", "min_ram");
    pass("minDisk", "min_disk");
    pass("type", "image_type");
    if (const auto status = query.find("status")) {
        const auto found =
            std::find_if(statuses.begin(), statuses.end(), [&](const Status& each) { return each.here == *status; });
        add("status", found == statuses.end() ? "none" : std::string(found->there));
    }
    if (const auto server = query.find("server"))
        add("instance_uuid", server->substr(server->find_last_of('/') + 1)); // an address of one, or its id
    if (const auto since = call.time("changes-since")) add("updated_at", "gte:" + isoSecondsZ(*since));
    return text;
}

Response list(Call& call, Core& core, bool whole) {
    call.caller.enforce();
    const Page page = pageOf(call.request.query);
    const auto found = core.below.get(call.request, images + queryOf(call, page.limit)).array("images").items();
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto items = out.array("images");
            for (const auto& image : found) write(out, call, image, whole);
        }
        if (page.limit > 0 && static_cast<std::int64_t>(found.size()) == page.limit)
            call.nextLink(out, "images_links", found.back().text("id"));
    });
}

std::string targetOf(const Call& call) { return images + "/" + http::percentEncoded(call.param("id")); }

Json imageOf(const Call& call, Core& core) {
    call.caller.enforce();
    try {
        return core.below.get(call.request, targetOf(call));
    } catch (const Error& error) {
        if (error.failure() == Failure::NotFound) throw Error(Failure::NotFound, "Image not found.");
        throw;
    }
}

std::string pathOf(const std::string& name) { // RFC 6901, 3
    std::string path = "/";
    for (const char letter : name) path += letter == '~' ? "~0" : letter == '/' ? "~1" : std::string(1, letter);
    return path;
}

/// Makes the image's properties these.
void setProperties(const Call& call, Core& core, const Properties& before, const Properties& after) {
    core.claimMetadata(core.reader(), call.caller.project, after.size());
    std::vector<std::string> steps;
    for (const auto& [name, value] : before)
        if (!after.contains(name)) steps.push_back(R"({"op":"remove","path":)" + jsonText(pathOf(name)) + "}");
    for (const auto& [name, value] : after)
        if (const auto found = before.find(name); found == before.end() || found->second != value)
            steps.push_back(R"({"op":"add","path":)" + jsonText(pathOf(name)) + R"(,"value":)" + jsonText(value) + "}");
    if (steps.empty()) return;
    core.below.ask(
        call.request,
        {.method = Method::Patch, .target = targetOf(call), .body = jsonList(steps), .type = std::string(patchType)});
}

Properties propertiesIn(const Json& object) {
    Properties properties;
    for (const auto& name : object.names()) {
        if (!isProperty(name) || name.empty() || lengthInCharacters(name) > 255)
            object.at(name).refuse("It is no name of metadata.");
        properties[name] = textOf(object.at(name), 0, 255);
    }
    return properties;
}

Response metadataAnswer(const Properties& properties) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        writeProperties(out, "metadata", properties);
    });
}

Response itemAnswer(const std::string& name, const std::string& value) {
    return http::jsonResponse(200, "meta", [&](JsonWriter& out) {
        const auto item = out.object();
        out.field(name, value);
    });
}

[[noreturn]] void noItem() { throw Error(Failure::NotFound, "Metadata item was not found"); }

Response setMetadata(Call& call, Core& core, bool keepOthers) {
    const auto before = propertiesOf(imageOf(call, core));
    auto after = propertiesIn(call.body("metadata"));
    if (keepOthers) after.insert(before.begin(), before.end());
    setProperties(call, core, before, after);
    return metadataAnswer(after);
}

Response showItem(Call& call, Core& core) {
    const auto properties = propertiesOf(imageOf(call, core));
    const auto found = properties.find(call.param("key"));
    if (found == properties.end()) noItem();
    return itemAnswer(found->first, found->second);
}

Response setItem(Call& call, Core& core) {
    const auto before = propertiesOf(imageOf(call, core));
    const auto item = propertiesIn(call.body("meta"));
    if (item.size() != 1 || item.begin()->first != call.param("key"))
        throw Error(Failure::Invalid, "Request body and URI mismatch");
    auto after = before;
    after[item.begin()->first] = item.begin()->second;
    setProperties(call, core, before, after);
    return itemAnswer(item.begin()->first, item.begin()->second);
}

Response removeItem(Call& call, Core& core) {
    const auto before = propertiesOf(imageOf(call, core));
    auto after = before;
    if (after.erase(call.param("key")) == 0) noItem();
    setProperties(call, core, before, after);
    return http::emptyResponse(204);
}

}

void addImageProxies(http::Routes& routes, Core& core) {
    const std::string rule = "os_compute_api:images", all = "/images", one = all + "/{id}",
                      metadata = one + "/metadata", item = metadata + "/{key}";
    constexpr Span old{.until = 35}, longer{.until = 38};
    const auto with = [&](Response (*handler)(Call&, Core&)) {
        return [&core, handler](Call& call) { return handler(call, core); };
    };
    addRoute(
        routes, Method::Get, all, rule, [&](Call& call) { return list(call, core, false); }, old);
    addRoute(
        routes, Method::Get, all + "/detail", rule, [&](Call& call) { return list(call, core, true); }, old);
    addRoute(
        routes, Method::Get, one, rule,
        [&](Call& call) {
            const Json image = imageOf(call, core);
            return http::jsonResponse(200, "image", [&](JsonWriter& out) { write(out, call, image, true); });
        },
        old);
    addRoute(
        routes, Method::Delete, one, rule,
        [&](Call& call) {
            static_cast<void>(imageOf(call, core));
            core.below.ask(call.request, {.method = Method::Delete, .target = targetOf(call)});
            return http::emptyResponse(204);
        },
        old);
    addRoute(
        routes, Method::Get, metadata, rule,
        [&](Call& call) { return metadataAnswer(propertiesOf(imageOf(call, core))); }, longer);
    addRoute(
        routes, Method::Post, metadata, rule, [&](Call& call) { return setMetadata(call, core, true); }, longer);
    addRoute(
        routes, Method::Put, metadata, rule, [&](Call& call) { return setMetadata(call, core, false); }, longer);
    addRoute(routes, Method::Get, item, rule, with(showItem), longer);
    addRoute(routes, Method::Put, item, rule, with(setItem), longer);
    addRoute(routes, Method::Delete, item, rule, with(removeItem), longer);
}

}
