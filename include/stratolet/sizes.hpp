#pragma once

#include <compare>
#include <cstdint>
#include <ostream>

namespace stratolet {

/// A number of bytes. Units can't be mixed up: who wants MiB takes no number of bytes.
struct Bytes {
    std::int64_t count = 0;
    friend auto operator<=>(Bytes, Bytes) = default;
};

/// Of memory: 2^20 bytes each.
struct MiB {
    std::int64_t count = 0;
    constexpr Bytes bytes() const { return {count << 20}; }
    friend auto operator<=>(MiB, MiB) = default;
};

/// Of disks and volumes: 2^30 bytes each.
struct GiB {
    std::int64_t count = 0;
    constexpr Bytes bytes() const { return {count << 30}; }
    friend auto operator<=>(GiB, GiB) = default;
};

inline std::ostream& operator<<(std::ostream& out, Bytes size) { return out << size.count << " B"; }
inline std::ostream& operator<<(std::ostream& out, MiB size) { return out << size.count << " MiB"; }
inline std::ostream& operator<<(std::ostream& out, GiB size) { return out << size.count << " GiB"; }

}
