#pragma once

#include <stratolet/driver/backup_store.hpp>

#include <filesystem>
#include <memory>

namespace stratolet::block {

/// A folder for backups, made when the first is put: on a disk of its own or an NFS share, where the owner is wise. A
/// backup is a folder below it, `backup-<id>`, an object a file there.
std::unique_ptr<BackupStore> backupFolder(const std::filesystem::path& folder);

}
