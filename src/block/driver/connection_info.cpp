#include "block/driver/connection_info.hpp"

#include <stratolet/error.hpp>

#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

void writeLocal(JsonWriter& out, const std::filesystem::path& path) {
    out.field("driver_volume_type", "local");
    const auto data = out.object("data");
    out.field("device_path", path.string());
}

/// A target at a portal, by CHAP where it has a user.
void writeIscsi(JsonWriter& out, const NetworkDisk& disk, const std::string& password) {
    constexpr std::uint16_t usual = 3260;
    const auto slash = disk.name.rfind('/');
    const auto lun = slash == std::string::npos ? std::string_view() : std::string_view(disk.name).substr(slash + 1);
    const auto portal = disk.hosts.empty() ? DiskEndpoint{} : disk.hosts.front();
    out.field("driver_volume_type", "iscsi");
    const auto data = out.object("data");
    out.field("target_discovered", false);
    out.field("target_iqn", disk.name.substr(0, slash));
    out.field("target_portal", portal.host + ":" + std::to_string(portal.port == 0 ? usual : portal.port));
    out.field("target_lun", wholeNumberIn(lun).value_or(0));
    if (disk.user.empty()) return;
    out.field("auth_method", "CHAP");
    out.field("auth_username", disk.user);
    out.field("auth_password", password);
}

}

void writeConnection(JsonWriter& out, const DiskSource& disk, const std::string& password) {
    if (const auto* file = std::get_if<FileDisk>(&disk.at)) return writeLocal(out, file->path);
    if (const auto* block = std::get_if<BlockDisk>(&disk.at)) return writeLocal(out, block->path);
    const auto& network = std::get<NetworkDisk>(disk.at);
    if (network.protocol != DiskProtocol::Iscsi)
        throw Error(Failure::Broken, "nobody else has words for a disk by ", nameOf(network.protocol));
    writeIscsi(out, network, password);
}

std::optional<SecretId> secretOf(const DiskSource& disk) {
    const auto* network = std::get_if<NetworkDisk>(&disk.at);
    return network && !network->secret.empty() ? std::optional(network->secret) : std::nullopt;
}

DiskSource rawFile(const std::filesystem::path& file) { return {FileDisk{file}, DiskFormat::Raw}; }

}
