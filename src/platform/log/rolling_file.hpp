#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "platform/os/fd.hpp"

namespace stratolet {

/// How large the files of a RollingFile are, and how many there are; the oldest goes.
struct RollingSize {
    std::uintmax_t bytesMost = 16 << 20; ///< of each
    int files = 4;                       ///< NAME, NAME.1, …
};

/// A file that lines are added to, for its owner's eyes alone (0600). One that is full is renamed, and a fresh one
/// begun. One thread at a time.
class RollingFile {
public:
    explicit RollingFile(std::filesystem::path file, RollingSize size = {}) : file_(std::move(file)), size_(size) {}

    /// Whole lines. Error(Broken, Full) where they could not be written; the file is opened anew at the next.
    void append(std::string_view lines);

private:
    std::filesystem::path older(int number) const;
    void open();
    void turn();

    std::filesystem::path file_;
    RollingSize size_;
    Fd out_;
    std::uintmax_t written_ = 0;
};

}
