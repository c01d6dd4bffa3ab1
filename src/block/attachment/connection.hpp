#pragma once

#include <stratolet/driver/volume.hpp>

#include <optional>
#include <string>

#include "block/volume/volume_work.hpp"

namespace stratolet::block {

/// What a connector, a JSON object, says of the attachment.
struct ConnectorWish {
    std::string host;
    std::optional<std::string> mode, device; ///< as it wants them
};
ConnectorWish wishIn(const std::string& connector);

std::string connectorOf(const std::string& host); ///< of one of ours

/// How who has that connector reaches the volume, in os-brick's words: a JSON object. Asks the driver, so never inside
/// a transaction; Error(Busy) while the volume's bytes are being worked on. Nothing remembers it but the driver.
std::string connect(VolumeWork& work, const Volume& volume, const std::string& connector, const std::string& mode);

/// Enqueues that the connector loses the volume, unless another attachment of it has the same host by then.
void startDisconnecting(store::Transaction& tx, VolumeWork& work, const Volume& volume, const std::string& connector);

void declareDisconnecting(VolumeWork& work); ///< "block.volume.disconnect"

}
