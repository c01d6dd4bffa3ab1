#include <algorithm>
#include <cctype>

#include "compute/api.hpp"
#include "compute/encoding.hpp"
#include "compute/server/server.hpp"
#include "compute/server/server_query.hpp"
#include "compute/server/server_view.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

ServerId idOf(const Call& call) { return ServerId{call.param("id")}; }

Target targetOf(const Server& server) { return {{"project_id", server.project.text}, {"user_id", server.user.text}}; }

void onlySince(const Call& call, const std::optional<Json>& member, int minor) {
    if (member && !call.since(minor)) member->refuse("Additional properties are not allowed.");
}

// What a body says.

std::map<std::string, std::string> metadataOf(const Json& object) {
    if (!object.isObject()) object.refuse("It is not of type 'object'");
    std::map<std::string, std::string> items;
    for (const auto& name : object.names()) {
        const Json value = object.at(name);
        const bool plain = !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](unsigned char letter) {
            return std::isalnum(letter) || std::string_view("-_:. ").find(static_cast<char>(letter)) != std::string_view::npos;
        });
        if (!plain) value.refuse("A key may have 1 to 255 letters, digits, blanks, dots, colons, dashes and underscores.");
        items[name] = textOf(value, 0, 255);
    }
    return items;
}

std::set<std::string> tagsOf(const Json& array) {
    if (!array.isArray()) array.refuse("It is not of type 'array'");
    if (array.size() > 50) array.refuse("It is too long");
    std::set<std::string> tags;
    for (const auto& item : array.items()) {
        const std::string tag = textOf(item, 1, 60);
        if (tag.find_first_of("/,") != std::string::npos) item.refuse("A tag may not contain '/' or ','.");
        tags.insert(tag);
    }
    return tags;
}

std::string accessAddress(const Json& value, bool six) {
    if (value.isNull() || (value.isText() && value.text().empty())) return "";
    const auto address = value.isText() ? (six ? canonicalIpv6(value.text()) : canonicalIpv4(value.text())) : std::nullopt;
    if (!address) value.refuse(six ? "It is not an 'ipv6'" : "It is not an 'ipv4'");
    return *address;
}

std::string diskConfigOf(const Json& value) {
    if (!value.isText() || (value.text() != "AUTO" && value.text() != "MANUAL")) value.refuse("It is not one of ['AUTO', 'MANUAL']");
    return value.text();
}

std::optional<std::string> descriptionOf(const Json& value) {
    if (value.isNull()) return std::nullopt;
    std::string text = textOf(value, 0, 255);
    if (!isPrintable(text)) value.refuse("It must be printable.");
    return text;
}

std::string hostnameOf(const Json& value) {
    const std::string name = textOf(value, 1, 63);
    const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char letter) { return std::isalnum(letter) || letter == '-'; });
    if (!plain || name.front() == '-' || name.back() == '-')
        value.refuse("It may have letters, digits and dashes only, and no dash at either end.");
    return name;
}

std::string uuidOf(const Json& value) {
    if (!value.isText() || !isUuid(value.text())) value.refuse("It is not a 'uuid'");
    return value.text();
}

