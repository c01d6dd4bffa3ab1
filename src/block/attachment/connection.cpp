#include "block/attachment/connection.hpp"

#include <stratolet/error.hpp>

#include "block/attachment/attachment_table.hpp"
#include "block/volume/volume_table.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

void writeLocal(JsonWriter& out, const std::filesystem::path& path) {
    out.field("driver_volume_type", "local");
    const auto data = out.object("data");
    out.field("device_path", path.string());
}

/// os-brick, "iscsi": a target at a portal, by CHAP where it has a user.
void writeIscsi(JsonWriter& out, const NetworkDisk& disk, const std::string& password) {
    const auto slash = disk.name.rfind('/');
    const auto portal = disk.hosts.empty() ? DiskEndpoint{} : disk.hosts.front();
    out.field("driver_volume_type", "iscsi");
    const auto data = out.object("data");
    out.field("target_discovered", false);
    out.field("target_iqn", disk.name.substr(0, slash));
    out.field("target_portal", portal.host + ":" + std::to_string(portal.port == 0 ? 3260 : portal.port));
    out.field("target_lun", slash == std::string::npos
                                ? 0
                                : wholeNumberIn(std::string_view(disk.name).substr(slash + 1)).value_or(0));
    if (disk.user.empty()) return;
    out.field("auth_method", "CHAP");
    out.field("auth_username", disk.user);
    out.field("auth_password", password);
}

}

Connector connectorIn(const std::string& json) {
    const auto said = Json::parse(json);
    return {.host = said.maybeText("host").value_or(""),
            .address = said.maybeText("ip").value_or(""),
            .initiator = said.maybeText("initiator").value_or("")};
}

std::string connect(VolumeWork& work, const Volume& volume, const std::string& connector, const std::string& mode) {
    const auto turn = work.turn(volume.id);
    auto& driver = work.backends.of(volume);
    const auto disk = driver.connect(volume.id, connectorIn(connector));
    std::string json;
    JsonWriter out(json);
    {
        const auto body = out.object();
        if (const auto* file = std::get_if<FileDisk>(&disk.at)) {
            writeLocal(out, file->path);
        } else if (const auto* block = std::get_if<BlockDisk>(&disk.at)) {
            writeLocal(out, block->path);
        } else {
            const auto& network = std::get<NetworkDisk>(disk.at);
            if (network.protocol != DiskProtocol::Iscsi)
                throw Error(Failure::Broken, "nobody else has words for a disk by ", nameOf(network.protocol));
            writeIscsi(out, network, driver.secret(network.secret));
        }
        out.field("volume_id", volume.id);
        out.field("access_mode", mode);
        out.field("encrypted", !volume.encryptionKey.empty());
        out.field("qos_specs", nullptr);
        out.field("cacheable", false);
    }
    return json;
}

void startDisconnecting(store::Transaction& tx, VolumeWork& work, const Volume& volume, const std::string& connector) {
    work.enqueue(tx, "block.volume.disconnect", volume, {{"connector", connector}});
}

void declareDisconnecting(VolumeWork& work) {
    work.parts.jobs.declare(
        jobs::Job("block.volume.disconnect")
            .step("disconnect",
                  [&work](jobs::Run& run) {
                      const auto volume = volume_table::find(work.parts.store.reader(), VolumeWork::idOf(run));
                      if (!volume) return; // and with it all that led to it
                      const auto connector = connectorIn(run.arguments().text("connector"));
                      const auto turn = work.turn(volume->id);
                      for (const auto& each : attachment_table::of(work.parts.store.reader(), volume->id)) {
                          const auto host = each.byCompute   ? each.hostName.value_or("")
                                            : each.connector ? connectorIn(*each.connector).host
                                                             : std::string();
                          if (host == connector.host) return;
                      }
                      work.backends.of(*volume).disconnect(volume->id, connector);
                  })
            .untilDone());
}

}
