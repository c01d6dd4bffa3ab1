#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/device/device_body.hpp"
#include "compute/encoding.hpp"
#include "compute/label/server_metadata.hpp"
#include "compute/label/server_tags.hpp"
#include "compute/server/server_api.hpp"
#include "compute/server/server_body.hpp"
#include "compute/server/server_making.hpp"
#include "compute/server/server_placing_body.hpp"
#include "platform/text/text.hpp"

// POST /servers: the largest body there is. It is read in the order in which it is refused.

namespace stratolet::compute {
namespace {

using http::Response;

WantedNic nicOf(const Call& call, const Json& item) {
    call.onlyKnows(item, {"uuid", "port", "fixed_ip", "tag"});
    WantedNic nic;
    if (const auto tag = call.find(item, "tag", 32)) {
        if (call.version >= 37 && call.version <= 41)
            tag->refuse("Additional properties are not allowed."); // forgotten, and back in 2.42
        nic.tag = textOf(*tag, 1, 60);
    }
    if (const auto port = item.find("port"); port && !port->isNull()) nic.port.text = uuidOf(*port);
    if (const auto network = item.find("uuid"); network && !network->isNull()) {
        if (nic.port.empty()) nic.network.text = uuidOf(*network);
    }
    if (const auto ip = item.find("fixed_ip"); ip && !ip->isNull()) {
        nic.fixedIp = addressOf(*ip);
        if (nic.port)
            ip->refuse("Specified Fixed IP '" + ip->text() + "' cannot be used with port '" + nic.port.text +
                       "': the two cannot be specified together.");
    }
    if (!nic.port && !nic.network) item.refuse("It needs 'uuid' or 'port'.");
    return nic;
}

void readNetworks(const Call& call, const Json& body, NewServers& wanted) {
    const auto networks = body.find("networks");
    if (!networks) {
        if (call.since(37)) static_cast<void>(body.at("networks")); // required from here on
        return;
    }
    if (call.since(37) && networks->isText()) {
        const std::string word = networks->text();
        if (word != "auto" && word != "none") networks->refuse("It is not one of ['auto', 'none'] and no list.");
        wanted.nics = word == "none" ? NewServers::Nics::None : NewServers::Nics::Automatic;
        wanted.allocatesNetwork = word == "auto";
        return;
    }
    if (!networks->isArray()) networks->refuse("It is not of type 'array'");
    if (networks->size() == 0) {
        if (call.since(37)) networks->refuse("It is too short");
        return;
    }
    wanted.nics = NewServers::Nics::Listed;
    for (const auto& item : networks->items()) wanted.listed.push_back(nicOf(call, item));
}

void readDevices(const Call& call, const Json& body, NewServers& wanted) {
    wanted.devices = devicesIn(call, body, !wanted.image.empty());
    const auto* const root = rootOf(wanted.devices);
    if (root == nullptr) return;
    if (root->local) {
        if (wanted.image && wanted.image != root->image)
            throw Error(Failure::Invalid, "Block Device Mapping is Invalid: the image and the one that the device "
                                          "mapping boots from differ.");
        wanted.image = root->image;
    } else {
        wanted.image = {}; // a volume is what it boots from, whatever image is named beside it
    }
}

void refuseUnoffered(const Call& call, const Json& body) {
    if (const auto certificates = body.find("trusted_image_certificates"); certificates && !certificates->isNull())
        call.find(body, "trusted_image_certificates", 63)
            ->refuse("Signed images are not checked here; it can be null only.");
}

void readFlavorAndImage(const Json& body, NewServers& wanted) {
    const Json flavor = body.at("flavorRef");
    wanted.flavor.text = lastOf(flavor.isInteger() ? std::to_string(flavor.integer()) : textOf(flavor, 1, 255));
    const auto image = body.find("imageRef");
    if (!image || (image->isText() && image->text().empty())) return;
    wanted.image.text = lastOf(textOf(*image, 1, 255));
    if (!isUuid(wanted.image.text)) throw Error(Failure::Invalid, "Invalid imageRef provided.");
}

void readGuest(const Json& body, NewServers& wanted) {
    if (const auto key = body.find("key_name"); key && !key->isNull()) wanted.keyName = textOf(*key, 1, 255);
    if (const auto address = body.find("accessIPv4")) wanted.accessIpv4 = accessAddress(*address, 4);
    if (const auto address = body.find("accessIPv6")) wanted.accessIpv6 = accessAddress(*address, 6);
    if (const auto config = body.find("OS-DCF:diskConfig")) wanted.diskConfig = diskConfigOf(*config);
    if (const auto drive = body.find("config_drive"); drive && !drive->isNull())
        wanted.configDrive = !(drive->isText() && drive->text().empty()) && booleanOf(*drive);
    if (const auto data = body.find("user_data"); data && !data->isNull()) {
        wanted.userData = textOf(*data, 0, 65535);
        if (!fromBase64(*wanted.userData)) data->refuse("It is not a 'base64'");
    }
}

void readGroups(const Call& call, const Json& body, NewServers& wanted) {
    const auto groups = body.find("security_groups");
    if (!groups) return;
    if (!groups->isArray()) groups->refuse("It is not of type 'array'");
    for (const auto& group : groups->items()) {
        call.onlyKnows(group, {"name"});
        const std::string name = textOf(group.at("name"), 1, 255);
        if (std::find(wanted.securityGroups.begin(), wanted.securityGroups.end(), name) == wanted.securityGroups.end())
            wanted.securityGroups.push_back(name);
    }
}

void readCount(const Json& body, NewServers& wanted) {
    wanted.least = body.has("min_count") ? integerOf(body.at("min_count"), 1, 1000000) : 1;
    wanted.most = body.has("max_count") ? integerOf(body.at("max_count"), 1, 1000000) : wanted.least;
    if (wanted.least > wanted.most) throw Error(Failure::Invalid, "min_count must be <= max_count");
    if (wanted.most == 1) return;
    if (std::any_of(wanted.devices.begin(), wanted.devices.end(),
                    [](const Device& each) { return each.source == "volume"; }))
        throw Error(Failure::Invalid, "Cannot attach one or more volumes to multiple instances");
    for (const auto& nic : wanted.listed)
        if (nic.port || !nic.fixedIp.empty())
            throw Error(Failure::Invalid,
                        "Unable to launch multiple instances with a single configured port ID or address.");
}

NewServers newServersOf(const Call& call, const Json& whole, const Json& body) {
    call.onlyKnows(body, {"name",
                          "imageRef",
                          "flavorRef",
                          "adminPass",
                          "metadata",
                          "networks",
                          "OS-DCF:diskConfig",
                          "accessIPv4",
                          "accessIPv6",
                          "availability_zone",
                          "block_device_mapping",
                          "block_device_mapping_v2",
                          "config_drive",
                          "key_name",
                          "min_count",
                          "max_count",
                          "return_reservation_id",
                          "security_groups",
                          "user_data",
                          "personality",
                          "description",
                          "tags",
                          "trusted_image_certificates",
                          "host",
                          "hypervisor_hostname",
                          "hostname"});
    NewServers wanted;
    wanted.name = nameOf(body.at("name"));
    readFlavorAndImage(body, wanted);
    refuseUnoffered(call, body);
    readPlacing(call, whole, body, wanted);
    readNetworks(call, body, wanted);
    readDevices(call, body, wanted);
    if (!wanted.image && rootOf(wanted.devices) == nullptr)
        throw Error(Failure::Invalid,
                    "Block Device Mapping is Invalid: You must specify images for servers, or a volume to boot from.");
    if (const auto metadata = body.find("metadata")) wanted.metadata = metadataOf(*metadata);
    if (const auto tags = call.find(body, "tags", 52)) wanted.tags = tagsOf(*tags);
    if (const auto text = call.find(body, "description", 19)) wanted.description = descriptionOf(*text);
    if (const auto name = call.find(body, "hostname", 90)) wanted.hostname = hostnameOf(*name, call.since(94));
    readGuest(body, wanted);
    if (auto files = filesIn(call, body)) wanted.files = *std::move(files);
    readGroups(call, body, wanted);
    readCount(body, wanted);
    return wanted;
}

Json bodyOf(const Call& call, const Json& whole) {
    if (!whole.isObject()) throw Error(Failure::Invalid, "Malformed request body");
    call.onlyKnows(whole, {"server", "OS-SCH-HNT:scheduler_hints", "os:scheduler_hints"});
    Json body = whole.object("server");
    call.caller.enforce();
    if (body.has("networks")) call.caller.enforce("os_compute_api:servers:create:attach_network", {});
    if (body.has("block_device_mapping_v2") || body.has("block_device_mapping"))
        call.caller.enforce("os_compute_api:servers:create:attach_volume", {});
    return body;
}

Response answer(const Call& call, const Server& made, const NewServers& wanted, const std::string& password) {
    auto response = http::jsonResponse(202, [&](JsonWriter& out) {
        const auto outer = out.object();
        const auto server = out.object("server");
        out.field("id", made.id);
        call.links(out, "/servers/" + made.id.text);
        out.field("OS-DCF:diskConfig", made.diskConfig);
        {
            const auto groups = out.array("security_groups");
            for (const auto& name :
                 wanted.securityGroups.empty() ? std::vector<std::string>{"default"} : wanted.securityGroups) {
                const auto group = out.object();
                out.field("name", name);
            }
        }
        out.field("adminPass", password);
    });
    response.headers.set("Location", call.self("/servers/" + made.id.text));
    return response;
}

Response answerReservation(const Server& made) {
    return http::jsonResponse(202, [&](JsonWriter& out) {
        const auto outer = out.object();
        out.field("reservation_id", made.reservation);
    });
}

}

Response createServer(Call& call, Core& core) {
    const Json whole = call.request.json();
    const Json body = bodyOf(call, whole);
    const NewServers wanted = newServersOf(call, whole, body);
    std::string password;
    if (const auto given = body.find("adminPass")) password = textOf(*given, 0, 255);
    const bool reservation = body.has("return_reservation_id") && booleanOf(body.at("return_reservation_id"));
    const auto made = createServers(core, call.caller, wanted);
    if (password.empty()) password = core.parts.ambient.secret(12); // nothing but this answer ever has it
    return reservation ? answerReservation(made.front()) : answer(call, made.front(), wanted, password);
}

}