WantedNic nicOf(const Call& call, const Json& item) {
    call.onlyKnows(item, {"uuid", "port", "fixed_ip", "tag"});
    WantedNic nic;
    if (const auto tag = item.find("tag")) {
        if (!call.since(32) || (call.version >= 37 && call.version <= 41)) tag->refuse("Additional properties are not allowed.");
        textOf(*tag, 1, 60);
    }
    if (const auto port = item.find("port"); port && !port->isNull()) nic.port.text = uuidOf(*port);
    if (const auto network = item.find("uuid"); network && !network->isNull()) {
        if (nic.port.empty()) nic.network.text = uuidOf(*network);
    }
    if (const auto ip = item.find("fixed_ip"); ip && !ip->isNull()) {
        const std::string address = textOf(*ip, 1, 64);
        const auto canonical = canonicalIpv4(address) ? canonicalIpv4(address) : canonicalIpv6(address);
        if (!canonical) ip->refuse("It is not an address.");
        if (nic.port)
            ip->refuse("Specified Fixed IP '" + address + "' cannot be used with port '" + nic.port.text +
                       "': the two cannot be specified together.");
        nic.fixedIp = *canonical;
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

void readVolumes(const Call& call, const Json& body, NewServers& wanted) {
    if (const auto old = body.find("block_device_mapping"); old && !old->isNull() && old->isArray() && old->size() > 0)
        old->refuse("The old block_device_mapping is not offered here; use block_device_mapping_v2.");
    const auto mapping = body.find("block_device_mapping_v2");
    if (!mapping) return;
    if (!mapping->isArray()) mapping->refuse("It is not of type 'array'");
    bool boots = false;
    for (const auto& item : mapping->items()) {
        call.onlyKnows(item, {"source_type", "destination_type", "uuid", "boot_index", "delete_on_termination", "device_name",
                              "volume_size", "guest_format", "device_type", "disk_bus", "no_device", "tag", "volume_type", "image_id",
                              "volume_id", "snapshot_id", "virtual_name"});
        const std::string source = item.text("source_type", "volume");
        const std::string destination = item.text("destination_type", source == "image" ? "local" : "volume");
        std::int64_t index = -1;
        if (const auto given = item.find("boot_index"); given && !given->isNull()) index = integerOf(*given, -1, 1000);
        if (const auto ends = item.find("delete_on_termination"); ends && booleanOf(*ends) && source == "volume")
            ends->refuse("Deleting volumes with their server is not offered here; it can be false only.");
        if (index == 0) {
            if (std::exchange(boots, true))
                throw Error(Failure::Invalid, "Block Device Mapping is Invalid: Boot sequence for the instance is not valid.");
        }
        if (source == "image" && destination == "local") {
            const std::string image = uuidOf(item.at("uuid"));
            if (index != 0 || (wanted.image && wanted.image.text != image)) item.refuse("An image can be the disk to boot from only.");
            wanted.image.text = image;
        } else if (source == "volume" && destination == "volume") {
            WantedVolume volume{
                .volume = {uuidOf(item.find("uuid") ? item.at("uuid") : item.at("volume_id"))}, .root = index == 0, .tag = {}};
            if (const auto tag = item.find("tag")) volume.tag = textOf(*tag, 1, 60);
            wanted.volumes.push_back(std::move(volume));
        } else {
            item.refuse("From '" + source + "' to '" + destination + "' is not offered here; image to local and volume to volume are.");
        }
    }
    const bool fromVolume =
        std::any_of(wanted.volumes.begin(), wanted.volumes.end(), [](const WantedVolume& volume) { return volume.root; });
    if (fromVolume && wanted.image)
        throw Error(Failure::Invalid, "Block Device Mapping is Invalid: an image and a volume to boot from were given.");
}

void readZone(const Json& body) {
    const auto zone = body.find("availability_zone");
    if (!zone || zone->isNull()) return;
    if (textOf(*zone, 1, 255) != defaultZone) throw Error(Failure::Invalid, "The requested availability zone is not available");
}

void refuseUnoffered(const Call& call, const Json& body) {
    if (const auto drive = body.find("config_drive"); drive && !drive->isNull() && booleanOf(*drive))
        drive->refuse("Config drives are not offered here; use the metadata service.");
    if (const auto files = body.find("personality")) {
        if (call.since(57)) files->refuse("Additional properties are not allowed.");
        if (!files->isArray() || files->size() > 0) files->refuse("Injected files are not offered here; use user_data.");
    }
    if (const auto certificates = body.find("trusted_image_certificates"); certificates && !certificates->isNull()) {
        onlySince(call, certificates, 63);
        certificates->refuse("Signed images are not checked here; it can be null only.");
    }
    for (const char* name : {"host", "hypervisor_hostname"}) {
        onlySince(call, body.find(name), 74);
        if (body.has(name)) call.caller.enforce("compute:servers:create:requested_destination", {});
    }
}

void readHost(Servers& servers, const Json& body) {
    auto& hosts = servers.hypervisors();
    const auto facts = hosts.facts(hosts.next());
    if (const auto host = body.find("host"); host && textOf(*host, 1, 255) != facts.name.text)
        throw Error(Failure::Invalid, "Compute host ", host->text(), " could not be found.");
    if (const auto name = body.find("hypervisor_hostname"); name && textOf(*name, 1, 255) != facts.report.hostname)
        throw Error(Failure::Invalid, "Compute host ", name->text(), " could not be found.");
}

NewServers newServersOf(const Call& call, const Json& body) {
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
    const Json flavor = body.at("flavorRef");
    wanted.flavor.text = flavor.isInteger() ? std::to_string(flavor.integer()) : textOf(flavor, 1, 255);
    if (const auto slash = wanted.flavor.text.rfind('/'); slash != std::string::npos)
        wanted.flavor.text.erase(0, slash + 1); // a link to it
    if (const auto image = body.find("imageRef"); image && !(image->isText() && image->text().empty())) {
        std::string ref = textOf(*image, 1, 255);
        if (const auto slash = ref.rfind('/'); slash != std::string::npos) ref.erase(0, slash + 1);
        if (!isUuid(ref)) throw Error(Failure::Invalid, "Invalid imageRef provided.");
        wanted.image.text = ref;
    }
    refuseUnoffered(call, body);
    readZone(body);
    readNetworks(call, body, wanted);
    readVolumes(call, body, wanted);
    const bool fromVolume =
        std::any_of(wanted.volumes.begin(), wanted.volumes.end(), [](const WantedVolume& volume) { return volume.root; });
    if (!wanted.image && !fromVolume)
        throw Error(Failure::Invalid, "Block Device Mapping is Invalid: You must specify images for servers, or a volume to boot from.");
    if (const auto metadata = body.find("metadata")) wanted.metadata = metadataOf(*metadata);
    if (const auto tags = body.find("tags")) onlySince(call, tags, 52), wanted.tags = tagsOf(*tags);
    if (const auto text = body.find("description")) onlySince(call, text, 19), wanted.description = descriptionOf(*text);
    if (const auto name = body.find("hostname")) onlySince(call, name, 90), wanted.hostname = hostnameOf(*name);
    if (const auto key = body.find("key_name"); key && !key->isNull()) wanted.keyName = textOf(*key, 1, 255);
    if (const auto address = body.find("accessIPv4")) wanted.accessIpv4 = accessAddress(*address, false);
    if (const auto address = body.find("accessIPv6")) wanted.accessIpv6 = accessAddress(*address, true);
    wanted.diskConfig = body.has("OS-DCF:diskConfig") ? diskConfigOf(body.at("OS-DCF:diskConfig")) : "MANUAL";
    if (const auto data = body.find("user_data"); data && !data->isNull()) {
        wanted.userData = textOf(*data, 0, 65535);
        if (!fromBase64(*wanted.userData)) data->refuse("It is not a 'base64'");
    }
    if (const auto groups = body.find("security_groups")) {
        if (!groups->isArray()) groups->refuse("It is not of type 'array'");
        for (const auto& group : groups->items()) {
            call.onlyKnows(group, {"name"});
            const std::string name = textOf(group.at("name"), 1, 255);
            if (std::find(wanted.securityGroups.begin(), wanted.securityGroups.end(), name) == wanted.securityGroups.end())
                wanted.securityGroups.push_back(name);
        }
    }
    wanted.least = body.has("min_count") ? integerOf(body.at("min_count"), 1, 1000000) : 1;
    wanted.most = body.has("max_count") ? integerOf(body.at("max_count"), 1, 1000000) : wanted.least;
    if (wanted.least > wanted.most) throw Error(Failure::Invalid, "min_count must be <= max_count");
    if (wanted.most > 1) {
        if (!wanted.volumes.empty()) throw Error(Failure::Invalid, "Cannot attach one or more volumes to multiple instances");
        for (const auto& nic : wanted.listed)
            if (nic.port || !nic.fixedIp.empty())
                throw Error(Failure::Invalid, "Unable to launch multiple instances with a single configured port ID or address.");
    }
    return wanted;
}

// Verbs.

Response create(Call& call, Servers& servers) {
    const Json whole = call.request.json();
    if (!whole.isObject()) throw Error(Failure::Invalid, "Malformed request body");
    call.onlyKnows(whole, {"server", "OS-SCH-HNT:scheduler_hints", "os:scheduler_hints"});
    const Json body = whole.object("server");
    call.caller.enforce();
    if (body.has("networks")) call.caller.enforce("os_compute_api:servers:create:attach_network", {});
    if (body.has("block_device_mapping_v2")) call.caller.enforce("os_compute_api:servers:create:attach_volume", {});
    for (const char* hints : {"OS-SCH-HNT:scheduler_hints", "os:scheduler_hints"})
        if (const auto given = whole.find(hints); given && given->has("group"))
            given->at("group").refuse("Server groups are not offered here.");
    const NewServers wanted = newServersOf(call, body);
    readHost(servers, body);
    std::string password;
    if (const auto given = body.find("adminPass")) password = textOf(*given, 0, 255);
    const bool reservation = body.has("return_reservation_id") && booleanOf(body.at("return_reservation_id"));
    const auto made = servers.create(call.caller, wanted);
    const Server& first = made.front();
    if (password.empty()) password = servers.freshPassword(); // nothing but this answer ever has it
    auto response = http::jsonResponse(202, [&](JsonWriter& out) {
        const auto outer = out.object();
        if (reservation) {
            out.field("reservation_id", first.reservation);
            return;
        }
        const auto server = out.object("server");
        out.field("id", first.id);
        call.links(out, "/servers/" + first.id.text);
        out.field("OS-DCF:diskConfig", first.diskConfig);
        {
            const auto groups = out.array("security_groups");
            for (const auto& name : wanted.securityGroups.empty() ? std::vector<std::string>{"default"} : wanted.securityGroups) {
                const auto group = out.object();
                out.field("name", name);
            }
        }
        out.field("adminPass", password);
    });
    if (!reservation) response.headers.set("Location", call.self("/servers/" + first.id.text));
    return response;
}

Response show(Call& call, Servers& servers) {
    return servers.store().read([&](store::Reader& db) {
        const Server server = servers.get(db, call.caller, idOf(call));
        call.caller.enforce(targetOf(server));
        return http::jsonResponse(200, [&](JsonWriter& out) {
            const auto outer = out.object();
            out.key("server");
            ServerWriter(call, servers).write(out, server, servers.details(db, server), Showing::Whole);
        });
    });
}

Response update(Call& call, Servers& servers) {
    const Json body = call.body("server");
    call.onlyKnows(body, {"name", "OS-DCF:diskConfig", "accessIPv4", "accessIPv6", "description", "hostname"});
    const auto description = body.find("description");
    onlySince(call, description, 19);
    onlySince(call, body.find("hostname"), 90);
    const Server server = servers.update(call.caller, idOf(call), [&](Server& changed) {
        if (const auto name = body.find("name")) changed.name = nameOf(*name);
        if (const auto config = body.find("OS-DCF:diskConfig")) changed.diskConfig = diskConfigOf(*config);
        if (const auto address = body.find("accessIPv4")) changed.accessIpv4 = accessAddress(*address, false);
        if (const auto address = body.find("accessIPv6")) changed.accessIpv6 = accessAddress(*address, true);
        if (description) changed.description = descriptionOf(*description);
        if (const auto name = body.find("hostname")) changed.hostname = hostnameOf(*name);
    });
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto outer = out.object();
        out.key("server");
        ServerWriter(call, servers).write(out, server, servers.details(servers.reader(), server), Showing::Changed);
    });
}

