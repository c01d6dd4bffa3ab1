#pragma once

#include <stratolet/disk.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace stratolet::block {

/// The bytes of a disk that nobody else writes to, as a guest would see them; those of a LUKS disk as they lie there,
/// sealed. Offsets and lengths are bytes. One thread at a time. Failures are Error(Broken).
class DiskBytes {
public:
    virtual ~DiskBytes() = default;

    virtual std::int64_t size() = 0;

    /// A stretch of bytes, [begin, end).
    struct Stretch {
        std::int64_t begin, end;
    };

    /// The next stretch, at or behind `at`, of what need not read as zeros; nothing where zeros are all that follows.
    virtual std::optional<Stretch> data(std::int64_t at) = 0;

    virtual void read(std::int64_t at, std::span<std::byte> into) = 0;
    /// Beside it another thread may zero what doesn't overlap.
    virtual void write(std::int64_t at, std::span<const std::byte> bytes) = 0;
    virtual void zero(std::int64_t at, std::int64_t length) = 0;

    /// What has been written is on disk when this returns.
    virtual void flush() = 0;
};

enum class DiskUse { Read, Write };

/// A file or device of this host. Raw ones are read as they are; of another format qemu-nbd(8) makes sense, in a
/// process of its own that ends with this. Error(Broken) for a network disk.
std::unique_ptr<DiskBytes> openDisk(const DiskSource& disk, DiskUse use);

}
