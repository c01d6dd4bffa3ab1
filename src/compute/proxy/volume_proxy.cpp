#include <stratolet/error.hpp>

#include "compute/proxy/proxy.hpp"
#include "compute/proxy/services_below.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

/// A noun of block storage as it was shown here.
struct Noun {
    std::string_view one, many, path; ///< "volume", "volumes", "/os-volumes"
    std::string_view rule;
    void (*write)(JsonWriter&, const Json&);
    std::string (*body)(const Call&, const Json&); ///< of a creation, in block storage's words
};

void writeVolume(JsonWriter& out, const Json& volume) {
    const auto scope = out.object();
    out.field("id", volume.text("id"));
    out.field("status", volume.text("status"));
    out.field("size", volume.integer("size"));
    out.field("availabilityZone", volume.text("availability_zone"));
    out.field("createdAt", volume.text("created_at"));
    out.field("displayName", volume.maybeText("name"));
    out.field("displayDescription", volume.maybeText("description"));
    out.field("volumeType", volume.maybeText("volume_type"));
    out.field("snapshotId", volume.maybeText("snapshot_id"));
    out.rawField("metadata", volume.object("metadata").dump());
    const auto list = out.array("attachments");
    const auto attachments = volume.array("attachments").items();
    if (attachments.empty()) static_cast<void>(out.object()); // as clients of it know a free one
    for (const auto& each : attachments) {
        const auto attachment = out.object();
        out.field("id", volume.text("id"));
        out.field("volumeId", volume.text("id"));
        out.field("serverId", each.text("server_id"));
        if (const auto device = each.maybeText("device")) out.field("device", *device);
    }
}

void writeSnapshot(JsonWriter& out, const Json& snapshot) {
    const auto scope = out.object();
    out.field("id", snapshot.text("id"));
    out.field("status", snapshot.text("status"));
    out.field("size", snapshot.integer("size"));
    out.field("createdAt", snapshot.text("created_at"));
    out.field("displayName", snapshot.maybeText("name"));
    out.field("displayDescription", snapshot.maybeText("description"));
    out.field("volumeId", snapshot.text("volume_id"));
}

/// Members of a body under their names there, those that it has.
class Renamed {
public:
    Renamed(const Json& from, std::string_view noun) : from_(from), text_("{" + jsonText(noun) + ":{") {}

    Renamed& member(std::string_view here, std::string_view there) {
        if (const auto value = from_.find(here); value && !value->isNull()) {
            text_.append(any_ ? "," : "").append(jsonText(there)).append(":").append(value->dump());
            any_ = true;
        }
        return *this;
    }
    std::string text() const { return text_ + "}}"; }

private:
    const Json& from_;
    std::string text_;
    bool any_ = false;
};

std::string volumeBody(const Call& call, const Json& volume) {
    call.onlyKnows(volume, {"volume_type", "metadata", "snapshot_id", "size", "availability_zone", "display_name",
                            "display_description"});
    static_cast<void>(volume.at("size"));
    return Renamed(volume, "volume")
        .member("size", "size")
        .member("display_name", "name")
        .member("display_description", "description")
        .member("volume_type", "volume_type")
        .member("metadata", "metadata")
        .member("snapshot_id", "snapshot_id")
        .member("availability_zone", "availability_zone")
        .text();
}

std::string snapshotBody(const Call& call, const Json& snapshot) {
    call.onlyKnows(snapshot, {"volume_id", "force", "display_name", "display_description"});
    static_cast<void>(textOf(snapshot.at("volume_id"), 1, 255));
    return Renamed(snapshot, "snapshot")
        .member("volume_id", "volume_id")
        .member("display_name", "name")
        .member("display_description", "description")
        .member("force", "force")
        .text();
}

const Noun volumes{"volume", "volumes", "/os-volumes", "os_compute_api:os-volumes:", writeVolume, volumeBody};
const Noun snapshots{
    "snapshot", "snapshots", "/os-snapshots", "os_compute_api:os-volumes:snapshots:", writeSnapshot, snapshotBody};

std::string targetOf(const Call& call, const Noun& noun, const std::string& more) {
    return "/volume/v3/" + call.caller.project.text + "/" + std::string(noun.many) + more;
}

std::string oneOf(const Call& call, const Noun& noun) {
    return targetOf(call, noun, "/" + http::percentEncoded(call.param("id")));
}

Response answer(const Noun& noun, const Json& whole) {
    return http::jsonResponse(200, noun.one, [&](JsonWriter& out) { noun.write(out, whole.object(noun.one)); });
}

Response list(Call& call, Core& core, const Noun& noun) {
    call.caller.enforce();
    call.requireNoBlankId();
    const auto& query = call.request.query;
    std::string page = "/detail?limit=" + std::to_string(pageOf(query).limit);
    if (const auto offset = query.integer("offset", 0, INT64_MAX)) page += "&offset=" + std::to_string(*offset);
    const auto all = core.below.get(call.request, targetOf(call, noun, page)).array(noun.many).items();
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array(noun.many);
        for (const auto& each : all) noun.write(out, each);
    });
}

void addNoun(http::Routes& routes, Core& core, const Noun& noun) {
    const std::string rule(noun.rule), all(noun.path), one = all + "/{id}";
    constexpr Span old{.until = 35};
    addRoute(
        routes, Method::Get, all, rule + "list", [&](Call& call) { return list(call, core, noun); }, old);
    addRoute(
        routes, Method::Get, all + "/detail", rule + "detail", [&](Call& call) { return list(call, core, noun); }, old);
    addRoute(
        routes, Method::Get, one, rule + "show",
        [&](Call& call) {
            call.caller.enforce();
            return answer(noun, core.below.get(call.request, oneOf(call, noun)));
        },
        old);
    addRoute(
        routes, Method::Post, all, rule + "create",
        [&](Call& call) {
            call.caller.enforce();
            const auto body = noun.body(call, call.body(noun.one));
            return answer(noun,
                          core.below.ask(call.request,
                                         {.method = Method::Post, .target = targetOf(call, noun, ""), .body = body}));
        },
        old);
    addRoute(
        routes, Method::Delete, one, rule + "delete",
        [&](Call& call) {
            call.caller.enforce();
            core.below.ask(call.request, {.method = Method::Delete, .target = oneOf(call, noun)});
            return http::emptyResponse(202);
        },
        old);
}

}

void addVolumeProxies(http::Routes& routes, Core& core) {
    addNoun(routes, core, volumes);
    addNoun(routes, core, snapshots);
}

}
