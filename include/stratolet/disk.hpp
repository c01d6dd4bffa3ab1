#pragma once

#include <stratolet/ids.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace stratolet {

/// A format that is always said, never guessed: probing a disk that a guest has written hands the host to the guest
/// (OSSA-2026-002).
enum class DiskFormat { Raw, Qcow2 };

constexpr std::string_view nameOf(DiskFormat format) { return format == DiskFormat::Raw ? "raw" : "qcow2"; }

/// Asked now and then by what takes long; once it says yes, the work ends early with Error(Busy) and leaves nothing
/// half made. May be empty.
using Cancelled = std::function<bool()>;

/// A secret that the guest's host holds; what it says stands in no plan and no description. The id is a UUID.
using SecretId = Id<struct SecretTag>;

/// A file on the guest's host.
struct FileDisk {
    std::filesystem::path path;
    auto operator<=>(const FileDisk&) const = default;
};

/// A block device of the guest's host, by its name below /dev.
struct BlockDisk {
    std::filesystem::path path;
    auto operator<=>(const BlockDisk&) const = default;
};

/// What a network disk speaks; QEMU and libvirt know these words.
enum class DiskProtocol { Rbd, Iscsi, Nbd };

constexpr std::string_view nameOf(DiskProtocol protocol) {
    return protocol == DiskProtocol::Rbd ? "rbd" : protocol == DiskProtocol::Iscsi ? "iscsi" : "nbd";
}

/// Where a network disk is served.
struct DiskEndpoint {
    std::string host;       ///< a name or an address
    std::uint16_t port = 0; ///< zero: the protocol's own
    auto operator<=>(const DiskEndpoint&) const = default;
};

/// A disk that the guest's process reaches over the network by itself: the host has neither file nor device of it.
struct NetworkDisk {
    DiskProtocol protocol = DiskProtocol::Rbd;
    std::string name;                ///< as the protocol writes it: "pool/image", "iqn.…/1", an export's name
    std::vector<DiskEndpoint> hosts; ///< any of them will do: monitors of one cluster, portals of one target
    std::string user;                ///< empty: nobody asks who it is
    SecretId secret;                 ///< that user's
    auto operator<=>(const NetworkDisk&) const = default;
};

/// How a disk is reached from the guest's host. Which of the three it is concerns drivers alone: a service hands it on.
struct DiskSource {
    std::variant<FileDisk, BlockDisk, NetworkDisk> at;
    DiskFormat format = DiskFormat::Raw;
    bool readOnly = false; ///< a guest may only read it
    SecretId luks = {};    ///< what opens it, where its bytes are LUKS; empty: they are as they are
    bool shared = false; ///< several guests may write to it at once: a raw one only, whose bytes they order themselves
    auto operator<=>(const DiskSource&) const = default;
};

}
