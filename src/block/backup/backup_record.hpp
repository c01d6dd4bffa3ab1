#pragma once

#include <string>

#include "block/backup/backup.hpp"

namespace stratolet::block {

/// A backup as a text that tells another cloud, or this one once its store is lost, what its objects are (export_record
/// and import_record): JSON in base64. `sealed`: its passphrase, sealed; empty: it has none.
std::string recordOf(const Backup& backup, const std::string& sealed);

/// The same the other way round: a backup in status "creating", nobody's yet. Error(Invalid) for what recordOf() hasn't
/// made.
struct Recorded {
    Backup backup;
    std::string sealed;
};
Recorded recordIn(const std::string& record);

}
