#pragma once

#include <cstdint>
#include <string_view>

namespace stratolet::http {

/// A part of something, never empty.
struct ByteRange {
    std::uint64_t first = 0, length = 0;
};

/// What the header Range asks for of a thing of `size` bytes (RFC 9110, 14.1.2 and 14.2). A number of any length is
/// one: beyond the end is the end. Error(Unsupported) "range" where it isn't understood, is several ranges, or lies
/// outside.
ByteRange rangeIn(std::string_view header, std::uint64_t size);

}
