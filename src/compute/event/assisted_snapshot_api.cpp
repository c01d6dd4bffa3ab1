#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/event/external_event.hpp"

namespace stratolet::compute {
namespace {

using http::Response;

[[noreturn]] void refuse(const std::string& volume) {
    throw Error(Failure::Invalid, "Invalid volume: ", volume,
                " is no file that servers share; block storage takes snapshots of it without compute's help.");
}

Response create(Call& call) {
    call.caller.enforce();
    const Json snapshot = call.body("snapshot");
    call.onlyKnows(snapshot, {"volume_id", "create_info"});
    const std::string volume = textOf(snapshot.at("volume_id"), 1, 255);
    const Json info = snapshot.object("create_info");
    call.onlyKnows(info, {"snapshot_id", "type", "new_file", "id"});
    if (const auto type = textOf(info.at("type"), 1, 255); type != "qcow2")
        info.at("type").refuse("It is not one of ['qcow2']");
    static_cast<void>(textOf(info.at("snapshot_id"), 1, 255));
    static_cast<void>(textOf(info.at("new_file"), 1, 255));
    refuse(volume);
}

Response remove(Call& call) {
    call.caller.enforce();
    if (call.since(75)) call.asksOnly({"delete_info"});
    const auto text = call.request.query.find("delete_info");
    if (!text) throw Error(Failure::Invalid, "'delete_info'");
    refuse(Json::parse(*text).text("volume_id"));
}

}

void addAssistedSnapshotRoutes(http::Routes& routes) {
    const std::string path = "/os-assisted-volume-snapshots", rule = "os_compute_api:os-assisted-volume-snapshots:";
    addRoute(routes, http::Method::Post, path, rule + "create", create);
    addRoute(routes, http::Method::Delete, path + "/{id}", rule + "delete", remove);
}

}
