#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace stratolet::network {

/// Gives ids small numbers that stay the same as long as they are used, also across restarts: packets carry them in
/// their mark and their conntrack zone.
class Numbers {
public:
    explicit Numbers(std::filesystem::path file);

    /// 1–65535. Error(Broken) where all are taken.
    int of(const std::string& kind, const std::string& id);

    void free(const std::string& kind, const std::string& id);
    void keepOnly(const std::string& kind, const std::set<std::string>& ids); ///< frees those of all others
    void save(); ///< writes down what has changed; Error(Broken)

private:
    struct Kind {
        std::map<std::string, int> given;
        std::set<int> free; ///< below `next`
        int next = 1;       ///< nobody has this or a higher one
    };

    std::filesystem::path file_;
    std::map<std::string, Kind> kinds_;
    std::string added_;  ///< lines that the file does not have yet
    bool stale_ = false; ///< it has some too many
};

}
