#pragma once

#include <stratolet/driver/hypervisor.hpp>
#include <stratolet/driver/instance_disks.hpp>
#include <stratolet/ids.hpp>
#include <stratolet/sizes.hpp>

#include <optional>
#include <string>
#include <vector>

#include "block/block.hpp"
#include "platform/store/many.hpp"
#include "platform/store/store.hpp"

// The disks of a server, as they were asked for (the API's block device mapping): disks of its own on its host, and
// volumes. Whether a volume is attached is block storage's to say; what only compute needs to know of it is here.

namespace stratolet::compute {

/// One disk of a server. Words are the API's.
struct Device {
    std::string id; ///< bdm_uuid
    ServerId server;
    std::string source = "blank"; ///< what it is made from: "image", "snapshot", "volume", "blank"
    bool local = false;           ///< a disk of the server's own; else a volume
    ImageId image = {};
    SnapshotId snapshot = {};
    VolumeId volume = {};                        ///< empty for a local one
    std::optional<AttachmentId> attachment = {}; ///< block storage's; nothing until the volume is there
    MiB size = {};                               ///< 0: as large as what it is made from
    std::int64_t bootIndex = -1;                 ///< 0: booted from; negative: never
    std::string name = {};                       ///< "/dev/vdb"
    std::string serial = {}; ///< what the guest knows its volume by, where that isn't the volume's id: it got another
    std::string bus = "virtio";
    std::string type = "disk"; ///< or "cdrom"
    std::string format = {};   ///< of a blank local one: "swap", "ext4", "vfat"; empty: the usual
    bool deleteOnTermination = false;
    std::optional<std::string> tag = {};
    std::string volumeType = {}; ///< of a volume that is to be made; kept nowhere

    bool isSwap() const { return local && format == "swap"; }
};

/// SQL of devices, and nothing else. Each list is in the order in which they were asked for.
struct DeviceTable {
    static void insert(store::Transaction& tx, const Device& device);
    static std::vector<Device> of(store::Reader& db, const ServerId& server);
    static store::ByOwner<Device> of(store::Reader& db, const std::vector<std::string>& servers);
    static void setAttachment(store::Transaction& tx, const std::string& device, const AttachmentId& attachment,
                              const std::string& name);
    /// Another volume is behind it from now on; the guest knows it as it did.
    static void exchange(store::Transaction& tx, const AttachmentId& old, const block::Attachment& fresh);
    /// By what the guest of that server knows the volume; the volume's own id where nothing else is known.
    static std::string serialOf(store::Reader& db, const ServerId& server, const VolumeId& volume);
    static void setImage(store::Transaction& tx, const std::string& device, const ImageId& image);
    static void setEnds(store::Transaction& tx, const AttachmentId& attachment, bool deleteOnTermination);
    static void setSize(store::Transaction& tx, const std::string& device, MiB size);
    static void remove(store::Transaction& tx, const std::string& device);
    static void removeAttached(store::Transaction& tx, const AttachmentId& attachment);
    static void removeAll(store::Transaction& tx, const ServerId& server);
};

/// A volume that is tied to a server, with what block storage knows of it.
struct VolumeTie {
    block::Attachment attachment;
    Device device;
    bool isRoot() const { return device.bootIndex == 0; }
    /// What the guest knows the volume by.
    std::string serial() const { return device.serial.empty() ? attachment.volume.text : device.serial; }
};

/// What the guest knows a disk of the server's own by: its root disk by the server's id, others by the device's.
std::string ownSerial(const Device& disk);

/// The one that is booted from; null where there is none.
const Device* rootOf(const std::vector<Device>& devices);

/// Which disk of the server's own a local device is. `before`: the devices of the server that stand before it.
InstanceDisk instanceDiskOf(const Device& device, const std::vector<Device>& before);

/// The first name that no device has, for a bus: "/dev/vdb" for virtio, "/dev/sda" for others. The root disk's, the
/// first one of all, is vda, sda or hda. Error(Forbidden) where all are taken.
std::string freeName(const std::vector<std::string>& taken, const std::string& bus, bool root);

}
