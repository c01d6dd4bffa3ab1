#pragma once

#include <compare>
#include <functional>
#include <ostream>
#include <string>

namespace stratolet {

/// The id of one kind of thing; ids of different kinds do not mix. Empty means "none".
template <class Of> struct Id {
    std::string text;

    bool empty() const noexcept { return text.empty(); }
    explicit operator bool() const noexcept { return !text.empty(); }
    friend auto operator<=>(const Id&, const Id&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Id& id) { return out << id.text; }
};

// Identity ids are 32 hexadecimal digits (Keystone's form; the default domain is "default"), all others are dashed
// UUIDs.
using DomainId = Id<struct DomainTag>;
using ProjectId = Id<struct ProjectTag>;
using UserId = Id<struct UserTag>;
using GroupId = Id<struct GroupTag>;
using RoleId = Id<struct RoleTag>;
using ServiceId = Id<struct ServiceTag>;
using EndpointId = Id<struct EndpointTag>;
using RegionId = Id<struct RegionTag>;
using ImageId = Id<struct ImageTag>;
using VolumeId = Id<struct VolumeTag>;
using SnapshotId = Id<struct SnapshotTag>;
using BackupId = Id<struct BackupTag>;
using AttachmentId = Id<struct AttachmentTag>;
using NetworkId = Id<struct NetworkTag>;
using SubnetId = Id<struct SubnetTag>;
using PortId = Id<struct PortTag>;
using RouterId = Id<struct RouterTag>;
using FloatingIpId = Id<struct FloatingIpTag>;
using SecurityGroupId = Id<struct SecurityGroupTag>;
using SecurityGroupRuleId = Id<struct SecurityGroupRuleTag>;
using FlavorId = Id<struct FlavorTag>;
using ServerId = Id<struct ServerTag>;

}

template <class Of> struct std::hash<stratolet::Id<Of>> {
    std::size_t operator()(const stratolet::Id<Of>& id) const noexcept { return std::hash<std::string>{}(id.text); }
};