// Listing.

Response list(Call& call, Servers& servers, bool whole) {
    call.caller.enforce();
    const ServerQuery query = serverQueryIn(call, whole);
    std::vector<Server> found;
    std::vector<ServerDetails> details;
    servers.store().read([&](store::Reader& db) { // one moment for the whole page
        found = servers.list(call.caller, query);
        if (whole) details = servers.details(db, found);
    });
    ServerWriter writer(call, servers);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto outer = out.object();
        {
            const auto items = out.array("servers");
            for (std::size_t each = 0; each < found.size(); ++each) {
                const auto& server = found[each];
                if (whole) {
                    writer.write(out, server, details[each], Showing::InList);
                    continue;
                }
                const auto item = out.object();
                out.field("id", server.id);
                out.field("name", server.name);
                call.links(out, "/servers/" + server.id.text);
            }
        }
        const bool full = query.limit > 0 && static_cast<std::int64_t>(found.size()) == query.limit;
        if (full) call.nextLink(out, "servers_links", whole ? "/servers/detail" : "/servers", found.back().id.text);
    });
}

// Addresses, metadata, tags.

Response addresses(Call& call, Servers& servers, bool one) {
    auto& db = servers.reader();
    const Server server = servers.get(db, call.caller, idOf(call));
    call.caller.enforce(targetOf(server));
    const auto ports = servers.details(db, server).ports;
    if (one && std::none_of(ports.begin(), ports.end(), [&](const auto& port) { return port.networkName == call.param("network"); }))
        throw Error(Failure::NotFound, "Network label does not exist");
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto outer = out.object();
        if (one) {
            writeAddresses(out, ports, call.param("network"));
        } else {
            const auto all = out.object("addresses");
            writeAddresses(out, ports);
        }
    });
}

