#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace stratolet {

/// An option that exists. A file that sets any other is refused.
struct ConfigOption {
    std::string section;
    std::string key;
    std::string otherwise;                                         ///< the default
    std::function<std::string(const std::string&)> complaint = {}; ///< what is wrong with a value, empty where nothing is
};

/// stratolet.conf: sections, `key = value` lines, "#" comments. Values are checked when read, so that a typing error is named with its
/// line.
class Config {
public:
    explicit Config(std::vector<ConfigOption> options);

    /// Error(Invalid) "FILE:LINE: …" for an unknown section, an unknown key, a line that is neither, or a value its option complains about.
    void load(const std::filesystem::path& file);

    /// As a line of a file would, but from the command line; the message names `origin` instead.
    void set(std::string_view section, std::string_view key, std::string_view value, std::string_view origin);

    const std::string& text(std::string_view section, std::string_view key) const;
    std::int64_t integer(std::string_view section, std::string_view key) const;
    bool boolean(std::string_view section, std::string_view key) const;
    std::vector<std::string> list(std::string_view section, std::string_view key) const; ///< comma separated
    std::chrono::seconds seconds(std::string_view section, std::string_view key) const {
        return std::chrono::seconds(integer(section, key));
    }

private:
    std::vector<ConfigOption> options_;
    std::map<std::string, std::string, std::less<>> values_; // "section.key"
};

/// Complaints for common kinds of values.
std::function<std::string(const std::string&)> wholeNumber(std::int64_t least, std::int64_t most);
std::function<std::string(const std::string&)> trueOrFalse();
std::function<std::string(const std::string&)> oneOf(std::vector<std::string> words);

}
