#include "compute/device/device_body.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

namespace stratolet::compute {
namespace {

constexpr std::size_t devicesMax = 64;

Error invalid(const std::string& why) { return Error(Failure::Invalid, "Block Device Mapping is Invalid: ", why); }

/// What `name` says, one of `words`; nothing where it is missing or null.
std::optional<std::string> wordIn(const Json& item, std::string_view name,
                                  std::initializer_list<std::string_view> words) {
    const auto given = item.find(name);
    if (!given || given->isNull()) return std::nullopt;
    auto word = textOf(*given, 1, 255);
    if (std::find(words.begin(), words.end(), word) == words.end()) given->refuse("It is none of what it can be.");
    return word;
}

std::optional<std::string> uuidIn(const Json& item, std::string_view name) {
    const auto given = item.find(name);
    if (!given || given->isNull() || (given->isText() && given->text().empty())) return std::nullopt;
    return uuidOf(*given);
}

std::optional<std::int64_t> gibibytesIn(const Json& item) {
    const auto given = item.find("volume_size");
    if (!given || given->isNull() || (given->isText() && given->text().empty())) return std::nullopt;
    return integerOf(*given, 0, 1 << 24);
}

/// "/dev/vdb" of "vdb" and of "/dev/vdb"; empty where none is said. A guest names its disks itself, so it is what the
/// API shows.
std::string nameIn(const Json& item) {
    const auto given = item.find("device_name");
    if (!given || given->isNull()) return {};
    auto name = textOf(*given, 1, 255);
    if (name.starts_with("/dev/")) name = name.substr(5);
    const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char letter) { return std::isalnum(letter); });
    if (name.empty() || !plain) given->refuse("It is no device.");
    return "/dev/" + name;
}

void readWhere(const Json& item, Device& device) {
    device.source = wordIn(item, "source_type", {"volume", "image", "snapshot", "blank"}).value_or("volume");
    const bool ownByDefault = device.source == "image" || device.source == "blank";
    device.local =
        wordIn(item, "destination_type", {"local", "volume"}).value_or(ownByDefault ? "local" : "volume") == "local";
    if (device.local && !ownByDefault) throw invalid("Mapping " + device.source + " to local is not supported.");
    if (device.source == "blank") return;
    auto id = uuidIn(item, "uuid");
    if (!id) id = uuidIn(item, device.source + "_id"); // as images name it
    if (!id) throw invalid("a device from " + device.source + " needs its uuid.");
    if (device.source == "image") device.image.text = *id;
    if (device.source == "snapshot") device.snapshot.text = *id;
    if (device.source == "volume") device.volume.text = *id;
}

void readSize(const Json& item, Device& device) {
    const auto size = gibibytesIn(item);
    // Of swap it counts in MiB, as flavors do.
    if (size) device.size.count = device.isSwap() ? *size : *size * 1024;
}

void requireSize(const Device& device) {
    if (!device.local && device.source == "image" && device.size.count == 0)
        throw invalid("Images with destination_type 'volume' need to have a non-zero size specified");
    if (!device.local && device.source == "blank" && device.size.count == 0)
        throw invalid("Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size");
}

/// Whether it ends with the server.
void readEnd(const Json& item, Device& device) {
    const auto ends = item.find("delete_on_termination");
    device.deleteOnTermination = ends && !ends->isNull() ? booleanOf(*ends) : device.local;
}

/// One of "block_device_mapping_v2". `minor`: of the API that asks for it.
Device deviceIn(const Json& item, int minor) {
    Device device;
    readWhere(item, device);
    if (const auto format = item.find("guest_format"); format && !format->isNull()) {
        device.format = textOf(*format, 0, 255);
        if (device.local && device.source == "blank" && device.format != "swap" && device.format != "ext4" &&
            device.format != "vfat" && !device.format.empty())
            format->refuse("A disk can be made with swap, ext4 or vfat here.");
    }
    readSize(item, device);
    requireSize(device);
    device.name = nameIn(item);
    device.bus = wordIn(item, "disk_bus", {"virtio", "scsi", "ide", "usb", "sata"}).value_or("virtio");
    device.type = wordIn(item, "device_type", {"disk", "cdrom"}).value_or("disk");
    if (device.type == "cdrom" && device.bus == "virtio") device.bus = "sata";
    if (const auto index = item.find("boot_index"); index && !index->isNull())
        device.bootIndex = std::max<std::int64_t>(integerOf(*index, -1000, 1000), -1);
    if (device.local && device.source == "image" && device.bootIndex != 0)
        throw invalid("Mapping image to local is not supported.");
    readEnd(item, device);
    if (const auto tag = item.find("tag"); tag && !tag->isNull()) {
        if (minor < 32 || (minor >= 33 && minor <= 41)) // forgotten, and back in 2.42
            tag->refuse("Additional properties are not allowed.");
        device.tag = textOf(*tag, 1, 60);
    }
    return device;
}

