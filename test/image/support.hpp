#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <thread>

namespace stratolet::test {

/// How many files are below a folder; 0 where there is none.
inline std::size_t filesIn(const std::filesystem::path& folder) {
    std::size_t count = 0;
    if (!std::filesystem::exists(folder)) return 0;
    for (const auto& each : std::filesystem::recursive_directory_iterator(folder)) count += each.is_regular_file();
    return count;
}

/// True as soon as it holds; false where it does not within 15 s.
inline bool becomes(const std::function<bool()>& holds) {
    for (const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(15);
         std::chrono::steady_clock::now() < until; std::this_thread::sleep_for(std::chrono::milliseconds(5)))
        if (holds()) return true;
    return false;
}

}
