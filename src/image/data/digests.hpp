#pragma once

#include <memory>
#include <span>
#include <string>

namespace stratolet::image {

/// md5 and sha512 of a stream, each on a thread of its own, beside whoever writes the stream to disk.
class Digests {
public:
    Digests();
    ~Digests();
    Digests(const Digests&) = delete;

    /// Returns when what was appended before has been hashed: one piece is held and no more.
    void append(std::span<const std::byte> bytes);

    struct Result {
        std::string md5, sha512; ///< hexadecimal
    };
    Result finish(); ///< once, after the last append()

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