/// One of the older "block_device_mapping", whose root is told by its name.
Device olderDeviceIn(const Json& item, bool hasImage) {
    Device device;
    device.name = nameIn(item);
    if (const auto volume = uuidIn(item, "volume_id")) {
        device.source = "volume";
        device.volume.text = *volume;
    } else if (const auto snapshot = uuidIn(item, "snapshot_id")) {
        device.source = "snapshot";
        device.snapshot.text = *snapshot;
    } else if (item.has("virtual_name")) {
        const auto word = textOf(item.at("virtual_name"), 1, 255);
        device.local = true;
        if (word == "swap")
            device.format = "swap";
        else if (!word.starts_with("ephemeral"))
            item.at("virtual_name").refuse("It is neither swap nor ephemeral.");
    } else {
        throw invalid("a device needs a volume_id or a snapshot_id.");
    }
    readSize(item, device);
    readEnd(item, device);
    if (!hasImage && !device.local && (device.name == "/dev/vda" || device.name == "/dev/sda")) device.bootIndex = 0;
    return device;
}

bool isLeftOut(const Json& item) {
    const auto given = item.find("no_device");
    return given && !given->isNull() && !(given->isText() && given->text().empty()) && booleanOf(*given);
}

std::vector<Json> listed(const Json& list) {
    if (!list.isArray()) list.refuse("It is not of type 'array'");
    if (list.size() > devicesMax) list.refuse("It has too many items.");
    std::vector<Json> items;
    for (const auto& item : list.items()) {
        if (!item.isObject()) item.refuse("It is not of type 'object'");
        items.push_back(item);
    }
    return items;
}

/// Error(Invalid) unless those that are booted from are numbered 0, 1, 2 …
void requireBootOrder(const std::vector<Device>& devices) {
    std::vector<std::int64_t> order;
    for (const auto& each : devices)
        if (each.bootIndex >= 0) order.push_back(each.bootIndex);
    std::sort(order.begin(), order.end());
    for (std::size_t place = 0; place < order.size(); ++place)
        if (order[place] != static_cast<std::int64_t>(place))
            throw invalid("Boot sequence for the instance and image/block device mapping combination is not valid.");
}

}

std::vector<Device> devicesIn(const Call& call, const Json& body, bool hasImage) {
    const auto older = body.find("block_device_mapping"), newer = body.find("block_device_mapping_v2");
    if (older && newer)
        throw Error(Failure::Invalid,
                    "Using different block_device_mapping syntaxes is not allowed in the same request.");
    std::vector<Device> devices;
    if (newer)
        for (const auto& item : listed(*newer)) {
            call.onlyKnows(item, {"source_type", "destination_type", "uuid", "boot_index", "delete_on_termination",
                                  "device_name", "volume_size", "guest_format", "device_type", "disk_bus", "no_device",
                                  "tag", "volume_type"});
            if (isLeftOut(item)) continue;
            auto device = deviceIn(item, call.version);
            if (const auto type = call.find(item, "volume_type", 67); type && !type->isNull())
                device.volumeType = textOf(*type, 0, 255);
            devices.push_back(std::move(device));
        }
    if (older && !older->isNull())
        for (const auto& item : listed(*older)) {
            call.onlyKnows(item, {"device_name", "volume_id", "snapshot_id", "volume_size", "delete_on_termination",
                                  "virtual_name", "no_device"});
            if (!isLeftOut(item)) devices.push_back(olderDeviceIn(item, hasImage));
        }
    // The older form names the root by its device; where it names none, the only volume is it.
    if (older && !hasImage && devices.size() == 1 && devices.front().bootIndex < 0) devices.front().bootIndex = 0;
    requireBootOrder(devices);
    return devices;
}

std::vector<Device> devicesInImage(const std::string& property) {
    std::vector<Device> devices;
    const auto list = Json::parse(property);
    for (const auto& item : listed(list)) devices.push_back(deviceIn(item, versionMax));
    requireBootOrder(devices);
    return devices;
}

}