Response metadataAnswer(const std::map<std::string, std::string>& items) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto outer = out.object();
        const auto metadata = out.object("metadata");
        for (const auto& [name, value] : items) out.field(name, value);
    });
}

Response itemAnswer(const std::string& name, const std::string& value) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto outer = out.object();
        const auto meta = out.object("meta");
        out.field(name, value);
    });
}

std::map<std::string, std::string> storedMetadata(Call& call, Servers& servers) {
    auto& db = servers.reader();
    const Server server = servers.get(db, call.caller, idOf(call));
    call.caller.enforce(targetOf(server));
    return ServerTable::metadata(db, server.id);
}

void addMetadataRoutes(http::Routes& routes, Servers& servers) {
    const std::string all = "/servers/{id}/metadata", one = "/servers/{id}/metadata/{key}", rule = "os_compute_api:server-metadata:";
    addRoute(routes, Method::Get, all, rule + "index", [&](Call& call) { return metadataAnswer(storedMetadata(call, servers)); });
    addRoute(routes, Method::Post, all, rule + "create", [&](Call& call) {
        const auto items = metadataOf(call.body("metadata"));
        servers.setMetadata(call.caller, idOf(call), items, false);
        return metadataAnswer(ServerTable::metadata(servers.reader(), idOf(call)));
    });
    addRoute(routes, Method::Put, all, rule + "update_all", [&](Call& call) {
        const auto items = metadataOf(call.body("metadata"));
        servers.setMetadata(call.caller, idOf(call), items, true);
        return metadataAnswer(items);
    });
    addRoute(routes, Method::Get, one, rule + "show", [&](Call& call) {
        const auto items = storedMetadata(call, servers);
        const auto found = items.find(call.param("key"));
        if (found == items.end()) throw Error(Failure::NotFound, "Metadata item was not found");
        return itemAnswer(found->first, found->second);
    });
    addRoute(routes, Method::Put, one, rule + "update", [&](Call& call) {
        const Json body = call.body("meta");
        if (body.size() != 1) body.refuse("Request body contains too many items");
        if (!body.has(call.param("key"))) throw Error(Failure::Invalid, "Request body and URI mismatch");
        const auto items = metadataOf(body);
        servers.setMetadata(call.caller, idOf(call), items, false);
        return itemAnswer(items.begin()->first, items.begin()->second);
    });
    addRoute(routes, Method::Delete, one, rule + "delete", [&](Call& call) {
        servers.removeMetadata(call.caller, idOf(call), call.param("key"));
        return http::emptyResponse(204);
    });
}

