#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "block/attachment/attachment.hpp"
#include "platform/store/many.hpp"
#include "platform/store/store.hpp"
#include "resource/table.hpp"

namespace stratolet::block {

/// What is true of each attribute of an attachment; its lists are filtered by those with Filter.
extern const resource::Table<VolumeAttachment> attachmentColumns;

/// SQL, and no rule. "Oldest first" where it doesn't say otherwise.
namespace attachment_table {
std::optional<VolumeAttachment> find(store::Reader& db, const AttachmentId& attachment);
std::vector<VolumeAttachment> of(store::Reader& db, const VolumeId& volume);
store::ByOwner<VolumeAttachment> of(store::Reader& db, const std::vector<std::string>& volumes); ///< in one statement
/// What compute attached to these servers, by the servers' ids. Records that others made with its id say nothing of its
/// disks.
std::vector<VolumeAttachment> madeByCompute(store::Reader& db, const std::vector<std::string>& servers);
/// Newest first; `conditions` are over the attachment `a` and its volume `v`.
std::vector<VolumeAttachment> list(store::Reader& db, const store::Conditions& conditions, std::int64_t limit);
void insert(store::Transaction& tx, const VolumeAttachment& attachment);
void update(store::Transaction& tx, const VolumeAttachment& attachment); ///< host, device, mode, status, and since when
void remove(store::Transaction& tx, const AttachmentId& attachment);
}

}
