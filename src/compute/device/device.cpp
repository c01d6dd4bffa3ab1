#include "compute/device/device.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "resource/table.hpp"

namespace stratolet::compute {
namespace {

using resource::column;

const resource::Table<Device>& table() {
    static const resource::Table<Device> made(
        "compute_devices", 'd',
        {column<&Device::id>("id"), column<&Device::server>("server"), column<&Device::source>("source"),
         column<&Device::local>("local"), column<&Device::image>("image"), column<&Device::snapshot>("snapshot"),
         column<&Device::volume>("volume"), column<&Device::attachment>("attachment"), column<&Device::size>("size"),
         column<&Device::bootIndex>("boot_index"), column<&Device::name>("device"), column<&Device::serial>("serial"),
         column<&Device::bus>("bus"), column<&Device::type>("type"), column<&Device::format>("format"),
         column<&Device::deleteOnTermination>("delete_on_termination"), column<&Device::tag>("tag")});
    return made;
}

}

void DeviceTable::insert(store::Transaction& tx, const Device& device) { table().insert(tx, device); }

std::vector<Device> DeviceTable::of(store::Reader& db, const ServerId& server) {
    return table().where(db, "WHERE server = ? ORDER BY number", server);
}

store::ByOwner<Device> DeviceTable::of(store::Reader& db, const std::vector<std::string>& servers) {
    store::ByOwner<Device> found;
    for (auto& each :
         table().where(db, "WHERE server IN (SELECT value FROM json_each(?)) ORDER BY number", store::asList(servers)))
        found[each.server.text].push_back(std::move(each));
    return found;
}

void DeviceTable::setAttachment(store::Transaction& tx, const std::string& device, const AttachmentId& attachment,
                                const std::string& name) {
    tx.execute("UPDATE compute_devices SET attachment = ?, device = ? WHERE id = ?", attachment, name, device);
}

void DeviceTable::exchange(store::Transaction& tx, const AttachmentId& old, const block::Attachment& fresh) {
    tx.execute(
        "UPDATE compute_devices SET serial = CASE serial WHEN '' THEN volume ELSE serial END WHERE attachment = ?",
        old);
    tx.execute("UPDATE compute_devices SET volume = ?, attachment = ? WHERE attachment = ?", fresh.volume, fresh.id,
               old);
}

std::string DeviceTable::serialOf(store::Reader& db, const ServerId& server, const VolumeId& volume) {
    const auto serial =
        db.query("SELECT serial FROM compute_devices WHERE volume = ? AND server = ? AND serial <> ''", volume, server)
            .maybeText();
    return serial.value_or(volume.text);
}

void DeviceTable::setImage(store::Transaction& tx, const std::string& device, const ImageId& image) {
    tx.execute("UPDATE compute_devices SET image = ? WHERE id = ?", image, device);
}

void DeviceTable::setEnds(store::Transaction& tx, const AttachmentId& attachment, bool deleteOnTermination) {
    tx.execute("UPDATE compute_devices SET delete_on_termination = ? WHERE attachment = ?", deleteOnTermination,
               attachment);
}

void DeviceTable::setSize(store::Transaction& tx, const std::string& device, MiB size) {
    tx.execute("UPDATE compute_devices SET size = ? WHERE id = ?", size.count, device);
}

void DeviceTable::remove(store::Transaction& tx, const std::string& device) {
    tx.execute("DELETE FROM compute_devices WHERE id = ?", device);
}

void DeviceTable::removeAttached(store::Transaction& tx, const AttachmentId& attachment) {
    tx.execute("DELETE FROM compute_devices WHERE attachment = ?", attachment);
}

void DeviceTable::removeAll(store::Transaction& tx, const ServerId& server) {
    tx.execute("DELETE FROM compute_devices WHERE server = ?", server);
}

const Device* rootOf(const std::vector<Device>& devices) {
    const auto root =
        std::find_if(devices.begin(), devices.end(), [](const Device& each) { return each.bootIndex == 0; });
    return root == devices.end() ? nullptr : &*root;
}

InstanceDisk instanceDiskOf(const Device& device, const std::vector<Device>& before) {
    using enum InstanceDisk::Role;
    if (device.source == "image") return {Root};
    if (device.isSwap()) return {Swap};
    const auto ephemerals = std::count_if(before.begin(), before.end(), [](const Device& each) {
        return each.local && each.source == "blank" && !each.isSwap();
    });
    return {Ephemeral, static_cast<int>(ephemerals)};
}

std::string ownSerial(const Device& disk) { return disk.source == "image" ? disk.server.text : disk.id; }

std::string freeName(const std::vector<std::string>& taken, const std::string& bus, bool root) {
    const std::string start = bus == "virtio" ? "/dev/vd" : bus == "ide" ? "/dev/hd" : "/dev/sd";
    // The first name of the usual bus stays the root disk's, whether or not it is there yet.
    for (char letter = bus == "virtio" && !root ? 'b' : 'a'; letter <= 'z'; ++letter)
        if (const auto name = start + letter; std::find(taken.begin(), taken.end(), name) == taken.end()) return name;
    throw Error(Failure::Forbidden, "The server has as many disks as it can have.");
}

}
