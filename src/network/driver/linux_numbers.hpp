#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace stratolet::network {

/// Gives ids small numbers that stay the same as long as they are used, also across restarts: packets carry them in their mark and their
/// conntrack zone.
class Numbers {
public:
    explicit Numbers(std::filesystem::path file);

    /// 1–65535. Error(Broken) where all are taken.
    int of(const std::string& kind, const std::string& id);

    /// Frees the numbers that nobody has asked for since the last call and writes down the rest.
    void settle();

private:
    std::filesystem::path file_;
    std::map<std::string, std::map<std::string, int>> given_;
    std::map<std::string, std::set<std::string>> asked_;
    std::map<std::string, std::map<std::string, int>> written_;
};

}