Response tagsAnswer(const std::vector<std::string>& tags) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto outer = out.object();
        const auto list = out.array("tags");
        for (const auto& tag : tags) out.value(tag);
    });
}

std::vector<std::string> storedTags(Call& call, Servers& servers) {
    auto& db = servers.reader();
    const Server server = servers.get(db, call.caller, idOf(call));
    call.caller.enforce(targetOf(server));
    return ServerTable::tags(db, server.id);
}

void addTagRoutes(http::Routes& routes, Servers& servers) {
    const std::string all = "/servers/{id}/tags", one = "/servers/{id}/tags/{tag}", rule = "os_compute_api:os-server-tags:";
    const Span span{.from = 26};
    addRoute(
        routes, Method::Get, all, rule + "index", [&](Call& call) { return tagsAnswer(storedTags(call, servers)); }, span);
    addRoute(
        routes, Method::Put, all, rule + "update_all",
        [&](Call& call) {
            const Json body = call.request.json();
            call.onlyKnows(body, {"tags"});
            const auto tags = tagsOf(body.at("tags"));
            servers.setTags(call.caller, idOf(call), tags);
            return tagsAnswer({tags.begin(), tags.end()});
        },
        span);
    addRoute(
        routes, Method::Delete, all, rule + "delete_all",
        [&](Call& call) {
            servers.setTags(call.caller, idOf(call), {});
            return http::emptyResponse(204);
        },
        span);
    addRoute(
        routes, Method::Get, one, rule + "show",
        [&](Call& call) {
            const auto tags = storedTags(call, servers);
            if (std::find(tags.begin(), tags.end(), call.param("tag")) == tags.end())
                throw Error(Failure::NotFound, "Server ", call.param("id"), " has no tag '", call.param("tag"), "'");
            return http::emptyResponse(204);
        },
        span);
    addRoute(
        routes, Method::Put, one, rule + "update",
        [&](Call& call) {
            const std::string tag = call.param("tag");
            if (lengthInCharacters(tag) > 60 || tag.find_first_of("/,") != std::string::npos)
                throw Error(Failure::Invalid, "Invalid tag '", tag, "'");
            if (!servers.addTag(call.caller, idOf(call), tag)) return http::emptyResponse(204);
            auto response = http::emptyResponse(201);
            response.headers.set("Location", call.self("/servers/" + call.param("id") + "/tags/" + http::percentEncoded(tag)));
            return response;
        },
        span);
    addRoute(
        routes, Method::Delete, one, rule + "delete",
        [&](Call& call) {
            servers.removeTag(call.caller, idOf(call), call.param("tag"));
            return http::emptyResponse(204);
        },
        span);
}

}

