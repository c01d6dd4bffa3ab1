#include "block/attachment/connection.hpp"

#include <stratolet/error.hpp>

#include "block/attachment/attachment_table.hpp"
#include "block/driver/connection_info.hpp"
#include "block/volume/volume_table.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/json/json.hpp"

namespace stratolet::block {

namespace {

Connector connectorIn(const Json& said) {
    return {.host = said.maybeText("host").value_or(""),
            .address = said.maybeText("ip").value_or(""),
            .initiator = said.maybeText("initiator").value_or("")};
}

Connector connectorIn(const std::string& json) { return connectorIn(Json::parse(json)); }

}

ConnectorWish wishIn(const std::string& connector) {
    const auto said = Json::parse(connector);
    return {said.maybeText("host").value_or(""), said.maybeText("mode"), said.maybeText("mountpoint")};
}

std::string connectorOf(const std::string& host) { return R"({"host":)" + jsonText(host) + "}"; }

std::string connect(VolumeWork& work, const Volume& volume, const std::string& connector, const std::string& mode) {
    const auto turn = work.turn(volume.id);
    auto& driver = work.backends.of(volume);
    const auto disk = driver.connect(volume.id, connectorIn(connector));
    std::string password;
    if (const auto secret = secretOf(disk)) password = driver.secret(*secret);
    std::string json;
    JsonWriter out(json);
    {
        const auto body = out.object();
        writeConnection(out, disk, password);
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
