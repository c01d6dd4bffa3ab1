#pragma once

#include <stratolet/ids.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace stratolet {

/// Where backups lie: apart from the volumes, so that what destroys those leaves these. A backup is a number of
/// objects, from 1; an object is whole or isn't there, and never changes. Several threads at once. Failures are
/// Error(Broken).
class BackupStore {
public:
    virtual ~BackupStore() = default;

    /// What backups show as their container, and their service as its host's back end.
    virtual std::string_view name() const = 0;

    /// On disk when this returns. One that is there already is replaced.
    virtual void put(const BackupId& backup, int object, std::span<const std::byte> bytes) = 0;

    /// How long an object is, in bytes; nothing where there is none.
    virtual std::optional<std::int64_t> lengthOf(const BackupId& backup, int object) = 0;

    /// `into.size()` bytes of an object.
    virtual void get(const BackupId& backup, int object, std::int64_t at, std::span<std::byte> into) = 0;

    /// All objects are gone.
    virtual void discard(const BackupId& backup) = 0;

    /// Backups that have objects here, for the reconciler.
    virtual std::vector<BackupId> present() = 0;
};

}