void addServerRoutes(http::Routes& routes, Servers& servers) {
    const std::string rule = "os_compute_api:servers:";
    addRoute(routes, Method::Get, "/servers", rule + "index", [&](Call& call) { return list(call, servers, false); });
    addRoute(routes, Method::Get, "/servers/detail", rule + "detail", [&](Call& call) { return list(call, servers, true); });
    addRoute(routes, Method::Post, "/servers", rule + "create", [&](Call& call) { return create(call, servers); });
    addRoute(routes, Method::Get, "/servers/{id}", rule + "show", [&](Call& call) { return show(call, servers); });
    addRoute(routes, Method::Put, "/servers/{id}", rule + "update", [&](Call& call) { return update(call, servers); });
    addRoute(routes, Method::Delete, "/servers/{id}", rule + "delete", [&](Call& call) {
        servers.remove(call.caller, idOf(call));
        return http::emptyResponse(204);
    });
    addRoute(routes, Method::Get, "/servers/{id}/ips", "os_compute_api:ips:index",
             [&](Call& call) { return addresses(call, servers, false); });
    addRoute(routes, Method::Get, "/servers/{id}/ips/{network}", "os_compute_api:ips:show",
             [&](Call& call) { return addresses(call, servers, true); });
    addMetadataRoutes(routes, servers);
    addTagRoutes(routes, servers);
}

}
